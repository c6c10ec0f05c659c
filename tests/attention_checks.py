"""The contract of the attention layers, which take a query and values."""

import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from checks import TOLERANCE, check_config, check_gradients, check_mixed_precision, check_twin

RANDOM = np.random.default_rng(0)
QUERY = RANDOM.normal(size=(3, 5, 4)).astype("float32")
VALUE = RANDOM.normal(size=(3, 6, 4)).astype("float32")
MASK = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0]], bool)
EMPTY = np.array([[1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0]], bool)


def check_attention(layer_class, arguments, *, sums_to_one=True):
    """Runs the whole contract on one attention layer and one set of options.

    Args:
        layer_class: The Keras layer.
        arguments: dict. Constructor arguments.
        sums_to_one: bool. Whether the weights of a query do.
    """
    keras.utils.set_random_seed(1)
    layer = layer_class(**arguments)
    expected = attend(layer, QUERY, VALUE, MASK)
    assert expected[0].shape == (3, 5, 4) and expected[1].shape == (3, 5, 6)
    check_config(layer)
    check_twin(layer, [QUERY, VALUE], MASK, expected[0])
    check_weights(*expected, sums_to_one)
    check_padding(layer, expected)
    check_padding_of_both(layer)
    check_empty_rows(layer)
    check_one_by_one(layer, expected)
    check_open_shapes(layer, expected)
    check_keras_model(layer_class(**arguments))
    for policy in ("mixed_float16", "mixed_bfloat16"):
        mixed = layer_class(**arguments, dtype=policy)
        check_mixed_precision(mixed, [QUERY, VALUE], MASK)
        mixed.set_weights(layer.get_weights())
        for one, other in zip(attend(mixed, QUERY, VALUE, MASK), expected, strict=True):
            np.testing.assert_allclose(one.astype("float32"), other, atol=0.05)
    if layer.trainable_weights:
        check_gradients(layer, [QUERY, VALUE], MASK, ())


def attend(layer, query, value, mask=None):
    """Context and weights as arrays."""
    outputs = layer([query, value], mask=mask, return_attention_scores=True)
    return [np.asarray(output) for output in outputs]


def check_weights(context, weights, sums_to_one):
    assert weights.dtype == "float32" and (weights >= 0).all()
    assert not weights[~np.broadcast_to(MASK[:, None], weights.shape)].any()
    if sums_to_one:
        np.testing.assert_allclose(weights.sum(axis=-1), 1.0, atol=1e-6)
    np.testing.assert_allclose(context, weights @ VALUE, atol=1e-6)


def check_padding(layer, expected):
    """More padding, and other values in it, change nothing."""
    longer = np.concatenate([np.where(MASK[:, :, None], VALUE, 7.0), 3.0 + VALUE], axis=1)
    context, weights = attend(layer, QUERY, longer, np.concatenate([MASK, np.zeros_like(MASK)], axis=1))
    np.testing.assert_allclose(context, expected[0], atol=TOLERANCE)
    np.testing.assert_allclose(weights[:, :, :6], expected[1], atol=TOLERANCE)
    assert not weights[:, :, 6:].any()


def check_empty_rows(layer):
    """A row without any real value gives zeros, and gradients that are numbers."""
    context, weights = attend(layer, QUERY, VALUE, EMPTY)
    assert not context[1].any() and not weights[1].any() and context[0].any()
    query, value = tf.constant(QUERY), tf.constant(VALUE)
    with tf.GradientTape() as tape:
        tape.watch([query, value])
        loss = tf.reduce_sum(layer([query, value], mask=EMPTY) ** 2)
    weights = [weight.value for weight in layer.trainable_weights]
    for gradient in tape.gradient(loss, [query, value, *weights], unconnected_gradients="zero"):
        assert np.isfinite(gradient).all()


def check_padding_of_both(layer):
    """Queries and values alike may have NaN in their padding."""
    query_mask = MASK[:, :5]

    def call(padding):
        padded = [with_padding(QUERY, query_mask, padding), with_padding(VALUE, MASK, padding)]
        return layer(padded, mask=[query_mask, MASK])

    check_nothing_of_padding(layer, call, query_mask)


def check_nothing_of_padding(layer, call, mask):
    """NaN in padded steps gives what zeros give: outputs at the real steps, and gradients of all weights.

    Args:
        layer: The Keras layer, built.
        call: function of what stands in the padding, which gives the outputs `(batch, time, features)`.
        mask: Bool array of shape `(batch, time)`, of the outputs.
    """
    found = []
    for padding in (0.0, np.nan):
        with tf.GradientTape() as tape:
            outputs = tf.boolean_mask(call(padding), mask)
            loss = tf.reduce_sum(tf.square(outputs))
        weights = [weight.value for weight in layer.trainable_weights]
        gradients = tape.gradient(loss, weights, unconnected_gradients="zero")
        found.append([np.asarray(tf.convert_to_tensor(part)) for part in (outputs, *gradients)])
    for expected, other in zip(*found, strict=True):
        assert np.isfinite(expected).all()
        np.testing.assert_allclose(other, expected, atol=TOLERANCE)


def with_padding(x, mask, padding):
    """The steps of `x`, with `padding` in place of the padded ones."""
    return np.where(mask[:, :, None], x, np.float32(padding))


def check_one_by_one(layer, expected):
    """Rows alone; and, where no query knows of the ones before it, queries alone."""
    for row in range(3):
        alone = attend(layer, QUERY[row : row + 1], VALUE[row : row + 1], MASK[row : row + 1])
        for one, other in zip(alone, expected, strict=True):
            np.testing.assert_allclose(one[0], other[row], atol=TOLERANCE)
    first = attend(layer, QUERY[:, 0], VALUE, MASK)
    for one, other in zip(first, expected, strict=True):
        np.testing.assert_allclose(one, other[:, 0], atol=TOLERANCE)


def check_open_shapes(layer, expected):
    """One graph, compiled or not, for any batch and time; a pair of masks is taken as well as the one of the values."""
    signature = [
        tf.TensorSpec((None, None, 4)),
        tf.TensorSpec((None, None, 4)),
        tf.TensorSpec((None, None), "bool"),
    ]
    for compiled in (False, True):

        @tf.function(input_signature=signature, jit_compile=compiled)
        def graph(query, value, mask):
            return layer([query, value], mask=[None, mask], return_attention_scores=True)

        for one, other in zip(graph(QUERY, VALUE, MASK), expected, strict=True):
            np.testing.assert_allclose(one, other, atol=TOLERANCE)
        assert graph(QUERY[:2, :1], VALUE[:2, :3], MASK[:2, :3])[1].shape == (2, 1, 3)


def check_keras_model(layer):
    """Inside a model with open time: masks arrive by themselves, symbolic shapes hold, and the file gives the same."""
    query, value = keras.Input((None, 4)), keras.Input((None, 4))
    masked = [keras.layers.Masking()(source) for source in (query, value)]
    context, weights = layer(masked, return_attention_scores=True)
    assert context.shape == (None, None, 4) and weights.shape == (None, None, None)
    assert layer.compute_output_shape([(None, 4), (None, 6, 4)]) == (None, 4)
    model = keras.Model([query, value], [context, weights])
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "model.keras")
        loaded = keras.saving.load_model(Path(folder) / "model.keras")
    padded = VALUE * MASK[:, :, None]
    expected = attend(layer, QUERY, padded, MASK)
    for one, other, again in zip(model([QUERY, padded]), expected, loaded([QUERY, padded]), strict=True):
        np.testing.assert_allclose(one, other, atol=TOLERANCE)
        np.testing.assert_allclose(again, other, atol=TOLERANCE)
    query_mask = MASK[:, :5]
    assert layer.compute_mask([QUERY, VALUE], [query_mask, MASK]) is query_mask
