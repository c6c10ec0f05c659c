"""Every layer that attends returns its weights on request, eagerly and in a model."""

import inspect

import keras
import numpy as np
import pytest

from nlpkit import layers

RANDOM = np.random.default_rng(0)
MASK = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0]], bool)
CONTEXT_MASK = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]], bool)
# Zero where there is no real step, so that `Masking` finds the same masks.
STEPS = RANDOM.normal(size=(3, 6, 4)).astype("float32") * MASK[:, :, None]
CONTEXT = RANDOM.normal(size=(3, 4, 4)).astype("float32") * CONTEXT_MASK[:, :, None]

# The weights that a layer gives, by what attends: steps or nothing, and what it attends to.
SELF, CROSS, POOL = (MASK, MASK), (MASK, CONTEXT_MASK), (None, MASK)
# A query at a padded step has weights too; whoever reads its output knows the mask.
ANY_QUERY = (np.ones_like(MASK), CONTEXT_MASK)


def alone(layer, steps, context, masks=None, **options):
    return layer(steps, **({} if masks is None else {"mask": masks[0]}), **options)


def with_context(layer, steps, context, masks=None, **options):
    given = {} if masks is None else {"mask": masks[0], "context_mask": masks[1]}
    return layer(steps, context, **given, **options)


def as_list(layer, steps, context, masks=None, **options):
    return layer([steps, context], **({} if masks is None else {"mask": list(masks)}), **options)


TABLE = [
    (layers.CachedAttention, {"num_heads": 2}, alone, [SELF]),
    (layers.CachedAttention, {"num_heads": 2, "causal": True, "positions": "relative"}, alone, [SELF]),
    (layers.CachedAttention, {"num_heads": 2}, with_context, [CROSS]),
    (layers.EncoderBlock, {"num_heads": 2, "intermediate_dim": 8}, alone, [SELF]),
    (layers.DecoderBlock, {"num_heads": 2, "intermediate_dim": 8, "norm": "post"}, alone, [SELF]),
    (
        layers.DecoderBlock,
        {"num_heads": 2, "intermediate_dim": 8, "cross_attention": True},
        with_context,
        [SELF, CROSS],
    ),
    (layers.EncoderStack, {"num_layers": 2, "num_heads": 2, "intermediate_dim": 8}, alone, [SELF] * 2),
    (layers.DecoderStack, {"num_layers": 2, "num_heads": 2, "intermediate_dim": 8}, alone, [SELF] * 2),
    (
        layers.DecoderStack,
        {"num_layers": 2, "num_heads": 2, "intermediate_dim": 8, "cross_attention": True, "norm": "post"},
        with_context,
        [SELF, CROSS] * 2,
    ),
    (layers.AttentionPool, {}, alone, [POOL]),
    (layers.AdditiveAttention, {"units": 5, "coverage": True}, as_list, [ANY_QUERY]),
    (layers.MultiplicativeAttention, {}, as_list, [ANY_QUERY]),
    (layers.LocationAttention, {"max_length": 9}, as_list, [ANY_QUERY]),
    (layers.LocalAttention, {"window": 2}, as_list, [ANY_QUERY]),
    (layers.ContextAttention, {"num_heads": 2}, as_list, [ANY_QUERY]),
    (layers.AttentionDecoder, {"units": 4}, as_list, [CROSS]),
    (layers.AttentionDecoder, {"units": 4, "cell": "gru", "input_feeding": True}, as_list, [CROSS]),
    (layers.RecurrentDecoder, {"units": 4, "num_layers": 2, "attention": "general"}, with_context, [CROSS]),
    (
        layers.RecurrentDecoder,
        {"units": 4, "num_layers": 2, "attention": "multi_head", "input_feeding": "context"},
        with_context,
        [CROSS],
    ),
]


def filled(layer, call):
    call(layer, STEPS, CONTEXT)
    layer.set_weights([RANDOM.normal(size=weight.shape) for weight in layer.get_weights()])
    return layer


def check_distribution(weights, attends, seen, sums_to_one):
    """Sums to one at real steps and to zero at padded ones; what is padding gets nothing."""
    assert weights.dtype == "float32"
    weights = np.asarray(weights)
    if attends is None:
        weights, attends = weights[:, None], np.ones((3, 1), bool)
    if weights.ndim == 3:
        weights = weights[:, None]
    assert weights.shape[2:] == (attends.shape[1], seen.shape[1])
    assert not np.where(seen[:, None, None], 0.0, weights).any()
    sums, expected = weights.sum(axis=-1), np.broadcast_to(attends[:, None], weights.shape[:3])
    assert (sums[expected] > 0).all() and not sums[~expected].any()
    if sums_to_one:
        np.testing.assert_allclose(sums, expected, atol=1e-6)


@pytest.mark.parametrize(("layer_class", "arguments", "call", "masks"), TABLE)
def test_weights_eagerly_and_in_a_model(layer_class, arguments, call, masks):
    layer = filled(layer_class(**arguments), call)
    outputs, *scores = keras.tree.flatten(
        call(layer, STEPS, CONTEXT, (MASK, CONTEXT_MASK), return_attention_scores=True)
    )
    plain = call(layer, STEPS, CONTEXT, (MASK, CONTEXT_MASK))
    np.testing.assert_array_equal(plain, outputs)
    assert len(scores) == len(masks)
    for weights, (attends, seen) in zip(scores, masks, strict=True):
        # The Gaussian of local attention takes something away.
        check_distribution(weights, attends, seen, layer_class is not layers.LocalAttention)

    sources = [keras.Input((None, 4)), keras.Input((None, 4))]
    masked = [keras.layers.Masking()(source) for source in sources]
    symbolic = keras.tree.flatten(call(layer, *masked, return_attention_scores=True))
    computed = keras.Model(sources, symbolic)([STEPS, CONTEXT])
    for spec, own, expected in zip(symbolic, computed, [outputs, *scores], strict=True):
        assert (spec.dtype, len(spec.shape)) == (expected.dtype.name, expected.ndim)
        assert all(size in (None, real) for size, real in zip(spec.shape, expected.shape, strict=True))
        np.testing.assert_allclose(own, expected, atol=1e-5)


def test_every_layer_that_can_be_asked_is_in_the_table():
    can_be_asked = {
        one
        for one in vars(layers).values()
        if inspect.isclass(one) and "return_attention_scores" in inspect.signature(one.call).parameters
    }
    assert can_be_asked == {row[0] for row in TABLE}


def test_steps_of_a_decoder_block_give_the_weights_of_the_whole_sequence():
    block = filled(layers.DecoderBlock(2, 8, cross_attention=True, positions="rotary"), with_context)
    _, own, over_context = block(STEPS, CONTEXT, context_mask=CONTEXT_MASK, return_attention_scores=True)
    state = block.initial_state(3, 7, CONTEXT, CONTEXT_MASK)
    for time in range(6):
        _, state, *weights = block.step(STEPS[:, time], state, return_attention_scores=True)
        np.testing.assert_allclose(weights[0][..., :6], own[:, :, time], atol=1e-5)
        np.testing.assert_allclose(weights[1], over_context[:, :, time], atol=1e-5)
        # Room for the steps to come gets nothing.
        assert not np.any(weights[0][..., time + 1 :])


def test_weights_in_half_precision_are_float32():
    for layer_class, arguments, call, masks in TABLE:
        layer = layer_class(**arguments, dtype="mixed_bfloat16")
        outputs, *scores = keras.tree.flatten(
            call(layer, STEPS, CONTEXT, (MASK, CONTEXT_MASK), return_attention_scores=True)
        )
        assert outputs.dtype == "bfloat16"
        for weights, (attends, seen) in zip(scores, masks, strict=True):
            check_distribution(weights, attends, seen, layer_class is not layers.LocalAttention)
