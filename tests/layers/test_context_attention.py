"""Attention in several heads over an encoder, against `CachedAttention`, and within `AttentionDecoder`."""

import numpy as np
import pytest

from nlpkit.errors import InputError
from nlpkit.layers import AttentionDecoder, CachedAttention, ContextAttention

RANDOM = np.random.default_rng(0)
QUERY = RANDOM.normal(size=(3, 5, 8)).astype("float32")
VALUES = RANDOM.normal(size=(3, 6, 4)).astype("float32")
MASK = np.array([[1, 1, 1, 1, 1, 1], [1, 0, 1, 0, 0, 0], [0] * 6], bool)


def filled(layer, *shapes):
    layer.build(*shapes)
    random = np.random.default_rng(1)
    layer.set_weights([random.normal(size=weight.shape) for weight in layer.get_weights()])
    return layer


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_it_is_cached_attention_over_a_context(heads):
    layer = filled(ContextAttention(heads), [QUERY.shape, VALUES.shape])
    cached = filled(CachedAttention(heads), QUERY.shape, VALUES.shape)
    expected = cached(QUERY, VALUES, context_mask=MASK, return_attention_scores=True)
    context, weights = layer([QUERY, VALUES], mask=MASK, return_attention_scores=True)
    np.testing.assert_allclose(context, expected[0], atol=1e-5)
    np.testing.assert_allclose(weights, expected[1].numpy().mean(axis=1), atol=1e-6)
    np.testing.assert_allclose(weights.numpy()[:2].sum(axis=-1), 1.0, atol=1e-6)
    # There was nothing to read in the last row.
    assert not np.any(context[2]) and not np.any(weights[2])
    np.testing.assert_array_equal(layer([QUERY, VALUES], mask=MASK), context)


def test_one_query_at_a_time_over_a_memory():
    layer = filled(ContextAttention(2), [QUERY.shape, VALUES.shape])
    memory = layer.precompute(VALUES, MASK)
    assert all(len(part) == 3 for part in memory.values())  # so that a search can reorder it
    context, weights = layer([QUERY, VALUES], mask=MASK, return_attention_scores=True)
    for time in range(5):
        own, seen = layer.attend(QUERY[:, time], memory)
        np.testing.assert_allclose(own, context[:, time], atol=1e-5)
        np.testing.assert_allclose(seen, weights[:, time], atol=1e-6)
    together = layer.attend(QUERY, memory)
    np.testing.assert_allclose(together[0], context, atol=1e-5)


@pytest.mark.parametrize(("units", "heads"), [(8, 1), (64, 2), (96, 3), (110, 2)])
def test_a_decoder_takes_heads_that_share_its_units(units, heads):
    decoder = AttentionDecoder(units, attention="multi_head")
    assert isinstance(decoder.attention, ContextAttention) and decoder.attention.num_heads == heads


@pytest.mark.parametrize("feeding", [False, True, "context"])
def test_in_a_decoder_steps_equal_the_whole(feeding):
    decoder = AttentionDecoder(6, "gru", ContextAttention(3), input_feeding=feeding)
    filled(decoder, [QUERY.shape, VALUES.shape])
    whole, weights = decoder([QUERY, VALUES], mask=[None, MASK], return_attention_scores=True)
    state = decoder.initial_state(VALUES, MASK)
    for time in range(5):
        output, state = decoder.step(QUERY[:, time], state)
        np.testing.assert_allclose(output, whole[:, time], atol=1e-5)
        np.testing.assert_allclose(state["attention_scores"], weights[:, time], atol=1e-5)


@pytest.mark.parametrize("heads", [0, 9])
def test_numbers_of_heads_that_cannot_be(heads):
    message = rf"`num_heads` must be between 1 and the number of features \(8\). Received: num_heads={heads}"
    with pytest.raises(InputError, match=message):
        ContextAttention(heads)([QUERY, VALUES])


def test_inputs_that_are_no_pair():
    with pytest.raises(
        InputError, match=r"`inputs` must be a list of tensors: \[query, values\]. Received shapes"
    ):
        ContextAttention(2)(QUERY)
