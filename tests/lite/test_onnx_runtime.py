"""What the files of an ONNX model must be before anything of them runs."""

import json
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import nlpkit.lite
from nlpkit.errors import InputError
from nlpkit.lite.onnx_files import OnnxFiles, sha256

SPEC = {
    "task": "classifier",
    "text": {
        "level": "byte",
        "normalizer": None,
        "packer": {"max_length": None, "start": False, "end": False},
    },
    "labels": ["a", "b"],
    "multi_label": False,
    "steps": None,
    "signatures": {"classify": "model.onnx"},
}
SPEC["text"]["packer"]["truncate"] = "end"


def graph():
    """A model that gives two zeros for each text, as the bytes of a file."""
    ids = helper.make_tensor_value_info("token_ids", TensorProto.INT32, ["batch", "time"])
    found = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 2])
    weights = onnx.numpy_helper.from_array(np.zeros((1, 2), "float32"), "weights")
    axis = onnx.numpy_helper.from_array(np.array([1]), "axis")
    nodes = [
        helper.make_node("Cast", ["token_ids"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["floats", "axis"], ["sums"]),
        helper.make_node("MatMul", ["sums", "weights"], ["probabilities"]),
    ]
    made = helper.make_graph(nodes, "graph", [ids], [found], [weights, axis])
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    return model.SerializeToString()


@pytest.fixture
def path(tmp_path):
    return write(tmp_path, graph())


def write(folder, model, **more):
    """Writes a model and its description, and gives the path of the model."""
    (folder / "model.onnx").write_bytes(model)
    spec = {**SPEC, "sha256": {"model.onnx": sha256(model)}, **more}
    files = {"labels.txt": b"a\nb\n", "some.bin": b"\xff\0"}
    (folder / "model.onnx.json").write_bytes(OnnxFiles(folder, spec, files).to_json())
    return folder / "model.onnx"


def test_it_comes_back(path):
    file = OnnxFiles.read(path)
    assert file.files == {"labels.txt": b"a\nb\n", "some.bin": b"\xff\0"}
    assert file.spec["labels"] == ["a", "b"] and file.folder == path.parent
    model = nlpkit.lite.load(path)
    assert model.predict_proba(["hello", ""]).tolist() == [[0, 0], [0, 0]]
    assert model._run.shape("classify", "token_ids") == (-1, -1)
    assert model._run.inputs("classify") == ["token_ids"]


@pytest.mark.parametrize("name", ["model.onnx", "model.onnx.json"])
def test_no_file(path, name):
    (path.parent / name).unlink()
    with pytest.raises(InputError, match=f"{name} cannot be read: No such file or directory. Copy all files"):
        nlpkit.lite.load(path)


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("name", ["model.onnx", "model.onnx.json"])
def test_a_file_that_was_cut_short(path, name, part):
    content = (path.parent / name).read_bytes()
    (path.parent / name).write_bytes(content[: int(part * len(content))])
    message = {
        "model.onnx": "is damaged, or of another export than model.onnx.json: it does not have the checksum",
        "model.onnx.json": "it was cut short, damaged, or written by another program. Copy all files",
    }[name]
    with pytest.raises(InputError, match=message):
        nlpkit.lite.load(path)


@pytest.mark.parametrize("name", ["model.onnx", "model.onnx.json"])
def test_a_damaged_file(path, name):
    """Any byte: an error, and never a crash of the runtime."""
    content, random = (path.parent / name).read_bytes(), np.random.default_rng(0)
    for place in random.integers(0, len(content), 60):
        damaged = bytearray(content)
        damaged[place] ^= 0x11
        (path.parent / name).write_bytes(damaged)
        try:
            found = OnnxFiles.read(path)
        except InputError:
            continue
        # White space between the values is of no account.
        (path.parent / name).write_bytes(content)
        assert name == "model.onnx.json" and found == OnnxFiles.read(path)


@pytest.mark.parametrize("content", [b"[]", b"3", b'"text"', b"{}", b"\xff\xfe", b"PK\3\4 and more"])
def test_a_description_of_another_program(path, content):
    (path.parent / "model.onnx.json").write_bytes(content)
    with pytest.raises(InputError, match="does not hold what nlpkit writes beside an ONNX model"):
        nlpkit.lite.load(path)


def test_a_description_of_another_version(path):
    described = json.loads((path.parent / "model.onnx.json").read_text())
    (path.parent / "model.onnx.json").write_text(json.dumps({**described, "format_version": 9}))
    with pytest.raises(InputError, match="must have format_version 1. Received: 9. Use the nlpkit version"):
        nlpkit.lite.load(path)


def test_a_description_that_was_changed(path):
    described = json.loads((path.parent / "model.onnx.json").read_text())
    (path.parent / "model.onnx.json").write_text(json.dumps({**described, "labels": ["b", "a"]}))
    with pytest.raises(InputError, match="json is damaged: it does not have the checksum it had. Copy all"):
        nlpkit.lite.load(path)


def test_an_unknown_task(tmp_path):
    path = write(tmp_path, graph(), task="poet")
    with pytest.raises(InputError, match=r"must be of a task among \['captioner', .*Received: 'poet'"):
        nlpkit.lite.load(path)


def test_a_model_that_onnx_runtime_cannot_read(tmp_path):
    model = nlpkit.lite.load(write(tmp_path, b"of another program"))
    with pytest.raises(
        InputError, match=r"ONNX Runtime cannot run .*model.onnx: .* Update it \(pip install -U"
    ):
        model.predict(["hello"])


def test_onnxruntime_is_not_installed(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(
        InputError, match="ONNX Runtime, which is not installed. Install it: pip install onnx"
    ):
        nlpkit.lite.load(path)
