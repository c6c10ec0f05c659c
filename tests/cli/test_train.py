"""`nlpkit train classifier`: results, and every way it refuses."""

import errno
import json
import os
import signal
import subprocess
import sys
import time

import pytest

SMALL = ("--encoder", "bag", "--epochs", 1)


def test_json_result(trained):
    folder, result = trained
    assert result["model"] == str(folder)
    assert result["encoder"] == json.loads((folder / "spec.json").read_text())["network"]["encoder"]
    assert os.path.exists(result["report"])
    assert set(result["evaluation"]) == {"validation", "test"}
    assert result["evaluation"]["test"]["rows"] == 60
    assert set(result["evaluation"]["test"]["per_class"]) == {"negative", "positive"}
    assert not os.path.exists(f"{folder}.checkpoint")
    assert "test" in json.loads((folder / "report.json").read_text())["evaluation"]


def test_table_and_hints_name_the_folder(run, tables, tmp_path):
    out = tmp_path / "model"
    data = ("--data", tables / "train.tsv", "--validation-data", tables / "test.tsv")
    result = run("train", "classifier", *data, "--columns", "label,text", "--out", out, *SMALL)
    assert result.exit_code == 0, result.output
    assert "validation (60 texts)" in result.stdout and "macro F1" in result.stdout
    assert "epoch" not in result.stdout
    for line in (f"nlpkit predict {out}", f"nlpkit evaluate {out}", f"nlpkit export {out}", "report.html"):
        assert line in result.stderr


def test_options_reach_the_estimator(run, tables, tmp_path, monkeypatch):
    seen = {}

    class Stub:
        def __init__(self, encoder, **settings):
            seen.update(settings, encoder=encoder)

        def fit(self, X, *, validation_data, test_labels, checkpoint, resume):
            seen.update(checkpoint=str(checkpoint), resume=resume, rows=sum(len(c.texts) for c in X))
            raise KeyboardInterrupt

    monkeypatch.setattr("nlpkit.TextClassifier", Stub, raising=False)
    out = tmp_path / "model"
    result = run(
        "train", "classifier", "--data", tables / "train.tsv", "--data", tables / "te*.tsv",
        "--columns", "label,text", "--out", out, "--encoder", "lstm", "--no-bidirectional", "--units", 8,
        "--num-layers", 2, "--epochs", 4, "--tokenizer", "char", "--no-normalize", "--max-length", 9, "--minutes", 2,
        "--label-separator", ";", "--mixed-precision", "--tensorboard", "logs", "--vectors", "v.txt",
        "--seed", 5, "--quiet",
    )  # fmt: skip
    assert (result.exit_code, result.stderr) == (130, "interrupted\n")
    assert seen == {
        "encoder": "lstm", "bidirectional": False, "units": 8, "num_layers": 2, "epochs": 4, "verbose": 0,
        "max_length": 9, "minutes": 2.0, "multi_label": True, "random_state": 5, "resume": False, "tokenizer": "char",
        "encoder_from": None, "normalize": False,
        "options": {"training": {"mixed_precision": True, "tensorboard": "logs"}, "network": {"vectors": "v.txt"}},
        "rows": 240,
        "checkpoint": f"{out}.checkpoint",
    }  # fmt: skip


def test_an_unknown_test_label_is_told_before_training(run, tables, tmp_path, monkeypatch):
    monkeypatch.setattr("nlpkit.estimators.fitting.train_best", lambda *args: pytest.fail("trained"))
    (tmp_path / "odd.tsv").write_text("positive\tFine.\nneutral\tIt is a chair.\nneutral\tA table.\n")
    result = run(
        "train", "classifier", "--data", tables / "train.tsv", "--test-data", tmp_path / "odd.tsv",
        "--columns", "label,text", "--out", tmp_path / "model", *SMALL, "--quiet",
    )  # fmt: skip
    assert result.exit_code == 2
    assert result.stderr == (
        f"error: {tmp_path / 'odd.tsv'}, line 2: the label 'neutral' was not among the training labels "
        "('negative', 'positive'). Correct the label, or train with examples of it.\n"
    )
    assert os.listdir(tmp_path) == ["odd.tsv"]


def test_skipped_unknown_test_labels_do_not_lose_the_model(run, tables, tmp_path):
    (tmp_path / "odd.tsv").write_text("neutral\tIt is a chair.\n")
    result = run(
        "train", "classifier", "--data", tables / "train.tsv", "--test-data", tmp_path / "odd.tsv",
        "--columns", "label,text", "--out", tmp_path / "model", *SMALL, "--quiet", "--on-bad-row", "skip",
    )  # fmt: skip
    assert result.exit_code == 2, result.output
    assert "error: --test-data: " in result.stderr and "neutral" in result.stderr
    assert f"The model is trained and saved in {tmp_path / 'model'}" in result.stderr
    assert (tmp_path / "model" / "spec.json").exists()


def test_one_class_only_names_the_file(run, tmp_path):
    (tmp_path / "a.tsv").write_text("good\tFine.\n" * 5)
    (tmp_path / "b.tsv").write_text("good\tFine.\n" * 2)
    result = run(
        "train", "classifier", "--data", tmp_path / "?.tsv", "--columns", "label,text", "--out",
        tmp_path / "model", "--quiet",
    )  # fmt: skip
    assert result.exit_code == 2
    assert result.stderr == (
        f"error: {tmp_path / 'a.tsv'}, {tmp_path / 'b.tsv'}: there must be at least two classes to tell apart. "
        "Received: 1 class, ['good'] in 7 texts. Check the label column, or add texts of another class.\n"
    )


def test_a_model_remembers_what_parts_its_labels(run, tmp_path):
    rows = (
        "Good cheap room.,good;cheap",
        "Bad dear room.,bad",
        "Good dear room.,good",
        "Bad cheap.,bad;cheap",
    )
    (tmp_path / "data.csv").write_text("text,label\n" + "\n".join(rows * 6) + "\n")
    command = ("train", "classifier", "--data", tmp_path / "data.csv", "--label-separator", ";",
               "--out", tmp_path / "model", *SMALL, "--quiet", "--json")  # fmt: skip
    trained = run(*command, "--test-data", tmp_path / "data.csv")
    assert trained.exit_code == 0, trained.output
    command = ("evaluate", tmp_path / "model", "--data", tmp_path / "data.csv", "--json")
    evaluated, asked = run(*command), run(*command, "--label-separator", ";")
    assert evaluated.exit_code == 0, evaluated.output
    evaluation = json.loads(evaluated.stdout)
    assert set(evaluation["per_class"]) == {"bad", "cheap", "good"}
    assert evaluation["accuracy"] == json.loads(trained.stdout)["evaluation"]["test"]["accuracy"]
    assert asked.stdout == evaluated.stdout
    other = run(*command, "--label-separator", "|")
    assert other.exit_code == 2 and "the label ['good;cheap'] was not among" in other.stderr


def test_a_resumed_run_gives_the_model_of_an_uninterrupted_one(run, press_ctrl_c, tables, tmp_path):
    out = tmp_path / "resumed"
    command = ["train", "classifier", "--data", str(tables / "test.tsv"), "--columns", "label,text",
               "--encoder", "lstm", "--units", "4", "--epochs", "3", "--seed", "7", "--quiet"]  # fmt: skip
    interrupted = press_ctrl_c(*command, "--out", out)
    assert interrupted.returncode == 130, interrupted.stderr
    assert f"--resume (its state is in {out}.checkpoint)" in interrupted.stderr and not out.exists()
    for folder, resume in ((out, ["--resume"]), (tmp_path / "whole", [])):
        result = run(*command, "--out", folder, *resume)
        assert result.exit_code == 0, result.output
    assert sorted(os.listdir(tmp_path)) == ["resumed", "whole"]
    resumed, whole = (
        run("predict", folder, "--data", tables / "texts.txt", "--json").stdout.splitlines()
        for folder in (out, tmp_path / "whole")
    )
    assert resumed == whole and len(whole) == 5
    histories = [
        json.loads((folder / "report.json").read_text())["history"] for folder in (out, tmp_path / "whole")
    ]
    assert len(histories[0]["loss"]) == 3 and histories[0] == histories[1]


def test_ctrl_c_keeps_a_checkpoint_and_no_half_written_folder(run, tables, tmp_path):
    out = tmp_path / "model"
    command = ["train", "classifier", "--data", str(tables / "train.tsv"), "--columns", "label,text",
               "--out", str(out), "--encoder", "gru", "--epochs", "2000", "--quiet"]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "nlpkit", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not (tmp_path / "model.checkpoint" / "gru" / "state.npz").exists() and process.poll() is None:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (130, "")
    assert stderr.splitlines()[-1].startswith("interrupted; go on with the same command and --resume")
    assert len(stderr.splitlines()) == 1, stderr
    assert os.listdir(tmp_path) == ["model.checkpoint"]
    again = run(*command)
    assert again.exit_code == 2
    assert "model.checkpoint holds an unfinished run. Go on with it (--resume), or start anew" in again.stderr


def test_a_full_disk_is_told_in_a_line_and_leaves_nothing(run, tables, tmp_path, full_disk):
    out = tmp_path / "model"
    command = ("train", "classifier", "--data", tables / "train.tsv", "--columns", "label,text", "--out", out,
               "--quiet", *SMALL)  # fmt: skip
    with full_disk(10_000):
        result = run(*command)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"error: {out}.checkpoint: File too large. Check the path, its permissions and the free space.\n"
    )
    assert os.listdir(tmp_path) == []


def test_a_model_that_cannot_be_saved_is_not_trained_in_vain(run, tables, tmp_path, monkeypatch):
    out, checkpoint = tmp_path / "model", tmp_path / "model.checkpoint"
    checkpoint.mkdir()
    (checkpoint / "mine.txt").write_text("mine")
    command = ("train", "classifier", "--data", tables / "train.tsv", "--columns", "label,text", "--out", out,
               "--quiet", *SMALL)  # fmt: skip

    def full(self, folder):
        raise OSError(errno.ENOSPC, "No space left on device", str(folder))

    with monkeypatch.context() as patch:
        patch.setattr("nlpkit.TextClassifier.save", full)
        result = run(*command)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"error: {out}: No space left on device; go on with the same command and --resume" in result.stderr
    assert (checkpoint / "bag" / "state.npz").is_file()
    assert run(*command, "--resume").exit_code == 0
    assert sorted(os.listdir(tmp_path)) == ["model", "model.checkpoint"]
    assert os.listdir(checkpoint) == ["mine.txt"]


def test_a_new_run_leaves_nothing_of_the_one_before_to_resume(run, tables, tmp_path, monkeypatch):
    old = tmp_path / "model.checkpoint" / "lstm" / "state.npz"
    deeper = tmp_path / "model.checkpoint" / "mine" / "deep" / "state.npz"
    for path in (old, deeper):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"of another run")

    def press_ctrl_c(*given, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr("nlpkit.estimators.candidates.train", press_ctrl_c)
    result = run("train", "classifier", "--data", tables / "train.tsv", "--columns", "label,text",
                 "--out", tmp_path / "model", "--overwrite", "--quiet", *SMALL)  # fmt: skip
    assert (result.exit_code, result.stderr) == (130, "interrupted\n")
    assert not old.exists() and deeper.read_bytes() == b"of another run"


def test_an_export_of_the_model_before_is_pointed_out(run, tables, tmp_path):
    command = ("train", "classifier", "--data", tables / "train.tsv", "--columns", "label,text",
               "--out", tmp_path / "model", *SMALL)  # fmt: skip
    assert "still exports" not in run(*command).stderr
    for name in ("3", "10"):
        (tmp_path / "model" / name).mkdir()
    for name in ("model.tflite", "model.int8.tflite", "model.onnx"):
        (tmp_path / "model" / name).touch()
    result = run(*command, "--overwrite")
    assert result.exit_code == 0, result.output
    assert (
        "still exports of the model before: 10, model.int8.tflite, model.onnx, model.tflite;" in result.stderr
    )


def test_half_a_checkpoint_is_no_unfinished_run(run, tables, tmp_path):
    half = tmp_path / "model.checkpoint" / "lstm"
    half.mkdir(parents=True)
    (half / "state.tmp.npz").write_bytes(b"half")
    command = ("train", "classifier", "--data", tables / "train.tsv", "--columns", "label,text",
               "--out", tmp_path / "model", "--quiet", *SMALL)  # fmt: skip
    refused = run(*command, "--resume")
    assert refused.exit_code == 2 and "--resume: there is no unfinished run" in refused.stderr
    assert run(*command).exit_code == 0
    assert os.listdir(tmp_path) == ["model"]


def bad_files(folder):
    (folder / "no_label.csv").write_text("text,stars\nGood.,5\n")
    (folder / "bad_row.tsv").write_text("good\tFine.\nbad\n")
    (folder / "texts.txt").write_text("Good.\n")
    (folder / "other").mkdir()
    (folder / "other" / "notes.md").write_text("mine")
    return folder


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--data", "missing.csv"], "missing.csv: there is no such file"),
        (
            ["--data", "good.tsv", "--test-data", "bad_row.tsv"],
            "bad_row.tsv, line 2: a row must have 2 fields",
        ),
        (["--data", "good.tsv", "--validation-data", "bad_row.tsv"], "bad_row.tsv, line 2"),
        (["--data", "good.tsv", "--out", "other"], "other exists and is no nlpkit model"),
        (["--data", "good.tsv", "--out", "good.tsv"], "good.tsv exists and is no nlpkit model"),
        (["--data", "good.tsv", "--out", "good.tsv/model"], "cannot be written to. Name another folder."),
        (["--data", "good.tsv", "--resume"], "--resume: there is no unfinished run in model.checkpoint"),
        (["--data", "good.tsv", "--encoder", "lstmm"], "lstmm"),
        (
            ["--data", "good.tsv", "--tokenizer", "words"],
            "`tokenizer` (--tokenizer) must be one of word, space, char, byte, wordpiece, sentencepiece. "
            "Received: 'words'",
        ),
    ],
)
def test_refusals(run, tmp_path, monkeypatch, args, message):
    monkeypatch.chdir(bad_files(tmp_path))
    (tmp_path / "good.tsv").write_text("good\tFine.\nbad\tPoor.\n" * 20)
    args = args if "--out" in args else [*args, "--out", "model"]
    result = run("train", "classifier", *args, "--columns", "label,text", "--quiet")
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("error: ") and message in result.stderr
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("option", ["--data", "--validation-data", "--test-data"])
def test_tables_without_labels_are_refused(run, tmp_path, monkeypatch, option):
    monkeypatch.chdir(bad_files(tmp_path))
    (tmp_path / "good.csv").write_text("text,label\n" + "Fine.,good\nPoor.,bad\n" * 20)
    data = [] if option == "--data" else ["--data", "good.csv"]
    result = run("train", "classifier", *data, option, "no_label.csv", "--out", "model", "--quiet")
    assert result.exit_code == 2
    assert "label" in result.stderr and "--label" in result.stderr


def test_a_model_is_replaced_only_with_overwrite(run, tables, tmp_path):
    command = ("train", "classifier", "--data", tables / "train.tsv", "--columns", "label,text",
               "--out", tmp_path / "model", *SMALL, "--quiet")  # fmt: skip
    assert run(*command).exit_code == 0
    refused = run(*command)
    assert refused.exit_code == 2
    assert "already holds a saved model. Replace it with --overwrite" in refused.stderr
    assert run(*command, "--overwrite").exit_code == 0
