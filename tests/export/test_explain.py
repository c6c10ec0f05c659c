"""What `explain` reads in exported files, beside what is known of them."""

import json
import sys

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from estimators.small_texts import labels, quick, texts

import nlpkit.export.explain_onnx as onnx_reader
import nlpkit.export.explain_tflite as tflite_reader
from nlpkit.errors import InputError
from nlpkit.export import classifier_lite, explain, saved_model, tflite
from nlpkit.export.explain_tflite import explain_tflite
from nlpkit.export.explained import typed
from nlpkit.export.verify_calls import Found
from nlpkit.lite.model_file import ModelFile


@pytest.fixture(scope="module")
def classifier():
    options = {"network": {"units": 32, "embedding_dim": 32}}
    return quick(encoder="lstm", tokenizer="char", epochs=1, options=options).fit(texts(), labels())


@pytest.fixture(scope="module")
def folder(classifier, tmp_path_factory):
    folder = tmp_path_factory.mktemp("x")
    (folder / "0003").mkdir()  # an older version
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saved_model, "verify_saved_model", lambda *given: 0.0)
        patch.setattr(tflite, "verify_tflite", lambda *given: Found(0.0, 0.0))
        patch.setattr(classifier_lite, "verification_texts", lambda: ["a"])
        classifier.export(folder, to=("saved_model", "tflite"), quantize="dynamic")
    return folder


@pytest.fixture(scope="module")
def found(folder):
    return explain(folder)


def test_what_lies_in_the_folder(folder, found):
    assert [each.format for each in found] == ["saved_model", "tflite", "tflite"]
    assert [each.path for each in found] == [
        str(folder / name) for name in ("4", "model.dynamic.tflite", "model.tflite")
    ]
    assert found[0].size == sum(path.stat().st_size for path in (folder / "4").rglob("*") if path.is_file())
    assert found[2].size == (folder / "model.tflite").stat().st_size


def test_signatures(found):
    saved, _, lite = ({each.name: (each.inputs, each.outputs) for each in one.signatures} for one in found)
    answer = {"label": "string (any,)", "probabilities": "float32 (any, 2)"}
    assert saved == {
        "classify": (
            {"inputs": "string (any,)"},
            {"classes": "string (any, 2)", "scores": "float32 (any, 2)"},
        ),
        "ids": ({"token_ids": "int32 (any, any)"}, answer),
        "serving_default": ({"text": "string (any,)"}, answer),
    }
    assert lite == {"classify": ({"token_ids": "int32 (1, any)"}, {"probabilities": "float32 (1, 2)"})}


def test_operations_of_a_tflite_file_are_those_that_its_runtime_finds(folder, found):
    interpreter = Interpreter(str(folder / "model.tflite"))
    names = {operation["op_name"] for operation in interpreter._get_ops_details()} - {"DELEGATE"}
    assert names and names <= {*found[2].operations} and "WHILE" in found[2].operations
    assert not found[2].foreign
    assert {*found[2].fused} >= {"FULLY_CONNECTED with bias"}


def test_operations_of_a_saved_model(found):
    operations = found[0].operations
    assert operations["ParseExampleV2"] == 1 and operations["LookupTableFindV2"] == 2
    assert operations["While"] + operations["StatelessWhile"] == 2, "one for each direction"


def test_weights_and_how_many_are_quantised(classifier, found):
    saved, small, whole = found
    number = sum(np.size(weights) for weights in classifier.network_.get_weights())
    assert saved.weights == {"float32": number} and saved.quantized == 0
    assert whole.weights["float32"] >= number and whole.quantized == 0
    assert small.weights["int8"] > 0.8 * number and 0.8 < small.quantized < 1


def test_operations_that_are_fused_or_foreign(tmp_path, monkeypatch):
    def dense(x):
        return {
            "y": tf.nn.relu(tf.matmul(x, tf.ones((3, 4))) + tf.range(4.0)),
            "z": tf.strings.length(tf.strings.as_string(x)),
        }

    traced = tf.function(dense, input_signature=[tf.TensorSpec([1, 3], name="x")]).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced], traced)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    path = tmp_path / "model.tflite"
    path.write_bytes(ModelFile(converter.convert(), {}, {}).to_bytes())
    found = explain_tflite(path)
    assert found.fused == {"FULLY_CONNECTED with bias and RELU": 1}
    assert {*found.foreign} == {"FlexAsString", "FlexStringLength"}


def test_nothing_to_explain(tmp_path):
    with pytest.raises(
        InputError, match="holds no export yet. Make one first: nlpkit export .* --to saved_model,tflite"
    ):
        explain(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "1/saved_model.pb",
            b"\xff\xff",
            r"1/saved_model.pb is damaged or no SavedModel. Export the model again",
        ),
        ("1/saved_model.pb", b"", r"1/saved_model.pb is damaged or no SavedModel. Export the model again"),
        ("1/other", b"", r"1/saved_model.pb cannot be read: No such file or directory. Name the folder"),
        (
            "model.tflite",
            b"0000TFL3 and so on",
            "model.tflite does not hold what nlpkit puts behind a TFLite model",
        ),
        (
            "model.tflite",
            ModelFile(b"\xff\xff\xff\x7fTFL3" * 9, {}, {}).to_bytes(),
            "model.tflite is damaged: its model cannot be read",
        ),
    ],
)
def test_damaged_files_are_told(tmp_path, name, content, message):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        explain(tmp_path)


def test_shapes_in_words():
    assert typed("float32", None) == "float32 of any shape"
    assert typed("int32", (None, 3)) == "int32 (any, 3)"
    assert schema.TensorType.FLOAT32 == 0, "the schema's numbers are TFLite's"
    assert json.dumps(typed("int8", np.array([1]))) == '"int8 (1,)"'


def test_onnx_graphs(classifier, tmp_path):
    pytest.importorskip("tf2onnx")
    (result,) = classifier.export(tmp_path, to="onnx")
    (found,) = explain(tmp_path)
    assert (found.format, found.path) == ("onnx", result.path)
    assert found.size == sum(path.stat().st_size for path in tmp_path.iterdir())
    (signature,) = found.signatures
    assert signature.name == "classify" and signature.outputs == {"probabilities": "float32 (any, 2)"}
    number = sum(np.size(weights) for weights in classifier.network_.get_weights())
    assert number <= found.weights["float32"] < 1.1 * number and found.quantized == 0
    assert found.operations["Loop"] == 2 and not found.foreign
    (tmp_path / "model.onnx").write_bytes(b"other")
    with pytest.raises(InputError, match="model.onnx is damaged, or of another export"):
        explain(tmp_path)


def test_the_libraries_that_read_files_are_not_installed(tmp_path, monkeypatch):
    tflite_reader._schema.cache_clear()
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    with pytest.raises(
        InputError, match="A TFLite model is explained by LiteRT, which is not installed. Install it:"
    ):
        tflite_reader._schema()
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(
        InputError, match="An ONNX model is explained by onnx, which is not installed. Install it:"
    ):
        onnx_reader._model(tmp_path)
