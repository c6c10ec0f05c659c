"""The layer-normalised LSTM against the paper's formula in NumPy and against Keras' own normalisation."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.layers.layer_norm_lstm import LayerNormLSTMCell, layer_norm_lstm_drive, layer_norm_lstm_step

RANDOM = np.random.default_rng(0)
STEPS = RANDOM.normal(size=(3, 6, 4))
NAMES = ["kernel", "recurrent_kernel", "bias", "input_gain", "recurrent_gain", "cell_gain", "cell_bias"]


def make_rnn(**options):
    cell = LayerNormLSTMCell(5, dtype="float64", **options)
    layer = keras.layers.RNN(cell, return_sequences=True, dtype="float64")
    layer.build(STEPS.shape)
    layer.set_weights([RANDOM.normal(size=weight.shape) for weight in layer.get_weights()])
    return layer


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def norm(z, gain, shift, epsilon):
    return (z - z.mean()) / np.sqrt(((z - z.mean()) ** 2).mean() + epsilon) * gain + shift


def by_paper(steps, epsilon, kernel, recurrent, bias, g2, g1, g3, b3):
    """Outputs for one sequence, with the gates in the order of Keras."""
    h, c, outputs = np.zeros(5), np.zeros(5), []
    for x in steps:
        gates = norm(recurrent.T @ h, g1, 0, epsilon) + norm(kernel.T @ x, g2, 0, epsilon) + bias
        i, f, g, o = np.split(gates, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(norm(c, g3, b3, epsilon))
        outputs.append(h)
    return np.array(outputs)


@pytest.mark.parametrize("options", [{}, {"epsilon": 0.1}], ids=str)
def test_outputs_are_those_of_the_paper(options):
    layer = make_rnn(**options)
    assert [weight.name for weight in layer.weights] == NAMES
    epsilon = options.get("epsilon", 1e-3)
    expected = [by_paper(sequence, epsilon, *layer.get_weights()) for sequence in STEPS]
    np.testing.assert_allclose(layer(STEPS), expected, atol=1e-12)


def keras_norm(gain, shift):
    """Keras' layer normalisation with these weights."""
    layer = keras.layers.LayerNormalization()
    layer.build((None, len(gain)))
    layer.set_weights([gain, shift])
    return layer


def test_a_step_is_composed_of_the_normalisations_of_keras():
    weights = [weight.astype("float32") for weight in make_rnn().get_weights()]
    kernel, recurrent, bias, input_gain, recurrent_gain, cell_gain, cell_bias = weights
    x, h, c = (RANDOM.normal(size=(3, size)).astype("float32") for size in (4, 5, 5))
    gates = keras_norm(input_gain, bias)(x @ kernel)
    gates += keras_norm(recurrent_gain, np.zeros(20))(h @ recurrent)
    i, f, candidate, o = tf.split(gates, 4, axis=-1)
    cell = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(candidate)
    expected = [tf.sigmoid(o) * tf.tanh(keras_norm(cell_gain, cell_bias)(cell)), cell]
    weights = [tf.constant(weight) for weight in weights]
    found = layer_norm_lstm_step(layer_norm_lstm_drive(x, weights), [h, c], weights, h)
    np.testing.assert_allclose(np.stack(found), np.stack(expected), atol=1e-5)


def test_the_normalisations_start_as_those_of_keras():
    cell = LayerNormLSTMCell(5)
    cell.build((None, 4))
    for name, weight in zip(NAMES[3:], cell.weights[3:], strict=True):
        np.testing.assert_array_equal(weight, np.full(weight.shape, float(name.endswith("gain"))))


def test_dropout_reaches_the_product_with_the_state_only():
    weights = [tf.constant(weight) for weight in make_rnn().get_weights()]
    states = [tf.constant(RANDOM.normal(size=(3, 5))) for _ in range(2)]
    drive = layer_norm_lstm_drive(STEPS[:, 0], weights)
    found = layer_norm_lstm_step(drive, states, weights, tf.zeros_like(states[0]))
    kernel, recurrent, *others = weights
    expected = layer_norm_lstm_step(drive, states, [kernel, tf.zeros_like(recurrent), *others], states[0])
    np.testing.assert_array_equal(np.stack(found), np.stack(expected))


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_large_numbers_of_16_bits_are_normalised_exactly(kind):
    # The squares of these are far beyond what float16 can hold.
    weights = [tf.cast(weight, kind) for weight in make_rnn().get_weights()]
    steps = tf.cast(1000 * STEPS[:, 0], kind)
    found = layer_norm_lstm_drive(steps, weights)
    assert found.dtype == kind
    exact = layer_norm_lstm_drive(tf.cast(steps, "float64"), [tf.cast(w, "float64") for w in weights])
    np.testing.assert_allclose(tf.cast(found, "float64"), exact, atol=0.01 if kind == "float16" else 0.08)


def test_epsilon_must_be_positive():
    with pytest.raises(InputError, match="`epsilon` must be above 0. Received: epsilon=0"):
        LayerNormLSTMCell(5, epsilon=0)
