"""What a recurrent block draws in training, found out from its gradients and compared with `numpy_references`.

Where a mask is zero, nothing reaches the outputs, so that gradients show it. With the masks that are found the formulas
must give the outputs of all steps: so they are the same at every step, scaled as they should be, and all there is.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy_references import CELLS, run

from nlpkit.layers import RecurrentBlock

RANDOM = np.random.default_rng(0)
BATCH, TIME, SIZE = 60, 5, 4
STEPS = RANDOM.normal(size=(BATCH, TIME, SIZE)).astype("float32")
STATES = [RANDOM.normal(size=(BATCH, SIZE)).astype("float32") / 2 for _ in range(2)]
MASK = RANDOM.random((BATCH, TIME)) < 0.7  # gaps
MASK[0] = False
EVERY_CELL = pytest.mark.parametrize("name", CELLS)
DRAWS = [{name: 0.4} for name in ("input_dropout", "recurrent_dropout", "weight_drop", "zoneout", "dropout")]
EVERY_DRAW = pytest.mark.parametrize("options", DRAWS, ids=str)


def make(name, **options):
    block = RecurrentBlock(SIZE, **{**CELLS[name].arguments, **options})
    block.build(STEPS.shape)
    random = np.random.default_rng(1)
    block.set_weights([random.normal(size=weight.shape) / 2 for weight in block.get_weights()])
    return block


def start(name):
    return [tf.constant(state) for state in STATES[: CELLS[name].states]]


def by_numpy(name, block, mask, kept_inputs=None, kept_states=None, kernel=None):
    """Outputs with inputs and what the recurrent matrix sees of the states scaled by masks `(batch, size)`."""
    W, U, *others = block.forward.get_weights()
    U, ones = U if kernel is None else kernel, np.ones((BATCH, SIZE))
    kept_inputs, kept_states = (ones if kept is None else kept for kept in (kept_inputs, kept_states))
    outputs = []
    for row in range(BATCH):
        states = [state[row].astype("float64") for state in STATES[: CELLS[name].states]]
        # A state times a mask, times a matrix, is the state times a matrix of which the mask has scaled the rows.
        weights = [W * kept_inputs[row][:, None], U * kept_states[row][:, None], *others]
        outputs.append(run(CELLS[name].step, STEPS[row], mask[row], states, weights)[0])
    return np.array(outputs)


def assert_fraction(dropped, rate):
    """Five standard deviations at most from what is expected."""
    assert abs(dropped.mean() - rate) < 5 * np.sqrt(rate * (1 - rate) / dropped.size)


@EVERY_CELL
@pytest.mark.parametrize("padded", [False, True])
def test_input_dropout_is_one_mask_of_the_features_for_all_steps_of_a_row(name, padded):
    block, steps = make(name, input_dropout=0.4, seed=1), tf.constant(STEPS)
    mask = MASK if padded else np.ones_like(MASK)
    with tf.GradientTape() as tape:
        tape.watch(steps)
        outputs = block(steps, mask=mask, initial_state=start(name), training=True)
        total = tf.reduce_sum(outputs * RANDOM.normal(size=outputs.shape))
    reached = np.asarray(tape.gradient(total, steps)) != 0
    kept = reached.any(axis=1)
    np.testing.assert_array_equal(reached, kept[:, None] & mask[:, :, None])
    kept = kept | ~mask.any(axis=1)[:, None]  # whatever a row without steps drops
    np.testing.assert_allclose(outputs, by_numpy(name, block, mask, kept_inputs=kept / 0.6), atol=1e-5)
    assert_fraction(~kept[mask.any(axis=1)], 0.4)
    assert len(np.unique(kept, axis=0)) > 8


@EVERY_CELL
@pytest.mark.parametrize("padded", [False, True])
def test_recurrent_dropout_is_one_mask_of_the_units_for_all_steps_of_a_row(name, padded):
    block, states = make(name, recurrent_dropout=0.4, seed=1), start(name)
    mask = MASK if padded else np.ones_like(MASK)
    first = np.asarray(mask).argmax(axis=1)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(states[0])
        outputs = block(STEPS, mask=mask, initial_state=states, training=True)
        parts = tf.unstack(tf.reduce_sum(tf.gather(outputs, first, axis=1, batch_dims=1), axis=0))
    # How the first output of each unit depends on the state of each unit before it; the carry of a GRU on its own.
    reached = np.stack([np.asarray(tape.gradient(part, states[0])) != 0 for part in parts], axis=1)
    kept = (reached & ~np.eye(SIZE, dtype=bool)).any(axis=1)
    np.testing.assert_allclose(outputs, by_numpy(name, block, mask, kept_states=kept / 0.6), atol=1e-5)
    assert_fraction(~kept[mask.any(axis=1)], 0.4)
    assert len(np.unique(kept, axis=0)) > 8


@EVERY_CELL
@pytest.mark.parametrize("padded", [False, True])
def test_weight_drop_is_one_matrix_for_all_rows_and_steps_and_another_in_the_next_call(name, padded):
    block, found = make(name, weight_drop=0.4, seed=1), []
    mask, kernel = MASK if padded else np.ones_like(MASK), block.forward.weights[1]
    for _ in range(3):
        with tf.GradientTape() as tape:
            outputs = block(STEPS, mask=mask, initial_state=start(name), training=True)
            total = tf.reduce_sum(outputs * RANDOM.normal(size=outputs.shape))
        kept = np.asarray(tape.gradient(total, kernel.value)) != 0
        dropped = kernel.numpy() * kept / 0.6
        np.testing.assert_allclose(outputs, by_numpy(name, block, mask, kernel=dropped), atol=1e-5)
        found.append(kept)
    assert_fraction(~np.array(found), 0.4)
    assert len(np.unique(found, axis=0)) == 3


@EVERY_CELL
def test_zoneout_keeps_states_as_they_were(name):
    """Of each state and each unit by itself; the mean of all draws is what prediction gives."""
    count = CELLS[name].states
    rates = [0.4, 0.2][:count]
    block = make(name, zoneout=rates, return_state=True, seed=1)
    # The same row again and again.
    rows = 3000
    step = np.repeat(STEPS[:1, :1], rows, axis=0)
    before = [np.repeat(state[:1], rows, axis=0) for state in STATES[:count]]
    _, *states = block(step, initial_state=[tf.constant(state) for state in before], training=True)
    _, *expected = block(step[:1], initial_state=[tf.constant(state[:1]) for state in before])
    plain = make(name, return_state=True)
    _, *after = plain(step[:1], initial_state=[tf.constant(state[:1]) for state in before])
    kept = []
    for state, old, new, mean, rate in zip(states, before, after, expected, rates, strict=True):
        kept.append(np.asarray(state) == old)
        np.testing.assert_allclose(state, np.where(kept[-1], old, new), atol=1e-6)
        assert_fraction(kept[-1], rate)
        deviation = np.abs(old[0] - new[0]) * np.sqrt(rate * (1 - rate) / rows)
        np.testing.assert_array_less(np.abs(np.mean(state, axis=0) - mean[0]), 5 * deviation + 1e-6)
        assert np.abs(np.corrcoef(kept[-1].T) - np.eye(SIZE)).max() < 5 / np.sqrt(rows)
    if count == 2:
        assert_fraction(kept[0] & kept[1], 0.4 * 0.2)


@EVERY_CELL
def test_zoneout_draws_anew_at_every_step(name):
    rates = [0.4, 0.0][: CELLS[name].states]
    block, step = make(name, zoneout=rates, seed=1), CELLS[name].step
    found = np.asarray(block(STEPS, mask=MASK, training=True))
    weights, kept = block.forward.get_weights(), []
    for row in range(BATCH):
        states = [np.zeros(SIZE)] * len(rates)
        for time in np.flatnonzero(MASK[row]):
            new = step(STEPS[row, time], states, weights)
            same = np.abs(found[row, time] - states[0]) < 1e-6
            kept.append(same)
            np.testing.assert_allclose(found[row, time], np.where(same, states[0], new[0]), atol=1e-5)
            states = [found[row, time], *new[1:]]
    assert_fraction(np.array(kept), 0.4)
    assert len(np.unique(kept, axis=0)) == 2**SIZE


def draws(block, calls, traced):
    """Outputs of several calls in training, in one graph or eagerly."""

    def run():
        return [block(STEPS, training=True) for _ in range(calls)]

    return [np.asarray(outputs) for outputs in (tf.function(run)() if traced else run())]


@EVERY_DRAW
@pytest.mark.parametrize(("name", "traced"), [("gru", True), ("layer_norm_lstm", False)])
def test_a_seed_repeats_a_run_whose_calls_differ(name, options, traced):
    block = make(name, **options, seed=7)
    first = draws(block, 2, traced)
    again = draws(make(name, **options, seed=7), 2, traced)
    copy = RecurrentBlock.from_config(block.get_config())
    copy.build(STEPS.shape)
    copy.set_weights(block.get_weights())
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first, draws(copy, 2, traced))
    for other in (first[1], *draws(block, 1, traced), *draws(make(name, **options, seed=8), 1, traced)):
        assert (first[0] != other).any()


@EVERY_DRAW
def test_without_a_seed_blocks_differ(options):
    keras.utils.set_random_seed(1)
    one, other = (draws(make("lstm", **options), 1, False) for _ in range(2))
    assert (one[0] != other[0]).any()


@EVERY_DRAW
@EVERY_CELL
def test_nothing_is_drawn_in_prediction(name, options):
    if "zoneout" in options:  # of which the expectation is taken: see `test_numpy_references`
        block = make(name, **options)
        np.testing.assert_array_equal(block(STEPS), block(STEPS))
        return
    np.testing.assert_allclose(make(name, **options)(STEPS), make(name)(STEPS), atol=1e-6)


@pytest.mark.parametrize("options", DRAWS[1:4], ids=str)
def test_each_direction_has_draws_of_its_own(options):
    """With equal weights both would read a row and its mirror image alike."""
    block = make("lstm", bidirectional=True, seed=1, **options)
    block.backward.set_weights(block.forward.get_weights())
    mirrored = np.concatenate([STEPS, STEPS[:, ::-1]], axis=1)
    for training in (False, True):
        forward, backward = np.split(np.asarray(block(mirrored, training=training)), 2, axis=-1)
        assert np.allclose(forward, backward[:, ::-1], atol=1e-6) != training


def test_the_draws_of_one_seed_do_not_repeat_each_other():
    """A feature and a unit of the same number are dropped together by chance only."""
    block = make("rnn", input_dropout=0.5, recurrent_dropout=0.5, seed=1)
    steps, states = tf.constant(STEPS), start("rnn")
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([steps, states[0]])
        total = tf.reduce_sum(block(steps, initial_state=states, training=True))
    inputs = np.asarray(tape.gradient(total, steps))[:, 0] != 0
    units = np.asarray(tape.gradient(total, states[0])) != 0
    assert_fraction(inputs != units, 0.5)


@pytest.mark.parametrize("options", DRAWS, ids=str)
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_in_half_precision(options, policy):
    block = make("gru", **options, seed=3, dtype=policy)
    outputs = block(STEPS, training=True)
    assert outputs.dtype == block.compute_dtype and np.isfinite(np.asarray(outputs, "float32")).all()
    if set(options) & {"recurrent_dropout", "zoneout"}:  # which are drawn in float32
        expected = make("gru", **options, seed=3)(STEPS, training=True)
        # Weights and inputs are rounded to 16 bits, a part of 2 ** -11 or 2 ** -8; the loop runs in float32.
        tolerance = 32 * 2.0 ** (-11 if policy == "mixed_float16" else -8)
        np.testing.assert_allclose(np.asarray(outputs, "float32"), expected, atol=tolerance)
    assert np.abs(np.asarray(outputs, "float32") - np.asarray(block(STEPS), "float32")).max() > 0.2
