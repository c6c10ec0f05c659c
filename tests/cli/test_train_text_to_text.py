"""`nlpkit train translator`: results, and every way it refuses."""

import csv
import errno
import json
import os
import typing

import numpy as np
import pytest
import typer

from nlpkit import TextToText
from nlpkit.cli import text_to_text_options as own
from nlpkit.cli import train_options
from nlpkit.cli.app import app
from nlpkit.estimators.saving import load_network
from nlpkit.estimators.text_levels import LEVELS
from nlpkit.estimators.text_to_text_choices import choose_for_text_to_text
from nlpkit.models.encoder_decoder_checks import CHOICES
from nlpkit.models.presets import PRESETS

SMALL = ("--level", "word", "--preset", "seq2seq", "--units", 4, "--epochs", 1)
COLUMNS = ("--columns", "source,target")


def test_json_result(run, trained_translator, pairs):
    import sacrebleu

    folder, result = trained_translator
    assert result["model"] == str(folder) and result["preset"] == "attention"
    assert set(result["evaluation"]) == {"validation", "test"}
    assert result["skipped"] == {"train": 0, "validation": 0, "test": 0}
    assert not os.path.exists(f"{folder}.checkpoint")
    with open(pairs / "pairs_test.tsv", encoding="utf-8") as file:
        sources, targets = zip(*csv.reader(file, delimiter="\t"), strict=True)
    (folder.parent / "sources.txt").write_text("".join(f"{text}\n" for text in sources))
    written = run("translate", folder, "--data", folder.parent / "sources.txt").stdout.splitlines()
    test = result["evaluation"]["test"]
    assert test["bleu"] == pytest.approx(sacrebleu.corpus_bleu(written, [targets]).score)
    matches = sum(found == target for found, target in zip(written, targets, strict=True))
    assert test["exact_match"] == pytest.approx(100 * matches / len(targets)) and test["bleu"] > 20
    assert "version:" in test["bleu_signature"] and "version:" in test["chrf_signature"]
    report = json.loads((folder / "report.json").read_text())
    assert report["metrics"]["test"] == test
    assert report["data"]["test"]["files"] == [str(pairs / "pairs_test.tsv")]
    assert result["report"] == str(folder / "report.html") and (folder / "report.html").is_file()


def test_the_command_has_two_names():
    tasks = typer.main.get_command(app).commands["train"].commands
    first, second = tasks["translator"], tasks["text-to-text"]
    assert first.examples == second.examples and first.help == second.help
    assert [param.opts for param in first.params] == [param.opts for param in second.params]


def test_table_and_hints_name_the_folder(run, pairs, tmp_path):
    out = tmp_path / "model"
    data = ("--data", pairs / "pairs_test.tsv", "--validation-data", pairs / "pairs_test.tsv", *COLUMNS)
    result = run("train", "text-to-text", *data, "--out", out, *SMALL)
    assert result.exit_code == 0, result.output
    assert "validation" in result.stdout and "perplexity" in result.stdout and "epoch" not in result.stdout
    read = "--data FILE --columns source,target"
    for line in (
        f"nlpkit translate {out}",
        f"nlpkit evaluate {out} {read}",
        f"nlpkit score {out} {read}",
        "report.html",
    ):
        assert line in result.stderr


def given_to_estimator(run, monkeypatch, *args):
    """What a command gives to the estimator, which then stops."""
    seen = {}

    class Stub:
        def __init__(self, preset, **settings):
            seen.update(settings, preset=preset)

        def fit(self, X, *, validation_data, checkpoint, resume):
            seen.update(checkpoint=str(checkpoint), resume=resume, validation=validation_data)
            chunks = list(X)
            seen["pairs"] = [
                (s, t) for chunk in chunks for s, t in zip(chunk.texts, chunk.labels, strict=True)
            ]
            raise KeyboardInterrupt

    monkeypatch.setattr("nlpkit.TextToText", Stub, raising=False)
    result = run("train", "translator", *args, "--quiet")
    assert (result.exit_code, result.stderr) == (130, "interrupted\n"), result.output
    return seen


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("en,de,source,target\nA dog,Ein Hund,s,t\n")
    return path


def test_options_reach_the_estimator(run, table, tmp_path, monkeypatch):
    out = tmp_path / "model"
    seen = given_to_estimator(
        run, monkeypatch, "--data", table, "--source", "de", "--target", "en", "--out", out,
        "--preset", "gnmt", "--cell", "gru", "--units", 8, "--num-layers", 2, "--dropout", 0.3, "--reverse-source",
        "--peeky", "--copy", 20, "--level", "word", "--source-level", "char", "--target-level", "byte", "--shared",
        "--no-normalize", "--vocabulary-size", 500, "--batch-tokens", 900, "--max-source-length", 70, "--epochs", 4,
        "--minutes", 2,
        "--mixed-precision", "--tensorboard", "logs", "--seed", 5,
    )  # fmt: skip
    assert seen == {
        "preset": "gnmt", "cell": "gru", "units": 8, "num_layers": 2, "level": "word", "source_level": "char",
        "target_level": "byte", "shared": True, "normalize": False, "epochs": 4, "minutes": 2.0, "random_state": 5,
        "verbose": 0, "resume": False, "validation": None, "pairs": [("Ein Hund", "A dog")],
        "options": {
            "source": {"vocabulary_size": 500}, "target": {},
            "network": {"dropout": 0.3, "copy": 20, "reverse_source": True, "peeky": True},
            "training": {
                "batch_tokens": 900, "max_source_length": 70, "tensorboard": "logs", "mixed_precision": True,
            },
        },
        "checkpoint": f"{out}.checkpoint/gnmt",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("levels", "limited"),
    [
        (("--level", "word"), {"source", "target"}),
        (("--level", "byte", "--source-level", "char"), {"source"}),
        (("--level", "subword", "--source-level", "byte"), {"target"}),
        (("--level", "byte"), {"source", "target"}),
    ],
)
def test_a_limit_of_the_vocabulary_is_for_the_sides_that_learn_one(
    run, table, tmp_path, monkeypatch, levels, limited
):
    data = ("--data", table, "--out", tmp_path / "model")
    options = given_to_estimator(run, monkeypatch, *data, *levels, "--vocabulary-size", 500)["options"]
    assert {side for side in ("source", "target") if options[side] == {"vocabulary_size": 500}} == limited


def test_bytes_alone_have_no_vocabulary_to_limit(run, table, tmp_path):
    data = ("--data", table, "--out", tmp_path / "model")
    result = run("train", "translator", *data, "--level", "byte", "--vocabulary-size", 500)
    assert result.exit_code == 2
    assert result.stderr == (
        "error: `vocabulary_size` (--vocabulary-size) limits a vocabulary that is learned from texts; that of bytes is "
        "always the same. Received: vocabulary_size=500 with level='byte'. Leave it out, or take another level.\n"
    )


def test_what_is_not_given_is_left_to_the_estimator(run, table, tmp_path, monkeypatch):
    seen = given_to_estimator(run, monkeypatch, "--data", table, "--out", tmp_path / "model")
    defaults = TextToText().get_params()
    for name in defaults.keys() - {"options", "random_state", "verbose"}:
        assert seen[name] == defaults[name], name
    assert seen["pairs"] == [("s", "t")]
    assert seen["options"] == {"source": {}, "target": {}, "network": {}, "training": {}}


def test_pairs_of_a_step_take_the_place_of_the_tokens_of_a_preset(run, table, tmp_path, monkeypatch):
    data = ("--data", table, "--out", tmp_path / "model")
    seen = given_to_estimator(run, monkeypatch, *data, "--preset", "transformer", "--batch-size", 12)
    assert seen["options"]["training"] == {"batch_size": 12}
    _, training, _ = choose_for_text_to_text(TextToText("transformer"), seen["options"], pairs=50_000)
    assert (training.batch_size, training.batch_tokens) == (12, None)


def choices(option):
    found = typing.get_args(option)[0]
    found = next(
        part for part in (found, *typing.get_args(found)) if typing.get_origin(part) is typing.Literal
    )
    return set(typing.get_args(found))


def test_choices_are_those_of_the_estimator():
    assert choices(own.Preset) == set(PRESETS) - {"captioner", "captioner_without_attention"}
    assert choices(own.Cell) == set(CHOICES["cell"])
    for level in (train_options.Level, own.SourceLevel, own.TargetLevel):
        assert choices(level) == set(LEVELS)


def test_skipped_rows_are_told(run, pairs, tmp_path):
    bad = (pairs / "pairs_test.tsv").read_text() + "Ein Hund\n"
    (tmp_path / "bad.tsv").write_text(bad)
    command = (
        "train",
        "translator",
        "--data",
        tmp_path / "bad.tsv",
        *COLUMNS,
        "--out",
        tmp_path / "model",
        *SMALL,
    )
    refused = run(*command)
    assert refused.exit_code == 2 and "line 31: a row must have 2 fields" in refused.stderr
    result = run(*command, "--on-bad-row", "skip", "--json")
    assert result.exit_code == 0 and json.loads(result.stdout)["skipped"]["train"] == 1


def test_bad_test_data_do_not_lose_the_model(run, pairs, tmp_path, monkeypatch):
    from nlpkit.errors import InputError

    def refuse(self, X):
        raise InputError("the texts are odd.")

    monkeypatch.setattr("nlpkit.TextToText.add_test", refuse)
    out = tmp_path / "model"
    data = ("--data", pairs / "pairs_test.tsv", "--test-data", pairs / "pairs_test.tsv", *COLUMNS)
    result = run("train", "translator", *data, "--out", out, *SMALL, "--quiet")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"error: --test-data: the texts are odd. The model is trained and saved in {out}, without a test result.\n"
    )
    assert (out / "spec.json").exists()


def test_a_resumed_run_gives_the_model_of_an_uninterrupted_one(run, press_ctrl_c, pairs, tmp_path):
    out, data = tmp_path / "resumed", str(pairs / "pairs_test.tsv")
    command = ["train", "translator", "--data", data, *COLUMNS, *map(str, SMALL[:-1]), "3", "--dropout", "0.2",
               "--seed", "7", "--quiet"]  # fmt: skip
    interrupted = press_ctrl_c(*command, "--out", out)
    assert interrupted.returncode == 130, interrupted.stderr
    assert f"--resume (its state is in {out}.checkpoint)" in interrupted.stderr and not out.exists()
    again = run(*command, "--out", out)
    assert again.exit_code == 2 and "resumed.checkpoint holds an unfinished run." in again.stderr
    for folder, resume in ((out, ["--resume"]), (tmp_path / "whole", [])):
        result = run(*command, "--out", folder, *resume)
        assert result.exit_code == 0, result.output
    assert sorted(os.listdir(tmp_path)) == ["resumed", "whole"]
    resumed, whole = (load_network(folder).get_weights() for folder in (out, tmp_path / "whole"))
    for weights, others in zip(resumed, whole, strict=True):
        np.testing.assert_array_equal(weights, others)
    histories = [
        json.loads((folder / "report.json").read_text())["history"] for folder in (out, tmp_path / "whole")
    ]
    assert len(histories[0]["loss"]) == 3 and histories[0] == histories[1]


def test_a_model_that_cannot_be_saved_is_not_trained_in_vain(run, pairs, tmp_path, monkeypatch):
    out, checkpoint = tmp_path / "model", tmp_path / "model.checkpoint"
    command = (
        "train",
        "translator",
        "--data",
        pairs / "pairs_test.tsv",
        *COLUMNS,
        "--out",
        out,
        "--quiet",
        *SMALL,
    )

    def full(self, folder):
        raise OSError(errno.ENOSPC, "No space left on device", str(folder))

    with monkeypatch.context() as patch:
        patch.setattr("nlpkit.TextToText.save", full)
        result = run(*command)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"error: {out}: No space left on device; go on with the same command and --resume" in result.stderr
    assert (checkpoint / "seq2seq" / "state.npz").is_file()
    assert run(*command, "--resume").exit_code == 0
    assert os.listdir(tmp_path) == ["model"]
    refused = run(*command)
    assert (
        refused.exit_code == 2
        and "already holds a saved model. Replace it with --overwrite" in refused.stderr
    )


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--data", "missing.tsv"], "missing.tsv: there is no such file"),
        (
            ["--data", "table.csv"],
            "there is no column 'source' for the source. Received columns: ['de', 'en']",
        ),
        (["--data", "good.txt"], "A text file has one text per line, no targets."),
        (["--data", "good.csv", "--validation-data", "bad.csv"], "bad.csv, line 2: the target is missing."),
        (["--data", "good.csv", "--test-data", "bad.csv"], "bad.csv, line 2: the target is missing."),
        (
            ["--data", "list.jsonl"],
            "list.jsonl, line 1: a source must have one target. Received: ['y']. Write a row for each.",
        ),
        (["--data", "good.csv", "--out", "other"], "other exists and is no nlpkit model"),
        (["--data", "good.csv", "--resume"], "--resume: there is no unfinished run in model.checkpoint"),
        (
            ["--data", "good.csv", "--batch-size", "8", "--batch-tokens", "900"],
            "--batch-tokens takes the place of --batch-size. Received: --batch-size 8 and --batch-tokens 900. Leave "
            "out one of them.",
        ),
    ],
)
def test_refusals_before_tensorflow_is_started(run, tmp_path, monkeypatch, args, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("nlpkit.cli.train_text_to_text.start_tensorflow", lambda: pytest.fail("started"))
    (tmp_path / "good.csv").write_text("source,target\nx,y\n")
    (tmp_path / "good.txt").write_text("x\n")
    (tmp_path / "bad.csv").write_text("source,target\nx,\n")
    (tmp_path / "table.csv").write_text("de,en\nx,y\n")
    (tmp_path / "list.jsonl").write_text('{"source": "x", "target": ["y"]}\n')
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.md").write_text("mine")
    args = args if "--out" in args else [*args, "--out", "model"]
    result = run("train", "translator", *args, "--quiet")
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("error: ") and message in result.stderr
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--copy", "5"], "`copy` writes words of the source with the vocabulary of the target."),
        (["--shared", "--source-level", "char", "--target-level", "word"], "both sides have one vocabulary"),
        (["--cell", "transformer", "--peeky"], "`peeky` is an option of recurrent decoders"),
        (["--cell", "transformer", "--preset", "peeky"], "`peeky` is an option of recurrent decoders"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_refusals_of_the_estimator_end_with_a_line(run, pairs, tmp_path, args, message):
    data = ("--data", pairs / "pairs_test.tsv", *COLUMNS, "--level", "word")
    result = run("train", "translator", *data, "--out", tmp_path / "model", *args, "--quiet")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ") and message in result.stderr
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "args", [["--level", "words"], ["--preset", "captioner"], ["--cell", "lstmm"], ["--dropout", "1"]]
)
def test_choices_are_told_before_anything_is_read(run, args):
    result = run("train", "translator", "--data", "missing.tsv", "--out", "model", *args)
    assert result.exit_code == 2 and "Invalid value" in result.stderr and "missing.tsv" not in result.stderr
