"""`nlpkit score`: arguments, files and pipes."""

import json

import pytest

import nlpkit

TEXTS = ["a bird saw a tree .", ". tree a saw bird a", "so\tit\ngoes", ""]


@pytest.fixture(scope="module")
def expected(language_model):
    return nlpkit.load(language_model)


def test_a_line_per_text(run, language_model, expected):
    result = run("score", language_model, *TEXTS)
    assert (result.exit_code, result.stderr) == (0, "")
    values, texts = zip(*(line.split("\t") for line in result.stdout.splitlines()), strict=True)
    assert texts == ("a bird saw a tree .", ". tree a saw bird a", "so it goes", "")
    assert [float(value) for value in values] == pytest.approx(expected.score(TEXTS), abs=1e-4)
    assert float(values[0]) > float(values[1])


@pytest.mark.parametrize("source", ["file", "pipe", "table"])
def test_sources_agree(run, language_model, corpus, tmp_path, expected, source):
    content = (corpus / "lm_test.txt").read_text()
    texts = content.splitlines()
    (tmp_path / "t.jsonl").write_text("".join(json.dumps({"body": text}) + "\n" for text in texts))
    args, piped = {
        "file": (["--data", corpus / "lm_test.txt"], None),
        "pipe": ([], content),
        "table": (["--data", tmp_path / "t.jsonl", "--text", "body"], None),
    }[source]
    result = run("score", language_model, *args, "--json", input=piped)
    assert (result.exit_code, result.stderr) == (0, "")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["text"] for row in rows] == texts
    assert [row["log_probability"] for row in rows] == pytest.approx(expected.score(texts), abs=1e-4)
    assert sum(row["tokens"] for row in rows) == len(content.split()) + len(texts)  # and the end of each


def test_json_counts_tokens_and_unknown_ones(run, language_model):
    texts = ["a zebra saw a gnu .", "", "a"]
    rows = map(json.loads, run("score", language_model, *texts, "--json").stdout.splitlines())
    counts = [(row["text"], row["tokens"], row["unknown"]) for row in rows]
    assert counts == [(texts[0], 7, 2), ("", 1, 0), ("a", 2, 0)]


def test_whole_files_have_one_score(run, language_model, tmp_path):
    (tmp_path / "a.txt").write_text("a bird\nsaw a tree .\n")
    result = run("score", language_model, "--data", tmp_path / "a.txt", "--whole-files", "--json")
    assert [json.loads(line)["text"] for line in result.stdout.splitlines()] == ["a bird\nsaw a tree .\n"]


def test_skipped_rows_are_told(run, language_model, tmp_path):
    (tmp_path / "t.txt").write_bytes(b"a bird\ncaf\xe9\na tree\n")
    result = run("score", language_model, "--data", tmp_path / "t.txt", "--on-bad-row", "skip")
    assert len(result.stdout.splitlines()) == 2
    assert "data: 1 rows were skipped; the first:\n" in result.stderr and "t.txt, line 2" in result.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["a", "--data", "b.txt"], "Give texts or --data, not both. Received: 1 text(s) and --data b.txt"),
        (["--data", "missing.txt"], "missing.txt: there is no such file"),
        (["caf\udce9"], "Text 1 is not valid UTF-8"),
    ],
)
def test_refusals(run, language_model, args, message):
    result = run("score", language_model, *args)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {message}")


def test_a_terminal_without_texts_is_refused(run, language_model, monkeypatch):
    monkeypatch.setattr("nlpkit.cli.texts._is_terminal", lambda stream: True)
    result = run("score", language_model)
    assert result.exit_code == 2
    assert (
        "There is nothing to score. Give texts, name a file with --data, or pipe texts in." in result.stderr
    )


@pytest.mark.parametrize("command", ["score", "generate"])
def test_a_classifier_is_refused_before_tensorflow_is_started(run, model, monkeypatch, command):
    monkeypatch.setattr("nlpkit.cli.start.start_tensorflow", lambda: pytest.fail("started"))
    result = run(command, model, "a text")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"error: {model} holds a classifier; this command needs a text generator. Use nlpkit predict, nlpkit evaluate "
        "and nlpkit export with it, or train the other: nlpkit train generator --data FILE --out FOLDER.\n"
    )


@pytest.mark.parametrize("args", [["predict", "a text"]])
def test_a_generator_is_refused_by_commands_of_classifiers(run, language_model, monkeypatch, args):
    monkeypatch.setattr("nlpkit.cli.start.start_tensorflow", lambda: pytest.fail("started"))
    result = run(args[0], language_model, *args[1:])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"error: {language_model} holds a text generator; this command needs a classifier. Use nlpkit generate, nlpkit "
        "score, nlpkit evaluate and nlpkit export with it, or train the other: nlpkit train classifier --data FILE "
        "--out FOLDER.\n"
    )
