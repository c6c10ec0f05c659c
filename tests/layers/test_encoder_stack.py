"""The encoder stack against blocks stacked by hand, with padding, and in a model."""

import keras
import numpy as np
import pytest
from attention_checks import check_nothing_of_padding, with_padding

from nlpkit.errors import InputError
from nlpkit.layers import EncoderBlock, EncoderStack

RANDOM = np.random.default_rng(0)
STEPS = RANDOM.normal(size=(3, 6, 8)).astype("float32")
MASK = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0]], bool)
OPTIONS = [
    {"dropout": 0.1},
    {"norm": "post", "activation": "relu", "window": 3},
    {"activation": "swiglu", "positions": "rotary"},
    {"norm": "post", "positions": "relative"},
]


def filled(stack):
    """Weights that are not those it starts with, those of the norms neither."""
    if not stack.built:
        stack.build((None, None, 8))
    stack.set_weights([RANDOM.normal(size=weight.shape) / 2 for weight in stack.get_weights()])
    return stack


def by_hand(stack, x, options):
    """Outputs and weights of single blocks, and the last normalisation in NumPy."""
    found = []
    for own in stack.blocks:
        block = EncoderBlock(2, 16, **options)
        block.build(x.shape)
        block.set_weights(own.get_weights())
        x, weights = block(x, mask=MASK, return_attention_scores=True)
        found.append(weights)
    x = np.asarray(x)
    if stack.norm is not None:
        scale, offset = stack.norm.get_weights()
        x = (x - x.mean(axis=-1, keepdims=True)) / np.sqrt(x.var(axis=-1, keepdims=True) + stack.norm.epsilon)
        x = x * scale + offset
    return x, found


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_equals_blocks_stacked_by_hand(options):
    stack = filled(EncoderStack(3, 2, 16, **options))
    outputs, weights = stack(STEPS, mask=MASK, return_attention_scores=True)
    expected, expected_weights = by_hand(stack, STEPS, options)
    np.testing.assert_allclose(np.asarray(outputs)[MASK], expected[MASK], atol=1e-4)
    np.testing.assert_array_equal(stack(STEPS, mask=MASK), outputs)
    for own, other in zip(weights, expected_weights, strict=True):
        np.testing.assert_allclose(own, other, atol=1e-5)


def test_a_last_normalisation_where_the_blocks_leave_their_sums_as_they_are():
    for norm, last in (("pre", ["scale", "offset"]), ("post", [])):
        stack, block = filled(EncoderStack(2, 2, 16, norm=norm)), EncoderBlock(2, 16)
        block.build(STEPS.shape)
        assert len(stack.weights) == 2 * len(block.weights) + len(last)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_padding_may_hold_anything_and_gives_zeros(options):
    stack = filled(EncoderStack(2, 2, 16, **options))
    for mask in (MASK, MASK[:, ::-1], MASK & np.array([[1], [0], [1]], bool)):
        check_nothing_of_padding(stack, lambda x, m=mask: stack(with_padding(STEPS, m, x), mask=m), mask)
        assert not np.asarray(stack(STEPS, mask=mask))[~mask].any()


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_padding_and_other_rows_change_nothing(options):
    stack = filled(EncoderStack(2, 2, 16, **options))
    outputs = np.asarray(stack(STEPS, mask=MASK))
    for row in range(3):
        real = MASK[row].sum()
        np.testing.assert_allclose(stack(STEPS[row : row + 1, :real])[0], outputs[row, :real], atol=1e-5)


def test_dropout_is_for_training_only():
    stack = filled(EncoderStack(2, 2, 16, dropout=0.5))
    np.testing.assert_array_equal(stack(STEPS), stack(STEPS))
    assert np.abs(stack(STEPS, training=True) - stack(STEPS)).max() > 0.1


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_a_model_hands_over_the_mask_gives_weights_and_is_saved(norm, tmp_path):
    steps = STEPS * MASK[:, :, None]  # what `Masking` leaves out
    source = keras.Input((None, 8))
    stack = EncoderStack(2, 2, 16, norm=norm, positions="rotary")
    outputs, weights = stack(keras.layers.Masking()(source), return_attention_scores=True)
    assert outputs.shape == (None, None, 8) and [one.shape for one in weights] == [(None, 2, None, None)] * 2
    model = keras.Model(source, [outputs, *weights])
    filled(stack)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    expected, scores = stack(steps, mask=MASK, return_attention_scores=True)
    for own, other, again in zip(model(steps), [expected, *scores], loaded(steps), strict=True):
        np.testing.assert_allclose(own, other, atol=1e-6)
        np.testing.assert_allclose(again, other, atol=1e-6)


def test_a_stack_of_nothing():
    with pytest.raises(InputError, match=r"`num_layers` must be at least 1. Received: num_layers=0"):
        EncoderStack(0, 2, 16)


def test_unknown_norm():
    with pytest.raises(InputError, match=r"`norm` must be one of \['pre', 'post'\]. Received: norm='batch'"):
        EncoderStack(1, 2, 16, norm="batch")
