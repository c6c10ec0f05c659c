"""The recurrent block against `numpy_references` and Keras' masked layers, whatever the padding looks like."""

import keras
import numpy as np
import pytest
from numpy_references import (
    CELLS,
    gru_reset_after,
    gru_reset_before,
    highway,
    lstm,
    peephole_lstm,
    run,
    zoneout,
)

from nlpkit.layers import RecurrentBlock
from nlpkit.layers.layer_norm_lstm import LayerNormLSTMCell
from nlpkit.layers.peephole_lstm import PeepholeLSTMCell

RANDOM = np.random.default_rng(0)
BATCH, TIME, SIZE = 6, 7, 4
STEPS = RANDOM.normal(size=(BATCH, TIME, SIZE)).astype("float32")
LENGTHS = np.array([TIME, 5, 3, 1, 2, 0])
RIGHT = np.arange(TIME) < LENGTHS[:, None]
# Any steps of a row, as many as the lengths say.
GAPS = np.array([RANDOM.permutation(row) for row in RIGHT])
MASKS = {"whole": np.ones_like(RIGHT), "right": RIGHT, "left": RIGHT[:, ::-1], "gaps": GAPS}

# What Keras runs the weights of each cell with.
KERAS = {
    "rnn": lambda **options: keras.layers.SimpleRNN(SIZE, **options),
    "lstm": lambda **options: keras.layers.LSTM(SIZE, use_cudnn=False, **options),
    "gru": lambda **options: keras.layers.GRU(SIZE, use_cudnn=False, **options),
    "gru, reset before": lambda **options: keras.layers.GRU(
        SIZE, reset_after=False, use_cudnn=False, **options
    ),
    "peephole_lstm": lambda **options: keras.layers.RNN(PeepholeLSTMCell(SIZE), **options),
    "layer_norm_lstm": lambda **options: keras.layers.RNN(LayerNormLSTMCell(SIZE), **options),
}
EVERY_CELL = pytest.mark.parametrize("name", CELLS)
EVERY_MASK = pytest.mark.parametrize("padding", MASKS)
EITHER_WAY = pytest.mark.parametrize("both", [False, True], ids=["forward", "both directions"])


def make(name, both=False, **options):
    """A block with random weights, also where they start as zeros or ones."""
    options = {**CELLS[name].arguments, **options}
    block = RecurrentBlock(SIZE, bidirectional=both, return_state=True, **options)
    block.build(STEPS.shape)
    random = np.random.default_rng(1)
    block.set_weights([random.normal(size=weight.shape) / 2 for weight in block.get_weights()])
    return block


def directions(block):
    return [block.forward, block.backward] if block.bidirectional else [block.forward]


def by_numpy(name, step, block, mask):
    """Outputs `(batch, time, units)` and last states, those of each direction after the other's."""
    start = [np.zeros(SIZE)] * CELLS[name].states
    sequences, states = [], []
    for number, direction in enumerate(directions(block)):
        weights = direction.get_weights()
        rows = [
            run(step, row, real, start, weights, backwards=number == 1)
            for row, real in zip(STEPS.astype("float64"), mask, strict=True)
        ]
        outputs, last = zip(*rows, strict=True)
        sequences.append(np.array(outputs))
        states += [np.array(state) for state in zip(*last, strict=True)]
    return np.concatenate(sequences, axis=-1), states


def assert_equal(found, outputs, states):
    for one, other in zip(found, [outputs, *states], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@EVERY_CELL
@EVERY_MASK
@EITHER_WAY
def test_outputs_and_states_are_those_of_the_formulas(name, padding, both):
    block, mask = make(name, both), MASKS[padding]
    outputs, states = by_numpy(name, CELLS[name].step, block, mask)
    assert_equal(block(STEPS, mask=mask), outputs, states)
    assert not outputs[~mask].any() and np.abs(outputs[mask]).min() > 0
    if padding == "whole":
        assert_equal(block(STEPS), outputs, states)


@EVERY_CELL
@EVERY_MASK
def test_the_last_output_is_that_after_the_last_real_step(name, padding):
    block, mask = make(name, both=True, return_sequences=False), MASKS[padding]
    _, states = by_numpy(name, CELLS[name].step, block, mask)
    ends = np.concatenate([states[0], states[len(states) // 2]], axis=-1)
    assert_equal(block(STEPS, mask=mask), ends, states)
    assert ends[mask.any(axis=1)].all() and not ends[~mask.any(axis=1)].any()


@EVERY_CELL
@EVERY_MASK
def test_outputs_at_real_steps_are_those_of_keras(name, padding):
    """Keras goes over the padded steps, too, and keeps the state there."""
    block, mask = make(name, both=True), MASKS[padding]
    found, *states = block(STEPS, mask=mask)
    expected, last = [], []
    for number, direction in enumerate(directions(block)):
        layer = KERAS[name](return_sequences=True, return_state=True, go_backwards=number == 1)
        layer.build(STEPS.shape)
        layer.set_weights(direction.get_weights())
        outputs, *ends = layer(STEPS, mask=mask)
        expected.append(np.asarray(outputs)[:, :: -1 if number else 1])
        last += ends
    assert_equal([np.asarray(found)[mask], *states], np.concatenate(expected, axis=-1)[mask], last)


@EVERY_CELL
@EITHER_WAY
@pytest.mark.parametrize("rates", [(0.3, 0.3), (0.2, 0.6)], ids=str)
def test_zoneout_in_prediction_is_the_expectation_of_the_formula(name, both, rates):
    rates = rates[: CELLS[name].states]
    option = rates[0] if len(set(rates)) == 1 else list(rates)
    block, step = make(name, both, zoneout=option), zoneout(CELLS[name].step, rates)
    assert_equal(block(STEPS, mask=GAPS), *by_numpy(name, step, block, GAPS))


@EVERY_CELL
def test_highway_is_the_gate_of_the_paper(name):
    block = make(name, highway=True)
    outputs, states = by_numpy(name, CELLS[name].step, block, GAPS)
    gate = block.get_weights()[len(block.forward.weights) :]
    assert [weight.shape for weight in gate] == [(SIZE, SIZE), (SIZE,)]
    expected = highway(STEPS, outputs, gate) * GAPS[:, :, None]
    assert_equal(block(STEPS, mask=GAPS), expected, states)


@EVERY_CELL
def test_residual_and_layer_norm_are_those_of_the_formula(name):
    block = make(name, layer_norm=True, residual=True)
    outputs, states = by_numpy(name, CELLS[name].step, block, GAPS)
    gain, shift = block.get_weights()[-2:]
    total = outputs + STEPS
    centred = total - total.mean(axis=-1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + block.norm.epsilon)
    expected = (centred / deviation * gain + shift) * GAPS[:, :, None]
    assert_equal(block(STEPS, mask=GAPS), expected, states)


def test_the_references_differ():
    """So that no cell can pass as another; only peepholes of zero and an open reset gate make two equal."""
    random = np.random.default_rng(2)
    x, h, c = (random.normal(size=SIZE) for _ in range(3))
    W, U, b, p = (random.normal(size=shape) for shape in ((SIZE, 16), (SIZE, 16), 16, (3, SIZE)))
    plain = lstm(x, [h, c], [W, U, b])[0]
    np.testing.assert_allclose(peephole_lstm(x, [h, c], [W, U, b, 0 * p])[0], plain)
    assert np.abs(peephole_lstm(x, [h, c], [W, U, b, p])[0] - plain).max() > 0.01
    W, U, b = W[:, :12], U[:, :12], b[:12]
    before = gru_reset_before(x, [h], [W, U, b])[0]
    after = gru_reset_after(x, [h], [W, U, np.array([b, 0 * b])])[0]
    assert np.abs(before - after).max() > 0.01
    opened = b + np.repeat([0.0, 50.0, 0.0], SIZE)
    before = gru_reset_before(x, [h], [W, U, opened])[0]
    np.testing.assert_allclose(gru_reset_after(x, [h], [W, U, np.array([opened, 0 * b])])[0], before)
