"""Contracts that every layer of nlpkit keeps; a new rule goes in here, so that all layers have to keep it.

`tests/layers/contract_table.py` names the layers and options that are checked. What takes a file and another process,
the round trip of a saved model, is in `tests/layers/test_fresh_process.py`.
"""

import itertools
import json
import tempfile
from pathlib import Path

import keras
import numpy as np
from contract_case import Case, constructor_arguments, differ
from graph_checks import (
    TOLERANCE,
    assert_all_close,
    assert_no_python,
    assert_nothing_leaked,
    check_gradients,
    check_graph,
    check_step_changes_weights,
    traced,
)
from layer_calls import PADDING, LayerCall

HALF_PRECISION = {"mixed_float16": 0.02, "mixed_bfloat16": 0.15}
# What padding may hold: infinity or NaN times zero is not zero.
FILLERS = (7.0, np.inf, np.nan)


def check_layer(layer_class, arguments, inputs, *, mask=None, **rest):
    """Runs the whole contract on one layer and one set of options; see `Case` and `LayerCall`."""
    check_case(Case(layer_class, arguments, LayerCall.of(inputs, mask), **rest))


def check_case(case, *, trace_halves=True):
    """Runs the whole contract, but for the round trip of a saved model.

    Args:
        case: `Case`.
        trace_halves: bool. Whether a training step in half precision runs in a graph, as that in float32 does. Graphs
            are what takes the time.
    """
    keras.utils.set_random_seed(1)
    call, layer = case.call, case.make()
    call.on(layer)
    shake(layer)
    outputs = apply(layer, call)
    with case.rule("no row is zero"):
        assert_no_row_is_zero(keras.tree.flatten(outputs if case.view is None else case.view(outputs))[0])
    alone = case.make_alone() if case.around else layer
    check_config(alone)
    check_defaults(case, alone.get_config())
    twin = copy(layer)
    with case.rule("symbolic shape"):
        check_symbolic_shape(twin, call, outputs)
    check_twin(layer, call, None, outputs, twin=twin)
    # The graph takes any batch and time, and less time than the layer by itself.
    run = check_graph(layer, call, None, outputs)
    with case.rule("batch is one by one"):
        check_batch_is_one_by_one(layer, call, None, outputs, view=case.view, run=run)
    with case.rule("padding changes nothing"):
        options = {"view": case.view, "run": run, "padding": case.padding}
        check_padding_changes_nothing(layer, call, None, **options)
    mixed = [case.make(dtype=policy) for policy in HALF_PRECISION]
    for one in mixed:
        options = {"exact": (layer.get_weights(), outputs), "full_precision": case.full_precision}
        check_mixed_precision(one, call, None, **options)
    assert_equal(bool(layer.trainable_weights), case.trains, "whether there are weights to train")
    check_training(case, layer, mixed, trace_halves)
    assert_nothing_leaked(layer)


def check_training(case, layer, mixed, trace_halves):
    """A training step in each precision, which an optimizer ends in float32; of a layer without weights, its trace."""
    if not case.trains:
        graph = traced(lambda *tensors: case.call.filled(tensors).on(layer, training=True), case.call)
        return assert_no_python(graph)
    options = {"unreached": case.unreached, "loss": case.loss}
    for one, in_graph in zip(mixed, (trace_halves, False), strict=True):
        # Both have the same graph, but for the name of the type.
        check_gradients(one, case.call, None, exact=False, in_graph=in_graph, **options)
    gradients = check_gradients(layer, case.call, None, **options)
    check_step_changes_weights(layer, gradients, case.unreached)


def shake(layer):
    """Adds noise to the weights to train: none stands where a new layer has it, so that a lost one is noticed."""
    random = np.random.default_rng(1)
    for weight in layer.trainable_weights:
        weight.assign(weight + random.normal(size=weight.shape, scale=0.1).astype(weight.dtype))


def apply(layer, inputs, mask=None, **options):
    """The outputs of a layer as arrays; see `LayerCall`."""
    return keras.tree.map_structure(np.asarray, LayerCall.of(inputs, mask).on(layer, **options))


def assert_no_row_is_zero(outputs):
    """Zeros equal zeros whatever the layer does, so they prove nothing."""
    flat = np.asarray(outputs, "float32").reshape(len(outputs), -1)
    assert flat.any(axis=1).all(), "a row gives only zeros, so that nothing is compared"


def check_config(layer):
    """The config names all arguments, survives JSON, and makes a layer that has the same one."""
    config = layer.get_config()
    names = set(constructor_arguments(type(layer)))
    assert names <= set(config), f"constructor arguments that the config forgets: {names - set(config)}"
    assert_equal(json.loads(json.dumps(config)), config, "a config that went through JSON")
    assert_equal(type(layer).from_config(config).get_config(), config, "the config of a copy")


def assert_equal(found, expected, what):
    """Says what was found in place of what; pytest explains plain assertions in tests alone."""
    assert found == expected, f"{what} is {found}, not {expected}"


def check_defaults(case, config):
    """An argument that is not the default is not the default in the config."""
    for name, default in constructor_arguments(case.layer_class).items():
        if name in case.arguments and differ(case.arguments[name], default):
            assert differ(config[name], default), (
                f"the config has the default of `{name}`, whatever was given"
            )


def copy(layer):
    """A layer from the config of another one, which went through JSON."""
    return type(layer).from_config(json.loads(json.dumps(layer.get_config())))


def check_twin(layer, inputs, mask, outputs, *, twin=None):
    """A copy of a layer, with the same weights, gives the same."""
    call, twin = LayerCall.of(inputs, mask), twin or copy(layer)
    if not twin.built:
        call.symbolic().on(twin)
    twin.set_weights(layer.get_weights())
    assert_all_close(call.on(twin), outputs)


def check_symbolic_shape(layer, inputs, outputs):
    """Shapes and dtypes are known without values, whether batch and time are open or not."""
    call, outputs = LayerCall.of(inputs), keras.tree.flatten(outputs)
    for open_axes in (False, True):
        symbolic = keras.tree.flatten(call.symbolic(open_axes).on(layer))
        assert_equal([x.dtype for x in symbolic], [x.dtype.name for x in outputs], "the symbolic dtype")
        for one, other in zip(symbolic, outputs, strict=True):
            shape = tuple(one.shape)
            if open_axes and len(shape) == other.ndim:
                shape = tuple(m if n is None else n for n, m in zip(shape, other.shape, strict=True))
            assert_equal(shape, other.shape, "the symbolic shape")
    if not call.options:  # with them there may be further outputs, of which the shapes alone do not tell
        shapes = keras.tree.flatten(output_shapes(layer, call))
        expected = [size for output in outputs for size in output.shape]
        assert_equal(shapes, expected, "what `compute_output_shape` gives")


def output_shapes(layer, call):
    """What `compute_output_shape` gives for the shapes of a call."""
    shapes = keras.tree.map_structure(lambda x: x.shape, call.inputs)
    if not isinstance(call.inputs, dict):
        return layer.compute_output_shape(shapes)
    first, *others = shapes
    return layer.compute_output_shape(shapes[first], **{f"{name}_shape": shapes[name] for name in others})


def check_batch_is_one_by_one(layer, inputs, mask, outputs, *, view=None, run=None):
    """A row alone gives what it gives among others; `run` gives the layer's outputs for a call."""
    call, view, run = LayerCall.of(inputs, mask), view or _all, run or (lambda call: apply(layer, call))
    together = keras.tree.flatten(view(outputs))
    for row in range(call.batch_size):
        alone = keras.tree.flatten(view(run(call.row(row))))
        assert_all_close([x[0] for x in alone], [x[row] for x in together])


def check_padding_changes_nothing(layer, inputs, mask, *, view=None, run=None, padding=tuple(PADDING)):
    """Padding at the places named, which holds anything, leaves the real steps as they are; `run` as above."""
    call, view, run = LayerCall.of(inputs, mask), view or _all, run or (lambda call: apply(layer, call))
    before = keras.tree.flatten(view(run(call)))
    for where, filler in itertools.product(padding, FILLERS):
        after = keras.tree.flatten(view(run(call.padded(where, filler))))
        for one, other in zip(before, after, strict=True):
            sizes = zip(one.shape, other.shape, strict=True)
            other = other[tuple(slice(None) if size == n else PADDING[where](size) for size, n in sizes)]
            if call.real is not None and one.ndim > 2 and one.shape[:2] == call.real.shape:
                one, other = one[call.real], other[call.real]
            assert_all_close(other, one, what=f"where padding ({where}) holds {filler}")


def _all(outputs):
    return outputs


def check_mixed_precision(layer, inputs, mask, *, exact=None, full_precision=False):
    """In half precision outputs have the layer's dtype, weights are float32, and values are near those in float32.

    Args:
        layer: A new layer.
        inputs: As for `LayerCall`.
        mask: As for `LayerCall`.
        exact: Weights and outputs of the layer in float32. Defaults to `None`, only that no row is zero.
        full_precision: bool. Whether the first output is float32.
    """
    call = LayerCall.of(inputs, mask)
    symbolic = keras.tree.flatten(call.symbolic().on(layer))
    if exact is not None:
        layer.set_weights(exact[0])
    outputs = keras.tree.flatten(call.on(layer))
    assert_equal([x.dtype for x in symbolic], [x.dtype.name for x in outputs], "the symbolic dtype")
    if outputs[0].dtype.is_floating:
        expected = "float32" if full_precision else layer.compute_dtype
        assert_equal(outputs[0].dtype.name, expected, "the dtype of the output")
    for weight in layer.weights:
        if keras.backend.is_float_dtype(weight.dtype):
            assert_equal(weight.dtype, "float32", f"the dtype of {weight.path}")
    if exact is None:
        return assert_no_row_is_zero(outputs[0])
    for one, other in zip(outputs, keras.tree.flatten(exact[1]), strict=True):
        scale = max(1.0, np.abs(other).max())
        tolerance = HALF_PRECISION[layer.dtype_policy.name] * scale
        assert_all_close(np.asarray(one).astype(other.dtype), other, tolerance)


def as_model(layer, call):
    """A model that takes all tensors of a call, with an open batch and time."""
    symbolic = call.symbolic(make=lambda shape, dtype: keras.Input(batch_shape=shape, dtype=dtype))
    return keras.Model(symbolic.flat(), symbolic.on(layer))


def check_keras_file(layer, inputs):
    """A model with the layer gives the same when it was loaded, here in the process that saved it."""
    call = LayerCall.of(inputs)
    model = as_model(layer, call)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        loaded = keras.saving.load_model(path)
    expected = model(call.flat())
    assert_no_row_is_zero(expected)
    assert_all_close(loaded(call.flat()), expected, TOLERANCE)
