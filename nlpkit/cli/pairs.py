"""Pairs of a source and a target, and sources alone, from the files that a command names."""

from nlpkit.data.columns import PAIRS
from nlpkit.data.readers import Chunk, TableReader


def pair_reader(data, *, source=None, target=None, **reading):
    """Makes a reader of pairs, whose texts are sources and whose labels are targets, or of sources alone.

    Sources alone may also be the lines of a text file, which standard input is unless something says otherwise.

    Args:
        data: As `files` of `TableReader`.
        source: str. The column of the sources. Defaults to `None`: `"source"`.
        target: str or `False`. The column of the targets; `False` reads sources alone. Defaults to `None`: `"target"`.
        **reading: Further arguments of `TableReader`.

    Returns:
        `TableReader`.

    Raises:
        InputError: If an option or a file cannot be used.

    Example:
        ```python
        import pathlib, tempfile
        from nlpkit.cli.pairs import pair_reader

        path = pathlib.Path(tempfile.mkdtemp()) / "pairs.tsv"
        path.write_text("ein Hund\\ta dog\\n")
        for chunk in pair_reader(path, columns="source,target"):
            print(chunk.texts, chunk.labels)  # ['ein Hund'] ['a dog']
        ```
    """
    label = target if target is False else target or PAIRS.label
    return TableReader(data, text=source, label=label, roles=PAIRS, **reading)


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
        reader: TableReader.

    Raises:
        InputError: If a row cannot be used.
    """
    for _ in reader:
        pass
