"""Sine positions against the paper's formula, and step by step against the whole sequence."""

import numpy as np
import tensorflow as tf

from nlpkit.layers.sine_positions import SinePositions

STEPS = np.random.default_rng(0).normal(size=(3, 6, 5)).astype("float32")


def by_the_paper(position, size, max_wavelength=10000.0):
    """PE(pos, 2i) = sin(pos / 10000^(2i / d)) and PE(pos, 2i + 1) = cos(pos / 10000^(2i / d)); i counts pairs."""
    angles = [position / max_wavelength ** (2 * (place // 2) / size) for place in range(size)]
    return [np.cos(angle) if place % 2 else np.sin(angle) for place, angle in enumerate(angles)]


def test_the_papers_formula():
    for size, longest in ((6, 10000.0), (5, 100.0)):
        waves = np.asarray(SinePositions(longest)(np.zeros((1, 7, size), "float32")))[0]
        expected = [by_the_paper(position, size, longest) for position in range(7)]
        np.testing.assert_allclose(waves, expected, atol=1e-5)


def test_a_mask_counts_real_steps_alone():
    mask = np.array([[1, 1, 1], [0, 0, 1], [1, 0, 1]], bool)
    waves = np.asarray(SinePositions()(np.zeros((3, 3, 5), "float32"), mask=mask))
    for row, counted in enumerate(([0, 1, 2], [0], [0, 1])):
        expected = [by_the_paper(position, 5) for position in counted]
        np.testing.assert_allclose(waves[row][mask[row]], expected, atol=1e-5)


def test_steps_equal_the_whole_sequence():
    layer = SinePositions()
    expected, state = np.asarray(layer(STEPS)), layer.initial_state(3)
    for time in range(6):
        output, state = layer.step(STEPS[:, time], state)
        np.testing.assert_allclose(output, expected[:, time], atol=1e-6)
    assert state.numpy().tolist() == [6, 6, 6]


def test_rows_step_at_positions_of_their_own_also_in_a_graph():
    layer = SinePositions()
    step = tf.function(
        layer.step, input_signature=[tf.TensorSpec((None, 5)), tf.TensorSpec((None,), "int32")]
    )
    output, state = step(STEPS[:, 0], np.array([40, 0, 7], "int32"))
    expected = STEPS[:, 0] + [by_the_paper(position, 5) for position in (40, 0, 7)]
    np.testing.assert_allclose(output, expected, atol=1e-5)
    assert state.numpy().tolist() == [41, 1, 8]


def test_steps_in_half_precision_at_late_positions():
    exact = by_the_paper(3001, 5)
    for policy, tolerance in (("mixed_float16", 1e-3), ("mixed_bfloat16", 8e-3)):
        layer = SinePositions(dtype=policy)
        output, _ = layer.step(np.zeros((1, 5), "float32"), tf.constant([3001]))
        assert output.dtype == layer(STEPS).dtype == layer.compute_dtype
        np.testing.assert_allclose(np.asarray(output, "float32")[0], exact, atol=tolerance)
