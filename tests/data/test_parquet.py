import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nlpkit.data import TableReader
from nlpkit.errors import InputError


@pytest.fixture
def write(tmp_path):
    def write_table(**columns):
        path = tmp_path / "a.parquet"
        pq.write_table(pa.table(columns), path)
        return path

    return write_table


@pytest.mark.parametrize("chunk_rows", [1, 2, 100])
def test_columns_are_read_in_chunks(write, chunk_rows):
    path = write(id=[1, 2, 3], review=["a", "b", "naïve 🎉"], stars=[5, 1, 3])
    chunks = list(TableReader(path, text="review", label="stars", chunk_rows=chunk_rows))
    assert all(len(chunk.texts) <= chunk_rows for chunk in chunks)
    assert [text for chunk in chunks for text in chunk.texts] == ["a", "b", "naïve 🎉"]
    assert [label for chunk in chunks for label in chunk.labels] == ["5", "1", "3"]


def test_lists_and_categories(write):
    (chunk,) = TableReader(write(text=pa.array(["a", "b"]).dictionary_encode(), label=[["x", "y"], []]))
    assert (chunk.texts, chunk.labels) == (["a", "b"], [["x", "y"], []])


def test_missing_values_are_bad_rows(write):
    path = write(text=["a", None, "c"], label=["x", "x", None])
    with pytest.raises(InputError, match=r"a\.parquet, row 2: the text is empty.*--on-bad-row skip"):
        list(TableReader(path))
    reader = TableReader(path, on_bad_row="skip")
    assert [chunk.texts for chunk in reader] == [["a"]]
    assert reader.skipped == 2 and "row 3: the label is missing" in reader.first_skipped[1]


def test_problems_of_the_file(write, tmp_path):
    with pytest.raises(InputError, match=r"there is no column 'text'.*\['review'\]"):
        list(TableReader(write(review=["a"])))
    with pytest.raises(InputError, match="the text column 'text' must hold strings. Received: int64"):
        list(TableReader(write(text=[1])))
    with pytest.raises(InputError, match=r"a\.parquet: the file has no rows"):
        list(TableReader(write(text=pa.array([], pa.string()))))
    (tmp_path / "b.parquet").write_text("text\n")
    with pytest.raises(InputError, match=r"b\.parquet: the file is not readable as Parquet"):
        list(TableReader(tmp_path / "b.parquet"))


def test_pyarrow_is_asked_for_when_missing(write, monkeypatch):
    path = write(text=["a"])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"reading Parquet needs pyarrow.*pip install nlpkit\[parquet\]"):
        list(TableReader(path))
