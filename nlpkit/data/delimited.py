"""Rows of CSV, TSV and plain text files, many at a time."""

import collections
import csv
import itertools

from nlpkit.data.columns import pick_columns, shorten
from nlpkit.data.row_checks import encoding_problem
from nlpkit.data.sources import open_text
from nlpkit.errors import InputError

DELIMITERS = {"csv": ",", "tsv": "\t"}
DEFAULT_QUOTING = {"csv": "minimal", "tsv": "none"}
# csv's own limit of 131,072 characters is too small for a long document; without any, a quote that is never
# closed would pull the rest of the file into memory.
MAX_FIELD = 1 << 24


def read_text_lines(source, path, options, bad_rows):
    """Reads a file of one text per line.

    Args:
        source: Source. The file, for messages.
        path: str. Where its bytes are.
        options: ReadOptions. Columns and rows per block.
        bad_rows: BadRows. Not needed: any line is a row.

    Yields:
        Tuples of line numbers, texts and `None` for the labels.
    """
    hint = f" A text file has one text per line, no {options.roles.label}s."
    pick_columns([options.roles.text], options.text, options.label, source.name, hint, options.roles)
    with open_text(source, path, "\n") as stream:
        for numbers, lines in _line_blocks(stream, options.chunk_rows):
            yield numbers, [line.rstrip("\r\n") for line in lines], None


def read_delimited(source, path, options, bad_rows):
    """Reads a CSV or TSV file, with a header line unless the columns are given.

    Args:
        source: Source. The file, for messages.
        path: str. Where its bytes are.
        options: ReadOptions. Columns, quoting and rows per block.
        bad_rows: BadRows. Told about rows with malformed quotes or a wrong number of fields.

    Yields:
        Tuples of line numbers, texts, and labels or `None`.

    Raises:
        InputError: If the header cannot be read, a column is missing, or the first line repeats the given
            columns.
    """
    delimiter = DELIMITERS[source.format]
    quoted = (options.quoting or DEFAULT_QUOTING[source.format]) == "minimal"
    with open_text(source, path, "" if quoted else "\n") as stream:
        if quoted:
            blocks = _quoted_blocks(stream, delimiter, options, source, bad_rows)
        else:
            blocks = _line_blocks(stream, options.chunk_rows)
        names = None
        for numbers, rows in blocks:
            if names is None:
                names, numbers, rows = _header(numbers, rows, delimiter, options.columns, source)
                roles, given = options.roles, (options.text, options.label)
                text, label = pick_columns(names, *given, source.name, roles.header_hint, roles)
            fields = _flat_fields(rows, delimiter, len(names))
            if fields is None:
                numbers, rows = _of_width(names, numbers, _split(rows, delimiter), source, bad_rows)
                fields = list(itertools.chain.from_iterable(rows))
            yield numbers, fields[text :: len(names)], None if label is None else fields[label :: len(names)]


def _line_blocks(stream, chunk_rows):
    first = 1
    while lines := list(itertools.islice(stream, chunk_rows)):
        yield range(first, first + len(lines)), lines
        first += len(lines)


def _flat_fields(rows, delimiter, width):
    # All fields of all rows in one list, or None if a row has too many or too few. Splitting all lines in one
    # call takes half the time of splitting each: no list per row is made.
    if not rows or isinstance(rows[0], list):
        return list(itertools.chain.from_iterable(rows)) if set(map(len, rows)) <= {width} else None
    if set(map(str.count, rows, itertools.repeat(delimiter))) != {width - 1}:
        return None
    text = "".join(rows).replace("\r\n", "\n")
    return text.removesuffix("\n").replace("\n", delimiter).split(delimiter)


def _split(rows, delimiter):
    return [row if isinstance(row, list) else row.rstrip("\r\n").split(delimiter) for row in rows]


def _quoted_blocks(stream, delimiter, options, source, bad_rows):
    csv.field_size_limit(max(csv.field_size_limit(), MAX_FIELD))
    lines = _RecordLines(stream)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    numbers, rows = [], []  # a row is named by its first line; a quoted text may hold several
    while True:
        try:
            for row in reader:
                numbers.append(lines.first)
                rows.append(row)
                lines.next_record()
                if len(rows) == options.chunk_rows:
                    yield numbers, rows
                    numbers, rows = [], []
            break
        except csv.Error as error:
            problem = _quotes_problem(error, lines)
            if lines.first == 1 and options.columns is None:
                raise InputError(f"{source.place(1)}: in the header line {problem}") from error
            bad_rows.report(source.place(lines.first), problem)
            lines.give_back()
            lines.next_record()
    if rows:
        yield numbers, rows


class _RecordLines:
    # The lines of a file for `csv.reader`. A quote that is never closed makes the lines below it part of its
    # record; those lines can be given back and read again as records of their own. Only the lines of one
    # record are kept, and `MAX_FIELD` bounds those.

    def __init__(self, stream):
        self._stream, self._again, self._record, self.first = stream, collections.deque(), [], 1

    def __iter__(self):
        return self

    def __next__(self):
        line = self._again.popleft() if self._again else next(self._stream)
        self._record.append(line)
        return line

    @property
    def last(self):
        return self.first + len(self._record) - 1

    def next_record(self):
        self.first += len(self._record)
        self._record.clear()

    def give_back(self):
        self._again.extendleft(reversed(self._record[1:]))
        del self._record[1:]


def _quotes_problem(error, lines):
    where = "" if lines.last == lines.first else f", read from here up to line {lines.last}"
    return (
        f"the quotes are malformed ({error}{where}). Close each quote, double a quote in a field, or try "
        "--quoting none."
    )


def _header(numbers, rows, delimiter, columns, source):
    first = [name.strip() for name in _split(rows[:1], delimiter)[0]]
    if columns is None:
        problem = encoding_problem("".join(first))
        if problem:
            raise InputError(f"{source.place(1)}: the header line {problem}")
        return first, numbers[1:], rows[1:]
    if first == list(columns):
        raise InputError(
            f"{source.place(1)}: the first line is a header with just the given columns. "
            f"Received: columns={columns}. Leave out --columns, which is for files without a header line."
        )
    return list(columns), numbers, rows


def _of_width(names, numbers, rows, source, bad_rows):
    width, kept = len(names), []
    for number, row in zip(numbers, rows, strict=True):
        if not row and width == 1:
            row = [""]  # `csv` takes a blank line for no fields at all, even where there is one column
        if len(row) == width:
            kept.append((number, row))
        elif not any(row):
            bad_rows.report(source.place(number), f"the line is empty; {width} fields are needed. Remove it.")
        else:
            bad_rows.report(
                source.place(number),
                f"a row must have {width} fields ({shorten(names, 120)}). Received: {len(row)} fields, "
                f"beginning with {shorten(row[0])}. A {DELIMITERS[source.format]!r} inside a field must be "
                "quoted (--quoting minimal) or removed.",
            )
    return [number for number, _ in kept], [row for _, row in kept]
