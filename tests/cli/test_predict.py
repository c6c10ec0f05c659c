"""`nlpkit predict`: arguments, files and pipes, in three formats."""

import csv
import io
import json
import subprocess
import sys

import pytest

import nlpkit

TEXTS = ["Lovely and kind.", "Broken\tand\nuseless."]


@pytest.fixture(scope="module")
def expected(model):
    return nlpkit.load(model)


def test_json_lines_agree_with_the_estimator(run, model, expected):
    result = run("predict", model, *TEXTS, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["text"] for row in rows] == TEXTS
    assert [row["label"] for row in rows] == expected.predict(TEXTS).tolist()
    for row, probabilities in zip(rows, expected.predict_proba(TEXTS), strict=True):
        assert list(row["probabilities"]) == expected.classes_.tolist()
        assert list(row["probabilities"].values()) == pytest.approx(probabilities, abs=1e-6)


def test_tsv_reads_back(run, model, expected):
    result = run("predict", model, *TEXTS, "--tsv")
    rows = list(csv.DictReader(io.StringIO(result.stdout), delimiter="\t", quoting=csv.QUOTE_NONE))
    assert [row["label"] for row in rows] == expected.predict(TEXTS).tolist()
    assert [row["text"] for row in rows] == ["Lovely and kind.", "Broken and useless."]


def test_plain_lines(run, model, expected):
    lines = run("predict", model, *TEXTS).stdout.splitlines()
    assert [line.split()[0] for line in lines] == expected.predict(TEXTS).tolist()


@pytest.mark.parametrize("source", ["file", "dash", "pipe", "table"])
def test_sources_agree(run, model, tables, tmp_path, expected, source):
    content = (tables / "texts.txt").read_text(encoding="utf-8")
    texts = content.splitlines()
    (tmp_path / "t.jsonl").write_text("".join(json.dumps({"body": text}) + "\n" for text in texts))
    args, piped = {
        "file": (["--data", tables / "texts.txt"], None),
        "dash": (["--data", "-"], content),
        "pipe": ([], content),
        "table": (["--data", tmp_path / "t.jsonl", "--text", "body"], None),
    }[source]
    result = run("predict", model, *args, "--json", input=piped)
    assert (result.exit_code, result.stderr) == (0, "")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(row["text"], row["label"]) for row in rows] == list(
        zip(texts, expected.predict(texts).tolist(), strict=True)
    )


def test_skipped_rows_are_told(run, model, tmp_path):
    (tmp_path / "t.txt").write_bytes(b"Good.\ncaf\xe9\nBad.\n")
    result = run("predict", model, "--data", tmp_path / "t.txt", "--json", "--on-bad-row", "skip")
    assert len(result.stdout.splitlines()) == 2
    assert "data: 1 rows were skipped; the first:\n" in result.stderr and "t.txt, line 2" in result.stderr


@pytest.mark.parametrize(
    ("name", "content"), [("t.txt", "Good.\n\nBad.\n"), ("t.csv", "id,text\n1,Good.\n2,\n3,Bad.\n")]
)
def test_a_blank_text_keeps_predictions_in_step_with_the_texts(run, model, tmp_path, name, content):
    (tmp_path / name).write_text(content)
    result = run("predict", model, "--data", tmp_path / name, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    assert [json.loads(line)["text"] for line in result.stdout.splitlines()] == ["Good.", "", "Bad."]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["a", "--data", "b.txt"], "Give texts or --data, not both. Received: 1 text(s) and --data b.txt"),
        (["a", "--json", "--tsv"], "Only one of --json and --tsv can be written"),
        (["--data", "missing.txt"], "missing.txt: there is no such file"),
        (["caf\udce9"], "Text 1 is not valid UTF-8"),
    ],
)
def test_refusals(run, model, args, message):
    result = run("predict", model, *args)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {message}")


def test_a_text_that_looks_like_an_option_is_refused_with_the_way_to_give_it(run, model):
    refused = run("predict", model, "-5 stars")
    assert (refused.exit_code, refused.stdout) == (2, "")
    message = " ".join(refused.stderr.replace("│", " ").split())
    assert "No such option: -5. A text that begins with a dash goes after --: nlpkit" in message
    given = run("predict", model, "--json", "--", "-5 stars", "--nice")
    assert [json.loads(line)["text"] for line in given.stdout.splitlines()] == ["-5 stars", "--nice"]
    assert "begins with a dash" not in run("predict", model, "--text").stderr


def test_a_terminal_without_texts_is_refused(run, model, monkeypatch):
    monkeypatch.setattr("nlpkit.cli.texts._is_terminal", lambda stream: True)
    result = run("predict", model)
    assert result.exit_code == 2
    assert (
        "There is nothing to label. Give texts, name a file with --data, or pipe texts in." in result.stderr
    )


def test_a_closed_pipe_ends_quietly_and_tensorflow_says_nothing(model, tmp_path):
    (tmp_path / "t.txt").write_text("Good.\n" * 20000)
    command = [
        sys.executable,
        "-m",
        "nlpkit",
        "predict",
        str(model),
        "--data",
        str(tmp_path / "t.txt"),
        "--json",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert json.loads(process.stdout.readline())["text"] == "Good."
    process.stdout.close()
    assert (process.stderr.read(), process.wait(timeout=60)) == ("", 0)
