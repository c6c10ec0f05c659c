"""Variational dropout: one mask per row, the expectation kept."""

import numpy as np
import pytest
import tensorflow as tf

from nlpkit import InputError
from nlpkit.layers.variational_dropout import VariationalDropout

RANDOM = np.random.default_rng(0)
STEPS = RANDOM.normal(size=(3, 6, 4)).astype("float32")


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_one_mask_for_all_steps_and_another_for_each_row(policy):
    ones = np.ones((300, 5, 20), "float32")
    layer = VariationalDropout(0.2, seed=1, dtype=policy)
    dropped = layer(ones, training=True)
    assert dropped.dtype == layer.compute_dtype
    dropped = np.asarray(dropped, "float32")
    np.testing.assert_array_equal(dropped, np.repeat(dropped[:, :1], 5, axis=1))
    assert set(np.unique(dropped)) == {0.0, 1.25}
    assert abs((dropped[:, 0] == 0).mean() - 0.2) < 0.02
    assert len(np.unique(dropped[:, 0], axis=0)) > 200


def test_the_expectation_is_kept():
    rows = np.repeat(STEPS[:1], 4000, axis=0)
    mean = np.mean(VariationalDropout(0.5, seed=1)(rows, training=True), axis=0)
    # Five standard deviations of a mean of 4000 values that are 0 or twice the input.
    np.testing.assert_array_less(np.abs(mean - STEPS[0]), 5 * np.abs(STEPS[0]) / np.sqrt(4000))


def test_the_mask_does_not_depend_on_padding():
    short, long = (VariationalDropout(0.5, seed=3) for _ in range(2))
    padded = np.concatenate([STEPS, np.zeros_like(STEPS)], axis=1)
    np.testing.assert_array_equal(long(padded, training=True)[:, :6], short(STEPS, training=True))


@pytest.mark.parametrize(("rate", "training"), [(0.9, False), (0.0, True)])
def test_nothing_changes_without_training_or_rate(rate, training):
    np.testing.assert_array_equal(VariationalDropout(rate)(STEPS, training=training), STEPS)


def test_nothing_to_draw_needs_no_generator():
    assert VariationalDropout(0.0).seed_generator is None
    assert VariationalDropout(0.1).seed_generator is not None


def test_the_seed_repeats_a_run_whose_calls_differ():
    runs = []
    for _ in range(2):
        layer = VariationalDropout(0.5, seed=7)
        run = tf.function(lambda x, layer=layer: layer(x, training=True))
        runs.append([run(STEPS).numpy() for _ in range(2)])
    np.testing.assert_array_equal(runs[0], runs[1])
    assert (runs[0][0] != runs[0][1]).any()


def test_gradients_are_scaled_by_the_mask():
    inputs = tf.constant(STEPS)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = VariationalDropout(0.5, seed=1)(inputs, training=True)
    np.testing.assert_allclose(tape.gradient(outputs, inputs), outputs / inputs, rtol=1e-5)


@pytest.mark.parametrize("rate", [-0.1, 1.0])
def test_rate_outside_its_range(rate):
    with pytest.raises(InputError, match=rf"`rate` must be at least 0 and below 1.* Received: rate={rate}"):
        VariationalDropout(rate)
