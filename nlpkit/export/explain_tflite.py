"""What a TFLite file holds."""

from collections import Counter
from functools import cache

import numpy as np

from nlpkit.errors import InputError
from nlpkit.export.explained import Explained, Signature, typed
from nlpkit.lite.model_file import EXPORT_AGAIN, ModelFile

# Kernels that run a whole sequence.
SEQUENCES = (
    "UNIDIRECTIONAL_SEQUENCE_LSTM",
    "UNIDIRECTIONAL_SEQUENCE_RNN",
    "BIDIRECTIONAL_SEQUENCE_LSTM",
    "BIDIRECTIONAL_SEQUENCE_RNN",
)
FLOATS = ("FLOAT16", "BFLOAT16", "FLOAT32", "FLOAT64")


def explain_tflite(path):
    """Reads a TFLite file that nlpkit wrote.

    Args:
        path: Path of the file.

    Returns:
        `Explained`. Fused are kernels of whole sequences, and operations with an activation or a bias inside; foreign
        are TensorFlow's operations (`Flex…`) and custom ones.

    Raises:
        InputError: If the file is damaged, nlpkit did not write it, or LiteRT is not installed.
    """
    model, kinds = _model(path), _names(_schema().TensorType)
    operations = [(op, _name(model, op)) for graph in model.subgraphs for op in graph.operators or ()]
    return Explained(
        format="tflite",
        path=str(path),
        size=path.stat().st_size,
        signatures=[_signature(model, each, kinds) for each in model.signatureDefs or ()],
        operations=Counter(name for _, name in operations),
        fused=Counter(filter(None, (_fused(op, name) for op, name in operations))),
        foreign=Counter(
            name for op, name in operations if _code(model, op) == _schema().BuiltinOperator.CUSTOM
        ),
        weights=_weights(model, kinds),
    )


@cache
def _schema():
    try:
        from ai_edge_litert import schema_py_generated
    except ImportError as error:
        raise InputError(
            "A TFLite model is explained by LiteRT, which is not installed. Install it: pip install nlpkit[tflite]"
        ) from error
    return schema_py_generated


def _model(path):
    content = ModelFile.read(path).model
    try:
        return _schema().ModelT.InitFromObj(_schema().Model.GetRootAs(content, 0))
    except Exception as error:  # of any class, as numbers lead anywhere in a damaged file
        raise InputError(f"{path} is damaged: its model cannot be read ({error}). {EXPORT_AGAIN}") from None


@cache
def _names(kinds):
    """The names of an enumeration by their numbers."""
    return {value: name for name, value in vars(kinds).items() if not name.startswith("_")}


def _code(model, operation):
    """The number of an operation; those up to 127 stand in an older field."""
    code = model.operatorCodes[operation.opcodeIndex]
    return max(code.builtinCode, code.deprecatedBuiltinCode)


def _name(model, operation):
    code = _code(model, operation)
    if code == _schema().BuiltinOperator.CUSTOM:
        return model.operatorCodes[operation.opcodeIndex].customCode.decode()
    return _names(_schema().BuiltinOperator)[code]


def _fused(operation, name):
    """What an operation does beside its own work, or `None`."""
    if name in SEQUENCES:
        return name
    number = getattr(operation.builtinOptions, "fusedActivationFunction", 0)
    parts = (
        ["bias"]
        if name == "FULLY_CONNECTED" and len(operation.inputs) > 2 and operation.inputs[2] >= 0
        else []
    )
    parts += [_names(_schema().ActivationFunctionType)[number]] if number else []
    return f"{name} with {' and '.join(parts)}" if parts else None


def _signature(model, signature, kinds):
    tensors = model.subgraphs[signature.subgraphIndex].tensors

    def described(maps):
        return {each.name.decode(): _typed(tensors[each.tensorIndex], kinds) for each in maps or ()}

    return Signature(
        signature.signatureKey.decode(), described(signature.inputs), described(signature.outputs)
    )


def _typed(tensor, kinds):
    shape = tensor.shape if tensor.shapeSignature is None else tensor.shapeSignature
    return typed(kinds[tensor.type].lower(), () if shape is None else shape)


def _weights(model, kinds):
    """Numbers of constants that are floats or stand for them; each buffer counts once."""
    found = {}
    for tensor in (each for graph in model.subgraphs for each in graph.tensors):
        data, scale = model.buffers[tensor.buffer].data, getattr(tensor.quantization, "scale", None)
        stands_for_floats = kinds[tensor.type] in FLOATS or (scale is not None and len(scale))
        if data is not None and len(data) and stands_for_floats:
            found[tensor.buffer] = kinds[tensor.type].lower(), int(np.prod(tensor.shape))
    weights = Counter()
    for kind, number in found.values():
        weights[kind] += number
    return weights
