"""Luong's location-based and local attention against formulas written from the paper."""

import numpy as np
import pytest
from attention_checks import EMPTY, MASK, QUERY, VALUE, attend, check_attention

from nlpkit import InputError
from nlpkit.layers.location_attention import LocalAttention, LocationAttention

LOCAL = [{"window": 2, "score": score} for score in ("dot", "general", "concat")] + [
    {"window": 1, "score": "concat", "units": 7}
]


# Fewer positions than there are, as many, and more.
@pytest.mark.parametrize("max_length", [2, 6, 9])
def test_contract_of_location_attention(max_length):
    check_attention(LocationAttention, {"max_length": max_length})


@pytest.mark.parametrize("arguments", LOCAL, ids=str)
def test_contract_of_local_attention(arguments):
    check_attention(LocalAttention, arguments, sums_to_one=False)


@pytest.mark.parametrize("max_length", [2, 6, 9])
def test_location_is_a_softmax_of_the_query(max_length):
    layer = LocationAttention(max_length)
    context, weights = attend(layer, QUERY, VALUE, MASK)
    matrix = layer.location.get_weights()[0]
    for row, length in enumerate((6, 3, 1)):
        used = min(length, max_length)
        exponentials = np.exp(QUERY[row] @ matrix)[:, :used]
        expected = exponentials / exponentials.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(weights[row, :, :used], expected, atol=1e-5)
        assert not weights[row, :, used:].any()
        np.testing.assert_allclose(context[row], expected @ VALUE[row, :used], atol=1e-5)


def test_location_does_not_look_at_the_values():
    layer = LocationAttention(6)
    np.testing.assert_array_equal(attend(layer, QUERY, VALUE)[1], attend(layer, QUERY, 5 + VALUE)[1])


def score_by_the_paper(layer, state, source):
    """The score of one pair; Keras' kernels multiply from the right, and W [q; h] is kept in two parts."""
    if layer.score == "dot":
        return state @ source
    if layer.score == "general":
        return state @ (layer.key.get_weights()[0].T @ source)
    joint = np.concatenate([layer.query.get_weights()[0], layer.key.get_weights()[0]]).T
    return layer.vector.get_weights()[0][:, 0] @ np.tanh(joint @ np.concatenate([state, source]))


@pytest.mark.parametrize("arguments", LOCAL, ids=str)
def test_local_is_the_papers_formula(arguments):
    layer = LocalAttention(**arguments)
    context, weights = attend(layer, QUERY, VALUE, MASK)
    hidden, vector = layer.hidden.get_weights()[0], layer.position.get_weights()[0]
    for row, length in enumerate((6, 3, 1)):
        for step, state in enumerate(QUERY[row]):
            position = length / (1 + np.exp(-(np.tanh(state @ hidden) @ vector)[0]))
            window = [s for s in range(length) if abs(s - position) <= layer.window]
            exponentials = {s: np.exp(score_by_the_paper(layer, state, VALUE[row, s])) for s in window}
            expected = np.zeros(6)
            for s in window:
                spread = layer.window / 2
                gaussian = np.exp(-((s - position) ** 2) / (2 * spread**2))
                expected[s] = exponentials[s] / sum(exponentials.values()) * gaussian
            np.testing.assert_allclose(weights[row, step], expected, atol=1e-5)
            np.testing.assert_allclose(context[row, step], expected @ VALUE[row], atol=1e-5)
    assert (weights[0] == 0).any() and (weights.sum(axis=-1) < 1).all()


@pytest.mark.parametrize("direction", [-1, 1])
def test_a_window_at_the_edge_holds_a_real_step(direction):
    layer = LocalAttention(1)
    layer.build([QUERY.shape, VALUE.shape])
    layer.hidden.kernel.assign(np.ones((4, 4)))
    layer.position.kernel.assign(np.full((4, 1), 100.0 * direction))
    _, weights = attend(layer, np.ones_like(QUERY), VALUE, MASK)
    for row, length in enumerate((6, 3, 1)):
        nearest = [0, 1][:length] if direction < 0 else [length - 1]
        assert all(list(np.flatnonzero(one)) == nearest for one in weights[row])


def test_an_empty_row_beside_real_ones():
    weights = attend(LocalAttention(2), QUERY, VALUE, EMPTY)[1]
    assert weights[0].any() and not weights[1].any() and weights[2].any()


def test_errors():
    with pytest.raises(InputError, match=r"`max_length` must be at least 1. Received: max_length=0"):
        LocationAttention(0)
    with pytest.raises(InputError, match=r"`window` must be at least 1. Received: window=0"):
        LocalAttention(0)
    with pytest.raises(
        InputError, match=r"`inputs` must be a list of tensors: \[query, values\]. Received shapes"
    ):
        LocationAttention(3)(QUERY)
