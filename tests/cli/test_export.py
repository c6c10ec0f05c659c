"""`nlpkit export`."""

import json
import os
import shutil

import pytest

import nlpkit.export.saved_model as saved_model
from nlpkit.export.verify import TOLERANCE


@pytest.fixture
def copy(model, tmp_path):
    return shutil.copytree(model, tmp_path / "reviews")


def test_path_is_the_result(run, copy):
    first = run("export", copy, "--to", "saved_model")
    assert first.exit_code == 0, first.output
    assert first.stdout == f"{copy / '1'}\n"
    assert "largest difference" in first.stderr and f'-v "{copy}:/models/reviews"' in first.stderr


def test_json_and_the_next_version(run, copy):
    (copy / "3").mkdir()
    result = json.loads(run("export", copy, "--json").stdout)["exports"][0]
    assert result["path"] == str(copy / "4") and 0.0 <= result["max_difference"] <= TOLERANCE == 1e-5
    assert (copy / "4" / "saved_model.pb").exists()


def test_tflite_and_what_it_is_compared_by(run, copy, unverified):
    data = copy.parent / "dev.tsv"
    data.write_text("label\ttext\n" + "positive\ta lovely room\nnegative\ta dull film\n" * 3)
    arguments = ("--to", "saved_model,tflite", "--quantize", "float16", "--data", data, "--max-loss", "1")
    result = run("export", copy, *arguments, "--json")
    assert result.exit_code == 0, result.output
    saved, whole, half = json.loads(result.stdout)["exports"]
    assert [saved["path"], whole["path"]] == [str(copy / "1"), str(copy / "model.tflite")]
    assert half["path"] == str(copy / "model.float16.tflite") and half["size"] <= whole["size"]
    assert 0 <= whole["accuracy"] == whole["accuracy_of_model"] and whole["milliseconds"] > 0
    result = run("export", copy, "--to", "tflite")
    assert result.stdout == f"{copy / 'model.tflite'}\n"
    assert f'nlpkit.lite.load("{copy / "model.tflite"}")' in result.stderr


def test_eight_bits_throughout(run, copy):
    data = copy.parent / "train.tsv"
    data.write_text("label\ttext\n" + "positive\ta lovely room\nnegative\ta dull film\n" * 3)
    arguments = ("--to", "tflite", "--quantize", "int8", "--representative", data)
    result = run("export", copy, *arguments)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{copy / 'model.tflite'}\n{copy / 'model.int8.tflite'}\n"


def test_onnx_beside_a_measured_file(run, copy):
    data = copy.parent / "dev.tsv"
    data.write_text("label\ttext\n" + "positive\ta lovely room\nnegative\ta dull film\n" * 3)
    result = run("export", copy, "--to", "tflite,onnx", "--data", data, "--max-loss", "1")
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{copy / 'model.tflite'}\n{copy / 'model.onnx'}\n"
    assert "model.onnx (onnx): reloaded and compared" in result.stderr
    assert f'nlpkit.lite.load("{copy / "model.onnx"}")' in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--quantize", "int8"),
            "--quantize is about TFLite. Received: --to saved_model. Add it: --to tflite",
        ),
        (("--fused-lstm",), "--fused-lstm is about TFLite. Received: --to saved_model. Add it: --to tflite"),
        (
            ("--to", "tflite", "--fused-lstm"),
            "Received: a model with the recurrent cells []. Leave it out (--fused-lstm).",
        ),
        (("--to", "tflite", "--quantize", "int8"), "`quantize='int8'` needs texts of the training"),
        (("--representative", "x.tsv"), "--representative is about TFLite. Received: --to saved_model."),
        (("--to", "tflite", "--text-ops"), "`text_ops` (--text-ops) needs a tokenizer among"),
        (("--beam", "3"), "--beam is about a model that writes targets. Received: "),
        (
            ("--to", "tflite", "--max-loss", "1"),
            "--max-loss is measured on the texts of --data. Received: --max-loss 1",
        ),
        (
            ("--to", "tflite", "--quantize", "int4"),
            "`quantize` must be among ['float16', 'dynamic', 'int8']. Received:",
        ),
    ],
)
def test_options_that_go_with_nothing_else(run, copy, arguments, message):
    result = run("export", copy, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_an_unknown_format_is_refused(run, copy):
    result = run("export", copy, "--to", "pickle")
    assert result.exit_code == 2
    assert "pickle" in result.stderr and "saved_model" in result.stderr


def test_a_full_disk_is_told_in_a_line_and_leaves_nothing(run, copy, full_disk):
    before = sorted(os.listdir(copy))
    with full_disk(3000):
        result = run("export", copy)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"error: {copy}: the export could not be written (File too large). "
        "Check the path, its permissions and the free space.\n"
    )
    assert sorted(os.listdir(copy)) == before


@pytest.mark.parametrize(
    ("owner", "function"),
    [(saved_model.tf.saved_model, "save"), (saved_model, "verify_saved_model")],
    ids=["while it is written", "while it is compared"],
)
def test_ctrl_c_leaves_no_half_written_version(run, copy, monkeypatch, owner, function):
    def press_ctrl_c(*arguments, **more):
        (scratch,) = copy.glob(".export-*")
        (scratch / "half").write_text("half")
        raise KeyboardInterrupt

    before = sorted(os.listdir(copy))
    monkeypatch.setattr(owner, function, press_ctrl_c)
    result = run("export", copy)
    assert (result.exit_code, result.stdout, result.stderr) == (130, "", "interrupted\n")
    assert sorted(os.listdir(copy)) == before


def test_a_folder_without_a_model_is_refused(run, tmp_path):
    result = run("export", tmp_path)
    assert result.exit_code == 2
    assert "no complete nlpkit model folder: spec.json, model.keras missing" in result.stderr


@pytest.mark.parametrize("option", [("--to", "tflite"), ("--jit",), ("--max-loss", "1")])
def test_explain_stands_alone(run, copy, option):
    result = run("export", copy, "--explain", *option)
    assert (result.exit_code, result.stdout) == (2, "")
    assert (
        f"--explain shows what lies in the folder and exports nothing. Received: {option[0]} "
        in result.stderr
    )


def test_explain_shows_what_lies_there_and_exports_nothing(run, copy):
    empty = run("export", copy, "--explain")
    assert (empty.exit_code, empty.stdout) == (
        2,
        "",
    ) and "holds no export yet. Make one first" in empty.stderr
    assert run("export", copy).exit_code == 0
    before = sorted(os.listdir(copy))
    shown = run("export", copy, "--explain")
    assert shown.exit_code == 0, shown.output
    assert "1 (saved_model): " in shown.stdout and "float32; 0% quantised" in shown.stdout
    assert "classify" in shown.stdout and "ParseExampleV2" in shown.stdout
    (found,) = json.loads(run("export", copy, "--explain", "--json").stdout)["exports"]
    assert found["path"] == str(copy / "1") and found["operations"]["ParseExampleV2"] == 1
    assert [signature["name"] for signature in found["signatures"]] == ["classify", "ids", "serving_default"]
    assert sorted(os.listdir(copy)) == before


@pytest.mark.parametrize("written", [True, False])
def test_what_became_of_further_signatures_is_told(run, copy, monkeypatch, written):
    times = {"milliseconds": 1.234, "milliseconds_without": 2.5, "written": written}
    gpu = {"signatures": ["gpu_ids"], "compared": written}
    found = saved_model.ExportResult("saved_model", str(copy / "1"), 0.0, 3, gpu=gpu, jit=times)
    monkeypatch.setattr(
        "nlpkit.estimators.classifier_files.export_saved_model", lambda *given, **asked: found
    )
    said = run("export", copy, "--device", "gpu", "--jit").stderr
    assert (
        "1.23 ms a text with XLA, 2.50 ms without: jit_… signatures "
        + ("were added" if written else "were left out")
        in said
    )
    assert (
        "for a GPU, compared too: gpu_ids" if written else "not compared, since there is no GPU here: gpu_ids"
    ) in said
    (facts,) = json.loads(run("export", copy, "--device", "gpu", "--jit", "--json").stdout)["exports"]
    assert facts["jit"] == times and facts["gpu"] == gpu


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--device", "tpu"),
            "`device` must be \"gpu\", which adds signatures for it, or None. Received: 'tpu'",
        ),
        (
            ("--to", "tflite", "--jit"),
            "--jit is about SavedModels. Received: --to tflite. Add it: --to saved_model",
        ),
    ],
)
def test_devices_and_formats_of_further_signatures(run, copy, arguments, message):
    result = run("export", copy, *arguments)
    assert (result.exit_code, result.stdout) == (2, "") and message in result.stderr
