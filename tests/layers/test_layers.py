"""Every layer and option keeps the contract in `tests/checks.py`."""

import numpy as np
import pytest
from checks import check_layer

from nlpkit import layers

RANDOM = np.random.default_rng(0)
STEPS = RANDOM.normal(size=(3, 6, 4)).astype("float32")
MASK = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0]], bool)
IDS = np.where(MASK, RANDOM.integers(1, 10, (3, 6)), 0).astype("int32")
IDS[:, 0] = 5, 6, 7  # words, not unknown: no row's features are all zero
# What the bags and the spelling are adapted to.
FEATURES = RANDOM.integers(1, 10, (20, 6))
TOKENS = ["<pad>", "<unk>", "<s>", "</s>", "ab", "cde", "f", "电影", "ghijkl", "m"]

RECURRENT = [
    {"units": 3, "cell": cell, "bidirectional": both, "return_sequences": sequences}
    for cell in ("rnn", "lstm", "gru")
    for both in (False, True)
    for sequences in (False, True)
] + [
    {"units": 4, "residual": True},
    {"units": 2, "bidirectional": True, "residual": True, "layer_norm": True, "use_cudnn": False},
]
POOLINGS = ["mean", "max", "last", "attention", ["mean", "max"], ["attention", "last", "max"]]
BAGS = [
    ({"num_classes": 2}, RANDOM.integers(0, 2, 20)),
    ({"num_classes": 3}, RANDOM.integers(0, 3, 20)),
    ({"num_classes": 2, "multi_label": True}, RANDOM.integers(0, 2, (20, 2))),
]


@pytest.mark.parametrize("arguments", RECURRENT, ids=str)
def test_recurrent_block(arguments):
    check_layer(layers.RecurrentBlock, arguments, STEPS, mask=MASK)


@pytest.mark.parametrize("arguments", [a for a in RECURRENT if a.get("cell", "lstm") == "lstm"], ids=str)
def test_recurrent_block_by_the_keras_layer(arguments, monkeypatch):
    # Where there is a GPU; Keras' layer itself takes the CPU's kernel here.
    monkeypatch.setattr("nlpkit.layers.recurrent_block._has_gpu", lambda: True)
    check_layer(layers.RecurrentBlock, arguments, STEPS, mask=MASK)


@pytest.mark.parametrize("pooling", POOLINGS, ids=str)
def test_sequence_pool(pooling):
    check_layer(layers.SequencePool, {"pooling": pooling}, STEPS, mask=MASK, trains="attention" in pooling)


def test_attention_pool():
    check_layer(layers.AttentionPool, {"units": 5}, STEPS, mask=MASK)


def test_encoder_block():
    # The bias of the keys adds the same to all scores of a query, which a softmax does not see.
    arguments = {"num_heads": 2, "intermediate_dim": 8}
    check_layer(layers.EncoderBlock, arguments, STEPS, mask=MASK, unreached=["attention/key/bias"])


def test_sine_positions():
    check_layer(layers.SinePositions, {}, STEPS, trains=False)


@pytest.mark.parametrize("widths", [[3], [2, 4, 5]], ids=str)
def test_ngram_convolution(widths):
    # Enough filters that a row of one step passes the ReLU of some.
    check_layer(layers.NgramConvolution, {"filters": 8, "widths": widths}, STEPS, mask=MASK)


def test_token_embedding():
    check_layer(layers.TokenEmbedding, {"vocabulary_size": 10, "embedding_dim": 4, "word_dropout": 0.1}, IDS)


@pytest.mark.parametrize("max_order", [1, 2, 4])
def test_hashed_ngrams(max_order):
    arguments = {"vocabulary_size": 10, "buckets": 7, "max_order": max_order}
    check_layer(layers.HashedNgrams, arguments, IDS, trains=False)


def test_character_ngrams():
    arguments = {
        "vocabulary_size": 10,
        "buckets": 50,
        "offset": 3,
        "shortest": 2,
        "longest": 3,
        "per_word": 5,
    }
    check_layer(
        layers.CharacterNgrams, arguments, IDS, trains=False, prepare=lambda layer: layer.adapt(TOKENS)
    )


@pytest.mark.parametrize(("classes", "targets"), BAGS, ids=["two", "three", "several labels"])
def test_weighted_bag(classes, targets):
    arguments = {"num_features": 10, "dropout": 0.2, **classes}
    check_layer(layers.WeightedBag, arguments, IDS, prepare=lambda layer: layer.adapt([(FEATURES, targets)]))
