"""Unclosed quotes, and empty texts."""

import csv
import io
import json

import pytest

from nlpkit.data import TableReader
from nlpkit.errors import InputError


def write(folder, name, content):
    path = folder / name
    path.write_text(content, newline="")
    return str(path)


UNCLOSED = [
    # content below the header, good texts, lines of bad rows
    ('good,one\ngood,"two\ngood,three\ngood,four\n', ["one", "three", "four"], [3]),
    ('good,"one\ngood,"two, too"\ngood,three\n', ["two, too", "three"], [2]),
    ('good,"one\ngood,"t\nwo"\ngood,"three\ngood,four', ["t\nwo", "four"], [2, 5]),
    ('good,"o\n\nne"\ngood,"two\n"good","t\nhree"\n', ["o\n\nne", "t\nhree"], [5]),
    ('good,"one\ngood,"two\ngood,"three\ngood,four\n', ["four"], [2, 3, 4]),
    ('good,one\r\ngood,"two\r\ngood,"th\r\nree"\r\n', ["one", "th\r\nree"], [3]),
]


@pytest.mark.parametrize("chunk_rows", [1, 2, 100])
@pytest.mark.parametrize(("content", "texts", "bad_lines"), UNCLOSED)
def test_an_unclosed_quote_costs_its_own_line_only(tmp_path, content, texts, bad_lines, chunk_rows):
    path = write(tmp_path, "a.csv", "label,text\n" + content)
    reader = TableReader(path, on_bad_row="skip", chunk_rows=chunk_rows)
    chunks = list(reader)
    assert [text for chunk in chunks for text in chunk.texts] == texts
    assert [message.split(": ")[0] for message in reader.first_skipped] == [
        f"{path}, line {line}" for line in bad_lines
    ]
    # A good row is named by the line that it begins on, also after lines were read again.
    lines = ["label,text", *io.StringIO(content, newline="").read().split("\n")]
    for chunk in chunks:
        for text, number in zip(chunk.texts, chunk.numbers, strict=True):
            assert text.split()[0] in lines[number - 1]
    with pytest.raises(InputError, match=f"a.csv, line {bad_lines[0]}: the quotes are malformed"):
        list(TableReader(path, chunk_rows=chunk_rows))


def test_how_far_an_unclosed_quote_was_read_is_told(tmp_path):
    path = write(tmp_path, "a.csv", 'label,text\ngood,one\ngood,"two\ngood,three\ngood,"four"\n')
    with pytest.raises(InputError, match=r"line 3: the quotes are malformed.*read from here up to line 5"):
        list(TableReader(path))


def test_an_unclosed_quote_before_more_text_than_a_field_may_hold(tmp_path, monkeypatch):
    monkeypatch.setattr("nlpkit.data.delimited.MAX_FIELD", 200)
    before = csv.field_size_limit(200)
    try:
        path = write(
            tmp_path, "a.csv", 'label,text\ngood,"bad\n' + "".join(f"good,text {i}\n" for i in range(99))
        )
        reader = TableReader(path, on_bad_row="skip")
        assert [text for chunk in reader for text in chunk.texts] == [f"text {i}" for i in range(99)]
        assert reader.skipped == 1 and "field larger than field limit" in reader.first_skipped[0]
    finally:
        csv.field_size_limit(before)


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("a.txt", "one\n\n  \ntwo\n", {}),
        ("a.csv", "label,text\ngood,one\ngood,\nbad,  \ngood,two\n", {}),
        ("a.csv", "text\none\n\n  \ntwo\n", {}),
        ("a.tsv", "text\none\n\n  \ntwo\n", {}),
        ("a.tsv", "x\tone\nx\t\nx\t  \nx\ttwo\n", {"columns": "label,text"}),
        ("a.jsonl", "".join(json.dumps({"text": text}) + "\n" for text in ("one", "", "  ", "two")), {}),
    ],
)
@pytest.mark.parametrize("chunk_rows", [1, 100])
def test_texts_to_predict_may_be_empty(tmp_path, name, content, options, chunk_rows):
    reader = TableReader(write(tmp_path, name, content), label=False, chunk_rows=chunk_rows, **options)
    assert [text for chunk in reader for text in chunk.texts] == ["one", "", "  ", "two"]
    assert [number for chunk in reader for number in chunk.numbers] == sorted(
        number for chunk in reader for number in chunk.numbers
    )
    assert (reader.rows, reader.skipped) == (4, 0)
    with pytest.raises(InputError, match="(the text|the line) is empty"):
        list(TableReader(write(tmp_path, name, content), **options))
