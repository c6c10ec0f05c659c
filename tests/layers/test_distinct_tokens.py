"""Distinct tokens and their positions are the ids again, alone and inside a model."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlpkit.layers import DistinctTokens, RecurrentBlock, TokenEmbedding

IDS = np.array([[5, 6, 5, 7, 0, 0], [6, 9, 0, 0, 0, 0], [7, 7, 7, 8, 9, 5]], "int32")


def network(distinct, cell, **options):
    ids = keras.Input((None,), dtype="int32")
    embedding = TokenEmbedding(10, 4)
    if distinct:
        tokens, positions = DistinctTokens()(ids)
        vectors = [embedding(tokens), positions]
    else:
        vectors = embedding(ids)
    return keras.Model(ids, RecurrentBlock(3, cell, **options)(vectors))


def test_tokens_at_their_positions_are_the_ids():
    tokens, positions = DistinctTokens()(IDS)
    assert sorted(tokens.numpy().tolist()) == [0, 5, 6, 7, 8, 9]
    np.testing.assert_array_equal(tokens.numpy()[positions.numpy()], IDS)


def test_symbolic_types_and_shapes_are_the_eager_ones():
    symbolic = DistinctTokens()(keras.Input((None,), dtype="int32"))
    eager = DistinctTokens()(IDS)
    assert [(x.dtype, len(x.shape)) for x in symbolic] == [("int32", 1), ("int32", 2)]
    assert [(x.dtype.name, len(x.shape)) for x in eager] == [("int32", 1), ("int32", 2)]


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("options", [{}, {"bidirectional": True}, {"return_sequences": False}], ids=str)
def test_a_recurrent_block_reads_them_as_it_reads_the_sequence(cell, options, tmp_path):
    pair, dense = network(True, cell, **options), network(False, cell, **options)
    dense.set_weights(pair.get_weights())
    expected = np.asarray(dense(IDS))
    np.testing.assert_allclose(pair(IDS), expected, atol=1e-6)
    pair.save(tmp_path / "model.keras")
    np.testing.assert_allclose(keras.saving.load_model(tmp_path / "model.keras")(IDS), expected, atol=1e-6)
    if options.get("return_sequences", True):
        assert not expected[IDS == 0].any() and expected[IDS != 0].all()


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_gradients_in_training_are_those_of_the_sequence(cell):
    pair, dense = (network(distinct, cell, bidirectional=True) for distinct in (True, False))
    dense.set_weights(pair.get_weights())
    found = []
    for model in (pair, dense):

        @tf.function
        def gradients(ids, model=model):
            weights = [weight.value for weight in model.trainable_weights]
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(tf.sin(100.0 * model(ids, training=True)))
            return [tf.convert_to_tensor(change) for change in tape.gradient(loss, weights)]

        found.append(gradients(tf.constant(IDS)))
    for own, expected in zip(*found, strict=True):
        assert np.abs(expected).max() > 1e-3
        np.testing.assert_allclose(own, expected, atol=1e-5 * np.abs(expected).max())


def test_a_residual_connection_adds_the_vectors():
    ids = keras.Input((None,), dtype="int32")
    tokens, positions = DistinctTokens()(ids)
    vectors = TokenEmbedding(10, 3, name="vectors")(tokens)
    plain, block = RecurrentBlock(3), RecurrentBlock(3, residual=True)
    model = keras.Model(ids, [plain([vectors, positions]), block([vectors, positions])])
    block.set_weights(plain.get_weights())
    without, added = (np.asarray(states) for states in model(IDS))
    table = model.get_layer("vectors").embeddings.numpy()
    np.testing.assert_allclose(added, np.where(IDS[..., None] > 0, without + table[IDS], 0), atol=1e-6)


def test_dropout_treats_all_occurrences_of_a_token_alike():
    keras.utils.set_random_seed(0)
    embedding = TokenEmbedding(10, 40, dropout=0.5, word_dropout=0.3)
    tokens, positions = DistinctTokens()(IDS)
    vectors = np.asarray(embedding(tokens, training=True))[positions]
    for token in np.unique(IDS):
        assert (vectors[token == IDS] == vectors[token == IDS][0]).all()
    dropped = (vectors == 0).reshape(-1, 40)
    assert len(np.unique(dropped, axis=0)) > 3 and 0.3 < dropped.mean() < 0.8
    assert embedding(IDS, training=True).shape == (*IDS.shape, 40), "the same layer takes another rank"
