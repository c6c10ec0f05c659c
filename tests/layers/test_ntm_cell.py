"""The cell against the paper in NumPy, and the contract of every layer on `keras.layers.RNN` around it."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import (
    TOLERANCE,
    assert_no_row_is_zero,
    check_batch_is_one_by_one,
    check_config,
    check_gradients,
    check_keras_file,
    check_mixed_precision,
    check_padding_changes_nothing,
    check_symbolic_shape,
    check_twin,
)
from numpy_references import lstm, sigmoid

from nlpkit.errors import InputError
from nlpkit.layers.ntm_cell import CONTROLLERS, NTMCell

RANDOM = np.random.default_rng(0)
STEPS = RANDOM.normal(size=(3, 6, 4)).astype("float32")
MASK = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0]], bool)
SIZES = {"units": 5, "memory_slots": 7, "memory_size": 3}
OPTIONS = [
    {"controller": "lstm"},
    {"controller": "dense"},
    {"controller": "lstm", "num_read_heads": 2, "num_write_heads": 3, "shift_range": 2},
    {"controller": "dense", "num_read_heads": 3, "num_write_heads": 2, "shift_range": 0},
]
WHOLE = pytest.mark.parametrize("options", OPTIONS, ids=str)


def make_rnn(options, dtype=None, sequences=True):
    cell = NTMCell(**SIZES, **options, dtype=dtype)
    return keras.layers.RNN(cell, return_sequences=sequences, dtype=dtype)


CASES = [(options, True) for options in OPTIONS] + [(OPTIONS[0], False)]


@pytest.mark.parametrize(("options", "sequences"), CASES, ids=str)
def test_contract(options, sequences):
    keras.utils.set_random_seed(1)
    layer = make_rnn(options, sequences=sequences)
    outputs = np.asarray(layer(STEPS, mask=MASK))
    assert_no_row_is_zero(outputs)
    check_config(layer.cell)
    check_twin(layer, STEPS, MASK, outputs)
    check_symbolic_shape(make_rnn(options, sequences=sequences), STEPS, outputs)
    check_batch_is_one_by_one(layer, STEPS, MASK, outputs)
    check_padding_changes_nothing(layer, STEPS, MASK)
    check_gradients(layer, STEPS, MASK, unreached=())


@WHOLE
def test_saved_inside_a_model(options):
    check_keras_file(make_rnn(options), STEPS)


@WHOLE
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision(options, policy):
    keras.utils.set_random_seed(1)
    layer = make_rnn(options, dtype=policy)
    check_mixed_precision(layer, STEPS, MASK)
    exact = make_rnn(options)
    exact.build(STEPS.shape)
    exact.set_weights(layer.get_weights())
    tolerance = 0.01 if policy == "mixed_float16" else 0.08
    np.testing.assert_allclose(tf.cast(layer(STEPS), "float32"), exact(STEPS), atol=tolerance)


@WHOLE
def test_steps_over_time_are_the_forward_pass(options):
    layer = make_rnn(options)
    expected = np.asarray(layer(STEPS))
    state = layer.cell.initial_state(len(STEPS))
    for time in range(STEPS.shape[1]):
        output, state = layer.cell.step(STEPS[:, time], state)
        np.testing.assert_allclose(output, expected[:, time], atol=TOLERANCE)


@WHOLE
def test_a_segment_starts_with_the_state_of_the_last_one(options):
    layer = keras.layers.RNN(NTMCell(**SIZES, **options), return_sequences=True, return_state=True)
    expected, *last = layer(STEPS)
    _, *state = layer(STEPS[:, :2])
    outputs, *state = layer(STEPS[:, 2:], initial_state=state)
    np.testing.assert_allclose(outputs, expected[:, 2:], atol=TOLERANCE)
    for found, wanted in zip(state, last, strict=True):
        np.testing.assert_allclose(found, wanted, atol=TOLERANCE)
    symbolic = layer(keras.Input((None, STEPS.shape[-1])))
    assert [x.shape[1:] for x in symbolic[1:]] == [x.shape[1:] for x in last]


@WHOLE
def test_the_state_starts_empty_and_on_the_first_slot(options):
    cell = NTMCell(**SIZES, **options)
    state = cell.initial_state(2)
    assert [tuple(part.shape) for part in state] == [(2, size) for size in cell.state_size]
    parts = cell.unpack(state)
    np.testing.assert_allclose(parts["memory"], np.full((2, 7, 3), 1e-6))
    for name, heads in (("read_weights", cell.num_read_heads), ("write_weights", cell.num_write_heads)):
        np.testing.assert_array_equal(parts[name], np.broadcast_to(np.eye(7)[0], (2, heads, 7)))
    np.testing.assert_allclose(
        parts["read_vectors"], tf.matmul(parts["read_weights"], parts["memory"]), rtol=1e-6
    )


def softmax(x):
    return np.exp(x) / np.exp(x).sum()


def softplus(x):
    return np.log1p(np.exp(x))


def point(memory, previous, numbers, reach):
    """One head's new weighting, equations 5 to 9, from the numbers that the controller gives out."""
    size, slots = memory.shape[1], len(memory)
    key, (strength, gate) = np.tanh(numbers[:size]), numbers[size : size + 2]
    shifts, exponent = softmax(numbers[size + 2 : -1]), 1 + softplus(numbers[-1])
    similar = memory @ key / (np.linalg.norm(memory, axis=1) * np.linalg.norm(key))
    weights = softmax(softplus(strength) * similar)
    weights = sigmoid(gate) * weights + (1 - sigmoid(gate)) * previous
    moved = np.zeros(slots)
    for offset, share in zip(range(-reach, reach + 1), shifts, strict=True):
        for slot in range(slots):
            moved[(slot + offset) % slots] += share * weights[slot]
    return moved**exponent / (moved**exponent).sum()


def by_paper(cell, steps):
    """Outputs for one sequence."""
    to_addresses, to_writing = (
        lambda x, layer=layer: x @ layer.kernel.numpy() + layer.bias.numpy()
        for layer in (cell.to_addresses, cell.to_writing)
    )
    controller = cell.network.get_weights()
    states = [np.zeros(cell.units)] * (2 if cell.controller == "lstm" else 1)
    reads, writes, size = cell.num_read_heads, cell.num_write_heads, cell.memory_size
    memory = np.full((cell.memory_slots, size), 1e-6)
    weights = [np.eye(cell.memory_slots)[0]] * (reads + writes)
    vectors, outputs = np.full(reads * size, 1e-6), []
    for x in steps:
        seen = np.concatenate([x, vectors])
        if cell.controller == "lstm":
            states = lstm(seen, states, controller)
        else:
            states = [np.tanh(seen @ controller[0] + controller[1])]
        hidden = states[0]
        numbers = np.split(to_addresses(hidden), reads + writes)
        weights = [point(memory, w, n, cell.shift_range) for w, n in zip(weights, numbers, strict=True)]
        pairs = [np.split(n, 2) for n in np.split(to_writing(hidden), writes)]
        for w, (erase, _) in zip(weights[reads:], pairs, strict=True):
            memory = memory * (1 - np.outer(w, sigmoid(erase)))
        for w, (_, add) in zip(weights[reads:], pairs, strict=True):
            memory = memory + np.outer(w, np.tanh(add))
        vectors = np.concatenate([w @ memory for w in weights[:reads]])
        outputs.append(np.concatenate([hidden, vectors]))
    return np.array(outputs)


@pytest.mark.parametrize("controller", CONTROLLERS)
@pytest.mark.parametrize("heads", [(1, 1, 1), (2, 3, 2), (3, 2, 0)], ids=str)
def test_outputs_are_those_of_the_paper(heads, controller):
    options = dict(zip(("num_read_heads", "num_write_heads", "shift_range"), heads, strict=True))
    cell = NTMCell(**SIZES, controller=controller, **options, dtype="float64")
    rnn = keras.layers.RNN(cell, return_sequences=True, dtype="float64")
    rnn.build(STEPS.shape)
    rnn.set_weights([RANDOM.normal(size=weight.shape) for weight in rnn.get_weights()])
    steps = STEPS.astype("float64")
    for found, sequence in zip(rnn(steps).numpy(), steps, strict=True):
        np.testing.assert_allclose(found, by_paper(cell, sequence), atol=1e-5)


def test_the_lstm_controller_is_that_of_keras():
    """With nothing but zeros written, an NTM is an LSTM that reads nothing."""
    cell = NTMCell(**SIZES)
    rnn = keras.layers.RNN(cell, return_sequences=True)
    expected = keras.layers.LSTM(SIZES["units"], return_sequences=True)
    rnn.build(STEPS.shape)
    expected.build(STEPS.shape)
    kernel, *others = expected.get_weights()
    cell.network.set_weights([np.concatenate([kernel, np.zeros((3, 20))]), *others])
    np.testing.assert_allclose(rnn(STEPS)[:, :, :5], expected(STEPS), atol=TOLERANCE)


def test_training_in_a_graph_with_any_batch_and_time():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((None, 4))
    model = keras.Model(inputs, keras.layers.Dense(1)(make_rnn({})(inputs)))
    model.compile("adam", "mse", jit_compile=False)
    before = model.get_weights()
    for batch, time in ((3, 6), (2, 4)):
        loss = model.train_on_batch(STEPS[:batch, :time], np.ones((batch, time, 1), "float32"))
        assert np.isfinite(loss)
    for old, new in zip(before, model.get_weights(), strict=True):
        assert np.abs(old - new).max() > 0


def test_unknown_controller():
    with pytest.raises(InputError, match=r"`controller` must be one of \('dense', 'lstm'\). Received: 'gru'"):
        NTMCell(4, controller="gru")
    assert CONTROLLERS == ("dense", "lstm")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"units": 0}, "`units` must be an int of at least 1. Received: units=0"),
        ({"memory_slots": 2.5}, "`memory_slots` must be an int of at least 1. Received: memory_slots=2.5"),
        ({"memory_size": -1}, "`memory_size` must be an int of at least 1. Received: memory_size=-1"),
        ({"num_read_heads": 0}, "`num_read_heads` must be an int of at least 1. Received: num_read_heads=0"),
        ({"num_write_heads": None}, "`num_write_heads` must be an int of at least 1. Received: .*=None"),
        ({"shift_range": -1}, "`shift_range` must be an int of at least 0. Received: shift_range=-1"),
        ({"shift_range": 4}, "less than half of `memory_slots`.* Received: shift_range=4, memory_slots=7"),
    ],
    ids=str,
)
def test_sizes_out_of_range(arguments, text):
    with pytest.raises(InputError, match=text):
        NTMCell(**{**SIZES, **arguments})
