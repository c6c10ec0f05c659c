"""Contracts that every layer of nlpkit keeps; a new rule goes in here, so that all layers have to keep it."""

import inspect
import json
import tempfile
from pathlib import Path

import keras
import numpy as np

TOLERANCE = 1e-5


def check_layer(layer_class, arguments, inputs, *, mask=None, trains=True, prepare=None, unreached=()):
    """Runs the whole contract on one layer and one set of options.

    Args:
        layer_class: The Keras layer.
        arguments: dict. Constructor arguments.
        inputs: Array of shape `(batch, …)`; ids are int32.
        mask: Bool array `(batch, time)` of right-padded rows, for layers that take one.
        trains: bool. Whether the layer has weights to train.
        prepare: Called with each new layer, for layers that give zeros before they are adapted.
        unreached: Ends of the paths of trainable weights that no gradient can reach, for a reason stated there.
    """

    def make(**more):
        layer = layer_class(**arguments, **more)
        if prepare is not None:
            prepare(layer)
        return layer

    keras.utils.set_random_seed(1)
    layer = make()
    outputs = apply(layer, inputs, mask)
    assert_no_row_is_zero(outputs)
    check_config(layer)
    check_twin(layer, inputs, mask, outputs)
    check_symbolic_shape(layer_class(**arguments), inputs, outputs)
    check_batch_is_one_by_one(layer, inputs, mask, outputs)
    check_keras_file(make(), inputs)
    for policy in ("mixed_float16", "mixed_bfloat16"):
        check_mixed_precision(make(dtype=policy), inputs, mask)
    if mask is not None:
        check_padding_changes_nothing(layer, inputs, mask)
    assert bool(layer.trainable_weights) == trains
    if trains:
        check_gradients(layer, inputs, mask, unreached)


def assert_no_row_is_zero(outputs):
    """Zeros equal zeros whatever the layer does, so they prove nothing."""
    flat = np.asarray(outputs, "float32").reshape(len(outputs), -1)
    assert flat.any(axis=1).all(), "a row gives only zeros, so that nothing is compared"


def apply(layer, inputs, mask=None, **kwargs):
    """Calls a layer, with the mask if there is one."""
    return np.asarray(layer(inputs, **({} if mask is None else {"mask": mask}), **kwargs))


def check_config(layer):
    config = layer.get_config()
    names = set(inspect.signature(type(layer).__init__).parameters) - {"self", "kwargs"}
    assert names <= set(config), f"constructor arguments that the config forgets: {names - set(config)}"
    assert json.loads(json.dumps(config)) == config


def check_twin(layer, inputs, mask, outputs):
    twin = type(layer).from_config(json.loads(json.dumps(layer.get_config())))
    apply(twin, inputs, mask)
    twin.set_weights(layer.get_weights())
    np.testing.assert_allclose(apply(twin, inputs, mask), outputs, atol=TOLERANCE)


def check_symbolic_shape(layer, inputs, outputs):
    symbolic = layer(keras.KerasTensor(inputs.shape, inputs.dtype.name))
    assert tuple(symbolic.shape) == outputs.shape
    open_time = layer.compute_output_shape((None, None, *inputs.shape[2:]))
    assert len(open_time) == outputs.ndim


def check_batch_is_one_by_one(layer, inputs, mask, outputs):
    for row in range(len(inputs)):
        alone = apply(layer, inputs[row : row + 1], None if mask is None else mask[row : row + 1])
        np.testing.assert_allclose(alone[0], outputs[row], atol=TOLERANCE)


def check_padding_changes_nothing(layer, inputs, mask):
    """More padding, and other values in it, leave the real steps as they are."""
    longer = np.concatenate([inputs, inputs[:, ::-1]], axis=1)
    padding = np.zeros_like(mask)
    before = apply(layer, inputs, mask)
    after = apply(layer, longer, np.concatenate([mask, padding], axis=1))
    if before.ndim == 3:
        real = mask[:, :, None]
        np.testing.assert_allclose(after[:, : mask.shape[1]] * real, before * real, atol=TOLERANCE)
    else:
        np.testing.assert_allclose(after, before, atol=TOLERANCE)


def check_keras_file(layer, inputs):
    source = keras.Input(inputs.shape[1:], dtype=inputs.dtype.name)
    model = keras.Model(source, layer(source))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        loaded = keras.saving.load_model(path)
    expected = np.asarray(model(inputs))
    assert_no_row_is_zero(expected)
    np.testing.assert_allclose(loaded(inputs), expected, atol=TOLERANCE)


def check_mixed_precision(layer, inputs, mask):
    outputs = layer(inputs, **({} if mask is None else {"mask": mask}))
    if keras.backend.is_float_dtype(outputs.dtype):
        assert outputs.dtype.name == layer.compute_dtype
        assert all(weight.dtype == "float32" for weight in layer.weights)
        assert np.isfinite(np.asarray(outputs, "float32")).all()
    assert_no_row_is_zero(outputs)


def check_gradients(layer, inputs, mask, unreached):
    """One training step reaches every trainable weight, but for the named ones."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        outputs = layer(inputs, **({} if mask is None else {"mask": mask}), training=True)
        loss = tf.reduce_sum(tf.square(outputs - 0.5))
    gradients = tape.gradient(loss, [weight.value for weight in layer.trainable_weights])
    for weight, gradient in zip(layer.trainable_weights, gradients, strict=True):
        assert gradient is not None, f"no gradient reaches {weight.path}"
        size = np.abs(np.asarray(tf.convert_to_tensor(gradient))).max()
        assert np.isfinite(size)
        expected = not weight.path.endswith(tuple(unreached))
        assert (size > TOLERANCE) == expected, f"{weight.path} has a gradient of {size}"
