"""Pairs and sources from files, and messages that speak of them."""

import json

import pytest

from nlpkit.cli.pairs import check_readable, pair_reader, pieces
from nlpkit.data import PAIRS, TableReader
from nlpkit.errors import InputError

READING = {"columns": None, "quoting": None, "on_bad_row": "error", "format": None}


def pairs(path, source=None, target=None, **reading):
    return pair_reader([str(path)], source=source, target=target, **{**READING, **reading})


def sources(path, source=None, **reading):
    reader = pairs(path, source, False, **reading)
    return [text for piece in pieces(reader, 2) for text in piece.texts]


def test_pieces_of_pairs_are_small_and_in_order(tmp_path):
    (tmp_path / "a.tsv").write_text("".join(f"s{n}\tt{n}\n" for n in range(5)))
    found = [piece.texts for piece in pieces(pairs(tmp_path / "a.tsv", columns="source,target"), 2)]
    assert found == [[("s0", "t0"), ("s1", "t1")], [("s2", "t2"), ("s3", "t3")], [("s4", "t4")]]


def test_columns_have_names_of_their_own(tmp_path):
    (tmp_path / "a.csv").write_text("en,source,de,target\nA dog,x,Ein Hund,y\n")
    check_readable(pairs(tmp_path / "a.csv"))
    assert next(pieces(pairs(tmp_path / "a.csv"), 9)).texts == [("x", "y")]
    assert next(pieces(pairs(tmp_path / "a.csv", "de", "en"), 9)).texts == [("Ein Hund", "A dog")]


@pytest.mark.parametrize(
    ("name", "content", "source", "columns"),
    [
        ("a.txt", "one\n\ntwo\n", None, None),
        ("a.csv", "source,target\none,1\n,2\ntwo,3\n", None, None),
        ("a.csv", "de,en\none,1\n,2\ntwo,3\n", "de", None),
        ("a.tsv", "1\tone\n2\t\n3\ttwo\n", None, "target,source"),
        ("a.jsonl", "".join(json.dumps({"source": text}) + "\n" for text in ("one", "", "two")), None, None),
    ],
)
def test_sources_alone_are_lines_or_a_column(tmp_path, name, content, source, columns):
    (tmp_path / name).write_text(content)
    assert sources(tmp_path / name, source, columns=columns) == ["one", "", "two"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.csv",
            "de,en\nx,y\n",
            "a.csv: there is no column 'source' for the source. Received columns: ['de', 'en']. Name the source column "
            "(--source) and the target column (--target). If the file has no header line, give its columns in order "
            "(--columns source,target).",
        ),
        ("a.csv", "source,en\nx,y\n", "there is no column 'target' for the target"),
        ("a.txt", "one\n", "A text file has one text per line, no targets."),
        ("a.csv", "source,target\n ,y\n", "a.csv, line 2: the source is empty. Received: ' '."),
        (
            "a.csv",
            "source,target\nx,\n",
            "a.csv, line 2: the target is missing. Received: ''. Every source needs a target.",
        ),
        (
            "a.jsonl",
            '{"source": "x", "target": ["y", "z"]}\n',
            "a.jsonl, line 1: a source must have one target. Received: ['y', 'z']. Write a row for each.",
        ),
    ],
)
def test_refusals(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError) as caught:
        check_readable(pairs(tmp_path / name))
    assert message in str(caught.value)


def test_columns_are_for_tables(tmp_path):
    (tmp_path / "a.jsonl").write_text("{}\n")
    with pytest.raises(InputError, match="Use --source and --target"):
        pairs(tmp_path / "a.jsonl", columns="source,target")


def test_targets_are_texts_of_any_form(tmp_path):
    rows = [{"source": "x", "target": " a\n\tb "}, {"source": " y ", "target": 5}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert next(pieces(pairs(tmp_path / "a.jsonl"), 9)).texts == [("x", " a\n\tb "), (" y ", "5")]


def test_each_target_is_one_text(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"source": "x", "target": "y"}\n{"source": "x", "target": ["y"]}\n')
    with pytest.raises(
        InputError, match=r"line 2: a source must have one target. Received: \['y'\]. Write a row"
    ):
        check_readable(pairs(tmp_path / "a.jsonl"))
    (tmp_path / "b.csv").write_bytes(b"source,target\nx,caf\xe9\n")
    with pytest.raises(InputError, match="b.csv, line 2: the target is not valid UTF-8"):
        check_readable(pairs(tmp_path / "b.csv"))


def test_names_of_columns_that_cannot_be(tmp_path):
    (tmp_path / "a.tsv").write_text("x\ty\n")
    with pytest.raises(InputError, match="in the order of the file, such as source,target. Received"):
        pairs(tmp_path / "a.tsv", columns="source,source")
    (tmp_path / "a.jsonl").write_text('{"source": "x"}\n')
    with pytest.raises(InputError, match="no key 'target'.* Name the key with --target."):
        check_readable(pairs(tmp_path / "a.jsonl"))


def test_skipped_rows_are_told_in_these_words(tmp_path):
    (tmp_path / "a.csv").write_text("source,target\nx,\nx,y\n,y\n")
    reader = pairs(tmp_path / "a.csv", on_bad_row="skip")
    check_readable(reader)
    assert reader.skipped == 2
    first, second = reader.first_skipped
    assert "line 2: the target is missing." in first and "line 4: the source is empty." in second


def test_tables_with_and_without_targets_are_not_read_together(tmp_path):
    (tmp_path / "a.csv").write_text("source,target\nx,y\n")
    (tmp_path / "b.csv").write_text("source,other\nx,y\n")
    reader = TableReader([tmp_path / "a.csv", tmp_path / "b.csv"], roles=PAIRS)
    with pytest.raises(
        InputError, match=r"Either all files have targets or none.*Name the target column \(--target\)"
    ):
        list(reader)


def test_a_target_is_not_parted(tmp_path):
    (tmp_path / "a.csv").write_text("source,target\nx,y\n")
    with pytest.raises(
        InputError, match=r"A target is one text. Received: label_separator='\|'. Leave it out"
    ):
        pairs(tmp_path / "a.csv", label_separator="|")


def test_a_parquet_column_of_numbers_is_no_source(tmp_path):
    pandas = pytest.importorskip("pandas")
    pandas.DataFrame({"source": [1], "target": ["y"]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"the source column 'source' must hold strings.* \(--source\)"):
        check_readable(pairs(tmp_path / "a.parquet"))
