"""Readers for the data options of a command."""

from nlpkit.cli.show import note
from nlpkit.errors import InputError


def labelled_reader(data, *, text, label, columns, quoting, label_separator, on_bad_row, format):
    """Makes a reader of texts with labels.

    Args:
        data: list of str. Files, globs or `"-"`.
        text, label, columns, quoting, label_separator, on_bad_row, format: As in `nlpkit.data.TableReader`.

    Returns:
        `TableReader`.

    Raises:
        InputError: If an option or a file cannot be used.
    """
    from nlpkit.data import TableReader

    return TableReader(
        data, text=text, label=label, columns=columns, quoting=quoting, label_separator=label_separator,
        on_bad_row=on_bad_row, format=format,
    )  # fmt: skip


def check_labelled(reader, option):
    """Reads data once before it is needed, so that a mistake in it costs seconds and not a training run.

    Args:
        reader: TableReader.
        option: str. The option that named it, for the message.

    Returns:
        dict of each label to the file and line where it stands first.

    Raises:
        InputError: If a row cannot be used, or there are no labels.
    """
    first = {}
    for chunk in reader:
        if chunk.labels is None:
            raise InputError(
                f"{option} must have a label column. Received: a table without one. Name it (--label), or "
                "name all columns of a file without a header line (--columns label,text)."
            )
        several = chunk.labels if isinstance(chunk.labels[0], list) else [[label] for label in chunk.labels]
        for number, labels in zip(chunk.numbers, several, strict=True):
            for label in labels:
                if label not in first:
                    first[label] = chunk.source.place(number)
    return first


def text_reader(
    data, *, text=None, columns=None, quoting=None, on_bad_row="error", format=None, whole_files=False
):
    """Makes a reader of texts alone.

    Args:
        data: list of str. Files, globs or `"-"`.
        text, columns, quoting, on_bad_row, format: As in `nlpkit.data.TableReader`.
        whole_files: bool. Whether each file is one text with its line breaks. Defaults to `False`.

    Returns:
        `TableReader`.

    Raises:
        InputError: If an option or a file cannot be used.
    """
    from nlpkit.data import TableReader
    from nlpkit.data.whole_files import WholeFileReader

    if not whole_files:
        return TableReader(
            data,
            label=False,
            text=text,
            columns=columns,
            quoting=quoting,
            on_bad_row=on_bad_row,
            format=format,
        )
    of_tables = {"--text": text, "--columns": columns, "--quoting": quoting, "--format": format}
    given = [name for name, value in of_tables.items() if value not in (None, "txt")]
    if given:
        raise InputError(
            f"--whole-files reads each file as one text, so it goes with none of {', '.join(of_tables)}. "
            f"Received: {', '.join(given)}. Leave that out, or --whole-files."
        )
    return WholeFileReader(data, on_bad_row=on_bad_row)


def text_reader_as_trained(data, *, trained_whole, whole_files=None, quiet=False, **reading):
    """Makes a reader of texts for a model, which reads text files as those that the model learned from.

    Args:
        data: As of `text_reader`.
        trained_whole: bool. Whether each of those was one text.
        whole_files: bool. As of `text_reader`. Defaults to `None`: as in training, of files that are no tables.
        quiet: bool. Whether not to say so. Defaults to `False`.
        **reading: Further arguments of `text_reader`.

    Returns:
        `TableReader`.

    Raises:
        InputError: If an option or a file cannot be used.
    """
    if whole_files is None:
        whole_files = trained_whole and _are_text_files(data, **reading)
        if whole_files and not quiet:
            note("each file is read as one text, as in training; with --no-whole-files each line is one")
    return text_reader(data, whole_files=whole_files, **reading)


def _are_text_files(data, *, format=None, on_bad_row=None, **of_tables):
    """Whether all that is named are text files; what is piped in is lines."""
    from nlpkit.data.sources import STDIN, resolve_sources

    if any(of_tables.values()):
        return False
    return all(source.format == "txt" and source.path != STDIN for source in resolve_sources(data, format))


def check_readable(reader, option):
    """Reads texts once before they are needed, so that a mistake in them costs seconds and not a training run.

    Args:
        reader: TableReader.
        option: str. The option that named it, for the message.

    Raises:
        InputError: If a row cannot be used, or all texts are blank.
    """
    # Every file is read to its end, whatever the first texts are.
    if not sum(bool(text.strip()) for chunk in reader for text in chunk.texts):
        raise InputError(
            f"{option} must hold text. Received: blank lines only, in {', '.join(reader.files)}."
        )
