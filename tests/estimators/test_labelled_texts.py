import hashlib

import pytest

from nlpkit.data import TableReader
from nlpkit.errors import InputError
from nlpkit.estimators import labelled_texts
from nlpkit.estimators.labelled_texts import LabelledTexts, check_labels, check_texts


@pytest.fixture
def reader(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\none,x\ntwo,y\nthree,x\n")
    return TableReader(path, chunk_rows=2)


def test_lists_are_cut_into_chunks_and_can_be_read_again(monkeypatch):
    monkeypatch.setattr(labelled_texts, "CHUNK", 2)
    stream = LabelledTexts(["a", "b", "c"], [1, 2, 1])
    for _ in range(2):
        assert list(stream) == [["a", "b"], ["c"]]
        assert stream.labels == [1, 2, 1]
    assert stream.facts()["labels"] == {"1": 2, "2": 1}


def test_a_reader_and_lists_have_the_same_hash(reader):
    lists = LabelledTexts(["one", "two", "three"], ["x", "y", "x"])
    from_file = LabelledTexts(reader)
    for stream in (lists, from_file):
        assert sum(map(len, stream)) == 3
    expected = hashlib.sha256(b"x\tone\ny\ttwo\nx\tthree\n").hexdigest()
    assert lists.facts()["sha256"] == from_file.facts()["sha256"] == expected
    assert from_file.facts()["rows"] == 3 and from_file.facts()["labels"] == {"x": 2, "y": 1}


@pytest.mark.parametrize(
    ("known", "written", "expected"),
    [
        ([0, 1], ["1", "0", "1"], [1, 0, 1]),
        ([False, True], ["true", "False", "True"], [True, False, True]),
        (["a", "b"], ["b", "a", "b"], ["b", "a", "b"]),
    ],
    ids=["int", "bool", "str"],
)
def test_labels_of_a_reader_become_the_classes_that_they_name(known, written, expected, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "".join(f"one,{label}\n" for label in [*written, "maybe"]))
    reader = TableReader(path, on_bad_row="skip", chunk_rows=2)
    stream = LabelledTexts(reader, known=known)
    assert sum(map(len, stream)) == 3 == reader.rows
    assert stream.labels == expected and list(map(type, stream.labels)) == list(map(type, expected))
    (message,) = reader.first_skipped
    assert f"line 5: the label 'maybe' was not among the training labels ({known[0]!r}" in message
    as_objects = LabelledTexts(["one"] * 3, expected)
    assert sum(map(len, as_objects)) == 3
    assert as_objects.facts()["sha256"] == stream.facts()["sha256"]


def test_places(reader):
    assert LabelledTexts(["a"], [1], "test texts").place(0) == "test texts, number 0"
    assert "a.csv" in LabelledTexts(reader).place(2) and "4" in LabelledTexts(reader).place(2)


def test_origins(reader, tmp_path):
    assert LabelledTexts(["a"], [1], "test texts").origin == "test texts"
    assert LabelledTexts(reader).origin == str(tmp_path / "a.csv")
    for number in range(7):
        (tmp_path / f"b{number}.csv").write_text("text,label\none,x\n")
    origin = LabelledTexts(TableReader(tmp_path / "b*.csv")).origin
    assert origin.endswith("b4.csv and 2 more") and origin.count(".csv") == 5


def test_labels_of_several_kinds_of_sequences():
    assert check_labels([("a", "b"), {"c"}, ["d"]], 3) == [["a", "b"], ["c"], ["d"]]
    with pytest.raises(InputError, match="2 texts and 1 labels"):
        check_labels(["a"], 2)
    with pytest.raises(InputError, match="Received: nan .* at 1"):
        check_labels(["a", float("nan")], 2)


def test_texts_must_be_texts():
    assert check_texts(("a", "b")) == ["a", "b"]
    with pytest.raises(InputError, match="Received: bytes. Write"):
        check_texts(b"a")
    with pytest.raises(InputError, match="Received: generator"):
        check_texts(text for text in "ab")
    with pytest.raises(InputError, match="Received: b'a' of type bytes at 1"):
        check_texts(["a", b"a"], "texts")
