"""Rows of Parquet files, read with pyarrow."""

from nlpkit.data.columns import pick_columns
from nlpkit.errors import InputError


def read_parquet(source, path, options, bad_rows):
    """Reads the text and the label column of a Parquet file, batch by batch.

    Args:
        source: Source. The file, for messages.
        path: str. Where its bytes are.
        options: ReadOptions. Columns and rows per block.
        bad_rows: BadRows. Not needed: any row has all columns.

    Yields:
        Tuples of row numbers from 1, texts, and label values or `None`.

    Raises:
        InputError: If pyarrow is missing, the file is not Parquet or is damaged, or a column is missing or
            not of text.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise InputError(
            f"{source.name}: reading Parquet needs pyarrow, which is not installed. "
            "Run: pip install nlpkit[parquet]"
        ) from error
    first = 1
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            names = _columns(file.schema_arrow, source, options)
            for batch in file.iter_batches(options.chunk_rows, columns=sorted(set(names) - {None})):
                texts, labels = (batch[name].to_pylist() if name else None for name in names)
                yield range(first, first + len(texts)), [text or "" for text in texts], labels
                first += len(texts)
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{source.name}: the file is not readable as Parquet ({error}). Write it again."
        ) from error


def _columns(schema, source, options):
    import pyarrow.types as types

    role = options.roles.text
    text, label = pick_columns(schema.names, options.text, options.label, source.name, roles=options.roles)
    kind = schema.types[text]
    if types.is_dictionary(kind):
        kind = kind.value_type
    if not (types.is_string(kind) or types.is_large_string(kind)):
        raise InputError(
            f"{source.name}: the {role} column {schema.names[text]!r} must hold strings. Received: {kind}. "
            f"Name another (--{role})."
        )
    return schema.names[text], None if label is None else schema.names[label]
