"""Texts, and a `TextToIds` of each level that has learned from them."""

import keras

from nlpkit.text import text_to_ids

CORPUS = [
    "A good, good film!<br />R&amp;B isn't bad.",
    "我 喜欢 这部 电影",
    "the quick brown fox",
    "a\u00a0b \u2581",
] * 8
TEXTS = ["a good fox", "", "unseen wörds 电影", "<br />", "\u2581 \0 x" * 5]
LEVELS = ("word", "char", "byte", "wordpiece", "sentencepiece")
SIZES = {"wordpiece": 200, "sentencepiece": 300}


def learned_layers():
    """Level to its layer."""
    layers = {level: text_to_ids(level, max_length=12, vocabulary_size=SIZES.get(level)) for level in LEVELS}
    for layer in layers.values():
        layer.fit_encode([CORPUS])
    return layers


def keras_model(layer):
    texts = keras.Input((), dtype="string", name="text")
    return keras.Model(texts, layer(texts))
