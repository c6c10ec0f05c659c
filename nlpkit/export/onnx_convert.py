"""A traced function to a graph of ONNX's own operations, by tf2onnx."""

import contextlib
import logging

import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.export.onnx_operations import HANDLERS
from nlpkit.lite.onnx_interpreter import RENAMED

OPSET = 18  # the first with operations on bits


def convert_onnx(function):
    """Converts a traced function, of which the loops hold dense arrays (see `dense_arrays`).

    Args:
        function: Traced function by keyword to a dict of tensors.

    Returns:
        `onnx.ModelProto`. Its inputs and outputs have the names of the function's; an output that would have the name
        of an input has `new_` before it.

    Raises:
        InputError: If tf2onnx is not installed, or an operation has no counterpart in ONNX.

    Example:
        ```python
        import tensorflow as tf
        from nlpkit.export.lite_graphs import traced
        from nlpkit.export.onnx_convert import convert_onnx

        model = convert_onnx(traced(lambda x: {"y": 2 * x}, x=tf.TensorSpec([None])))
        print(model.graph.input[0].name, model.graph.output[0].name)
        ```
    """
    process, loader = _tf2onnx()
    inputs = {
        tensor.name: tensor.name.split(":")[0] for tensor in function.inputs if tensor.dtype != tf.resource
    }
    outputs = {tensor.name: name for name, tensor in function.structured_outputs.items()}
    taken = set(inputs.values())
    outputs = {tensor: RENAMED + name if name in taken else name for tensor, name in outputs.items()}
    with _quiet():
        graph_def = loader.from_function(function, list(inputs), list(outputs))
        with tf.Graph().as_default() as graph:
            tf.import_graph_def(graph_def, name="")
            # Without tf2onnx' own optimizers: they take most of the time, and ONNX Runtime has as many.
            found = process(
                graph,
                opset=OPSET,
                input_names=list(inputs),
                output_names=list(outputs),
                tensors_to_rename={**inputs, **outputs},
                custom_op_handlers=HANDLERS,
                continue_on_error=True,
            )
        model = found.make_model("nlpkit")
    _check_operations(model)
    for graph in graphs_of(model.graph):
        _know_counters(graph)
    return model


def graphs_of(graph):
    """A graph and all that stand within its nodes, inner ones last.

    Args:
        graph: `onnx.GraphProto`.

    Returns:
        Iterator of `onnx.GraphProto`.
    """
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from graphs_of(attribute.g)


def _tf2onnx():
    try:
        import onnxruntime  # noqa: F401  what is written is compared by it
        from tf2onnx import tf_loader
        from tf2onnx.tfonnx import process_tf_graph
    except ImportError as error:
        raise InputError(
            "Exporting to ONNX needs tf2onnx and onnxruntime, which are not installed. "
            "Install them: pip install nlpkit[onnx]"
        ) from error
    return process_tf_graph, tf_loader


def _check_operations(model):
    """Raises unless all operations are ONNX's; those that tf2onnx could not translate have kept their names."""
    import onnx

    lacking = {
        node.op_type
        for graph in graphs_of(model.graph)
        for node in graph.node
        if not onnx.defs.has(node.op_type, node.domain)
    }
    if lacking:
        raise InputError(
            f"This model cannot be converted to ONNX: ONNX, or tf2onnx, has no {', '.join(sorted(lacking))}. "
            "Export it as a SavedModel: --to saved_model"
        )


def _know_counters(graph):
    """Says that what a loop counts and whether it goes on are single values, which ONNX Runtime asks for."""
    for node in graph.node:
        if node.op_type == "Loop":
            (body,) = (attribute.g for attribute in node.attribute if attribute.name == "body")
            for counter in body.input[:2]:
                counter.type.tensor_type.shape.SetInParent()


@contextlib.contextmanager
def _quiet():
    """Keeps away what tf2onnx and TensorFlow log of shapes and of old functions."""
    loggers = [logging.getLogger(name) for name in ("tf2onnx", "tensorflow")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
