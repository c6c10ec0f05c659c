"""Gradients against central differences in float64: the layers and loops whose arithmetic is nlpkit's own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlpkit.layers import CRF, AdaptiveSoftmax, NTMCell, RecurrentBlock, bio_transitions, ntm_memory
from nlpkit.layers.gru_loop import gru
from nlpkit.layers.lstm_loop import lstm
from nlpkit.layers.rnn_loop import rnn

RANDOM = np.random.default_rng(0)
# The error of a central difference grows with the square of the step, and with the inverse of it: 1e-16 / step.
STEP, TOLERANCE = 1e-6, 1e-8


def variable(*shape, scale=1.0):
    return tf.Variable(RANDOM.normal(size=shape, scale=scale), dtype="float64")


def with_random_weights(layer, *shapes):
    layer.build(*shapes)
    layer.set_weights([RANDOM.normal(size=weight.shape) / 2 for weight in layer.get_weights()])
    return layer


def values_of(layer):
    return [weight.value for weight in layer.trainable_weights]


def assert_gradients(function, variables):
    """Compares the gradient of `function()`, a float64 scalar that reads the variables, by each of their numbers."""

    @tf.function  # one graph for both, since tracing takes longer than running it
    def with_gradients():
        with tf.GradientTape() as tape:
            value = function()
        gradients = tape.gradient(value, variables)
        return value, [tf.convert_to_tensor(gradient) for gradient in gradients]

    value, gradients = with_gradients()
    assert value.dtype == "float64"
    for number, (gradient, variable) in enumerate(zip(gradients, variables, strict=True)):
        expected = central_differences(lambda: with_gradients()[0], variable)
        assert np.abs(expected).max() > 1e4 * TOLERANCE, f"variable {number} has no gradient to compare"
        np.testing.assert_allclose(gradient, expected, rtol=TOLERANCE, atol=TOLERANCE)


def central_differences(function, variable):
    before, found = variable.numpy(), np.zeros(variable.shape)
    for place in np.ndindex(*variable.shape):
        sides = []
        for step in (STEP, -STEP):
            moved = before.copy()
            moved[place] += step
            variable.assign(moved)
            sides.append(float(function()))
        found[place] = (sides[0] - sides[1]) / (2 * STEP)
    variable.assign(before)
    return found


# The loops of the recurrent cells

TIME, BATCH, FEATURES, UNITS = 4, 3, 2, 2
STEPS = RANDOM.normal(size=(BATCH, TIME, FEATURES))
RIGHT = np.arange(TIME) < np.array([TIME, 2, 0])[:, None]
GAPS = np.array([[1, 0, 1, 1], [0, 1, 0, 1], [0, 0, 0, 0]], bool)
# Gates of the kernel, shape of the bias, and whether there is a cell beside the state.
LOOPS = {rnn: (1, (UNITS,), 1), lstm: (4, (4 * UNITS,), 2), gru: (3, (2, 3 * UNITS), 1)}


@pytest.mark.parametrize(("padded", "backwards"), [(False, False), (True, True)])
@pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.__name__)
def test_loops(loop, padded, backwards):
    gates, bias, count = LOOPS[loop]
    steps = variable(BATCH, TIME, FEATURES)
    weights = [variable(size, gates * UNITS) for size in (FEATURES, UNITS)] + [variable(*bias)]
    initial = [variable(BATCH, UNITS) for _ in range(count)]
    upstream = [RANDOM.normal(size=(TIME, BATCH, UNITS)) for _ in range(count)]
    options = {"mask": tf.constant(RIGHT.T[..., None], "float64")} if padded else {}
    if count == 2:
        options["return_cells"] = True

    def function():
        state = [tf.identity(each) for each in initial]
        found = loop(
            steps,
            *weights,
            initial_state=state if count == 2 else state[0],
            backwards=backwards,
            training=True,
            **options,
        )
        found = found if count == 2 else [found]
        return sum(tf.reduce_sum(x * up) for x, up in zip(found, upstream, strict=True))

    # Read backwards, right-padded rows begin with their padding, where the state becomes zero.
    assert_gradients(function, [steps, *weights, *initial])


def test_distinct_rows():
    """Each of them stands in several places, from all of which its gradient comes."""
    rows, weights = variable(3, FEATURES), [variable(2, 8), variable(2, 8), variable(8)]
    positions, upstream = RANDOM.integers(0, 3, (BATCH, TIME)), RANDOM.normal(size=(TIME, BATCH, UNITS))
    assert_gradients(
        lambda: tf.reduce_sum(upstream * lstm([rows, positions], *weights, training=True)), [rows, *weights]
    )


# The recurrent block around them: packing, both directions, every cell, and the masks of its dropouts

BLOCKS = [
    *(
        {"cell": cell, "bidirectional": True}
        for cell in ("rnn", "lstm", "gru", "peephole_lstm", "layer_norm_lstm")
    ),
    {"cell": "gru", "reset_after": False, "recurrent_dropout": 0.3},
    {"cell": "rnn", "recurrent_dropout": 0.3},
    {"cell": "layer_norm_lstm", "recurrent_dropout": 0.3, "zoneout": 0.2},
    {"cell": "peephole_lstm", "zoneout": [0.3, 0.2]},
    {"cell": "lstm", "weight_drop": 0.4, "residual": True},
    {"cell": "gru", "input_dropout": 0.3, "highway": True, "layer_norm": True},
]


@pytest.mark.parametrize("options", BLOCKS, ids=str)
def test_recurrent_block(options):
    block = RecurrentBlock(UNITS, return_state=True, seed=1, dtype="float64", **options)
    with_random_weights(block, (None, None, FEATURES))
    steps = tf.Variable(STEPS)
    weights = {id(weight) for weight in block.weights}
    seeds = [each for each in block.variables if id(each) not in weights]
    upstream = [RANDOM.normal(size=x.shape) for x in block(STEPS)]

    def function():
        for number, seed in enumerate(seeds):  # the same draws each time
            seed.assign([number, 5])
        found = block(steps, mask=GAPS, training=True)
        return sum(tf.reduce_sum(x * up) for x, up in zip(found, upstream, strict=True))

    assert_gradients(function, [steps, *values_of(block)])


# The neural Turing machine: its addressing, writing and reading, and the whole of several steps

HEADS, SLOTS, SIZE = 2, 5, 3


def positive(*shape, total=None):
    numbers = RANDOM.exponential(size=shape) + 0.1
    return tf.Variable(numbers / numbers.sum(axis=-1, keepdims=True) if total else numbers)


def test_ntm_addressing():
    memory, key = variable(1, SLOTS, SIZE), variable(1, HEADS, SIZE)
    previous, shifts = positive(1, HEADS, SLOTS, total=1), positive(1, HEADS, 3, total=1)
    strength, gate = positive(1, HEADS, 1), tf.Variable(RANDOM.uniform(0.2, 0.8, (1, HEADS, 1)))
    exponent = tf.Variable(RANDOM.uniform(1.5, 3.0, (1, HEADS, 1)))
    parts = [memory, previous, key, strength, gate, shifts, exponent]
    upstream = RANDOM.normal(size=(1, HEADS, SLOTS))
    assert_gradients(lambda: tf.reduce_sum(upstream * ntm_memory.address(*map(tf.identity, parts))), parts)


def test_ntm_writing_and_reading():
    memory, add = variable(1, SLOTS, SIZE), variable(1, HEADS, SIZE)
    weights, erase = positive(1, HEADS, SLOTS, total=1), tf.Variable(RANDOM.uniform(0, 1, (1, HEADS, SIZE)))
    parts, upstream = [memory, weights, erase, add], RANDOM.normal(size=(1, HEADS, SIZE))

    def function():
        parts_read = [tf.identity(part) for part in parts]
        return tf.reduce_sum(upstream * ntm_memory.read(ntm_memory.write(*parts_read), parts_read[1]))

    assert_gradients(function, parts)


@pytest.mark.parametrize("heads", [(1, 1), (2, 2)], ids=str)
@pytest.mark.parametrize("controller", ["lstm", "dense"])
def test_ntm_cell(controller, heads):
    reads, writes = heads
    sizes = {"memory_slots": 4, "memory_size": 2, "num_read_heads": reads, "num_write_heads": writes}
    cell = NTMCell(2, **sizes, controller=controller, dtype="float64")
    rnn = with_random_weights(keras.layers.RNN(cell, return_sequences=True, dtype="float64"), (1, 3, 2))
    steps, upstream = variable(1, 3, 2), RANDOM.normal(size=(1, 3, cell.output_size))
    assert_gradients(lambda: tf.reduce_sum(upstream * rnn(tf.identity(steps))), [steps, *values_of(rnn)])


# The conditional random field

TAGS = np.array([[1, 2, 0, 3], [0, 1, 2, 0], [0, 0, 0, 0]])
BIO = bio_transitions(["O", "B-X", "I-X", "B-Y"])


@pytest.mark.parametrize("constraints", [None, BIO], ids=["free", "BIO"])
def test_crf_log_likelihood(constraints):
    layer = with_random_weights(CRF(4, constraints, dtype="float64"), (None, None, 4))
    emissions = variable(BATCH, TIME, 4, scale=2.0)
    assert_gradients(
        lambda: tf.reduce_sum(layer.log_likelihood(emissions, TAGS, RIGHT)), [emissions, *values_of(layer)]
    )


def test_crf_marginals():
    """Of tags, and of a span, which another loss may be made of."""
    layer = with_random_weights(CRF(4, BIO, dtype="float64"), (None, None, 4))
    emissions, upstream = variable(BATCH, TIME, 4), RANDOM.normal(size=(BATCH, TIME, 4))
    starts, ends, tags = np.zeros((3, 1), int), np.full((3, 1), 2), np.tile([1, 2], (3, 1, 1))

    def function():
        spans = layer.span_marginals(emissions, RIGHT, starts, ends, tags)
        return tf.reduce_sum(upstream * layer.marginals(emissions, RIGHT)) + tf.reduce_sum(spans)

    assert_gradients(function, [emissions, *values_of(layer)])


# The adaptive softmax

TARGETS = np.array([[0, 2, 3, 6], [7, 11, 0, 0], [0, 0, 0, 0]])  # on both sides of the cutoffs
CUTOFFS = [3, 7]


@pytest.mark.parametrize("mask", [None, RIGHT], ids=["whole", "padded"])
def test_adaptive_softmax_loss(mask):
    layer = AdaptiveSoftmax(12, CUTOFFS, div_value=2.0, dtype="float64")
    with_random_weights(layer, (None, None, 4))
    states = variable(BATCH, TIME, 4)
    assert_gradients(lambda: layer.loss(states, TARGETS, mask), [states, *values_of(layer)])


def test_adaptive_softmax_log_probabilities():
    layer = AdaptiveSoftmax(12, CUTOFFS, div_value=2.0, dtype="float64")
    with_random_weights(layer, (None, None, 4))
    states, upstream = variable(BATCH, TIME, 4), RANDOM.normal(size=(BATCH, TIME, 12))
    assert_gradients(
        lambda: tf.reduce_sum(upstream * layer.log_probabilities(states)), [states, *values_of(layer)]
    )
