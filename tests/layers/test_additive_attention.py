"""Additive attention and coverage against formulas written from the papers, and against Keras' layer."""

import keras
import numpy as np
import pytest
from attention_checks import EMPTY, MASK, QUERY, VALUE, attend, check_attention

from nlpkit import InputError
from nlpkit.layers.additive_attention import AdditiveAttention, coverage_loss


@pytest.mark.parametrize("coverage", [False, True])
def test_contract(coverage):
    check_attention(AdditiveAttention, {"units": 7, "coverage": coverage})


def shaken(layer):
    """A built layer whose bias is not zero."""
    layer.build([QUERY.shape, VALUE.shape])
    random = np.random.default_rng(1)
    layer.set_weights([random.normal(size=weight.shape) for weight in layer.get_weights()])
    return layer


def by_the_papers(layer, query, value):
    """Weights of the queries of one row without padding, one after the other; matrices from the right."""
    parts = {weight.path.split("/", 1)[1]: np.asarray(weight) for weight in layer.weights}
    coverage, weights = np.zeros(len(value)), []
    for state in query:
        scores = []
        for position, annotation in enumerate(value):
            hidden = state @ parts["query/kernel"] + annotation @ parts["key/kernel"] + parts["key/bias"]
            if layer.coverage:
                hidden = hidden + coverage[position] * parts["coverage/kernel"][0]
            scores.append(parts["vector/kernel"][:, 0] @ np.tanh(hidden))
        exponentials = np.exp(scores)
        weights.append(exponentials / exponentials.sum())
        coverage = coverage + weights[-1]
    return np.array(weights)


@pytest.mark.parametrize("coverage", [False, True])
def test_the_papers_formula(coverage):
    layer = shaken(AdditiveAttention(7, coverage, name="additive"))
    context, weights = attend(layer, QUERY, VALUE, MASK)
    for row, length in enumerate((6, 3, 1)):
        expected = by_the_papers(layer, QUERY[row], VALUE[row, :length])
        np.testing.assert_allclose(weights[row, :, :length], expected, atol=1e-5)
        np.testing.assert_allclose(context[row], expected @ VALUE[row, :length], atol=1e-5)


def test_keras_layer_with_the_same_weights():
    layer = shaken(AdditiveAttention(7))
    reference = keras.layers.AdditiveAttention()
    arguments = [layer.query(QUERY), VALUE, layer.key(VALUE)]
    reference.build([argument.shape for argument in arguments])
    reference.set_weights([layer.vector.get_weights()[0][:, 0]])
    expected = reference(arguments, mask=[None, MASK, None], return_attention_scores=True)
    for one, other in zip(attend(layer, QUERY, VALUE, MASK), expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_one_query_at_a_time_with_the_coverage_of_those_before():
    layer = shaken(AdditiveAttention(7, coverage=True))
    expected = attend(layer, QUERY, VALUE, MASK)
    memory, coverage = layer.precompute(VALUE, MASK), np.zeros((3, 6), "float32")
    for time in range(5):
        context, weights = layer.attend(
            keras.ops.convert_to_tensor(QUERY[:, time]), memory, coverage=coverage
        )
        np.testing.assert_allclose(context, expected[0][:, time], atol=1e-5)
        np.testing.assert_allclose(weights, expected[1][:, time], atol=1e-5)
        coverage = coverage + np.asarray(weights)
    # The second half of a sequence of queries goes on where the first one stopped.
    earlier = expected[1][:, :2].sum(axis=1)
    _, weights = layer.attend(keras.ops.convert_to_tensor(QUERY[:, 2:]), memory, coverage=earlier)
    np.testing.assert_allclose(weights, expected[1][:, 2:], atol=1e-5)


def test_coverage_makes_a_difference():
    layer = shaken(AdditiveAttention(7, coverage=True))
    plain = AdditiveAttention(7)
    plain.build([QUERY.shape, VALUE.shape])
    plain.set_weights(layer.get_weights()[:-1])
    with_it, without = attend(layer, QUERY, VALUE)[1], attend(plain, QUERY, VALUE)[1]
    np.testing.assert_allclose(with_it[:, 0], without[:, 0], atol=1e-6)
    assert np.abs(with_it[:, 1:] - without[:, 1:]).max() > 0.01


def test_coverage_loss_is_the_sum_of_minima():
    weights = attend(shaken(AdditiveAttention(7)), QUERY, VALUE, EMPTY)[1]
    expected = np.zeros((3, 5))
    for row in range(3):
        for step in range(5):
            for position in range(6):
                earlier = sum(weights[row, before, position] for before in range(step))
                expected[row, step] += min(weights[row, step, position], earlier)
    np.testing.assert_allclose(coverage_loss(weights), expected, atol=1e-6)
    assert expected[0, 1:].all() and not expected[:, 0].any() and not expected[1].any()


def test_the_inputs_are_a_pair():
    with pytest.raises(
        InputError, match=r"`inputs` must be a list .*query, values.* Received shapes: \(3, 5, 4\)"
    ):
        AdditiveAttention(7)(QUERY)
    with pytest.raises(
        InputError, match=r"`inputs` must be a list .*query, values.* Received shapes: \[\(3, 5, 4\)"
    ):
        AdditiveAttention(7)([QUERY])


@pytest.mark.parametrize("coverage", [False, True])
def test_keras_may_compile_it_but_for_the_scan_of_the_coverage(coverage):
    assert AdditiveAttention(8, coverage=coverage).supports_jit is not coverage
