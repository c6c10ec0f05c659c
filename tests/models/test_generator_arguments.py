"""Arguments of `build_generator` one by one: what each does in training, where, and that it does nothing else.

What was dropped is read off the gradients, which are exactly 0 for it; with that the result is reckoned again by Keras'
LSTM with changed weights.
"""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlpkit.models import build_generator

UNITS, SIZE, RATE = 8, 6, 0.5
KEPT = 1 / (1 - RATE)  # what is kept is scaled up
RATES = ("dropout", "embedding_dropout", "recurrent_dropout", "weight_drop")
ONE_ROW = np.arange(4, 11, dtype="int32")[None]
THREE_ROWS = np.arange(4, 25, dtype="int32").reshape(3, 7)  # no id twice


def built(**options):
    """A network of vectors of 6 and two layers of 8, the same weights whatever it drops, and biases that are not 0."""
    keras.utils.set_random_seed(2)
    network = build_generator(30, **{"units": UNITS, "embedding_dim": SIZE, **options})
    chance = np.random.default_rng(1)
    for weight in network.trainable_weights:
        weight.assign(chance.normal(0, 0.5, weight.shape))
    return network


def trained_on(ids, **options):
    """A pass in training: the hidden states, and factors by which table, kernels and recurrent matrices took part."""
    network = built(**options)
    cells = [block.forward.cell for block in network.body.blocks]
    parts = [network.embedding.embeddings, *(weight for cell in cells for weight in cell.weights[:2])]
    with tf.GradientTape() as tape:
        hidden, _ = network.hidden(ids, training=True)
        # Each element counts by another number.
        loss = tf.reduce_sum(hidden * np.random.default_rng(3).normal(size=hidden.shape))
    gradients = tape.gradient(loss, [part.value for part in parts])
    table, *others = [KEPT * (tf.convert_to_tensor(each).numpy() != 0) for each in gradients]
    return SimpleNamespace(
        network=network, hidden=hidden.numpy(), table=table, kernels=others[::2], recurrent=others[1::2]
    )


def lstm(block, x, kernel=1.0, recurrent=1.0):
    """What Keras' layer with a block's weights, multiplied by these, gives for a sequence."""
    layer = keras.layers.LSTM(block.units, return_sequences=True)
    layer.build(x.shape)
    weights = block.forward.cell.get_weights()
    layer.set_weights([weights[0] * kernel, weights[1] * recurrent, weights[2]])
    return layer(x).numpy()


def vectors(network, ids):
    return network.embedding.embeddings.numpy()[ids]


def rows(mask):
    """The factors of the rows of a matrix: without any gradient, a row had no part."""
    return mask.max(axis=1, keepdims=True)


def some(mask):
    return 0 < np.count_nonzero(mask) < np.size(mask)


def test_residual_adds_its_input_to_each_layer_from_the_second_on():
    network = built(num_layers=3, residual=True)
    first, second, third = network.body.blocks
    low = lstm(first, vectors(network, THREE_ROWS))
    middle = low + lstm(second, low)
    np.testing.assert_allclose(network.hidden(THREE_ROWS)[0], middle + lstm(third, middle), atol=1e-5)
    plain = built(num_layers=3)
    expected = lstm(third, lstm(second, low))
    np.testing.assert_allclose(plain.hidden(THREE_ROWS)[0], expected, atol=1e-5)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("variational", [False, True])
def test_nothing_is_dropped_but_in_training(rate, variational):
    network = built(**{rate: RATE}, variational=variational)
    np.testing.assert_array_equal(network.hidden(THREE_ROWS)[0], built().hidden(THREE_ROWS)[0])
    one, other = (network.hidden(THREE_ROWS, training=True)[0].numpy() for _ in range(2))
    assert (one != other).any()


@pytest.mark.parametrize("variational", [False, True])
def test_variational_is_one_mask_for_all_steps_of_a_row(variational):
    found = trained_on(THREE_ROWS, dropout=RATE, variational=variational)
    for kept in (found.table[THREE_ROWS] != 0, found.hidden != 0):
        assert 0.3 < kept.mean() < 0.7
        assert (kept == kept[:, :1]).all() == variational
        assert (kept[0] != kept[1]).any()
    # Between the layers: with a mask for each step, each feature is there at one of seven.
    (_, between) = trained_on(ONE_ROW, dropout=RATE, variational=variational).kernels
    assert some(rows(between)) if variational else between.all()


# Of one step there is but one mask in any case.
@pytest.mark.parametrize(("variational", "ids"), [(False, ONE_ROW[:, :1]), (True, ONE_ROW)])
def test_dropout_is_of_the_vectors_and_of_each_layers_outputs(variational, ids):
    found = trained_on(ids, dropout=RATE, variational=variational)
    first, second = found.network.body.blocks
    of_vectors, between, last = *map(rows, found.kernels), KEPT * (found.hidden != 0)
    assert some(of_vectors) and some(between) and some(last)
    low = lstm(first, vectors(found.network, ids), kernel=of_vectors)
    np.testing.assert_allclose(found.hidden, last * lstm(second, low, kernel=between), atol=1e-5)


def test_recurrent_dropout_is_of_the_states_on_their_way_into_each_matrix():
    found = trained_on(ONE_ROW, recurrent_dropout=RATE)
    x = vectors(found.network, ONE_ROW)
    for block, recurrent in zip(found.network.body.blocks, found.recurrent, strict=True):
        assert some(rows(recurrent))
        x = lstm(block, x, recurrent=rows(recurrent))
    np.testing.assert_allclose(found.hidden, x, atol=1e-5)
    assert all(kernel.all() for kernel in found.kernels)


def test_weight_drop_is_of_elements_of_each_recurrent_matrix():
    found = trained_on(THREE_ROWS, weight_drop=RATE)
    x = vectors(found.network, THREE_ROWS)
    for block, recurrent in zip(found.network.body.blocks, found.recurrent, strict=True):
        assert 0.3 < np.count_nonzero(recurrent) / recurrent.size < 0.7 and some(recurrent[0])
        x = lstm(block, x, recurrent=recurrent)
    np.testing.assert_allclose(found.hidden, x, atol=1e-5)
    assert all(kernel.all() for kernel in found.kernels)


def test_embedding_dropout_is_of_whole_words_wherever_they_stand():
    ids = np.array([[4, 5, 4, 6, 7], [7, 6, 8, 9, 4]], "int32")
    found = trained_on(ids, embedding_dropout=RATE)
    assert some(found.table[4:10])
    x = rows(found.table)[ids] * vectors(found.network, ids)
    for block in found.network.body.blocks:
        x = lstm(block, x)
    np.testing.assert_allclose(found.hidden, x, atol=1e-5)
    assert all(kernel.all() for kernel in (*found.kernels, *found.recurrent))


@pytest.mark.parametrize("rate", RATES)
def test_a_mask_is_of_a_row_or_of_the_batch(rate):
    same = np.repeat(ONE_ROW, 2, axis=0)
    for variational in (False, True):
        hidden = trained_on(same, **{rate: RATE}, variational=variational).hidden
        assert (hidden[0] != hidden[1]).any() == (rate in ("dropout", "recurrent_dropout"))


@pytest.mark.parametrize("cell", ["gru", "rnn", "nplm", "transformer"])
def test_vectors_are_dropped_under_any_layers(cell):
    network = built(cell=cell, dropout=RATE, embedding_dim=None)
    with tf.GradientTape() as tape:
        hidden, _ = network.hidden(THREE_ROWS, training=True)
        loss = tf.reduce_sum(hidden * np.random.default_rng(3).normal(size=hidden.shape))
    table = tf.convert_to_tensor(tape.gradient(loss, network.embedding.embeddings.value)).numpy()
    assert 0.3 < (table[THREE_ROWS] == 0).mean() < 0.7
