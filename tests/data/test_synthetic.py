import numpy as np
import pytest

from nlpkit.data.synthetic import copy_task
from nlpkit.errors import InputError


@pytest.mark.parametrize("length", [1, 4])
def test_patterns_are_seen_once_and_given_back_once(length):
    inputs, targets, mask = copy_task(rows=5, length=length, bits=3, seed=0)
    assert inputs.shape == (5, 2 * length + 2, 5) and inputs.dtype == np.float32
    assert targets.shape == (5, 2 * length + 2, 3) and targets.dtype == np.float32
    assert mask.shape == (5, 2 * length + 2) and mask.dtype == bool
    steps = np.arange(2 * length + 2)
    seen, given = (steps >= 1) & (steps <= length), steps >= length + 2
    np.testing.assert_array_equal(inputs[:, seen, :3], targets[:, given])
    np.testing.assert_array_equal(mask, np.broadcast_to(given, mask.shape))
    np.testing.assert_array_equal(inputs[:, :, 3], np.broadcast_to(steps == 0, mask.shape))
    np.testing.assert_array_equal(inputs[:, :, 4], np.broadcast_to(steps == length + 1, mask.shape))
    assert not inputs[:, ~seen, :3].any() and not targets[:, ~given].any()


def test_bits_are_random_and_balanced():
    inputs, targets, mask = copy_task(rows=500, length=5, seed=0)
    assert set(np.unique(inputs)) == {0, 1}
    np.testing.assert_allclose(targets[mask].mean(axis=0), np.full(8, 0.5), atol=0.05)
    assert len(np.unique(targets[mask], axis=0)) == 256


def test_the_seed_decides():
    first, same, other = (copy_task(2, 6, seed=seed)[0] for seed in ([1, 2], [1, 2], [1, 3]))
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()
    assert (copy_task(2, 6)[0] != copy_task(2, 6)[0]).any()


@pytest.mark.parametrize(("name", "value"), [("rows", 0), ("length", 2.0), ("bits", -1)])
def test_numbers_out_of_range(name, value):
    arguments = {"rows": 1, "length": 1, "bits": 1, name: value}
    with pytest.raises(InputError, match=f"`{name}` must be an int of at least 1. Received: {name}={value}"):
        copy_task(**arguments)
