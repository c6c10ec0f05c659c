"""Readers for the data options of a command."""

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
