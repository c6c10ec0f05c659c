"""Embedding dropout: one draw per word and batch, the same for all its occurrences, the expectation kept."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import check_config

from nlpkit import InputError
from nlpkit.layers import DistinctTokens
from nlpkit.layers.embedding_dropout import EmbeddingDropout

RANDOM = np.random.default_rng(0)
WORDS = 400
IDS = RANDOM.integers(1, WORDS, (30, 20)).astype("int32")
IDS[3, 15:] = 0
TABLE = RANDOM.normal(size=(WORDS, 6)).astype("float32")
VECTORS = TABLE[IDS]


def rows_of(layer):
    """What the layer multiplies the row of each word with in one call."""
    return np.asarray(layer(np.arange(WORDS), np.ones((WORDS, 1), "float32"), training=True))[:, 0]


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_words_are_rows_of_the_matrix_that_are_zero(policy):
    """As the papers have it: the rows of the embedding matrix are multiplied with 0 or 1 / (1 - p)."""
    rows = rows_of(EmbeddingDropout(WORDS, 0.2, seed=3))
    assert set(np.unique(rows)) == {0.0, 1.25}
    # Five standard deviations of the mean of 400 draws.
    assert abs((rows == 0).mean() - 0.2) < 5 * 0.4 / np.sqrt(WORDS)
    layer = EmbeddingDropout(WORDS, 0.2, seed=3, dtype=policy)
    dropped = layer(IDS, VECTORS, training=True)
    assert dropped.dtype == layer.compute_dtype
    tolerance = 1e-6 if policy == "float32" else 0.02
    expected = (TABLE * rows[:, None])[IDS]
    np.testing.assert_allclose(np.asarray(dropped, "float32"), expected, rtol=tolerance)
    assert not np.asarray(dropped)[expected == 0].any()


def test_distinct_tokens_are_dropped_as_in_the_text():
    tokens, positions = DistinctTokens()(IDS)
    once = EmbeddingDropout(WORDS, 0.5, seed=3)(tokens, TABLE[tokens], training=True)
    in_text = EmbeddingDropout(WORDS, 0.5, seed=3)(IDS, VECTORS, training=True)
    np.testing.assert_array_equal(tf.gather(once, positions), in_text)


def test_the_expectation_is_kept():
    layer = EmbeddingDropout(WORDS, 0.5, seed=1)
    mean = np.mean([rows_of(layer) for _ in range(100)])
    # Five standard deviations of the mean of 100 x 400 values that are 0 or 2.
    assert abs(mean - 1) < 5 / np.sqrt(100 * WORDS)


@pytest.mark.parametrize("compiled", [False, True])
def test_the_seed_repeats_a_run_whose_calls_differ(compiled):
    runs = []
    for _ in range(2):
        layer = EmbeddingDropout(WORDS, 0.5, seed=7)
        run = tf.function(
            lambda ids, vectors, layer=layer: layer(ids, vectors, training=True),
            input_signature=[tf.TensorSpec((None, None), "int32"), tf.TensorSpec((None, None, 6))],
            jit_compile=compiled,
        )
        runs.append([run(IDS, VECTORS).numpy() for _ in range(2)])
    np.testing.assert_array_equal(runs[0], runs[1])
    assert (runs[0][0] != runs[0][1]).any()


@pytest.mark.parametrize(("rate", "training"), [(0.9, False), (0.0, True)])
def test_nothing_changes_without_training_or_rate(rate, training):
    np.testing.assert_array_equal(EmbeddingDropout(WORDS, rate)(IDS, VECTORS, training=training), VECTORS)


def test_dropped_words_get_no_gradient():
    rows = rows_of(EmbeddingDropout(WORDS, 0.5, seed=1))
    table = tf.Variable(TABLE)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(EmbeddingDropout(WORDS, 0.5, seed=1)(IDS, tf.gather(table, IDS), training=True))
    gradient = tf.convert_to_tensor(tape.gradient(loss, table)).numpy()
    np.testing.assert_allclose(gradient[:, 0], np.bincount(IDS.ravel(), minlength=WORDS) * rows, rtol=1e-6)


def test_in_a_model_and_its_file(tmp_path):
    ids = keras.Input((None,), dtype="int32")
    vectors = keras.layers.Embedding(WORDS, 6, name="embedding")(ids)
    outputs = EmbeddingDropout(WORDS, 0.5, seed=1, name="drop")(ids, vectors)
    assert outputs.shape == (None, None, 6)
    model = keras.Model(ids, keras.layers.GlobalAveragePooling1D()(outputs))
    model.get_layer("embedding").set_weights([TABLE])
    lengths = (IDS != 0).sum(axis=1)
    expected = [VECTORS[row, :length].mean(axis=0) for row, length in enumerate(lengths)]
    model.save(tmp_path / "model.keras")
    for each in (model, keras.saving.load_model(tmp_path / "model.keras")):
        np.testing.assert_allclose(each(IDS), expected, atol=1e-6)
        assert np.abs(each(IDS, training=True) - expected).max() > 0.1
    check_config(model.get_layer("drop"))


@pytest.mark.parametrize("rate", [-0.1, 1.0])
def test_rate_outside_its_range(rate):
    with pytest.raises(InputError, match=rf"`rate` must be at least 0 and below 1.* Received: rate={rate}"):
        EmbeddingDropout(WORDS, rate)
