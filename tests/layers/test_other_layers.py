"""Pooling, convolution and bags against NumPy formulas and Keras."""

import zlib

import numpy as np
import pytest
from attention_checks import check_nothing_of_padding, with_padding

from nlpkit import InputError
from nlpkit.layers import (
    CharacterNgrams,
    EncoderBlock,
    HashedNgrams,
    NgramConvolution,
    SequencePool,
    WeightedBag,
)

RANDOM = np.random.default_rng(0)
STEPS = RANDOM.normal(size=(3, 6, 4)).astype("float32")
MASK = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0]], bool)


def test_poolings_equal_numpy_over_the_real_steps():
    pooled = np.asarray(SequencePool(["mean", "max", "last"])(STEPS, mask=MASK))
    for row, length in enumerate((6, 3, 1)):
        real = STEPS[row, :length]
        np.testing.assert_allclose(
            pooled[row], np.concatenate([real.mean(0), real.max(0), real[-1]]), atol=1e-6
        )


@pytest.mark.parametrize("pooling", ["mean", "max", "last", "attention"])
def test_pooling_nothing_gives_zeros(pooling):
    assert not np.asarray(SequencePool(pooling)(STEPS, mask=np.zeros((3, 6), bool))).any()


def test_unknown_pooling():
    with pytest.raises(
        InputError, match=r"`pooling` must be one or several of .* Received: pooling='median'"
    ):
        SequencePool("median")


def test_encoder_block_with_zeroed_output_layers_is_the_identity():
    block = EncoderBlock(2, 8)
    block(STEPS)
    for layer in (block.contract, block.attention.output_dense):
        layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    np.testing.assert_allclose(block(STEPS, mask=MASK), STEPS * MASK[:, :, None], atol=1e-6)


def test_heads_need_not_divide_the_features_but_must_have_some():
    block = EncoderBlock(3, 8)
    assert block(np.ones((1, 2, 8), "float32")).shape == (1, 2, 8)
    assert block.attention.query_dense.kernel.shape == (8, 3, 2)
    for heads in (0, 5):
        with pytest.raises(
            InputError,
            match=rf"`num_heads` must be between 1 and the number of features \(4\).*num_heads={heads}",
        ):
            EncoderBlock(heads, 8)(STEPS)


def test_ngram_convolution_equals_numpy():
    layer = NgramConvolution(2, widths=[3])
    outputs = np.asarray(layer(STEPS, mask=MASK))
    kernel, bias = layer.get_weights()
    padded = np.pad(STEPS * MASK[:, :, None], [(0, 0), (1, 1), (0, 0)])
    for step in range(6):
        expected = np.maximum(np.einsum("bwf,wfo->bo", padded[:, step : step + 3], kernel) + bias, 0)
        np.testing.assert_allclose(outputs[:, step], expected * MASK[:, step, None], atol=1e-5)


def test_the_maximum_of_a_convolution_equals_numpy():
    layer = NgramConvolution(4, widths=[2, 3])
    sequence = np.asarray(layer(STEPS, mask=MASK))
    pooled = NgramConvolution(4, widths=[2, 3], return_sequences=False)
    pooled(STEPS)
    pooled.set_weights(layer.get_weights())
    expected = np.where(MASK[:, :, None], sequence, 0).max(axis=1)
    np.testing.assert_array_equal(pooled(STEPS, mask=MASK), expected)
    assert expected.max() > 0.1
    np.testing.assert_array_equal(pooled(STEPS[:, :0]), np.zeros((len(STEPS), 8)))


def test_padding_under_a_convolution_may_hold_anything():
    layer = NgramConvolution(4, widths=[2, 3])
    layer(STEPS)
    check_nothing_of_padding(layer, lambda x: layer(with_padding(STEPS, MASK, x), mask=MASK), MASK)


def test_equal_ngrams_have_equal_ids_wherever_they_stand():
    ids = np.array([[4, 5, 6, 0], [9, 4, 5, 6]])
    features = np.asarray(HashedNgrams(10, 10_000, max_order=3)(ids))
    first, second = features[0].reshape(3, 4), features[1].reshape(3, 4)
    assert first[0].tolist() == [4, 5, 6, 0]
    assert first[1, :2].tolist() == second[1, 1:3].tolist()
    assert first[2, 0] == second[2, 1]
    assert first[1, 2:].tolist() == [0, 0] and first[2, 1:].tolist() == [0, 0, 0]
    assert len({*first[1, :2], *first[2, :1], second[1, 0], second[2, 0]}) == 5


def test_ngram_hash_spreads_evenly():
    ids = RANDOM.integers(4, 20_000, (500, 40))
    buckets = np.asarray(HashedNgrams(20_000, 512, max_order=2)(ids))[:, 40:-1] - 20_000
    counts = np.bincount(buckets[buckets >= 0].ravel(), minlength=512)
    expected = counts.sum() / 512
    assert ((counts - expected) ** 2 / expected).sum() < 512 + 5 * np.sqrt(2 * 512)


def test_character_ngrams_equal_a_count_by_hand():
    layer = CharacterNgrams(7, 10**6, offset=100, shortest=3, longest=4, per_word=9)
    layer.adapt(["<pad>", "<unk>", "<s>", "</s>", "ab", "电影", "abcdefghijkl"])
    rows = np.asarray(layer(np.array([[4, 1, 5, 6, 0]]))).reshape(5, 9)
    grams = {"<ab", "ab>", "<ab>"}
    assert {gram for gram in rows[0] if gram} == {100 + zlib.crc32(gram.encode()) % 10**6 for gram in grams}
    assert not rows[1].any() and not rows[4].any()
    assert (rows[2] > 0).sum() == 3 and (rows[3] > 0).all()
    assert len({*rows[0][:3], *rows[2][:3]}) == 6


def test_ngrams_of_unknown_words_count_for_nothing():
    features = np.asarray(HashedNgrams(10, 1000, max_order=3)(np.array([[4, 5, 1, 6]]))).reshape(3, 4)
    assert features[0].tolist() == [4, 5, 1, 6]
    assert (features[1] > 0).tolist() == [True, False, False, False]
    assert not features[2].any()


def test_bag_leaves_out_rare_features():
    bag = WeightedBag(4, 2, min_count=2)
    bag.adapt([(np.array([[1, 2], [1, 3], [1, 3]]), np.array([1, 1, 0]))])
    assert (bag.ratios.numpy()[:, 0] != 0).tolist() == [False, True, False, True]


def test_bag_ratios_equal_the_papers_formula():
    features = np.array([[1, 2, 2], [1, 3, 0], [3, 3, 0]])
    bag = WeightedBag(5, 2, initial_weight=1.0)
    bag.adapt([(features[:1], np.array([1])), (features[1:], np.array([1, 0]))])
    positive, negative = np.array([2, 1, 1]) + 1.0, np.array([0, 0, 1]) + 1.0
    expected = np.log((positive / positive.sum()) / (negative / negative.sum()))
    ratios = bag.ratios.numpy()[:, 0]
    np.testing.assert_allclose(ratios[1:4], expected, atol=1e-6)
    assert ratios[0] == 0 and ratios[4] == 0
    logits = np.asarray(bag(np.array([[1, 3, 0]])))
    score = (ratios[1] + ratios[3]) / np.sqrt(ratios[1] ** 2 + ratios[3] ** 2 + 1e-6)
    np.testing.assert_allclose(logits, [[-score / 2, score / 2]], atol=1e-6)
