"""`nlpkit train classifier`: results, and every way it refuses."""

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

        def fit(self, X, *, validation_data, checkpoint, resume):
            seen.update(checkpoint=str(checkpoint), resume=resume, rows=sum(len(c.texts) for c in X))
            raise KeyboardInterrupt

    monkeypatch.setattr("nlpkit.TextClassifier", Stub, raising=False)
    out = tmp_path / "model"
    result = run(
        "train", "classifier", "--data", tables / "train.tsv", "--data", tables / "te*.tsv",
        "--columns", "label,text", "--out", out, "--encoder", "lstm", "--no-bidirectional", "--units", 8,
        "--num-layers", 2, "--epochs", 4, "--tokenizer", "char", "--max-length", 9, "--minutes", 2,
        "--label-separator", ";", "--mixed-precision", "--tensorboard", "logs", "--vectors", "v.txt",
        "--seed", 5, "--quiet",
    )  # fmt: skip
    assert (result.exit_code, result.stderr) == (130, "interrupted\n")
    assert seen == {
        "encoder": "lstm", "bidirectional": False, "units": 8, "num_layers": 2, "epochs": 4, "verbose": 0,
        "max_length": 9, "minutes": 2.0, "multi_label": True, "random_state": 5, "resume": False, "tokenizer": "char",
        "options": {"training": {"mixed_precision": True, "tensorboard": "logs"}, "network": {"vectors": "v.txt"}},
        "rows": 240,
        "checkpoint": f"{out}.checkpoint",
    }  # fmt: skip


def test_unknown_test_label_does_not_lose_the_model(run, tables, tmp_path):
    (tmp_path / "odd.tsv").write_text("neutral\tIt is a chair.\n")
    result = run(
        "train", "classifier", "--data", tables / "train.tsv", "--test-data", tmp_path / "odd.tsv",
        "--columns", "label,text", "--out", tmp_path / "model", *SMALL, "--quiet",
    )  # fmt: skip
    assert result.exit_code == 2
    assert "error: --test-data: " in result.stderr and "neutral" in result.stderr
    assert f"The model is trained and saved in {tmp_path / 'model'}" in result.stderr
    assert (tmp_path / "model" / "spec.json").exists()


def test_ctrl_c_keeps_a_checkpoint_and_no_half_written_folder(run, tables, tmp_path):
    out = tmp_path / "model"
    command = ["train", "classifier", "--data", str(tables / "train.tsv"), "--columns", "label,text",
               "--out", str(out), "--encoder", "gru", "--epochs", "2000", "--quiet"]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "nlpkit", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not (tmp_path / "model.checkpoint" / "state.npz").exists() and process.poll() is None:
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
        (["--data", "good.tsv", "--tokenizer", "words"], "words"),
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
