"""Readers of tables, on every format and on bad input."""

import gc
import gzip
import io
import os
import sys

import pytest
from data.tables import as_csv, as_jsonl, as_tsv, read

from nlpkit.data import TableReader
from nlpkit.errors import InputError

ROWS = [("good", "Fine, and cheap."), ("bad", 'It said "no".'), ("good", "naïve 🎉")]
HINT = r".*--on-bad-row skip"


@pytest.fixture
def write(tmp_path):
    def write_file(name, content):
        content = content if isinstance(content, bytes) else content.encode()
        path = tmp_path / name
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return str(path)

    return write_file


TEXTS, LABELS = [text for _, text in ROWS], [label for label, _ in ROWS]


@pytest.mark.parametrize("packed", ["", ".gz"])
@pytest.mark.parametrize("chunk_rows", [1, 2, 100])
def test_text_formats_hold_the_same_table(write, packed, chunk_rows):
    for name, content in [("a.csv", as_csv(ROWS)), ("a.tsv", as_tsv(ROWS)), ("a.jsonl", as_jsonl(ROWS))]:
        reader = TableReader(write(name + packed, content), chunk_rows=chunk_rows)
        chunks = list(reader)
        assert all(len(chunk.texts) <= chunk_rows for chunk in chunks)
        assert [text for chunk in chunks for text in chunk.texts] == TEXTS
        assert [label for chunk in chunks for label in chunk.labels] == LABELS
        assert (reader.rows, reader.skipped, reader.first_skipped) == (3, 0, [])


def test_byte_order_mark_and_windows_line_ends(write):
    mark = b"\xef\xbb\xbf"
    for name, content in [
        ("a.csv", as_csv(ROWS)),
        ("a.tsv", as_tsv(ROWS, end="\r\n")),
        ("a.jsonl", as_jsonl(ROWS).replace("\n", "\r\n")),
    ]:
        assert read(write(name, mark + content.encode())) == (TEXTS, LABELS)
    assert read(write("a.txt", mark + b"one\r\ntwo")) == (["one", "two"], None)


def test_last_line_may_lack_its_end(write):
    assert read(write("a.tsv", as_tsv(ROWS).rstrip("\n"))) == (TEXTS, LABELS)


def test_columns_by_name_and_without_header(write):
    table = [("1", "5", "Fine."), ("2", "1", "Awful.")]
    path = write("named.csv", as_csv(table, ("id", "stars", "review")))
    assert read(path, text="review", label="stars") == (["Fine.", "Awful."], ["5", "1"])
    assert read(path, text="review") == (["Fine.", "Awful."], None)
    path = write("bare.tsv", as_tsv(table, None))
    assert read(path, columns=["id", "label", "text"]) == (["Fine.", "Awful."], ["5", "1"])
    assert read(path, columns="id, stars, review", text="review", label="stars")[1] == ["5", "1"]


def test_labels_can_be_left_out(write):
    path = write("a.csv", "label,text\n,Fine.\ngood,Too.\n")
    assert read(path, label=False) == (["Fine.", "Too."], None)
    assert read(write("a.jsonl", '{"text": "Fine."}\n{"text": "Too.", "label": "good"}')) == (
        ["Fine.", "Too."],
        None,
    )


def test_tsv_takes_quotes_as_they_are_unless_told(write):
    path = write("a.tsv", 'label\ttext\ngood\t"Fine."\n')
    assert read(path)[0] == ['"Fine."']
    assert read(path, quoting="minimal")[0] == ["Fine."]
    assert read(write("a.csv", 'label,text\ngood,"Fine."\n'), quoting="none")[0] == ['"Fine."']


def test_texts_may_be_longer_than_the_csv_module_allows(write):
    assert read(write("a.csv", as_csv([("good", "word " * 60_000)])))[0] == ["word " * 60_000]


def test_several_files_of_several_formats(write, tmp_path):
    write("a1.csv", as_csv(ROWS[:1]))
    write("a2.csv", as_csv(ROWS[1:2]))
    last = write("b.jsonl.gz", as_jsonl(ROWS[2:]))
    assert read([tmp_path / "*.csv", last]) == (TEXTS, LABELS)


def test_multi_label_values(write):
    path = write("a.csv", "label,text\ncheap|loud,One.\n,Two.\n")
    assert read(path, label_separator="|")[1] == [["cheap", "loud"], []]
    assert read(write("a.jsonl", '{"text": "One.", "label": ["cheap", 3]}'))[1] == [["cheap", "3"]]
    lines = '{"text": "One.", "label": 4}\n{"text": "Two.", "label": true}\n'
    assert read(write("b.jsonl", lines))[1] == ["4", "true"]


class FakeStdin:
    def __init__(self, content):
        self.buffer = io.BytesIO(content.encode())


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        ("one\ntwo\n", {}, (["one", "two"], None)),
        ("good\tone\n", {"columns": ["label", "text"]}, (["one"], ["good"])),
        ("stars\ttext\n5\tone\n", {"label": "stars"}, (["one"], ["5"])),
        ('{"text": "one"}\n', {"format": "jsonl"}, (["one"], None)),
    ],
)
def test_standard_input_can_be_read_twice(monkeypatch, content, options, expected):
    monkeypatch.setattr(sys, "stdin", FakeStdin(content))
    reader = TableReader("-", **options)
    for _ in range(2):
        (chunk,) = reader
        assert (chunk.texts, chunk.labels) == expected
    copy = reader._stdin_copy
    assert os.path.exists(copy)
    del reader
    gc.collect()
    assert not os.path.exists(copy)


def test_bad_row_of_standard_input_is_named(monkeypatch):
    monkeypatch.setattr(sys, "stdin", FakeStdin("one\n\n"))
    with pytest.raises(InputError, match="standard input, line 2: the text is empty"):
        list(TableReader("-"))


BAD_ROWS = [
    ("a.csv", "label,text\ngood\n", r"a\.csv, line 2: a row must have 2 fields.*Received: 1 fields.*'good'"),
    ("a.tsv", "label\ttext\ngood\ta\tb\n", r"a\.tsv, line 2: a row must have 2 fields.*3 fields.*'\\t'"),
    ("a.tsv", "label\ttext\n\n", r"a\.tsv, line 2: the line is empty; 2 fields are needed"),
    ("a.csv", "label,text\n\n", r"a\.csv, line 2: the line is empty"),
    ("a.csv", '"label","te\nxt",text\ngood,b, \n', r"a\.csv, line 3: the text is empty\. Received: ' '"),
    ("a.csv", "label,text\n ,a\n", r"a\.csv, line 2: the label is missing\. Received: ' '"),
    ("a.csv", 'label,text\ngood,"a\n', r"a\.csv, line 2: the quotes are malformed \(unexpected end of data"),
    ("a.csv", 'label,text\ngood,"a"b\n', r"a\.csv, line 2: the quotes are malformed.*--quoting none"),
    (
        "a.tsv",
        b"label\ttext\ngood\tcaf\xe9\n",
        r"line 2: the text is not valid UTF-8.*byte 0xe9 after \"caf\".*iconv",
    ),
    ("a.csv", b"label,text\ncaf\xe9,fine\n", r"line 2: the label is not valid UTF-8"),
    ("a.txt", b"caf\xe9\n", r"a\.txt, line 1: the text is not valid UTF-8"),
    ("a.txt", "\n", r"a\.txt, line 1: the text is empty"),
    ("a.jsonl", '{"text": \n', r"a\.jsonl, line 1: the line is not valid JSON.*Received: '{\"text\":'"),
    ("a.jsonl", "[" * 100_000, r"a\.jsonl, line 1: the line is not valid JSON"),
    ("a.jsonl", '"text"\n', r"a\.jsonl, line 1: the line must hold one JSON object"),
    (
        "a.jsonl",
        '{"review": "a"}\n',
        r"line 1: the object has no key 'text'\. Received keys: \['review'\].*--text",
    ),
    ("a.jsonl", '{"text": 3}\n', r"line 1: the value of 'text' must be a string\. Received: 3"),
    ("a.jsonl", '{"text": "a", "label": null}\n', r"line 1: the label is missing\. Received: None"),
    (
        "a.jsonl",
        '{"text": "a", "label": "b\\nc"}\n',
        r"line 1: the label must not hold a tab or a line break\. Received: 'b\\nc'\. Write a space there",
    ),
    ("a.csv", 'label,text\n"b\tc",a\n', r"a\.csv, line 2: the label must not hold a tab or a line break"),
    ("a.jsonl", '{"text": "\\ud83d"}\n', r"line 1: the text holds half of a surrogate pair.*U\+D83D"),
]


@pytest.mark.parametrize(("name", "content", "message"), BAD_ROWS)
def test_bad_rows_are_named_and_can_be_skipped(write, name, content, message):
    path = write(name, content)
    with pytest.raises(InputError, match="(?s)" + message + HINT):
        list(TableReader(path))
    reader = TableReader(path, on_bad_row="skip")
    with pytest.raises(
        InputError, match="(?s)All 1 rows were bad and skipped.*The first messages:.*" + message
    ):
        list(reader)
    assert (reader.rows, reader.skipped, len(reader.first_skipped)) == (0, 1, 1)
    assert "--on-bad-row" not in reader.first_skipped[0]


def test_missing_key_of_a_named_label(write):
    with pytest.raises(InputError, match="no key 'stars'.*--label" + HINT):
        list(TableReader(write("a.jsonl", '{"text": "a"}\n'), label="stars"))


def test_label_kinds_must_not_change(write):
    with pytest.raises(
        InputError, match="line 2: each row must have one label, as the first row has. Received: "
    ):
        list(TableReader(write("a.jsonl", '{"text": "a", "label": "x"}\n{"text": "b", "label": ["x"]}\n')))
    with pytest.raises(InputError, match="line 2: each row must have a list of labels"):
        list(TableReader(write("a.jsonl", '{"text": "a", "label": ["x"]}\n{"text": "b", "label": "x"}\n')))


@pytest.mark.parametrize("chunk_rows", [1, 3, 100])
def test_skipping_goes_on_and_counts(write, chunk_rows):
    lines = ["label\ttext"] + [f"good\ttext {i}" if i % 3 else "bad" for i in range(20)]
    reader = TableReader(write("a.tsv", "\n".join(lines)), on_bad_row="skip", chunk_rows=chunk_rows)
    for _ in range(2):
        texts = [text for chunk in reader for text in chunk.texts]
        assert texts == [f"text {i}" for i in range(20) if i % 3]
        assert (reader.rows, reader.skipped) == (13, 7)
    places = [message.split(": ")[0].split(", ")[-1] for message in reader.first_skipped]
    assert places == [f"line {line}" for line in (2, 5, 8, 11, 14)]


def test_malformed_quotes_do_not_stop_skipping(write):
    path = write("a.csv", 'label,text\ngood,one\ngood,"a"b\ngood,two\n')
    assert read(path, on_bad_row="skip")[0] == ["one", "two"]


FILE_PROBLEMS = [
    (["a.csv"], [""], {}, r"a\.csv: the file has no rows"),
    (["a.csv"], ["label,text\n"], {}, r"a\.csv: the file has no rows"),
    (["a.csv", "b.jsonl"], ["text\na\n", ""], {}, r"b\.jsonl: the file has no rows"),
    (["a.csv"], ["a,b\n1,2\n"], {}, r"a\.csv: there is no column 'text'.*\['a', 'b'\].*--columns label,text"),
    (["a.csv"], ["text\na\n"], {"label": "stars"}, "there is no column 'stars' for the label"),
    (["a.csv"], [b"\xff\xfet\x00e\x00"], {}, r"a\.csv, line 1: the header line is not valid UTF-8"),
    (["a.csv"], ['"label"s,text\na,b\n'], {}, r"a\.csv, line 1: in the header line the quotes are malformed"),
    (
        ["a.csv"],
        ["label,text\na,b"],
        {"columns": "label,text"},
        "line 1: the first line is a header.*--columns",
    ),
    (["a.txt"], ["a\n"], {"label": "stars"}, "no column 'stars' for the label.*no labels"),
    (["a.csv", "b.txt"], ["label,text\na,b", "a"], {}, r"Either all .*labels in .*a\.csv, none in .*b\.txt"),
    (["b.txt", "a.csv"], ["a", "label,text\na,b"], {}, r"Either all .*labels in .*a\.csv, none in .*b\.txt"),
]


@pytest.mark.parametrize("policy", ["error", "skip"])
@pytest.mark.parametrize(("names", "contents", "options", "message"), FILE_PROBLEMS)
def test_problems_of_a_whole_file_are_never_skipped(write, names, contents, options, message, policy):
    files = [write(name, content) for name, content in zip(names, contents, strict=True)]
    with pytest.raises(InputError, match=message):
        list(TableReader(files, on_bad_row=policy, **options))


def test_refused_arguments(write):
    path, lines = write("a.csv", as_csv(ROWS)), write("a.jsonl", as_jsonl(ROWS))
    for files, options, message in [
        (path, {"label": True}, "`label` must be the name of a column, None or False"),
        (path, {"quoting": "all"}, "`quoting` must be 'none' or 'minimal'. Received: quoting='all'"),
        (path, {"label_separator": ""}, "`label_separator` must not be empty"),
        (path, {"chunk_rows": 0}, "`chunk_rows` must be at least 1. Received: chunk_rows=0"),
        (path, {"on_bad_row": "warn"}, "`on_bad_row` must be"),
        (path, {"columns": ["a", "a"]}, "`columns` must be different names.*Received: columns="),
        (path, {"columns": "label,,text"}, "`columns` must be different names"),
        (lines, {"columns": ["label", "text"]}, r"a\.jsonl: `columns` .* this is jsonl"),
    ]:
        with pytest.raises(InputError, match=message):
            TableReader(files, **options)


def test_a_file_whose_rows_are_all_bad_does_not_hide_the_next_empty_one(write):
    files = [write("a.csv", "label,text\nbad\n"), write("b.csv", "label,text\n")]
    with pytest.raises(InputError, match=r"b\.csv: the file has no rows"):
        list(TableReader(files, on_bad_row="skip"))
