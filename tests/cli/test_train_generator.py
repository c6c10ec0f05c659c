"""`nlpkit train generator`: results, and every way it refuses."""

import errno
import json
import math
import os
import typing
from collections import Counter

import pytest

from nlpkit import TextGenerator
from nlpkit.cli import train_options
from nlpkit.estimators.text_levels import LEVELS
from nlpkit.models.generator import CELLS

SMALL = ("--units", 4, "--num-layers", 1, "--batch-size", 4, "--sequence-length", 10, "--epochs", 1)


def test_json_result(trained_generator, corpus):
    folder, result = trained_generator
    assert result["model"] == str(folder) and result["cell"] == "lstm"
    assert set(result["evaluation"]) == {"validation", "test"}
    assert result["skipped"] == {"train": 0, "validation": 0, "test": 0}
    counts = Counter((corpus / "lm_test.txt").read_text().replace("\n", " </s> ").split())
    shares = [count / counts.total() for count in counts.values()]
    unigram = math.exp(-sum(share * math.log(share) for share in shares))
    assert 1.0 < result["evaluation"]["test"]["perplexity"] < 0.9 * unigram
    assert not os.path.exists(f"{folder}.checkpoint")
    report = json.loads((folder / "report.json").read_text())
    assert report["perplexity"]["test"] == result["evaluation"]["test"]["perplexity"]
    assert report["data"]["test"]["files"][0].endswith("lm_test.txt")
    assert "test" in (folder / "report.html").read_text() and result["report"] == str(folder / "report.html")


def test_documents(run, corpus, tmp_path):
    out = tmp_path / "model"
    result = run(
        "train", "generator", "--data", corpus / "lm.txt", "--documents", "--out", out, *SMALL, "--json"
    )
    assert result.exit_code == 0, result.output
    assert json.loads((out / "spec.json").read_text())["training"]["documents"] is True
    evaluation = json.loads(run("evaluate", out, "--data", corpus / "lm_test.txt", "--json").stdout)
    scores = run("score", out, "--data", corpus / "lm_test.txt", "--json").stdout.splitlines()
    loss = -sum(json.loads(line)["log_probability"] for line in scores) / evaluation["tokens"]
    assert math.log(evaluation["perplexity"]) == pytest.approx(loss, rel=1e-4)


def test_many_unknown_words_and_the_end_of_the_time_are_told(run, tmp_path):
    words = (f"w{number}" for number in range(20))
    (tmp_path / "lm.txt").write_text("".join(f"the {word} and the {word}\n" for word in words) * 30)
    (tmp_path / "dev.txt").write_text("the new words and the others are here\n" * 30)
    out = tmp_path / "model"
    files = ("--data", tmp_path / "lm.txt", "--validation-data", tmp_path / "dev.txt", "--out", out)
    result = run("train", "generator", *files, *SMALL[:-1], 500, "--minutes", 0.02)
    assert result.exit_code == 0, result.output
    report = json.loads((out / "report.json").read_text())
    rate = report["data"]["validation"]["unknown_rate"]
    assert (
        f"unknown to the vocabulary: {rate:.0%} of the tokens of the validation data. All of" in result.stderr
    )
    assert "of the train data" not in result.stderr and report["out_of_time"]
    epochs = len(report["history"]["loss"])
    assert (
        f"stopped in epoch {epochs}, because the time was over; with more --minutes it may" in result.stderr
    )


def test_table_and_hints_name_the_folder(run, corpus, tmp_path):
    out = tmp_path / "model"
    data = ("--data", corpus / "lm.txt", "--validation-data", corpus / "lm_test.txt")
    result = run("train", "generator", *data, "--out", out, *SMALL)
    assert result.exit_code == 0, result.output
    assert "validation" in result.stdout and "perplexity" in result.stdout and "epoch" not in result.stdout
    for line in (f"nlpkit generate {out}", f"nlpkit score {out}", f"nlpkit evaluate {out}", "report.html"):
        assert line in result.stderr
    assert "--whole-files" not in result.stderr


def given_to_estimator(run, monkeypatch, *args):
    """What a command gives to the estimator, which then stops."""
    seen = {}

    class Stub:
        def __init__(self, cell, **settings):
            seen.update(settings, cell=cell)

        def fit(self, X, *, validation_data, checkpoint, resume):
            seen.update(checkpoint=str(checkpoint), resume=resume, validation=validation_data)
            seen["texts"] = [text for chunk in X for text in chunk.texts]
            raise KeyboardInterrupt

    monkeypatch.setattr("nlpkit.TextGenerator", Stub, raising=False)
    result = run("train", "generator", *args, "--quiet")
    assert (result.exit_code, result.stderr) == (130, "interrupted\n"), result.output
    return seen


def test_options_reach_the_estimator(run, corpus, tmp_path, monkeypatch):
    out = tmp_path / "model"
    seen = given_to_estimator(
        run, monkeypatch, "--data", corpus / "lm.txt", "--data", corpus / "lm_t*.txt", "--out", out,
        "--level", "subword", "--no-normalize", "--cell", "gru", "--units", 8, "--num-layers", 2, "--dropout", 0.3,
        "--vocabulary-size", 500, "--epochs", 4, "--minutes", 2, "--batch-size", 12, "--sequence-length", 64,
        "--documents", "--mixed-precision", "--tensorboard", "logs", "--seed", 5,
    )  # fmt: skip
    assert len(seen.pop("texts")) == 260
    assert seen == {
        "cell": "gru", "level": "subword", "normalize": False, "units": 8, "num_layers": 2, "epochs": 4,
        "minutes": 2.0, "random_state": 5, "verbose": 0, "resume": False, "validation": None,
        "options": {
            "text": {"vocabulary_size": 500}, "network": {"dropout": 0.3},
            "training": {"batch_size": 12, "sequence_length": 64, "documents": True, "tensorboard": "logs",
                         "mixed_precision": True},
        },
        "checkpoint": f"{out}.checkpoint/gru",
    }  # fmt: skip


def test_what_is_not_given_is_left_to_the_estimator(run, corpus, tmp_path, monkeypatch):
    seen = given_to_estimator(run, monkeypatch, "--data", corpus / "lm.txt", "--out", tmp_path / "model")
    defaults = TextGenerator().get_params()
    assert {name: seen[name] for name in ("cell", "level", "normalize", "units", "num_layers", "epochs")} == {
        name: defaults[name] for name in ("cell", "level", "normalize", "units", "num_layers", "epochs")
    }
    assert seen["options"] == {"text": {}, "network": {}, "training": {}}


def test_no_dropout_is_something_else_than_none_given(run, corpus, tmp_path, monkeypatch):
    data = ("--data", corpus / "lm.txt", "--out", tmp_path / "model")
    assert given_to_estimator(run, monkeypatch, *data, "--dropout", 0)["options"]["network"] == {
        "dropout": 0.0
    }


@pytest.mark.parametrize(("option", "known"), [("Level", LEVELS), ("Cell", CELLS)])
def test_choices_are_those_of_the_estimator(option, known):
    chosen, *_ = typing.get_args(getattr(train_options, option))
    assert set(typing.get_args(chosen)) == set(known)


def test_whole_files_are_texts_with_their_line_breaks(run, tmp_path, monkeypatch):
    play = "First Citizen:\nSpeak.\n\nAll:\nSpeak, speak.\n"
    (tmp_path / "1.txt").write_bytes(play.replace("\n", "\r\n").encode())
    (tmp_path / "2.play").write_text("ROMEO:\n")
    out = ("--out", tmp_path / "model")
    data = ("--data", tmp_path / "1.txt", "--data", tmp_path / "2.play")
    assert given_to_estimator(run, monkeypatch, *data, "--whole-files", *out)["texts"] == [play, "ROMEO:\n"]
    lines = given_to_estimator(run, monkeypatch, "--data", tmp_path / "1.txt", *out)["texts"]
    assert lines == play.splitlines()


def test_a_model_of_characters_of_a_whole_file(run, tmp_path):
    out = tmp_path / "model"
    (tmp_path / "play.txt").write_text("A:\nSpeak, speak.\n" * 60)
    data = ("--data", tmp_path / "play.txt")
    result = run("train", "generator", *data, "--whole-files", "--level", "char", "--out", out, *SMALL)
    assert result.exit_code == 0, result.output
    assert "--data FILE\n" in result.stderr
    assert json.loads((out / "report.json").read_text())["data"]["train"]["files"] == [
        str(tmp_path / "play.txt")
    ]
    # The model remembers how its files were read.
    evaluated = run("evaluate", out, *data, "--json")
    evaluation = json.loads(evaluated.stdout)
    assert (evaluation["texts"], evaluation["tokens"], evaluation["unknown"]) == (1, 17 * 60 + 1, 0)
    assert evaluated.stderr.startswith(
        "each file is read as one text, as in training; with --no-whole-files each"
    )
    for more, count in (((), 1), (("--no-whole-files",), 120)):
        scored = run("score", out, *data, *more, "--quiet")
        assert (len(scored.stdout.splitlines()), scored.stderr) == (count, "")


def test_subwords_of_a_whole_file_keep_its_line_breaks(run, tmp_path):
    out = tmp_path / "model"
    (tmp_path / "play.txt").write_text("A:\nSpeak, speak.\n" * 60)
    command = (
        "--data",
        tmp_path / "play.txt",
        "--whole-files",
        "--level",
        "subword",
        "--vocabulary-size",
        300,
    )
    result = run("train", "generator", *command, "--out", out, *SMALL)
    assert result.exit_code == 0, result.output
    written = run("generate", out, "A:", "--forced-prefix", "\nSpeak", "--max-new-tokens", 12, "--json")
    assert json.loads(written.stdout)["text"].startswith("\nSpeak"), written.output


def test_skipped_rows_are_told(run, corpus, tmp_path):
    bad = (corpus / "lm_test.txt").read_bytes() + b"caf\xe9\n"
    (tmp_path / "bad.txt").write_bytes(bad)
    command = ("train", "generator", "--data", tmp_path / "bad.txt", "--out", tmp_path / "model", *SMALL)
    refused = run(*command)
    assert refused.exit_code == 2 and "bad.txt, line 61: the text is not valid UTF-8" in refused.stderr
    result = run(*command, "--on-bad-row", "skip", "--json")
    assert result.exit_code == 0 and json.loads(result.stdout)["skipped"]["train"] == 1


def test_bad_test_data_do_not_lose_the_model(run, corpus, tmp_path, monkeypatch):
    from nlpkit.errors import InputError

    def refuse(self, X):
        raise InputError("the texts are odd.")

    monkeypatch.setattr("nlpkit.TextGenerator.add_test", refuse)
    out = tmp_path / "model"
    result = run("train", "generator", "--data", corpus / "lm.txt", "--test-data", corpus / "lm_test.txt",
                 "--out", out, *SMALL, "--quiet")  # fmt: skip
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"error: --test-data: the texts are odd. The model is trained and saved in {out}, without a test result.\n"
    )
    assert (out / "spec.json").exists()


def test_a_resumed_run_gives_the_model_of_an_uninterrupted_one(run, press_ctrl_c, corpus, tmp_path):
    out = tmp_path / "resumed"
    command = ["train", "generator", "--data", str(corpus / "lm.txt"), *map(str, SMALL[:-1]), "3",
               "--dropout", "0.2", "--seed", "7", "--quiet"]  # fmt: skip
    interrupted = press_ctrl_c(*command, "--out", out)
    assert (interrupted.returncode, interrupted.stdout) == (130, ""), interrupted.stderr
    assert f"--resume (its state is in {out}.checkpoint)" in interrupted.stderr
    assert os.listdir(tmp_path) == ["resumed.checkpoint"]
    again = run(*command, "--out", out)
    assert again.exit_code == 2
    message = "resumed.checkpoint holds an unfinished run. Go on with it (--resume), or start anew"
    assert message in again.stderr
    for folder, resume in ((out, ["--resume"]), (tmp_path / "whole", [])):
        result = run(*command, "--out", folder, *resume)
        assert result.exit_code == 0, result.output
    assert sorted(os.listdir(tmp_path)) == ["resumed", "whole"]
    resumed, whole = (
        run("score", folder, "--data", corpus / "lm_test.txt").stdout for folder in (out, tmp_path / "whole")
    )
    assert resumed == whole and len(whole.splitlines()) == 60
    histories = [
        json.loads((folder / "report.json").read_text())["history"] for folder in (out, tmp_path / "whole")
    ]
    assert len(histories[0]["loss"]) == 3 and histories[0] == histories[1]


def test_a_model_that_cannot_be_saved_is_not_trained_in_vain(run, corpus, tmp_path, monkeypatch):
    out, checkpoint = tmp_path / "model", tmp_path / "model.checkpoint"
    command = ("train", "generator", "--data", corpus / "lm.txt", "--out", out, "--quiet", *SMALL)

    def full(self, folder):
        raise OSError(errno.ENOSPC, "No space left on device", str(folder))

    with monkeypatch.context() as patch:
        patch.setattr("nlpkit.TextGenerator.save", full)
        result = run(*command)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"error: {out}: No space left on device; go on with the same command and --resume" in result.stderr
    assert (checkpoint / "lstm" / "state.npz").is_file()
    assert run(*command, "--resume").exit_code == 0
    assert os.listdir(tmp_path) == ["model"]


def test_a_new_run_leaves_nothing_of_the_one_before_to_resume(run, corpus, tmp_path, monkeypatch):
    old = tmp_path / "model.checkpoint" / "lstm" / "state.npz"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"of another run")
    given_to_estimator(
        run, monkeypatch, "--data", corpus / "lm.txt", "--out", tmp_path / "model", "--overwrite"
    )
    assert os.listdir(tmp_path) == []


def test_a_model_is_replaced_only_with_overwrite(run, corpus, tmp_path):
    command = (
        "train",
        "generator",
        "--data",
        corpus / "lm_test.txt",
        "--out",
        tmp_path / "model",
        *SMALL,
        "--quiet",
    )
    assert run(*command).exit_code == 0
    refused = run(*command)
    assert refused.exit_code == 2
    assert "already holds a saved model. Replace it with --overwrite" in refused.stderr
    assert run(*command, "--overwrite").exit_code == 0


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--data", "missing.txt"], "missing.txt: there is no such file"),
        (["--data", "table.csv"], "there is no column 'text' for the text"),
        (
            ["--data", "good.txt", "--validation-data", "blank.txt"],
            "--validation-data must hold text. Received: blank lines only, in blank.txt.",
        ),
        (
            ["--data", "good.txt", "--test-data", "blank.txt"],
            "--test-data must hold text. Received: blank lines only, in blank.txt.",
        ),
        (["--data", "good.txt", "--test-data", "bad.txt"], "bad.txt, line 1: the text is not valid UTF-8"),
        (["--data", "blank.txt"], "The training texts must hold text. Received: blank ones only."),
        (
            ["--data", "unknown.txt", "--no-normalize"],
            "The training texts must hold words for the vocabulary, such as are not <unk> and occur 1 times or more "
            "(`min_frequency`). Received: 3 words in 2 texts, none of them such. Give more text.",
        ),
        (
            ["--data", "once.txt"],
            "such as are not <unk> and occur 2 times or more (`min_frequency`). Received: 3 words in 1 texts, none of",
        ),
        (["--data", "good.txt", "--out", "other"], "other exists and is no nlpkit model"),
        (["--data", "good.txt", "--resume"], "--resume: there is no unfinished run in model.checkpoint"),
        (
            ["--data", "good.txt", "--whole-files", "--text", "body", "--format", "csv"],
            "--whole-files reads each file as one text, so it goes with none of --text, --columns, --quoting, "
            "--format. Received: --text, --format. Leave that out, or --whole-files.",
        ),
        (["--data", "bad.txt", "--whole-files"], "bad.txt, line 1: the text is not valid UTF-8"),
    ],
)
def test_refusals(run, tmp_path, monkeypatch, args, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.txt").write_text("the cat sat .\n" * 30)
    (tmp_path / "blank.txt").write_text("\n \n")
    (tmp_path / "unknown.txt").write_text("<unk> <unk>\n<unk>\n")
    (tmp_path / "once.txt").write_text("every word once\n")
    (tmp_path / "bad.txt").write_bytes(b"caf\xe9\n")
    (tmp_path / "table.csv").write_text("body,stars\nFine.,3\n")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.md").write_text("mine")
    args = args if "--out" in args else [*args, "--out", "model"]
    result = run("train", "generator", *args, "--quiet")
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("error: ") and message in result.stderr
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    "args", [["--level", "words"], ["--cell", "lstmm"], ["--dropout", "1"], ["--epochs", "0"]]
)
def test_choices_are_told_before_anything_is_read(run, args):
    result = run("train", "generator", "--data", "missing.txt", "--out", "model", *args)
    assert result.exit_code == 2 and "Invalid value" in result.stderr and "missing.txt" not in result.stderr
