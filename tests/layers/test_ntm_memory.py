"""Addressing, reading and writing against the paper's formulas, written out in NumPy, and against sums by hand."""

import numpy as np
import tensorflow as tf

from nlpkit.layers import ntm_memory

RANDOM = np.random.default_rng(0)
BATCH, HEADS, SLOTS, SIZE, RANGE = 2, 3, 6, 4, 2


def weightings():
    numbers = RANDOM.exponential(size=(BATCH, HEADS, SLOTS))
    return numbers / numbers.sum(axis=-1, keepdims=True)


def shifts_of(values):
    return values / values.sum(axis=-1, keepdims=True)


MEMORY = RANDOM.normal(size=(BATCH, SLOTS, SIZE))
PREVIOUS = weightings()
KEY = RANDOM.normal(size=(BATCH, HEADS, SIZE))
STRENGTH = RANDOM.uniform(0, 5, (BATCH, HEADS, 1))
GATE = RANDOM.uniform(0, 1, (BATCH, HEADS, 1))
SHIFTS = shifts_of(RANDOM.exponential(size=(BATCH, HEADS, 2 * RANGE + 1)))
EXPONENT = RANDOM.uniform(1, 4, (BATCH, HEADS, 1))
ADDRESS = (MEMORY, PREVIOUS, KEY, STRENGTH, GATE, SHIFTS, EXPONENT)
ERASE = RANDOM.uniform(0, 1, (BATCH, HEADS, SIZE))
ADD = RANDOM.normal(size=(BATCH, HEADS, SIZE))
EACH_HEAD = list(np.ndindex(BATCH, HEADS))


def by_content(memory, key, strength):
    """Equations 5 and 6, one head."""
    similar = [key @ slot / (np.linalg.norm(key) * np.linalg.norm(slot)) for slot in memory]
    powers = np.exp(strength * np.array(similar))
    return powers / powers.sum()


def by_convolution(weights, shifts):
    """Equation 8, one head: the shift s(i - j), with indices modulo the number of slots."""
    full = np.zeros(SLOTS)
    full[np.arange(-RANGE, RANGE + 1) % SLOTS] = shifts
    return np.array([sum(weights[j] * full[(i - j) % SLOTS] for j in range(SLOTS)) for i in range(SLOTS)])


def by_power(weights, exponent):
    """Equation 9, one head."""
    return weights**exponent / (weights**exponent).sum()


def by_paper(memory, previous, key, strength, gate, shifts, exponent):
    """The whole of figure 2, one head."""
    found = by_content(memory, key, strength)
    return by_power(by_convolution(gate * found + (1 - gate) * previous, shifts), exponent)


def assert_heads(found, formula, *arguments):
    """Compares each head of each row with a formula for one head."""
    found = found.numpy()
    assert found.shape == (BATCH, HEADS, SLOTS)
    for row, head in EACH_HEAD:
        expected = formula(*(x[row] if x is MEMORY else x[row, head] for x in arguments))
        np.testing.assert_allclose(found[row, head], expected, rtol=1e-9, atol=1e-10)


def test_content_weights_are_those_of_the_paper():
    assert_heads(ntm_memory.content_weights(MEMORY, KEY, STRENGTH), by_content, MEMORY, KEY, STRENGTH)


def test_interpolation_is_that_of_the_paper():
    found = weightings()
    gated = ntm_memory.interpolate(tf.constant(found), PREVIOUS, GATE)
    assert_heads(gated, lambda new, old, g: g * new + (1 - g) * old, found, PREVIOUS, GATE)


def test_shift_is_that_of_the_paper():
    assert_heads(ntm_memory.shift(PREVIOUS, SHIFTS), by_convolution, PREVIOUS, SHIFTS)


def test_a_shift_by_one_goes_up_and_around():
    weights = np.array([[[0.0, 0.0, 0.25, 0.75]]])
    moved = ntm_memory.shift(weights, np.array([[[0.0, 0.0, 1.0]]]))
    np.testing.assert_array_equal(moved, [[[0.75, 0.0, 0.0, 0.25]]])


def test_sharpening_is_that_of_the_paper():
    assert_heads(ntm_memory.sharpen(tf.constant(PREVIOUS), EXPONENT), by_power, PREVIOUS, EXPONENT)


def test_sharpening_does_not_underflow():
    even = tf.fill((1, 1, 1000), tf.constant(0.001))  # 0.001 ** 20 is less than float32 can hold
    np.testing.assert_allclose(ntm_memory.sharpen(even, 20.0), even, rtol=1e-4)


def test_the_whole_address_is_that_of_the_paper():
    assert_heads(ntm_memory.address(*map(tf.constant, ADDRESS)), by_paper, *ADDRESS)


def test_reading_and_writing_are_those_of_the_paper():
    """Equations 2 to 4: all heads erase, then all add; number by number."""
    written = ntm_memory.write(*map(tf.constant, (MEMORY, PREVIOUS, ERASE, ADD)))
    expected = MEMORY.copy()
    for row, slot, place in np.ndindex(*MEMORY.shape):
        for head in range(HEADS):
            expected[row, slot, place] *= 1 - PREVIOUS[row, head, slot] * ERASE[row, head, place]
        for head in range(HEADS):
            expected[row, slot, place] += PREVIOUS[row, head, slot] * ADD[row, head, place]
    np.testing.assert_allclose(written, expected, rtol=1e-9)
    for row, head in EACH_HEAD:
        mean = sum(PREVIOUS[row, head, slot] * expected[row, slot] for slot in range(SLOTS))
        np.testing.assert_allclose(
            ntm_memory.read(written, tf.constant(PREVIOUS))[row, head], mean, rtol=1e-9
        )


def test_an_empty_memory_has_even_weights_and_finite_gradients():
    memory, previous = tf.zeros((1, SLOTS, SIZE)), tf.one_hot([[0]], SLOTS)
    key, number = tf.zeros((1, 1, SIZE)), tf.ones((1, 1, 1))
    shifts = tf.constant([[[0.0, 1.0, 0.0]]])
    with tf.GradientTape() as tape:
        tape.watch([memory, previous, key, number, shifts])
        weights = ntm_memory.address(memory, previous, key, number, 0.5 * number, shifts, number)
        first = weights[0, 0, 0]
    gradients = tape.gradient(first, [memory, previous, key, number, shifts])
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    np.testing.assert_allclose(weights[0, 0], [0.5 + 0.5 / SLOTS] + [0.5 / SLOTS] * (SLOTS - 1), rtol=1e-5)


def test_reading_by_hand():
    memory = tf.constant([[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]])
    weights = tf.constant([[[0.5, 0.5, 0.0], [0.0, 0.25, 0.75]]])
    np.testing.assert_allclose(ntm_memory.read(memory, weights), [[[2.0, 3.0], [4.5, 5.5]]])


def test_writing_by_hand():
    memory = tf.constant([[[1.0, 2.0], [3.0, 4.0]]])
    weights = tf.constant([[[1.0, 0.0], [0.5, 0.5]]])  # two heads: the first slot, and half of both
    erase = tf.constant([[[1.0, 0.5], [0.0, 1.0]]])
    add = tf.constant([[[10.0, 20.0], [1.0, -1.0]]])
    # Erased: 0 and 2 · 0.5 · 0.5 in the first slot, 3 and 4 · 0.5 in the second. Added: 10 + 0.5, 20 - 0.5; 0.5, -0.5.
    expected = [[[0 + 10.5, 0.5 + 19.5], [3 + 0.5, 2 - 0.5]]]
    np.testing.assert_allclose(ntm_memory.write(memory, weights, erase, add), expected)
