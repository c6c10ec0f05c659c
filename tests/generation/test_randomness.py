"""Numbers by chance that are none, judged as chance is judged."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from nlpkit.generation.randomness import draw, uniform


@pytest.fixture(scope="module")
def numbers():
    """float64 `(seeds, rows, tokens)`."""
    seeds, rows, tokens = (tf.range(n, n + m) for n, m in ((77, 300), (0, 32), (0, 64)))
    return uniform(seeds[:, None, None], rows[:, None], tokens).numpy().astype("float64")


def test_numbers_are_uniform(numbers):
    assert numbers.min() >= 0 and numbers.max() < 1
    assert stats.kstest(numbers.ravel(), "uniform").pvalue > 1e-3
    assert stats.chisquare(np.histogram(numbers, 256, (0, 1))[0]).pvalue > 1e-3
    # Also the last of the 24 bits are.
    assert stats.chisquare(np.bincount((numbers.ravel() * 2**24).astype(int) % 256)).pvalue > 1e-3


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("distance", [1, 2, 16])
def test_neighbours_have_nothing_to_do_with_each_other(numbers, axis, distance):
    first = np.take(numbers, range(numbers.shape[axis] - distance), axis).ravel()
    second = np.take(numbers, range(distance, numbers.shape[axis]), axis).ravel()
    assert abs(np.corrcoef(first, second)[0, 1]) * np.sqrt(first.size) < 4
    pairs = np.histogram2d(first, second, 16, [[0, 1], [0, 1]])[0]
    assert stats.chisquare(pairs.ravel()).pvalue > 1e-4


def test_rows_and_tokens_do_not_swap(numbers):
    assert np.unique(numbers[:4].ravel()).size > 4 * 32 * 64 - 10
    assert not np.any(numbers[:, 1, 2] == numbers[:, 2, 1])


def test_it_is_the_hash_that_it_is_said_to_be():
    def mix(x):
        x = (x + 0x9E3779B9) % 2**32
        x = ((x ^ x >> 16) * 0x7FEB352D) % 2**32
        x = ((x ^ x >> 15) * 0x846CA68B) % 2**32
        return x ^ x >> 16

    for seed, row, token in [(0, 0, 0), (1, 2, 3), (-5, 31, 1000), (2**31 - 1, 7, 7)]:
        expected = (mix((mix((mix(seed % 2**32) + row) % 2**32) + token) % 2**32) >> 8) / 2**24
        assert float(uniform(seed, tf.constant(row), tf.constant(token))) == expected
        assert float(uniform(tf.constant(seed), tf.constant(row), tf.constant(token))) == expected


@pytest.mark.parametrize("size", [5, 128, 1000])
def test_draws_are_those_of_the_cumulative_distribution(size):
    logits = np.random.default_rng(size).normal(0, 2, size).astype("float32")
    logits[::4] = -np.inf
    where = np.linspace(0, 1, 4000, endpoint=False).astype("float32")
    drawn = draw(tf.repeat(logits[None], 4000, axis=0), where).numpy()
    cumulative = np.cumsum(np.exp(logits.astype("float64")))
    expected = np.searchsorted(cumulative / cumulative[-1], where, side="right")
    assert (drawn == expected).mean() > 0.999  # where a float32 ends
    assert np.isfinite(logits[drawn]).all()


def test_the_ends_of_the_range_draw_what_may_be_drawn():
    logits = np.full((1, 300), -np.inf, "float32")
    logits[0, [130, 140, 260]] = [0.0, -80.0, 1.0]
    assert draw(logits, [0.0]).numpy().tolist() == [130]
    assert draw(logits, [1 - 2**-24]).numpy().tolist() == [260]
    assert draw(logits, [1.0]).numpy().tolist() == [260]


def test_where_nothing_may_be_drawn_it_is_padding():
    assert draw(tf.fill((2, 300), -np.inf), [0.0, 0.9]).numpy().tolist() == [0, 0]


def test_draws_of_an_unknown_vocabulary_size():
    logits = np.random.default_rng(0).normal(0, 2, (50, 200)).astype("float32")
    where = np.linspace(0, 0.99, 50).astype("float32")
    shapes = [tf.TensorSpec((None, None), tf.float32), tf.TensorSpec((None,), tf.float32)]
    dynamic = tf.function(draw, input_signature=shapes)
    assert dynamic(logits, where).numpy().tolist() == draw(logits, where).numpy().tolist()


def test_ten_thousand_draws_are_distributed_as_the_probabilities():
    logits = np.random.default_rng(3).normal(0, 1, 40).astype("float32")
    probabilities = np.exp(logits.astype("float64")) / np.exp(logits.astype("float64")).sum()
    chance = tf.reshape(uniform(9, tf.range(100)[:, None], tf.range(100)), [-1])
    drawn = draw(tf.repeat(logits[None], 10_000, axis=0), chance).numpy()
    counts = np.bincount(drawn, minlength=40)
    assert stats.chisquare(counts, 10_000 * probabilities).pvalue > 1e-3
