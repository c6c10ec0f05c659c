"""`nlpkit train chatbot`: dialogues and tables, results, and every way it refuses."""

import json
import os

import pytest

from nlpkit import Chatbot, InputError
from nlpkit.cli.dialogues import holds_dialogues, read_dialogues

SMALL = ("--level", "word", "--preset", "seq2seq", "--units", 4, "--epochs", 1, "--quiet")
DIALOGUES = "hello\n  hi \n\n \nwho are you ?\na bot\nfine\n"


@pytest.fixture
def files(tmp_path):
    (tmp_path / "a.txt").write_text(DIALOGUES * 5)
    (tmp_path / "b.txt").write_text("good night\nbye\n")
    (tmp_path / "one.txt").write_text("hello\n\nbye\n")
    (tmp_path / "bad.txt").write_bytes(b"hello\ncaf\xe9\nhi\n")
    (tmp_path / "pairs.csv").write_text("question,answer\nhello,hi\nbye,good night\n")
    return tmp_path


def test_dialogues_end_with_a_blank_line_and_with_their_file(files):
    dialogues, reader = read_dialogues([files / "b.txt", files / "a.txt"], "--data")
    parts = [["hello", "hi"], ["who are you ?", "a bot", "fine", "hello", "hi"]]
    assert dialogues[:3] == [["good night", "bye"], *parts] and dialogues[-1] == [
        "who are you ?",
        "a bot",
        "fine",
    ]
    assert len(dialogues) == 7 and reader.files == [str(files / "b.txt"), str(files / "a.txt")]


def test_dialogues_are_not_parted_where_a_chunk_ends(tmp_path):
    turns = [f"turn {number}" for number in range(10_000)]  # more than a reader gives at once
    (tmp_path / "long.txt").write_text("\n".join(turns))
    assert read_dialogues([tmp_path / "long.txt"], "--data")[0] == [turns]


def test_lines_that_cannot_be_used(files):
    with pytest.raises(InputError, match="bad.txt, line 2: the text is not valid UTF-8"):
        read_dialogues([files / "bad.txt"], "--data")
    dialogues, reader = read_dialogues([files / "bad.txt"], "--data", "skip")
    assert dialogues == [["hello", "hi"]] and reader.skipped == 1


def test_tables_are_told_from_dialogues(files):
    plain = {"source": None, "target": None, "columns": None, "format": None}
    text, table = str(files / "a.txt"), str(files / "pairs.csv")
    assert holds_dialogues([text], **plain) and holds_dialogues(["-"], **plain)
    assert holds_dialogues([table], **{**plain, "format": "txt"})
    assert not holds_dialogues([table], **plain) and not holds_dialogues([text, table], **plain)
    for name in ("source", "target", "columns"):
        assert not holds_dialogues(["-"], **{**plain, name: "x"})


def given_to_estimator(run, monkeypatch, *args):
    """What a command gives to the estimator, which then stops."""
    seen = {}

    class Stub(Chatbot):
        def fit(self, X, *, validation_data, checkpoint, resume):
            seen.update(
                self.get_params(), X=X, validation=validation_data, checkpoint=checkpoint, resume=resume
            )
            raise KeyboardInterrupt

    monkeypatch.setattr("nlpkit.Chatbot", Stub, raising=False)
    result = run("train", "chatbot", *args, "--quiet")
    assert (result.exit_code, result.stderr) == (130, "interrupted\n"), result.output
    return seen


def test_options_reach_the_estimator(run, files, monkeypatch):
    out = files / "bot"
    seen = given_to_estimator(
        run, monkeypatch, "--data", files / "a.txt", "--validation-data", files / "b.txt", "--out", out,
        "--turns", 5, "--separator", " <> ", "--preset", "gnmt", "--cell", "gru", "--units", 8, "--num-layers", 2,
        "--dropout", 0.3, "--level", "char", "--no-normalize", "--vocabulary-size", 500, "--batch-tokens", 900,
        "--copy", 20, "--max-source-length", 70,
        "--epochs", 4, "--minutes", 2, "--mixed-precision", "--tensorboard", "logs", "--seed", 5,
    )  # fmt: skip
    assert seen.pop("X") == read_dialogues([files / "a.txt"], "--data")[0]
    training = {"batch_tokens": 900, "max_source_length": 70, "tensorboard": "logs", "mixed_precision": True}
    assert seen == {
        "preset": "gnmt", "turns": 5, "separator": " <> ", "cell": "gru", "units": 8, "num_layers": 2, "level": "char",
        "shared": True, "normalize": False, "epochs": 4, "minutes": 2.0, "random_state": 5, "verbose": 0,
        "options": {"source": {"vocabulary_size": 500}, "network": {"dropout": 0.3, "copy": 20}, "training": training},
        "validation": [["good night", "bye"]], "checkpoint": files / "bot.checkpoint" / "gnmt", "resume": False,
    }  # fmt: skip


def test_pairs_of_a_step_reach_the_estimator(run, files, monkeypatch):
    seen = given_to_estimator(
        run, monkeypatch, "--data", files / "a.txt", "--out", files / "bot", "--batch-size", 12
    )
    assert seen["options"]["training"] == {"batch_size": 12}


@pytest.mark.parametrize(
    ("preset", "level", "message"),
    [
        ("attention", "subword", "`copy`"),
        ("seq2seq", "word", "`copy`"),
    ],
)
def test_copying_that_cannot_be(run, files, preset, level, message):
    data = ("--data", files / "a.txt", "--out", files / "bot", "--preset", preset, "--level", level)
    result = run("train", "chatbot", *data, "--copy", 3, "--quiet")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ") and message in result.stderr, result.stderr


def test_what_is_not_given_is_left_to_the_estimator(run, files, monkeypatch):
    seen = given_to_estimator(run, monkeypatch, "--data", files / "a.txt", "--out", files / "bot")
    defaults = Chatbot().get_params()
    for name in defaults.keys() - {"options", "random_state"}:
        assert seen[name] == defaults[name], name
    assert seen["options"] == {"source": {}, "network": {}, "training": {}} and seen["validation"] is None


def test_a_table_with_dialogues_to_validate(run, files, monkeypatch):
    (files / "pairs.csv").write_text("source,target\nhello,hi\n")
    data = ("--data", files / "pairs.csv", "--validation-data", files / "a.txt", "--out", files / "bot")
    seen = given_to_estimator(run, monkeypatch, *data)
    assert [(chunk.texts, chunk.labels) for chunk in seen["X"]] == [(["hello"], ["hi"])]
    assert seen["validation"][0][:3] == ["hello", "who are you ?", "who are you ? ‖ a bot"]


def test_a_run_from_dialogues(run, files):
    out = files / "bot"
    data = ("--data", files / "a.txt", "--test-data", files / "b.txt")
    result = run("train", "chatbot", *data, "--out", out, *SMALL[:-1])
    assert result.exit_code == 0, result.output
    assert "validation" in result.stdout and "test" in result.stdout and "perplexity" in result.stdout
    assert f"nlpkit chat {out}" in result.stderr and "report.html" in result.stderr
    report = json.loads((out / "report.json").read_text())
    assert report["task"] == "chatbot" and report["metrics"]["test"]["texts"] == 1
    assert not os.path.exists(f"{out}.checkpoint")


def test_a_run_from_a_table(run, files):
    (files / "bad.csv").write_text("question,answer\nhello,hi\nbye,good night\n,no question\n")
    columns = ("--source", "question", "--target", "answer", "--on-bad-row", "skip")
    result = run(
        "train", "chatbot", "--data", files / "bad.csv", *columns, "--out", files / "bot", "--json", *SMALL
    )
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["skipped"] == {"data": 1} and set(found["evaluation"]) == {"validation"}
    assert (found["model"], found["preset"]) == (str(files / "bot"), "seq2seq")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--data", "missing.txt"], "missing.txt: there is no such file"),
        (
            ["--data", "one.txt"],
            "--data must hold dialogues: a turn a line, each the answer to the one before, and a blank line between "
            "two dialogues. Received: 2 turns that nothing answers, in one.txt.",
        ),
        (["--data", "a.txt", "--validation-data", "one.txt"], "--validation-data must hold dialogues"),
        (["--data", "a.txt", "--test-data", "bad.txt"], "bad.txt, line 2: the text is not valid UTF-8"),
        (["--data", "pairs.csv"], "there is no column 'source' for the source."),
        (["--data", "a.txt", "--source", "question"], "A text file has one text per line, no targets."),
        (
            ["--data", "a.txt", "--batch-size", "8", "--batch-tokens", "900"],
            "--batch-tokens takes the place of --batch-size. Received: --batch-size 8 and --batch-tokens 900.",
        ),
        (["--data", "a.txt", "--resume"], "--resume: there is no unfinished run in bot.checkpoint"),
    ],
)
def test_refusals_before_tensorflow_is_started(run, files, monkeypatch, args, message):
    monkeypatch.chdir(files)
    monkeypatch.setattr("nlpkit.cli.train_chatbot.start_tensorflow", lambda: pytest.fail("started"))
    result = run("train", "chatbot", *args, "--out", "bot", "--quiet")
    assert result.exit_code == 2 and result.stderr.startswith("error: ") and message in result.stderr, (
        result.output
    )
    assert not (files / "bot").exists()


def test_refusals_of_the_estimator_end_with_a_line(run, files):
    data = ("--data", files / "a.txt", "--out", files / "bot")
    result = run("train", "chatbot", *data, "--separator", " ", "--quiet")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(
        "error: `separator` must be a str with a character that is no white space"
    )
