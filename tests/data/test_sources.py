import gzip
import os

import pytest

from nlpkit.data.sources import Source, open_text, resolve_sources
from nlpkit.errors import InputError


@pytest.fixture
def folder(tmp_path):
    for name in ("b.csv", "a.csv", "c.TSV.gz", "d.ndjson"):
        (tmp_path / name).write_text("x\n")
    return tmp_path


def test_glob_is_sorted_and_formats_follow_extensions(folder):
    files = [folder / "*.csv", str(folder / "c.TSV.gz"), folder / "d.ndjson", "-"]
    sources = resolve_sources(files)
    assert [os.path.basename(source.path) for source in sources] == [
        "a.csv",
        "b.csv",
        "c.TSV.gz",
        "d.ndjson",
        "-",
    ]
    assert [source.format for source in sources] == ["csv", "csv", "tsv", "jsonl", "txt"]
    assert [source.compressed for source in sources] == [False, False, True, False, False]


def test_format_overrides_the_extension(folder):
    (folder / "reviews.data").write_text("x\n")
    assert resolve_sources(folder / "reviews.data", "jsonl")[0].format == "jsonl"


def test_a_file_whose_name_looks_like_a_glob_is_read_as_it_is(tmp_path):
    path = tmp_path / "reviews[1].csv"
    path.write_text("text\nfine\n")
    assert resolve_sources(path) == [Source(str(path), "csv")]


def test_refusals(folder):
    (folder / "notes.docx").write_text("x")
    (folder / "data.parquet.gz").write_text("x")
    for files, message in [
        (folder / "missing.csv", r"missing\.csv: there is no such file"),
        (folder / "*.json", r"\*\.json: no file matches this glob"),
        (folder, r"this is a folder; .* Try a glob such as"),
        ([folder / "a.csv", folder / "*.csv"], r"a\.csv: the file is named twice"),
        ([], "`files` must name at least one file"),
        (folder / "notes.docx", r"notes\.docx: the extension must be one of .* Received: '\.docx'.*--format"),
        (folder / "data.parquet.gz", r"Parquet compresses its own columns .* gunzip"),
    ]:
        with pytest.raises(InputError, match=message):
            resolve_sources(files)
    with pytest.raises(InputError, match="`format` must be one of .* Received: format='xml'"):
        resolve_sources(folder / "a.csv", "xml")


def test_a_named_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(InputError, match="not a regular file.*standard input"):
        resolve_sources(tmp_path / "pipe.csv")


def test_damaged_gzip_and_unreadable_file(tmp_path):
    packed = gzip.compress(b"text\n" + os.urandom(5000).hex().encode())
    for content in (b"no gzip at all", packed[:-2000]):
        path = tmp_path / "a.csv.gz"
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"a\.csv\.gz: the file is not a whole gzip file"):
            with open_text(Source(str(path), "csv", True), str(path), "\n") as stream:
                stream.read()
    with pytest.raises(InputError, match=r"gone\.csv: the file cannot be read \(No such file"):
        with open_text(Source("gone.csv", "csv"), str(tmp_path / "gone.csv"), "\n"):
            pass
