"""Learned positions."""

import numpy as np

from nlpkit.layers.position_embedding import PositionEmbedding

STEPS = np.random.default_rng(0).normal(size=(3, 6, 4)).astype("float32")


def test_each_position_adds_its_vector_and_late_ones_the_last():
    layer = PositionEmbedding(4)
    added = np.asarray(layer(STEPS)) - STEPS
    table = layer.get_weights()[0]
    assert table.shape == (4, 4) and len(np.unique(table)) == 16
    for row in added:
        np.testing.assert_allclose(row, table[[0, 1, 2, 3, 3, 3]], atol=1e-6)


def test_a_mask_counts_real_steps_alone():
    layer = PositionEmbedding(4)
    mask = np.array([[1, 1, 1, 1, 1, 1], [0, 0, 1, 1, 0, 1], [1, 1, 0, 0, 0, 0]], bool)
    added = np.asarray(layer(STEPS, mask=mask)) - STEPS
    table = layer.get_weights()[0]
    for row, counted in enumerate(([0, 1, 2, 3, 3, 3], [0, 1, 2], [0, 1])):
        np.testing.assert_allclose(added[row][mask[row]], table[counted], atol=1e-6)


def test_steps_equal_the_whole_sequence():
    layer = PositionEmbedding(4)
    expected = np.asarray(layer(STEPS))
    state = layer.initial_state(3)
    for time in range(6):
        output, state = layer.step(STEPS[:, time], state)
        np.testing.assert_allclose(output, expected[:, time], atol=1e-6)
    assert state.numpy().tolist() == [6, 6, 6]


def test_steps_in_half_precision():
    layer = PositionEmbedding(4, dtype="mixed_bfloat16")
    expected = layer(STEPS)
    output, _ = layer.step(STEPS[:, 0], layer.initial_state(3))
    assert output.dtype == expected.dtype == "bfloat16"
    np.testing.assert_array_equal(output, expected[:, 0])


def test_rows_step_at_positions_of_their_own():
    layer = PositionEmbedding(4)
    layer(STEPS)
    output, state = layer.step(STEPS[:, 0], np.array([2, 0, 9], "int32"))
    np.testing.assert_allclose(output, STEPS[:, 0] + layer.get_weights()[0][[2, 0, 3]], atol=1e-6)
    assert state.tolist() == [3, 1, 10]
