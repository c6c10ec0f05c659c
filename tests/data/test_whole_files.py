"""Each file as one text."""

import gzip
import io
import sys

import pytest

from nlpkit.data.whole_files import WholeFileReader
from nlpkit.errors import InputError


def texts_of(reader):
    return [text for chunk in reader for text in chunk.texts]


def test_line_breaks_are_kept_and_are_those_of_one_kind(tmp_path):
    (tmp_path / "a.txt").write_bytes("One.\r\n\r\nTwo é.\r\n".encode("utf-8-sig"))
    (tmp_path / "b.md").write_bytes(b"Three,\tfour\n")
    (tmp_path / "c.txt.gz").write_bytes(gzip.compress(b"Five"))
    reader = WholeFileReader([tmp_path / name for name in ("a.txt", "b.md", "c.txt.gz")])
    for _ in range(2):
        assert texts_of(reader) == ["One.\n\nTwo é.\n", "Three,\tfour\n", "Five"]
    assert (reader.rows, reader.skipped) == (3, 0)
    assert all(chunk.labels is None for chunk in reader)


def test_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a\nb\n")))
    reader = WholeFileReader("-")
    assert texts_of(reader) == texts_of(reader) == ["a\nb\n"]


def test_a_file_that_is_not_utf_8(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"one\ncaf\xe9\n")
    (tmp_path / "b.txt").write_bytes(b"two\n")
    with pytest.raises(InputError, match=r"a\.txt, line 1: the text is not valid UTF-8. Received: byte 0xe9"):
        texts_of(WholeFileReader(str(tmp_path / "?.txt")))
    reader = WholeFileReader(str(tmp_path / "?.txt"), on_bad_row="skip")
    assert (texts_of(reader), reader.skipped) == (["two\n"], 1)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        WholeFileReader(tmp_path / "a.txt")
