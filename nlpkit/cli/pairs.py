"""Pairs of a source and a target, and sources alone, from the files that a command names."""

from nlpkit.data.readers import Chunk, TableReader
from nlpkit.errors import InputError

# How readers speak of texts and labels, and how of pairs: in a rule, before what was received, and in whole sentences.
RULES = (
    (" for the text", " for the source"),
    (" for the label", " for the target"),
    (": the text ", ": the source "),
    (": the label ", ": the target "),
)
SENTENCES = (
    (
        "Name the text column (--text) and the label column (--label).",
        "Name the source column (--source) and the target column (--target).",
    ),
    ("(--columns label,text)", "(--columns source,target)"),
    ("Use --text and --label.", "Use --source and --target."),
    ("A label is a string, a number, or a list of them.", "Every source needs a target."),
    ("A text file has one text per line, no labels.", "A text file has one text per line, no targets."),
)


class PairReader(TableReader):
    """A `TableReader` whose texts are sources and whose labels are targets, and whose messages say so.

    Args:
        files: As in `TableReader`.
        source: str. The column of the sources. Defaults to `None`: `"source"`.
        target: str or `False`. The column of the targets; `False` reads sources alone. Defaults to `None`: `"target"`.
        **reading: Further arguments of `TableReader`.

    Raises:
        InputError: As of `TableReader`; and if a target is a list.

    Example:
        ```python
        import pathlib, tempfile
        from nlpkit.cli.pairs import PairReader

        path = pathlib.Path(tempfile.mkdtemp()) / "pairs.tsv"
        path.write_text("ein Hund\\ta dog\\n")
        for chunk in PairReader(path, columns="source,target"):
            print(chunk.texts, chunk.labels)  # ['ein Hund'] ['a dog']
        ```
    """

    def __init__(self, files, *, source=None, target=None, **reading):
        label = target if target is False else target or "target"
        try:
            super().__init__(files, text=source or "source", label=label, **reading)
        except InputError as error:
            raise InputError(of_pairs(str(error))) from error

    @property
    def first_skipped(self):
        """List of str. As of `TableReader`."""
        return [of_pairs(message) for message in super().first_skipped]

    def __iter__(self):
        try:
            for chunk in super().__iter__():
                # The first row decides for all: a list and a string in one table are refused before.
                if chunk.labels is not None and isinstance(chunk.labels[0], list):
                    raise InputError(
                        f"{chunk.places[0]}: a source must have one target. Received: a list. Write a row for each."
                    )
                yield chunk
        except InputError as error:
            raise InputError(of_pairs(str(error))) from error


def of_pairs(message):
    """A message about texts and labels as one about sources and targets; what was received stays as it is.

    Args:
        message: str.

    Returns:
        str.

    Example:
        >>> from nlpkit.cli.pairs import of_pairs
        >>> of_pairs("a.tsv, line 1: the label must not hold a tab. Received: 'x: the label is'.")
        "a.tsv, line 1: the target must not hold a tab. Received: 'x: the label is'."
    """
    rule, received, rest = message.partition("Received")
    for of_texts, ours in RULES:
        rule = rule.replace(of_texts, ours, 1)
    message = rule + received + rest
    for of_texts, ours in SENTENCES:
        message = message.replace(of_texts, ours)
    return message


def source_reader(data, *, source, columns, format, **reading):
    """Makes a reader of sources alone: the lines of a text file, or a column.

    Args:
        data: list of str. Files, globs or `"-"`, which is a text file unless something says otherwise.
        source: str. The column; `None` stands for `"source"`.
        columns: str. As in `nlpkit.data.TableReader`.
        format: str. As in `nlpkit.data.TableReader`.
        **reading: Further arguments of it.

    Returns:
        `TableReader`.

    Raises:
        InputError: If an option or a file cannot be used.
    """
    from nlpkit.data.sources import resolve_sources

    reading = {**reading, "columns": columns, "format": format}
    formats = {found.format for found in resolve_sources(data, format)}
    if "txt" in formats and not (source or columns):
        return TableReader(data, label=False, **reading)
    return PairReader(data, source=source, target=False, **reading)


def pieces(reader, rows):
    """The chunks of a reader in smaller parts, for work that takes long.

    Args:
        reader: TableReader.
        rows: int. Rows of a part, at most.

    Yields:
        `Chunk`. With targets, each of its `texts` is a tuple of a source and its target.

    Raises:
        InputError: If a row cannot be used.
    """
    for chunk in reader:
        texts = chunk.texts if chunk.labels is None else list(zip(chunk.texts, chunk.labels, strict=True))
        yield from (Chunk(texts[start : start + rows], None) for start in range(0, len(texts), rows))


def check_readable(reader):
    """Reads pairs once before they are needed, so that a mistake in them costs seconds and not a training run.

    Args:
        reader: PairReader.

    Raises:
        InputError: If a row cannot be used.
    """
    for _ in reader:
        pass
