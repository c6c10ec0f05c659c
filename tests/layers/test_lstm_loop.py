"""The LSTM's loop and its gradient against Keras' layer."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlpkit.layers.lstm_loop import lstm

RANDOM = np.random.default_rng(0)
TIME, BATCH, FEATURES, UNITS = 6, 4, 3, 5
LENGTHS = np.array([6, 3, 1, 0])
MASK = np.arange(TIME)[:, None] < LENGTHS  # (time, batch)
STEPS = tf.constant(RANDOM.normal(size=(TIME, BATCH, FEATURES)), tf.float32)
UPSTREAM = tf.constant(RANDOM.normal(size=(TIME, BATCH, UNITS)), tf.float32)


@pytest.fixture
def keras_lstm():
    layer = keras.layers.LSTM(UNITS, return_sequences=True, bias_initializer="normal")
    layer.build((None, None, FEATURES))
    return layer


def keras_states(layer, steps, mask, backwards):
    """Keras' states, each at its own step, zero at padded ones."""
    if backwards:
        steps, mask = tf.reverse(steps, [0]), mask[::-1]
    states = layer(tf.transpose(steps, (1, 0, 2)), mask=mask.T)
    states = tf.transpose(states, (1, 0, 2)) * mask[:, :, None].astype("float32")
    return tf.reverse(states, [0]) if backwards else states


def gradients(function, *inputs):
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        states = function(*inputs)
    return [states, *tape.gradient(states, inputs, output_gradients=UPSTREAM)]


def assert_close(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(tf.convert_to_tensor(one), tf.convert_to_tensor(other), atol=2e-6)


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("padded", [False, True])
def test_states_and_gradients_are_those_of_keras(keras_lstm, padded, backwards, training, traced):
    mask = MASK if padded else np.ones_like(MASK)
    weights = [variable.value for variable in keras_lstm.weights]

    def own(steps, *weights):
        real = tf.constant(mask[:, :, None], tf.float32) if padded else None
        return lstm(steps, *weights, mask=real, backwards=backwards, training=training)

    def run():
        return gradients(own, STEPS, *weights)

    found = tf.function(run)() if traced else run()
    expected = gradients(lambda steps, *_: keras_states(keras_lstm, steps, mask, backwards), STEPS, *weights)
    assert np.abs(expected[0]).max() > 0.1
    assert_close(found, expected)


@pytest.mark.parametrize("backwards", [False, True])
def test_distinct_rows_give_what_the_whole_sequence_gives(keras_lstm, backwards):
    rows = tf.constant(RANDOM.normal(size=(7, FEATURES)), tf.float32)
    positions = RANDOM.integers(0, 7, (TIME, BATCH))
    weights = [variable.value for variable in keras_lstm.weights]
    found = gradients(lambda rows, *w: lstm([rows, positions], *w, backwards=backwards), rows, *weights)
    dense = gradients(
        lambda rows, *w: lstm(tf.gather(rows, positions), *w, backwards=backwards), rows, *weights
    )
    assert_close(found, dense)


def test_what_the_padding_holds_reaches_nothing(keras_lstm):
    weights = [variable.value for variable in keras_lstm.weights]
    mask = tf.constant(MASK[:, :, None], tf.float32)
    found = gradients(lambda steps, *w: lstm(steps, *w, mask=mask, backwards=True), STEPS, *weights)
    noise = tf.where(mask > 0, STEPS, 1e3)
    assert_close(
        gradients(lambda steps, *w: lstm(steps, *w, mask=mask, backwards=True), noise, *weights), found
    )
    assert not np.asarray(found[0])[~MASK].any() and not np.asarray(found[1])[~MASK].any()


@pytest.mark.parametrize("traced", [False, True])
def test_a_gradient_taken_twice_is_the_same(keras_lstm, traced):
    weights = [variable.value for variable in keras_lstm.weights]

    def twice():
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(STEPS)
            states = lstm(STEPS, *weights, training=True)
        return [tape.gradient(states, STEPS, output_gradients=UPSTREAM) for _ in range(2)]

    first, second = tf.function(twice)() if traced else twice()
    assert np.abs(first).max() > 0.01
    np.testing.assert_array_equal(first, second)


def test_half_precision_stays_half(keras_lstm):
    weights = [tf.cast(variable.value, "float16") for variable in keras_lstm.weights]
    states = lstm(tf.cast(STEPS, "float16"), *weights)
    assert states.dtype == "float16"
    expected = keras_states(keras_lstm, STEPS, np.ones_like(MASK), False)
    np.testing.assert_allclose(states, expected, atol=5e-3)


def test_a_second_derivative_is_an_error_instead_of_wrong(keras_lstm):
    weights = [variable.value for variable in keras_lstm.weights]
    with tf.GradientTape() as outer:
        outer.watch(STEPS)
        with tf.GradientTape() as inner:
            inner.watch(STEPS)
            states = lstm(STEPS, *weights)
        first = inner.gradient(states, STEPS)
    with pytest.raises(LookupError, match="nlpkit's LSTM has no second derivatives; take keras.layers.LSTM"):
        outer.gradient(first, STEPS)
