"""As sorting would find them."""

import numpy as np
import pytest
import tensorflow as tf

from nlpkit.generation.largest import largest, least_with_mass


@pytest.mark.parametrize("size", [7, 1024, 1500, 3001])
@pytest.mark.parametrize("k", [1, 40, 300, 3001])
def test_it_finds_what_sorting_finds(size, k):
    values = np.random.default_rng(k).normal(size=(4, size)).astype("float32")
    values[1, 5:] = -np.inf
    k = min(k, size)
    for count in (k, tf.constant(k)):
        found, places = largest(tf.constant(values), count)
        np.testing.assert_array_equal(found, -np.sort(-values)[:, :k])
        rows = [row[row > -np.inf] for row in np.take_along_axis(values, places.numpy(), axis=1)]
        for row, expected in zip(rows, found.numpy(), strict=True):
            np.testing.assert_array_equal(row, expected[expected > -np.inf])


def test_it_finds_equal_numbers_and_unknown_sizes():
    values = np.random.default_rng(0).integers(0, 5, (3, 2000)).astype("float32")
    find = tf.function(largest, input_signature=[tf.TensorSpec((None, None)), tf.TensorSpec((), tf.int32)])
    found, places = find(values, 900)
    np.testing.assert_array_equal(found, -np.sort(-values)[:, :900])
    assert all(len(set(row)) == 900 for row in places.numpy().tolist())
    np.testing.assert_array_equal(np.take_along_axis(values, places.numpy(), axis=1), found)


def sorted_least(ranking, probabilities, mass):
    least = []
    for ranks, p in zip(ranking, probabilities.astype("float64"), strict=True):
        order = np.argsort(-ranks, kind="stable")
        place = np.searchsorted(np.cumsum(p[order]), mass)
        least.append([ranks[order[min(place, len(order) - 1)]]])
    return least


@pytest.mark.parametrize("mass", [0.0, 0.01, 0.3, 0.7, 0.9, 0.99, 0.999])
@pytest.mark.parametrize("spread", [0.0, 1e-3, 0.3, 2.0, 8.0, 30.0])
def test_the_mass_is_reached_where_sorting_reaches_it(spread, mass):
    ranking = np.random.default_rng(1).normal(0, spread, (3, 2000)).astype("float32")
    ranking[2, 100:] = -np.inf
    weights = np.exp(ranking.astype("float64"))
    probabilities = (weights / weights.sum(-1, keepdims=True)).astype("float32")
    found = least_with_mass(tf.constant(ranking), tf.constant(probabilities), mass).numpy()
    np.testing.assert_array_equal(found, sorted_least(ranking, probabilities, mass))


def test_where_nothing_is_left_nothing_is_found():
    nothing = tf.fill((2, 2000), -np.inf)
    assert np.all(least_with_mass(nothing, tf.fill((2, 2000), np.nan), 0.9) == -np.inf)
