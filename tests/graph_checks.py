"""What a layer is as part of a graph: the same as eagerly, trained by it, and without anything of it left behind."""

import gc
import inspect

import keras
import numpy as np
import tensorflow as tf
from layer_calls import LayerCall

TOLERANCE = 1e-5
# Python that a graph calls back: lost when the graph is saved or runs elsewhere.
PYTHON_OPERATIONS = {"PyFunc", "PyFuncStateless", "EagerPyFunc"}


def check_graph(layer, inputs, mask, outputs):
    """Traced with open batch and time, a layer gives what it gives eagerly, and it still does so then.

    Returns:
        A function that gives the outputs of the graph for a call.
    """
    call = LayerCall.of(inputs, mask)
    graph = traced(lambda *tensors: keras.tree.flatten(call.filled(tensors).on(layer)), call)
    assert_no_python(graph)

    def run(call):
        found = [np.asarray(tensor) for tensor in graph(*tensors_of(call))]
        return keras.tree.pack_sequence_as(outputs, found)

    assert_all_close(run(call), outputs)
    assert_all_close(call.on(layer), outputs)
    return run


def traced(function, call):
    """The graph of a function of the call's tensors."""
    signature = [tf.TensorSpec(spec.shape, spec.dtype) for spec in call.symbolic().flat()]
    # Keras' own training step does without AutoGraph too.
    return tf.function(function, input_signature=signature, autograph=False).get_concrete_function()


def tensors_of(call):
    return [tf.convert_to_tensor(tensor) for tensor in call.flat()]


def assert_all_close(found, expected, tolerance=TOLERANCE, what=""):
    """Compares nests of tensors, which need not be nested alike."""
    for one, other in zip(keras.tree.flatten(found), keras.tree.flatten(expected), strict=True):
        one, other = np.asarray(one), np.asarray(other)
        np.testing.assert_allclose(one, other, atol=tolerance, equal_nan=False, err_msg=what)


def assert_no_python(graph):
    definition = graph.graph.as_graph_def()
    nodes = [*definition.node, *(node for f in definition.library.function for node in f.node_def)]
    found = {node.op for node in nodes} & PYTHON_OPERATIONS
    assert not found, f"the graph calls back into Python: {sorted(found)}"


def assert_nothing_leaked(layer):
    """No tensor of a graph stands in an attribute of a layer or of its parts, from where a later call would take it."""
    gc.collect()
    found = [path for path, value in walk(layer, layer.name, set()) if is_of_a_graph(value)]
    assert not found, f"tensors of a graph that the layer keeps: {found}"


def is_of_a_graph(value):
    if isinstance(value, keras.KerasTensor):
        return True
    parts = tf.nest.flatten(value, expand_composites=True) if tf.is_tensor(value) else []
    return any(isinstance(part, tf.Tensor) and tf.is_symbolic_tensor(part) for part in parts)


def walk(value, path, seen):
    """Pairs of a path and a value: all that hangs on an object, but for variables and what is not Keras' or ours."""
    if id(value) in seen or isinstance(value, keras.Variable | tf.Variable):
        return
    seen.add(id(value))
    yield path, value
    for name, part in parts_of(value):
        yield from walk(part, f"{path}.{name}", seen)


def parts_of(value):
    if isinstance(value, dict):
        return value.items()
    if isinstance(value, list | tuple | set | frozenset):
        return enumerate(value)
    if inspect.isfunction(value):
        return [("closure", cell.cell_contents) for cell in value.__closure__ or () if cell_is_full(cell)]
    if inspect.ismethod(value):
        return [("self", value.__self__)]
    if type(value).__module__.partition(".")[0] in ("tensorflow", "numpy", "builtins"):
        return ()
    # What Keras keeps of the same things comes last, so that they have the name that the layer gives them.
    return sorted(getattr(value, "__dict__", {}).items(), key=lambda pair: pair[0].startswith("_"))


def cell_is_full(cell):
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True


def check_gradients(layer, inputs, mask, unreached, *, loss=None, exact=True, in_graph=True):
    """One training step: a finite gradient reaches every trainable weight, but for the named ones.

    Args:
        layer: The Keras layer.
        inputs: As for `LayerCall`.
        mask: As for `LayerCall`.
        unreached: Ends of the paths of weights that no gradient reaches.
        loss: Gives a scalar for the outputs. Defaults to a sum of squares.
        exact: bool. Whether the weights in `unreached` have no gradient, not even one by rounding.
        in_graph: bool. Whether the step runs in a graph, which takes longer to make than the step takes without.

    Returns:
        The gradients.
    """
    call, weights = LayerCall.of(inputs, mask), layer.trainable_weights

    def step(*tensors):
        with tf.GradientTape() as tape:
            value = (loss or sum_of_squares)(call.filled(tensors).on(layer, training=True))
        gradients = tape.gradient(value, [weight.value for weight in weights])
        return value, {i: tf.convert_to_tensor(x) for i, x in enumerate(gradients) if x is not None}

    run = traced(step, call) if in_graph else step
    if in_graph:
        assert_no_python(run)
    value, gradients = run(*tensors_of(call))
    assert np.isfinite(value)
    for number, weight in enumerate(weights):
        assert number in gradients, f"no gradient reaches {weight.path}"
        size = np.abs(gradients[number]).max()
        assert np.isfinite(size), f"{weight.path} has a gradient of {size}"
        expected = not weight.path.endswith(tuple(unreached))
        assert (size > TOLERANCE) == expected or not (exact or expected), (
            f"{weight.path} has a gradient of {size}"
        )
    return [gradients[number] for number in range(len(weights))]


def sum_of_squares(outputs):
    """A loss that every output is part of."""
    floats = [x for x in keras.tree.flatten(outputs) if x.dtype.is_floating]
    return tf.add_n([tf.reduce_sum(tf.square(tf.cast(x, "float32") - 0.5)) for x in floats])


def check_step_changes_weights(layer, gradients, unreached):
    """An optimizer's step changes every weight that a gradient reaches, and no other one."""
    before = [weight.numpy() for weight in layer.weights]
    keras.optimizers.SGD(1.0).apply(gradients, layer.trainable_weights)
    trainable = {weight.path for weight in layer.trainable_weights}
    for weight, old in zip(layer.weights, before, strict=True):
        changed = (weight.numpy() != old).any()
        if not weight.path.endswith(tuple(unreached)):
            assert changed == (weight.path in trainable), f"{weight.path} did{' not' * (not changed)} change"
