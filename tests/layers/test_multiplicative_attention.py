"""Luong's global scores against formulas written from the paper, and against Keras' layer."""

import keras
import numpy as np
import pytest
from attention_checks import MASK, QUERY, VALUE, attend, check_attention

from nlpkit import InputError
from nlpkit.layers.multiplicative_attention import MultiplicativeAttention

OPTIONS = [{"score": "dot"}, {"score": "general"}, {"score": "concat"}, {"score": "concat", "units": 7}]
# A query of another size than the values.
WIDE = np.random.default_rng(2).normal(size=(3, 5, 9)).astype("float32")


@pytest.mark.parametrize("arguments", OPTIONS, ids=str)
def test_contract(arguments):
    check_attention(MultiplicativeAttention, arguments)


def by_the_paper(layer, state, source):
    """The score of one pair; Keras' kernels multiply from the right."""
    if layer.score == "dot":
        return state @ source
    if layer.score == "general":
        return state @ (layer.key.get_weights()[0].T @ source)
    # W [h; s] is one matrix in the paper.
    joint = np.concatenate([layer.query.get_weights()[0], layer.key.get_weights()[0]]).T
    return layer.vector.get_weights()[0][:, 0] @ np.tanh(joint @ np.concatenate([state, source]))


@pytest.mark.parametrize("arguments", OPTIONS, ids=str)
def test_the_papers_formula(arguments):
    layer, query = MultiplicativeAttention(**arguments), QUERY if arguments["score"] == "dot" else WIDE
    context, weights = attend(layer, query, VALUE, MASK)
    for row, length in enumerate((6, 3, 1)):
        for step in range(5):
            scores = [by_the_paper(layer, query[row, step], source) for source in VALUE[row, :length]]
            expected = np.exp(scores) / np.exp(scores).sum()
            np.testing.assert_allclose(weights[row, step, :length], expected, atol=1e-5)
            np.testing.assert_allclose(context[row, step], expected @ VALUE[row, :length], atol=1e-5)


def test_sizes_of_the_hidden_layer():
    for units, size in ((None, 9), (7, 7)):
        layer = MultiplicativeAttention("concat", units)
        layer.build([WIDE.shape, VALUE.shape])
        assert [weight.shape for weight in layer.weights] == [(4, size), (9, size), (size, 1)]


@pytest.mark.parametrize("score", ["dot", "general"])
def test_keras_layer_with_the_same_weights(score):
    layer = MultiplicativeAttention(score)
    mine = attend(layer, QUERY, VALUE, MASK)
    keys = VALUE if score == "dot" else VALUE @ layer.key.get_weights()[0]
    expected = keras.layers.Attention()(
        [QUERY, VALUE, keys], mask=[None, MASK, None], return_attention_scores=True
    )
    for one, other in zip(mine, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_the_keys_are_projected_once():
    layer = MultiplicativeAttention("general")
    layer.build([WIDE.shape, VALUE.shape])
    memory = layer.precompute(VALUE, MASK)
    layer.key.kernel.assign(np.zeros((4, 9)))
    _, weights = layer.attend(keras.ops.convert_to_tensor(WIDE), memory)
    assert np.ptp(np.asarray(weights)[0]) > 0.01


def test_unknown_score():
    with pytest.raises(InputError, match=r"`score` must be one of .* Received: score='sum'"):
        MultiplicativeAttention("sum")


def test_units_without_a_hidden_layer():
    with pytest.raises(InputError, match=r"`units` is .* score='concat'. Received: units=3 with score='dot'"):
        MultiplicativeAttention("dot", units=3)


def test_dot_needs_equal_sizes():
    with pytest.raises(
        InputError, match=r"as wide as the values. Received: 9 and 4 features. Take score='general'"
    ):
        MultiplicativeAttention("dot")([WIDE, VALUE])


def test_the_inputs_are_a_pair():
    with pytest.raises(
        InputError, match=r"`inputs` must be a list of tensors: \[query, values\]. Received shapes"
    ):
        MultiplicativeAttention("dot")(QUERY)
