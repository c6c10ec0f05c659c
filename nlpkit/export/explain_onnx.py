"""What the graphs of an ONNX model hold."""

import math
from collections import Counter

from nlpkit.errors import InputError
from nlpkit.export.explained import Explained, Signature, typed
from nlpkit.lite.onnx_files import EXPORT_AGAIN, OnnxFiles, described_by

SEQUENCES = ("LSTM", "GRU", "RNN")
FLOATS = ("float16", "bfloat16", "float32", "float64", "int8", "uint8")


def explain_onnx(path):
    """Reads an ONNX model that nlpkit wrote, all of its files.

    Args:
        path: Path of `model.onnx`.

    Returns:
        `Explained`. Fused are operations that run a whole sequence, and products with a bias inside; foreign are those
        that are not ONNX's own.

    Raises:
        InputError: If a file is missing or damaged, or onnx is not installed.
    """
    spec = OnnxFiles.read(path).spec
    models = {name: _model(path.parent / file) for name, file in spec["signatures"].items()}
    nodes = [node for model in models.values() for graph in _graphs(model.graph) for node in graph.node]
    files = [described_by(path), *(path.parent / name for name in spec["sha256"])]
    return Explained(
        format="onnx",
        path=str(path),
        size=sum(file.stat().st_size for file in files),
        signatures=[_signature(name, model.graph) for name, model in models.items()],
        operations=Counter(node.op_type for node in nodes),
        fused=Counter(filter(None, map(_fused, nodes))),
        foreign=Counter(node.op_type for node in nodes if node.domain not in ("", "ai.onnx")),
        weights=_weights(models.values()),
    )


def _model(path):
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError as error:
        raise InputError(
            "An ONNX model is explained by onnx, which is not installed. Install it: pip install nlpkit[onnx]"
        ) from error
    try:
        return onnx.load(path, load_external_data=False)
    except DecodeError as error:
        raise InputError(f"{path} is damaged: its graph cannot be read ({error}). {EXPORT_AGAIN}") from None


def _graphs(graph):
    """A graph and all that stand within its nodes."""
    yield graph
    for attribute in (attribute for node in graph.node for attribute in node.attribute):
        if attribute.HasField("g"):
            yield from _graphs(attribute.g)


def _signature(name, graph):
    def described(values):
        return {value.name: _typed(value.type.tensor_type) for value in values}

    return Signature(name, described(graph.input), described(graph.output))


def _typed(tensor):
    shape = [dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim]
    return typed(_kind(tensor.elem_type), shape if tensor.HasField("shape") else None)


def _kind(number):
    from onnx import helper

    return helper.tensor_dtype_to_np_dtype(number).name


def _fused(node):
    if node.op_type in SEQUENCES:
        return node.op_type
    return "Gemm with bias" if node.op_type == "Gemm" and len(node.input) > 2 else None


def _weights(models):
    """Numbers of the constants that are floats or stand for them; what several graphs share counts once."""
    tensors = {
        tensor.name: tensor
        for model in models
        for graph in _graphs(model.graph)
        for tensor in graph.initializer
    }
    weights = Counter()
    for tensor in tensors.values():
        if _kind(tensor.data_type) in FLOATS:
            weights[_kind(tensor.data_type)] += math.prod(tensor.dims)
    return weights
