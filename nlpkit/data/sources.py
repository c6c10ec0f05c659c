"""Which files to read and how: paths, globs and standard input, their format, compression and encoding."""

import contextlib
import glob
import gzip
import io
import os
import zlib
from dataclasses import dataclass

from nlpkit.errors import InputError

STDIN = "-"
EXTENSIONS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".txt": "txt",
}
FORMATS = sorted(set(EXTENSIONS.values()))


@dataclass(frozen=True)
class Source:
    """One file to read.

    Args:
        path: str. Path of the file, or `"-"` for standard input.
        format: str. One of `"csv"`, `"jsonl"`, `"parquet"`, `"tsv"`, `"txt"`.
        compressed: bool. Whether the file is compressed with gzip. Defaults to `False`.
    """

    path: str
    format: str
    compressed: bool = False

    @property
    def name(self):
        """The path as messages show it."""
        return "standard input" if self.path == STDIN else self.path

    def place(self, number):
        """Names one row of this file, as error messages begin."""
        return f"{self.name}, {'row' if self.format == 'parquet' else 'line'} {number}"


def resolve_sources(files, format=None, stdin_format="txt"):
    """Turns paths, globs and `"-"` into sources, in the order given (a glob's files sorted by name).

    Args:
        files: str, path, or list of them. Files to read; `"-"` is standard input.
        format: str. The format of all of them, whatever their names. Defaults to `None`: told by the
            extension.
        stdin_format: str. The format of standard input when `format` is `None`. Defaults to `"txt"`.

    Returns:
        List of `Source`.

    Raises:
        InputError: If nothing is named, a file is missing, is a folder or is named twice, a glob matches
            nothing, or the format is unknown.
    """
    if format is not None and format not in FORMATS:
        raise InputError(f"`format` must be one of {FORMATS}. Received: format={format!r}")
    patterns = [files] if isinstance(files, (str, os.PathLike)) else list(files)
    if not patterns:
        raise InputError(f"`files` must name at least one file, glob or '-'. Received: files={files!r}")
    paths = [path for pattern in patterns for path in _expand(os.fspath(pattern))]
    twice = sorted({path for path in paths if paths.count(path) > 1}) if len(set(paths)) < len(paths) else []
    if twice:
        raise InputError(f"{twice[0]}: the file is named twice, so its rows would count twice. Name it once.")
    return [_source(path, format, stdin_format) for path in paths]


def _expand(pattern):
    if pattern == STDIN or os.path.isfile(pattern):
        return [pattern]
    if os.path.isdir(pattern):
        raise InputError(
            f"{pattern}: this is a folder; files are read by name or glob. "
            f"Try a glob such as {os.path.join(pattern, '*.csv')!r}."
        )
    if os.path.exists(pattern):  # a named pipe, such as the shell's <(command)
        raise InputError(
            f"{pattern}: this is not a regular file, and data is read more than once. "
            "Pipe it into standard input ('-') instead."
        )
    if not glob.has_magic(pattern):
        raise InputError(f"{pattern}: there is no such file. Check the path (now in {os.getcwd()}).")
    found = sorted(path for path in glob.glob(pattern, recursive=True) if os.path.isfile(path))
    if not found:
        raise InputError(f"{pattern}: no file matches this glob. Check the folder (now in {os.getcwd()}).")
    return found


def _source(path, format, stdin_format):
    if path == STDIN:
        return Source(path, format or stdin_format)
    stem, extension = os.path.splitext(path.lower())
    compressed = extension == ".gz"
    if compressed:
        extension = os.path.splitext(stem)[1]
    found = format or EXTENSIONS.get(extension)
    if found is None:
        raise InputError(
            f"{path}: the extension must be one of {sorted(EXTENSIONS)} (text formats also with .gz). "
            f"Received: {extension!r}. Rename the file, or name its format (--format), one of {FORMATS}."
        )
    if compressed and found == "parquet":
        raise InputError(
            f"{path}: Parquet compresses its own columns and is not read from .gz. Unpack it with gunzip."
        )
    return Source(path, found, compressed)


@contextlib.contextmanager
def open_text(source, path, newline):
    """Opens a text file.

    Bytes that are not UTF-8 come through as lone surrogates, so that one bad row stays one row.

    Args:
        source: Source. What is read, for messages.
        path: str. Where its bytes are (for standard input: the temporary copy).
        newline: str. `"\\n"` or `""`, as in `io.TextIOWrapper`.

    Yields:
        Text stream without a byte-order mark.

    Raises:
        InputError: If the file cannot be opened or unpacked.
    """
    try:
        with gzip.open(path, "rb") if source.compressed else open(path, "rb") as binary:
            buffered = io.BufferedReader(binary, 1 << 20)
            yield io.TextIOWrapper(buffered, "utf-8-sig", errors="surrogateescape", newline=newline)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            f"{source.name}: the file is not a whole gzip file ({error}). Fetch or pack it again."
        ) from error
    except OSError as error:
        raise InputError(f"{source.name}: the file cannot be read ({error.strerror or error}).") from error
