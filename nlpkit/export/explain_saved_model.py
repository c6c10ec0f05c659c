"""What a SavedModel holds."""

from collections import Counter

import tensorflow as tf

from nlpkit.export.explained import Explained, Signature, typed
from nlpkit.export.saved_graph import reached, read_saved_model_file

# The sequences that TensorFlow runs in one operation.
SEQUENCES = ("BlockLSTM", "GRUBlock", "LSTMBlock")


def explain_saved_model(path):
    """Reads a SavedModel.

    Args:
        path: Path of its folder.

    Returns:
        `Explained`. Fused are operations that run whole sequences, such as cuDNN's, or that bear the name; what
        TensorFlow fuses when it loads the model is not in the file.

    Raises:
        InputError: If the file is damaged.
    """
    meta_graph = read_saved_model_file(path).meta_graphs[0]
    signatures = dict(sorted(meta_graph.signature_def.items()))
    signatures.pop("__saved_model_init_op", None)  # how a server fills the tables
    outputs = [each.name for signature in signatures.values() for each in signature.outputs.values()]
    operations = reached(meta_graph.graph_def, outputs).operations
    return Explained(
        format="saved_model",
        path=str(path),
        size=sum(file.stat().st_size for file in path.rglob("*") if file.is_file()),
        signatures=[_signature(meta_graph.graph_def, *each) for each in signatures.items()],
        operations=operations,
        fused=Counter({name: number for name, number in operations.items() if _is_fused(name)}),
        foreign=Counter(),
        weights=_weights(meta_graph.object_graph_def),
    )


def _is_fused(name):
    return name.startswith(("Cudnn", "_Fused", "Fused", *SEQUENCES))


def _signature(graph, name, signature):
    found = reached(graph, [each.name for each in signature.outputs.values()])
    kernels = ["cuDNN"] if any(operation.startswith("Cudnn") for operation in found.operations) else []
    kernels += ["XLA"] if found.compiled else []
    return Signature(name, _described(signature.inputs), _described(signature.outputs), kernels)


def _described(tensors):
    found = {}
    for name, tensor in sorted(tensors.items()):
        shape = None if tensor.tensor_shape.unknown_rank else [dim.size for dim in tensor.tensor_shape.dim]
        found[name] = typed(tf.as_dtype(tensor.dtype).name, shape)
    return found


def _weights(objects):
    weights = Counter()
    for variable in (node.variable for node in objects.nodes if node.HasField("variable")):
        kind = tf.as_dtype(variable.dtype)
        if kind.is_floating or kind.is_quantized:
            weights[kind.name] += tf.TensorShape(variable.shape).num_elements()
    return weights
