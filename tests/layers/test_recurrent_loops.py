"""The loops of the recurrent cells and their gradients against Keras' layers."""

from functools import wraps

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlpkit.layers.gru_loop import gru
from nlpkit.layers.lstm_loop import lstm
from nlpkit.layers.rnn_loop import rnn

RANDOM = np.random.default_rng(0)
TIME, BATCH, FEATURES, UNITS = 6, 4, 3, 5
LENGTHS = np.array([6, 3, 1, 0])
MASK = np.arange(TIME)[:, None] < LENGTHS  # (time, batch)
STEPS = tf.constant(RANDOM.normal(size=(TIME, BATCH, FEATURES)), tf.float32)
UPSTREAM = tf.constant(RANDOM.normal(size=(TIME, BATCH, UNITS)), tf.float32)


def time_major(loop):
    """The loop over steps that are given, like its states, with the time first."""

    @wraps(loop)
    def run(inputs, *weights, **options):
        if isinstance(inputs, list):
            return loop([inputs[0], np.transpose(inputs[1])], *weights, **options)
        return loop(tf.transpose(inputs, (1, 0, 2)), *weights, **options)

    return run


LOOPS = {
    time_major(rnn): keras.layers.SimpleRNN,
    time_major(lstm): keras.layers.LSTM,
    time_major(gru): keras.layers.GRU,
}

pytestmark = pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.__name__)


@pytest.fixture
def reference(loop):
    """Keras' layer; its biases are not zero."""
    layer = LOOPS[loop](UNITS, return_sequences=True, bias_initializer="normal")
    layer.build((None, None, FEATURES))
    return layer


@pytest.fixture
def weights(reference):
    return [variable.value for variable in reference.weights]


def keras_states(layer, steps, mask, backwards):
    """Keras' states, each at its own step, zero at padded ones."""
    if backwards:
        steps, mask = tf.reverse(steps, [0]), mask[::-1]
    states = layer(tf.transpose(steps, (1, 0, 2)), mask=mask.T)
    states = tf.transpose(states, (1, 0, 2)) * tf.cast(mask[:, :, None], states.dtype)
    return tf.reverse(states, [0]) if backwards else states


def gradients(function, *inputs):
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        states = function(*inputs)
    return [states, *tape.gradient(states, inputs, output_gradients=UPSTREAM)]


def assert_close(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(
            tf.convert_to_tensor(one), tf.convert_to_tensor(other), rtol=1e-6, atol=2e-6
        )


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("padded", [False, True])
def test_states_and_gradients_are_those_of_keras(
    loop, reference, weights, padded, backwards, training, traced
):
    mask = MASK if padded else np.ones_like(MASK)

    def own(steps, *weights):
        real = tf.constant(mask[:, :, None], tf.float32) if padded else None
        return loop(steps, *weights, mask=real, backwards=backwards, training=training)

    def run():
        return gradients(own, STEPS, *weights)

    found = tf.function(run)() if traced else run()
    expected = gradients(lambda steps, *_: keras_states(reference, steps, mask, backwards), STEPS, *weights)
    assert np.abs(expected[0]).max() > 0.1
    assert_close(found, expected)


@pytest.mark.parametrize("backwards", [False, True])
def test_distinct_rows_give_what_the_whole_sequence_gives(loop, weights, backwards):
    rows = tf.constant(RANDOM.normal(size=(7, FEATURES)), tf.float32)
    positions = RANDOM.integers(0, 7, (TIME, BATCH))
    found = gradients(lambda rows, *w: loop([rows, positions], *w, backwards=backwards), rows, *weights)
    dense = gradients(
        lambda rows, *w: loop(tf.gather(rows, positions), *w, backwards=backwards), rows, *weights
    )
    assert_close(found, dense)


def test_what_the_padding_holds_reaches_nothing(loop, weights):
    mask = tf.constant(MASK[:, :, None], tf.float32)
    found = gradients(lambda steps, *w: loop(steps, *w, mask=mask, backwards=True), STEPS, *weights)
    noise = tf.where(mask > 0, STEPS, 1e3)
    assert_close(
        gradients(lambda steps, *w: loop(steps, *w, mask=mask, backwards=True), noise, *weights), found
    )
    assert not np.asarray(found[0])[~MASK].any() and not np.asarray(found[1])[~MASK].any()


def test_the_gradient_of_a_part_comes_as_slices(loop, weights):
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(STEPS)
        states = loop(STEPS, *weights)
        gathered, sliced = tf.gather(states, [4]), states[4:5]
    assert_close([tape.gradient(gathered, STEPS)], [tape.gradient(sliced, STEPS)])


@pytest.mark.parametrize("traced", [False, True])
def test_a_gradient_taken_twice_is_the_same(loop, weights, traced):
    def twice():
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(STEPS)
            states = loop(STEPS, *weights, training=True)
        return [tape.gradient(states, STEPS, output_gradients=UPSTREAM) for _ in range(2)]

    first, second = tf.function(twice)() if traced else twice()
    assert np.abs(first).max() > 0.01
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_16_bits_are_as_exact_as_with_keras(loop, reference, weights, kind):
    """With small inputs, as of new embeddings, of which a difference of large numbers would leave little."""
    steps = [tf.cast(0.05 * STEPS, kind), *(tf.cast(weight, kind) for weight in weights)]
    states = loop(*steps)
    assert states.dtype == kind
    exact = loop(*(tf.cast(value, "float32") for value in steps))
    twin = LOOPS[loop](UNITS, return_sequences=True, dtype=f"mixed_{kind}")
    twin.build((None, None, FEATURES))
    twin.set_weights(reference.get_weights())
    with_keras = keras_states(twin, steps[0], np.ones_like(MASK), False)
    own, other = (np.abs(np.asarray(x, "float32") - exact).mean() for x in (states, with_keras))
    assert 0 < own <= other


def test_a_second_derivative_is_an_error_instead_of_wrong(loop, weights):
    with tf.GradientTape() as outer:
        outer.watch(STEPS)
        with tf.GradientTape() as inner:
            inner.watch(STEPS)
            states = loop(STEPS, *weights)
        first = inner.gradient(states, STEPS)
    with pytest.raises(
        LookupError, match="nlpkit's recurrent loops have no second derivatives; take Keras' layers"
    ):
        outer.gradient(first, STEPS)


def test_the_state_of_one_segment_starts_the_next(loop, weights):
    """Also for the gradient: two halves joined by their state are the whole."""
    several = loop.__name__ == "lstm"

    def halves(steps, *weights):
        if not several:
            first = loop(steps[:3], *weights)
            return tf.concat([first, loop(steps[3:], *weights, initial_state=first[-1])], axis=0)
        first, cells = loop(steps[:3], *weights, return_cells=True)
        state = (first[-1], cells[-1])
        return tf.concat([first, loop(steps[3:], *weights, initial_state=state)], axis=0)

    whole = gradients(lambda steps, *w: loop(steps, *w), STEPS, *weights)
    assert_close(gradients(halves, STEPS, *weights), whole)
    assert_close(gradients(tf.function(halves), STEPS, *weights), whole)
