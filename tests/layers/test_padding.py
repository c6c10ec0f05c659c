"""Zeros in place of padding, and positions that leave it out."""

import numpy as np
import tensorflow as tf

from nlpkit.layers.padding import real_positions, zero_padding

STEPS = np.arange(1.0, 13.0, dtype="float32").reshape(2, 3, 2)
MASK = np.array([[False, True, True], [True, False, True]])


def test_padding_is_zero_whatever_it_holds():
    for dtype in ("float32", "float16", "bfloat16"):
        for padding in (np.nan, np.inf):
            steps = tf.cast(np.where(MASK[:, :, None], STEPS, padding), dtype)
            zeroed = zero_padding(steps, MASK)
            assert zeroed.dtype == dtype
            np.testing.assert_array_equal(tf.cast(zeroed, "float32"), STEPS * MASK[:, :, None])


def test_masks_may_be_numbers_and_without_one_nothing_is_done():
    np.testing.assert_array_equal(zero_padding(STEPS, MASK.astype("float32")), STEPS * MASK[:, :, None])
    assert zero_padding(STEPS, None) is STEPS


def test_real_steps_are_counted_alone():
    masks = [[0, 1, 1, 0, 1], [1, 1, 1, 0, 0], [0, 0, 0, 0, 0]]
    expected = [[0, 0, 1, 1, 2], [0, 1, 2, 2, 2], [0, 0, 0, 0, 0]]
    assert real_positions(np.array(masks, bool)).numpy().tolist() == expected
