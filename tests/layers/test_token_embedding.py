"""The embedding: vectors, masks, its dropouts, and pretrained vectors."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlpkit import InputError
from nlpkit.layers import DistinctTokens, TokenEmbedding

IDS = np.array([[5, 6, 5, 7, 0, 0], [6, 9, 0, 0, 0, 0], [7, 7, 7, 8, 9, 5]], "int32")


def test_vectors_are_rows_of_the_table_and_padding_is_masked():
    layer = TokenEmbedding(10, 4)
    vectors = layer(IDS)
    np.testing.assert_array_equal(vectors, layer.get_weights()[0][IDS])
    np.testing.assert_array_equal(vectors._keras_mask, IDS != 0)


@pytest.mark.parametrize("initializer", ["ones", keras.initializers.Constant(2.0)], ids=["name", "object"])
def test_vectors_begin_as_the_initializer_says(initializer):
    layer = TokenEmbedding(10, 4, embeddings_initializer=initializer)
    expected = keras.initializers.get(initializer)((10, 4))
    for each in (layer, TokenEmbedding.from_config(layer.get_config())):
        each.build((None, None))
        np.testing.assert_array_equal(each.get_weights()[0], expected)


def test_whole_words_are_dropped():
    ids = np.array([[3, 4, 5, 0]])
    layer = TokenEmbedding(6, 50, word_dropout=0.5)
    keras.utils.set_random_seed(0)
    vectors = np.asarray(layer(np.tile(ids, (200, 1)), training=True))[:, :3]
    dropped = (vectors == 0).all(axis=-1)
    assert 0.4 < dropped.mean() < 0.6
    assert ((vectors == 0).any(axis=-1) == dropped).all()
    # Each occurrence for itself, whereas `embedding_dropout` drops a word everywhere.
    assert (dropped[1:] != dropped[:-1]).any()


@pytest.mark.parametrize("distinct", [False, True])
def test_embedding_dropout_drops_a_word_wherever_it_stands(distinct):
    keras.utils.set_random_seed(0)
    layer = TokenEmbedding(10, 4, embedding_dropout=0.5)
    layer.build((None, None))
    table, found = layer.get_weights()[0], set()
    for _ in range(20):
        if distinct:
            tokens, positions = DistinctTokens()(IDS)
            vectors, whole = layer(tokens, training=True, return_table=True)
            vectors = tf.gather(vectors, positions)
        else:
            vectors, whole = layer(IDS, training=True, return_table=True)
        np.testing.assert_array_equal(whole, table)
        for token in (5, 6, 7, 8, 9):
            scale = np.asarray(vectors)[token == IDS] / table[token]
            assert np.ptp(scale) < 1e-6
            found.add((token, round(float(scale[0, 0]))))
    assert found == {(token, scale) for token in (5, 6, 7, 8, 9) for scale in (0, 2)}
    np.testing.assert_array_equal(layer(IDS), table[IDS])


def test_dropouts_trained_and_saved_in_a_model(tmp_path):
    ids = keras.Input((None,), dtype="int32")
    vectors = TokenEmbedding(10, 4, dropout=0.1, word_dropout=0.1, embedding_dropout=0.3, name="embedding")(
        ids
    )
    model = keras.Model(ids, keras.layers.Dense(1)(keras.layers.GlobalAveragePooling1D()(vectors)))
    model.compile("adam", "mse")
    before = model.get_weights()
    model.fit(IDS, np.ones((3, 1)), epochs=3, verbose=0)
    assert all((old != new).any() for old, new in zip(before, model.get_weights(), strict=True))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(IDS), model(IDS))
    assert loaded.get_layer("embedding").embedding_dropout == 0.3


def test_without_dropout_a_file_holds_the_vectors_alone():
    layer = TokenEmbedding(10, 4)
    layer.build((None, None))
    assert [variable.path.rpartition("/")[2] for variable in layer.variables] == ["embeddings"]


def test_pretrained_vectors_are_taken_over():
    class Pretrained:
        matrix = np.full((6, 3), 7.0, "float32")
        found = np.array([0, 0, 0, 0, 1, 0], bool)

    layer = TokenEmbedding(6, 3)
    layer(np.array([[1]]))
    before = layer.embeddings.numpy()
    layer.set_vectors(Pretrained)
    after = layer.embeddings.numpy()
    assert (after[4] == 7.0).all()
    np.testing.assert_array_equal(np.delete(after, 4, 0), np.delete(before, 4, 0))
    Pretrained.matrix = np.zeros((6, 4), "float32")
    with pytest.raises(
        InputError, match=r"must have the shape \(6, 3\) \(vocabulary, embedding_dim\). Received: \(6, 4\)"
    ):
        layer.set_vectors(Pretrained)


def test_embedding_dropout_outside_its_range():
    with pytest.raises(InputError, match=r"`rate` must be at least 0 and below 1.* Received: rate=1.0"):
        TokenEmbedding(10, 4, embedding_dropout=1.0)
