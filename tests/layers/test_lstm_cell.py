"""What the variants of the LSTM cell share, on `keras.layers.RNN` around them."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import TOLERANCE, check_keras_file, check_layer

from nlpkit.errors import InputError
from nlpkit.layers.layer_norm_lstm import LayerNormLSTMCell
from nlpkit.layers.peephole_lstm import PeepholeLSTMCell

RANDOM = np.random.default_rng(0)
STEPS = RANDOM.normal(size=(3, 6, 4)).astype("float32")
MASK = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0]], bool)
EVERY = pytest.mark.parametrize("cell", [PeepholeLSTMCell, LayerNormLSTMCell])


def over_time(cell):
    return keras.layers.RNN(cell, return_sequences=True, return_state=True, dtype=cell.dtype_policy)


def make_rnn(cell, dtype=None):
    """The cell in a layer, with weights that are all at work."""
    layer = over_time(cell(5, dtype=dtype))
    layer.build(STEPS.shape)
    layer.set_weights([w + RANDOM.normal(scale=0.3, size=w.shape) for w in layer.get_weights()])
    return layer


@EVERY
def test_contract(cell):
    check_layer(cell, {"units": 5}, STEPS, mask=MASK, around=over_time)


@EVERY
def test_saved_inside_a_model(cell):
    outputs_only = keras.layers.RNN(make_rnn(cell).cell)
    check_keras_file(outputs_only, STEPS)


@EVERY
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_16_bits_are_near_32(cell, policy):
    layer, exact = make_rnn(cell, policy), make_rnn(cell)
    exact.set_weights(layer.get_weights())
    tolerance = 0.01 if policy == "mixed_float16" else 0.08
    for found, expected in zip(layer(STEPS), exact(STEPS), strict=True):
        assert found.dtype == layer.compute_dtype
        np.testing.assert_allclose(tf.cast(found, "float32"), expected, atol=tolerance)


@EVERY
def test_the_first_weights(cell):
    fresh = cell(5)
    fresh.build((None, 4))
    assert [weight.name for weight in fresh.weights[:3]] == ["kernel", "recurrent_kernel", "bias"]
    kernel, recurrent, bias, *_ = fresh.get_weights()
    assert np.abs(kernel).max() <= np.sqrt(6 / (4 + 20))
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(5), atol=1e-5)
    np.testing.assert_array_equal(bias, np.repeat([0, 1, 0, 0], 5))


@EVERY
def test_steps_over_time_are_the_forward_pass(cell):
    layer = make_rnn(cell)
    expected, *last = layer(STEPS)
    state = layer.cell.initial_state(len(STEPS))
    assert [tuple(part.shape) for part in state] == [(3, size) for size in layer.cell.state_size]
    for time in range(STEPS.shape[1]):
        output, state = layer.cell.step(STEPS[:, time], state)
        np.testing.assert_allclose(output, expected[:, time], atol=TOLERANCE)
    np.testing.assert_allclose(np.stack(state), np.stack(last), atol=TOLERANCE)


@EVERY
def test_the_state_of_one_segment_starts_the_next(cell):
    layer = make_rnn(cell)
    expected, *last = layer(STEPS)
    _, *state = layer(STEPS[:, :2])
    outputs, *state = layer(STEPS[:, 2:], initial_state=state)
    np.testing.assert_allclose(outputs, expected[:, 2:], atol=TOLERANCE)
    np.testing.assert_allclose(np.stack(state), np.stack(last), atol=TOLERANCE)


@EVERY
def test_cells_can_be_stacked(cell):
    stack = keras.layers.RNN([cell(5), cell(3)], return_sequences=True)
    assert stack(STEPS).shape == (3, 6, 3)


@EVERY
def test_gradients_are_those_of_finite_differences(cell):
    layer, steps = make_rnn(cell, "float64"), STEPS.astype("float64")
    wanted = RANDOM.normal(size=(3, 6, 5))

    @tf.function
    def loss():
        return tf.reduce_sum(layer(steps)[0] * wanted)

    with tf.GradientTape() as tape:
        value = loss()
    gradients = tape.gradient(value, [weight.value for weight in layer.weights])
    for weight, gradient in zip(layer.weights, gradients, strict=True):
        start, direction = weight.numpy(), RANDOM.normal(size=weight.shape)
        around = []
        for sign in (1, -1):
            weight.assign(start + sign * 1e-5 * direction)
            around.append(loss().numpy())
        weight.assign(start)
        slope = (around[0] - around[1]) / 2e-5
        np.testing.assert_allclose(np.sum(gradient.numpy() * direction), slope, rtol=1e-6)


@EVERY
def test_units_below_one(cell):
    with pytest.raises(InputError, match="`units` must be an integer of at least 1. Received: units=0"):
        cell(0)
