"""Texts and labels from files of any table format, a chunk at a time."""

import contextlib
import os
import shutil
import sys
import tempfile
import weakref
from dataclasses import dataclass

from nlpkit.data.bad_rows import BadRows
from nlpkit.data.columns import LABELLED, Roles
from nlpkit.data.delimited import read_delimited, read_text_lines
from nlpkit.data.json_lines import read_json_lines
from nlpkit.data.parquet import read_parquet
from nlpkit.data.row_checks import all_usable, clean_labels, row_problem
from nlpkit.data.sources import STDIN, resolve_sources
from nlpkit.errors import InputError

READERS = {
    "csv": read_delimited,
    "tsv": read_delimited,
    "jsonl": read_json_lines,
    "parquet": read_parquet,
    "txt": read_text_lines,
}


@dataclass
class Chunk:
    """Some rows of a table.

    Args:
        texts: list of str. The texts.
        labels: list or `None`. One str per text, or one list of str where rows have several labels.
        source: the file's `Source`, or `None`.
        numbers: sequence of int or `None`. Line numbers of the rows.

    Example:
        >>> from nlpkit.data.readers import Chunk
        >>> Chunk(["good"], ["positive"]).texts
        ['good']
    """

    texts: list
    labels: list | None
    source: object = None
    numbers: object = None

    @property
    def places(self):
        """File and line of each row, as error messages begin."""
        return None if self.source is None else [self.source.place(number) for number in self.numbers]


@dataclass(frozen=True)
class ReadOptions:
    """What the readers of all formats need to know; see `TableReader`."""

    text: str | None
    label: str | bool | None
    columns: list | None
    quoting: str | None
    chunk_rows: int
    roles: Roles = LABELLED

    @property
    def empty_texts(self):
        """bool. Whether a text may be empty: only where no labels are read, to predict them."""
        return self.label is False


class TableReader:
    """Reads texts and labels from CSV, TSV, JSON Lines, Parquet and text files.

    Iterating yields `Chunk`s; texts are never all in memory, and the reader can be iterated again. After an
    iteration `rows` holds the number of good rows, `skipped` that of bad ones and `first_skipped` the first
    five messages.

    CSV, TSV and JSON Lines are UTF-8, with or without a byte-order mark, with `\\n` or `\\r\\n`, and may be
    compressed (`.csv.gz`); a `.txt` file has one text per line and no labels. Files that differ in format
    can be read together.

    Args:
        files: str, path, or list of them. Paths and globs; `"-"` is standard input, copied once to a
            temporary file. It is one text per line if none of `format`, `text`, `label` and `columns` is
            given, and TSV otherwise.
        text: str. The text column. Defaults to `None`: the column `"text"`.
        label: str or `False`. The label column; `False` reads none, as for texts to predict, and then an
            empty text (a blank line of a `.txt` file, an empty cell) is a row too. Defaults to `None`: the
            column `"label"` if there is one, else no labels.
        columns: list of str. The columns of CSV or TSV files without a header line. Defaults to `None`: the
            first line is the header.
        quoting: str. `"none"` or `"minimal"`: whether a CSV or TSV field may be in double quotes. Defaults
            to `None`: `"minimal"` for CSV, `"none"` for TSV.
        label_separator: str. Splits a label into several. Defaults to `None`: a row has one label, unless
            the value is a list.
        on_bad_row: str. `"error"`, or `"skip"` to go on without rows that cannot be used. Defaults to
            `"error"`.
        chunk_rows: int. Rows per chunk, at most. Defaults to `8192`.
        format: str. One of `"csv"`, `"tsv"`, `"jsonl"`, `"parquet"`, `"txt"`. Defaults to `None`: by the
            extension.
        roles: `nlpkit.data.columns.Roles`. With `nlpkit.data.PAIRS` texts are sources, in a column `"source"`, and
            labels their targets, in a column `"target"`: texts of any form. Defaults to texts and labels.

    Raises:
        InputError: If an argument or a file cannot be used, and while iterating: naming file, line and rule.

    Example:
        ```python
        import pathlib, tempfile
        from nlpkit.data import TableReader

        path = pathlib.Path(tempfile.mkdtemp()) / "reviews.csv"
        path.write_text('review,stars\\n"Good, cheap.",5\\nToo loud.,2\\n')
        for chunk in TableReader(path, text="review", label="stars"):
            print(chunk.texts, chunk.labels)  # ['Good, cheap.', 'Too loud.'] ['5', '2']
        ```
    """

    def __init__(
        self,
        files,
        *,
        text=None,
        label=None,
        columns=None,
        quoting=None,
        label_separator=None,
        on_bad_row="error",
        chunk_rows=8192,
        format=None,
        roles=LABELLED,
    ):
        columns = _column_list(columns, roles)
        _check_arguments(label, quoting, label_separator, chunk_rows, roles)
        self._sources = resolve_sources(files, format, "tsv" if text or label or columns else "txt")
        for source in self._sources:
            if columns and source.format not in ("csv", "tsv"):
                raise InputError(
                    f"{source.name}: `columns` (--columns) is for CSV and TSV files without a header "
                    f"line; this is {source.format}. Received: columns={columns}. "
                    f"Use --{roles.text} and --{roles.label}."
                )
        self._options = ReadOptions(text, label, columns, quoting, chunk_rows, roles)
        self.label_separator = label_separator
        self._bad_rows = BadRows(on_bad_row)
        self.files = [source.name for source in self._sources]
        self._stdin_copy = None
        self.rows = 0

    @property
    def skipped(self):
        """int. Bad rows of the latest iteration."""
        return self._bad_rows.skipped

    @property
    def first_skipped(self):
        """List of str. The messages of the first five of them."""
        return list(self._bad_rows.first_messages)

    def skip(self, place, problem):
        """Counts a row that its user cannot use, or stops with its message, as `on_bad_row` says.

        Args:
            place: str. File and line of the row, as `Chunk.places` has them.
            problem: str. The rule that it breaks, what was received, and what to do.

        Raises:
            InputError: If bad rows are errors.
        """
        self._bad_rows.report(place, problem)
        self.rows -= 1

    def __iter__(self):
        bad_rows = self._bad_rows = BadRows(self._bad_rows.policy)
        roles = self._options.roles
        self.rows, label_type = 0, None
        for source, numbers, texts, values in self._blocks(bad_rows):
            labels = values and clean_labels(values, self.label_separator, roles.holds_texts)
            label_type = label_type or _label_type(labels, roles)
            block = (numbers, texts, values, labels)
            chunk = _good_rows(source, block, label_type, self._options, bad_rows)
            self.rows += len(chunk.texts)
            if chunk.texts:
                yield chunk
        if not self.rows:
            raise InputError(
                f"All {bad_rows.skipped} rows were bad and skipped, so there is nothing to read. "
                "The first messages:\n  " + "\n  ".join(bad_rows.first_messages)
            )

    def _blocks(self, bad_rows):
        first = None  # the first file with rows, and whether it has labels
        for source in self._sources:
            empty, skipped_before = True, bad_rows.skipped
            read = READERS[source.format]
            for numbers, texts, values in read(source, self._path(source), self._options, bad_rows):
                if not texts:
                    continue
                empty, first = False, first or (source, values is not None)
                if first[1] != (values is not None):
                    both = (source, first[0]) if values else (first[0], source)
                    raise InputError(_mixed_labels(*both, self._options.roles.label))
                yield source, numbers, texts, values
            if empty and bad_rows.skipped == skipped_before:
                raise InputError(
                    f"{source.name}: the file has no rows. Name a file with at least one row of data."
                )

    def _path(self, source):
        if source.path != STDIN:
            return source.path
        if self._stdin_copy is None:
            handle, self._stdin_copy = tempfile.mkstemp(prefix="nlpkit-stdin-")
            weakref.finalize(self, _remove, self._stdin_copy)
            with open(handle, "wb") as copy:
                shutil.copyfileobj(sys.stdin.buffer, copy)
        return self._stdin_copy


def _good_rows(source, block, label_type, options, bad_rows):
    numbers, texts, values, labels = block
    rules = options.empty_texts, options.roles
    if all_usable(texts, labels, label_type, *rules):
        return Chunk(texts, labels, source, numbers)
    chunk = Chunk([], None if labels is None else [], source, [])
    for row, number in enumerate(numbers):
        label, value = (None, None) if labels is None else (labels[row], values[row])
        problem = row_problem(texts[row], label, value, label_type, *rules)
        if problem:
            bad_rows.report(source.place(number), problem)
            continue
        chunk.texts.append(texts[row])
        chunk.numbers.append(number)
        if labels is not None:
            chunk.labels.append(label)
    return chunk


def _label_type(labels, roles):
    if labels is not None and roles.holds_texts:
        return str
    # The first label there is decides whether rows have one label or a list of them.
    return next((type(label) for label in labels or [] if label is not None), None if labels is None else str)


def _mixed_labels(with_labels, without, role):
    return (
        f"Either all files have {role}s or none. Received: {role}s in {with_labels.name}, none in {without.name}. "
        f"Name the {role} column (--{role}), or read the files apart."
    )


def _column_list(columns, roles):
    if columns is None:
        return None
    names = [name.strip() for name in (columns.split(",") if isinstance(columns, str) else columns)]
    if not all(names) or len(set(names)) < len(names):
        raise InputError(
            f"`columns` must be different names in the order of the file, such as {roles.columns}. "
            f"Received: columns={columns!r}"
        )
    return names


def _check_arguments(label, quoting, label_separator, chunk_rows, roles):
    if label is True:
        raise InputError("`label` must be the name of a column, None or False. Received: label=True")
    if quoting not in (None, "none", "minimal"):
        raise InputError(f"`quoting` must be 'none' or 'minimal'. Received: quoting={quoting!r}")
    if label_separator == "":
        raise InputError(
            "`label_separator` must not be empty. Received: label_separator=''. Leave it out for one label."
        )
    if label_separator is not None and roles.holds_texts:
        raise InputError(
            f"A {roles.label} is one text. Received: label_separator={label_separator!r}. Leave it out."
        )
    if chunk_rows < 1:
        raise InputError(f"`chunk_rows` must be at least 1. Received: chunk_rows={chunk_rows}")


def _remove(path):
    with contextlib.suppress(OSError):
        os.unlink(path)
