"""Word dropout: which ids change, how many, and when."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlpkit import InputError
from nlpkit.layers import word_dropout
from nlpkit.layers.word_dropout import WordDropout
from nlpkit.text import vocabulary

RANDOM = np.random.default_rng(0)
LENGTHS = np.array([50, 30, 1, 50])
MASK = np.arange(50) < np.tile(LENGTHS, 50)[:, None]
IDS = np.where(MASK, RANDOM.integers(4, 100, (200, 50)), 0).astype("int32")
IDS[:, 0], IDS[MASK.sum(axis=1) == 50, -1] = 2, 3


def test_words_become_unknown_and_nothing_else_changes():
    dropped = np.asarray(WordDropout(0.3, seed=1)(IDS, training=True))
    assert dropped.dtype == "int32"
    changed = dropped != IDS
    assert (dropped[changed] == 1).all()
    assert not changed[IDS < 4].any(), "a special token was replaced"
    assert abs(changed[IDS >= 4].mean() - 0.3) < 0.02
    # Each token for itself: whether a word goes says nothing about the next one.
    words = changed[:, 1:29][MASK[:, 28]]
    assert abs(np.corrcoef(words[:, :-1].ravel(), words[:, 1:].ravel())[0, 1]) < 0.05


@pytest.mark.parametrize(("rate", "training"), [(0.9, False), (0.0, True)])
def test_nothing_changes_without_training_or_rate(rate, training):
    np.testing.assert_array_equal(WordDropout(rate)(IDS, training=training), IDS)


def test_everything_is_replaced_at_rate_one():
    dropped = np.asarray(WordDropout(1.0)(IDS, training=True))
    np.testing.assert_array_equal(dropped, np.where(IDS >= 4, 1, IDS))


def test_the_seed_repeats_a_run_whose_calls_differ():
    first, second = WordDropout(0.5, seed=7), WordDropout(0.5, seed=7)
    runs = [[np.asarray(layer(IDS, training=True)) for _ in range(2)] for layer in (first, second)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert (runs[0][0] != runs[0][1]).any()


def test_any_shape_and_type_in_a_graph():
    layer = WordDropout(0.5, seed=1)
    run = tf.function(
        lambda ids: layer(ids, training=True), input_signature=[tf.TensorSpec((None, None), "int64")]
    )
    first, second = run(IDS.astype("int64")), run(IDS[:2, :7].astype("int64"))
    assert first.dtype == "int64" and second.shape == (2, 7)
    assert not np.array_equal(run(IDS.astype("int64")), first)
    assert layer(keras.KerasTensor((None, None), "int64")).dtype == "int64"


@pytest.mark.parametrize("rate", [-0.1, 1.1])
def test_rate_outside_its_range(rate):
    with pytest.raises(InputError, match=rf"`rate` must be between 0 and 1.* Received: rate={rate}"):
        WordDropout(rate)


def test_special_ids_are_those_of_the_vocabulary():
    assert (word_dropout.UNKNOWN, word_dropout.FIRST_WORD) == (
        vocabulary.UNKNOWN,
        len(vocabulary.SPECIAL_TOKENS),
    )
