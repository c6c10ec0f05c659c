"""How the commands that measure language models read their files."""

import pytest

from nlpkit.cli.reading import text_reader_as_trained
from nlpkit.errors import InputError

LINES, WHOLE = ["A:", "Speak."], ["A:\nSpeak.\n"]
TOLD = "each file is read as one text, as in training; with --no-whole-files each line is one\n"


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.txt", "a.play"):
        (tmp_path / name).write_text(WHOLE[0])
    (tmp_path / "a.jsonl").write_text('{"text": "A:"}\n{"text": "Speak."}\n')
    (tmp_path / "a.tsv").write_text("A:\t1\nSpeak.\t2\n")


def texts_of(data, trained_whole=True, **options):
    reader = text_reader_as_trained(data, trained_whole=trained_whole, **options)
    return [text for chunk in reader for text in chunk.texts]


def test_text_files_are_read_as_in_training(capsys):
    assert texts_of(["a.txt"]) == texts_of(["a.play"], format="txt") == WHOLE
    assert capsys.readouterr().err == 2 * TOLD
    assert texts_of(["a.txt"], quiet=True, on_bad_row="skip") == WHOLE
    assert texts_of(["a.txt"], trained_whole=False) == LINES
    assert capsys.readouterr().err == ""


def test_what_is_said_counts(capsys):
    assert texts_of(["a.txt"], whole_files=False) == LINES
    assert texts_of(["a.play"], whole_files=True, trained_whole=False) == WHOLE
    assert capsys.readouterr().err == ""


def test_tables_stay_tables_and_pipes_lines(capsys, monkeypatch):
    assert texts_of(["a.jsonl"]) == texts_of(["a.tsv"], columns="text,number") == LINES
    assert texts_of(["a.txt", "a.jsonl"]) == LINES + LINES
    with open("a.txt") as stream:
        monkeypatch.setattr("sys.stdin", stream)
        assert texts_of(["-"]) == LINES  # what is piped in has no name that says what it is
    assert capsys.readouterr().err == ""
    with pytest.raises(InputError, match="a.play: the extension must be one of"):
        texts_of(["a.play"])
