"""`nlpkit train classifier --encoder-from`: results, and every way it refuses."""

import json

import pytest


def command(tables, out, encoder_from, *more):
    return ("train", "classifier", "--data", tables / "train.tsv", "--columns", "label,text", "--out", out,
            "--encoder-from", encoder_from, *more)  # fmt: skip


def test_a_classifier_from_a_language_model(run, tables, language_model, tmp_path):
    out = tmp_path / "model"
    result = run(*command(tables, out, language_model, "--epochs", 1, "--max-length", 20))
    assert result.exit_code == 0, result.output
    assert f"encoder from {language_model}: text layer, embedding and layers (lstm) of" in result.stderr
    spec = json.loads((out / "spec.json").read_text())
    assert spec["estimator"]["encoder_from"] == str(language_model)
    assert spec["network"]["encoder"]["units"] == 32 and spec["text"]["packer"]["max_length"] == 20
    assert (out / "vocabulary.txt").read_text() == (language_model / "vocabulary.txt").read_text()
    predicted = run("predict", out, "Fine.", "--json")
    assert predicted.exit_code == 0, predicted.output


def test_json_names_the_cell(run, tables, language_model, tmp_path):
    result = run(*command(tables, tmp_path / "model", language_model, "--epochs", 1, "--json", "--quiet"))
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["encoder"] == "lstm"


@pytest.fixture
def nothing_is_read(monkeypatch):
    for name in ("labelled_reader", "start_tensorflow"):
        monkeypatch.setattr(f"nlpkit.cli.train.{name}", lambda *given, **more: pytest.fail("too late"))


def test_a_wrong_folder_is_told_before_anything_is_read(run, tables, model, tmp_path, nothing_is_read):
    for folder, message in (
        (tmp_path / "none", f"There is no model folder {tmp_path / 'none'}. Train one: nlpkit train"),
        (
            model,
            f"Received: {model}, which holds a classifier. Train one: nlpkit train generator --data FILE",
        ),
    ):
        result = run(*command(tables, tmp_path / "model", folder))
        assert result.exit_code == 2
        assert result.stderr.startswith(
            "error: `encoder_from` (--encoder-from) must be the folder of a saved text generator. "
        )
        assert message in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_options_that_the_language_model_decides_are_named(
    run, tables, language_model, tmp_path, nothing_is_read
):
    more = ("--encoder", "lstm", "--units", 8, "--no-bidirectional", "--num-layers", 1, "--vectors", "v.txt",
            "--tokenizer", "char", "--no-normalize")  # fmt: skip
    result = run(*command(tables, tmp_path / "model", language_model, *more))
    assert result.exit_code == 2
    assert result.stderr == (
        "error: --encoder-from brings its text layer and its encoder, so that it goes with none of --encoder, "
        "--bidirectional, --units, --num-layers, --vectors, --tokenizer, --no-normalize. Received: --encoder, "
        "--bidirectional, --units, --num-layers, --vectors, --tokenizer, --no-normalize. "
        "Leave that out, or --encoder-from.\n"
    )
    result = run(*command(tables, tmp_path / "model", language_model, "--units", 8))
    assert result.exit_code == 2 and result.stderr.endswith(
        "Received: --units. Leave that out, or --encoder-from.\n"
    )
