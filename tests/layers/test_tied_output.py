"""Tied output against NumPy, and that it stays tied in whatever is made of a model."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import check_config

from nlpkit import InputError
from nlpkit.layers.tied_output import TiedOutput
from nlpkit.layers.token_embedding import TokenEmbedding

RANDOM = np.random.default_rng(0)
STATES = RANDOM.normal(size=(3, 5, 6)).astype("float32")
TABLE = RANDOM.normal(size=(10, 4)).astype("float32")
IDS = np.array([[5, 6, 7, 9], [4, 8, 0, 0]], "int32")
OPTIONS = [{"projection": p, "use_bias": b} for p in (False, True) for b in (False, True)]


def make(arguments, states, **more):
    """A layer whose bias is not zero."""
    layer = TiedOutput(**arguments, **more)
    layer(states, TABLE)
    layer.set_weights([RANDOM.normal(size=weight.shape) for weight in layer.get_weights()])
    return layer


def states_for(arguments):
    return STATES if arguments["projection"] else STATES[..., :4]


def language_model(arguments, units=6):
    ids = keras.Input((None,), dtype="int32")
    vectors, table = TokenEmbedding(10, 4, name="embedding")(ids, return_table=True)
    states = keras.layers.SimpleRNN(units, return_sequences=True, name="states")(vectors)
    return keras.Model(ids, TiedOutput(**arguments, name="logits")(states, table))


@pytest.mark.parametrize("arguments", OPTIONS, ids=str)
def test_logits_equal_numpy(arguments):
    states = states_for(arguments)
    layer = make(arguments, states)
    weights = {weight.path.split("/", 1)[1]: weight.numpy() for weight in layer.weights}
    expected = states
    if arguments["projection"]:
        expected = expected @ weights.pop("projection/kernel")
    expected = expected @ TABLE.T + weights.pop("bias", 0.0)
    assert not weights
    np.testing.assert_allclose(layer(states, TABLE), expected, atol=1e-5)
    for step in range(5):
        np.testing.assert_allclose(layer(states[:, step], TABLE), expected[:, step], atol=1e-5)
    check_config(layer)


@pytest.mark.parametrize("arguments", OPTIONS, ids=str)
def test_a_turned_table_gives_the_same(arguments):
    states = states_for(arguments)
    layer = make(arguments, states)
    np.testing.assert_allclose(layer(states, TABLE.T, turned=True), layer(states, TABLE), atol=1e-5)
    shapes = keras.KerasTensor((None, None, states.shape[-1])), keras.KerasTensor(TABLE.T.shape)
    assert layer(*shapes, turned=True).shape == (None, None, 10)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("arguments", OPTIONS, ids=str)
def test_mixed_precision_gives_float32_logits(arguments, policy):
    states = states_for(arguments)
    exact, mixed = make(arguments, states), make(arguments, states, dtype=policy)
    mixed.set_weights(exact.get_weights())
    logits = mixed(states, TABLE)
    assert logits.dtype == "float32"
    assert all(weight.dtype == "float32" for weight in mixed.weights)
    np.testing.assert_allclose(logits, exact(states, TABLE), atol=0.15)
    assert (
        mixed(keras.KerasTensor((None, None, states.shape[-1])), keras.KerasTensor((10, 4))).dtype
        == "float32"
    )


@pytest.mark.parametrize(("arguments", "units"), [({}, 4), ({"projection": True}, 6)], ids=str)
def test_the_matrix_is_one_in_a_model_its_file_and_its_clone(arguments, units, tmp_path):
    model = language_model(arguments, units)
    paths = [weight.path for weight in model.weights]
    assert len(set(paths)) == len(paths)
    assert sum(weight.shape == (10, 4) for weight in model.weights) == 1
    model.save(tmp_path / "model.keras")
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    for copy in (keras.saving.load_model(tmp_path / "model.keras"), clone):
        assert copy.count_params() == model.count_params()
        np.testing.assert_allclose(copy(IDS), model(IDS), atol=1e-6)
        # Still tied: the scores of a token that is not read move with its vector.
        before, matrix = np.asarray(copy(IDS)), copy.get_layer("embedding").embeddings
        matrix.assign(matrix.numpy() + np.eye(10)[:, 3:4])
        change = np.abs(np.asarray(copy(IDS)) - before).max(axis=(0, 1))
        assert (change > 1e-3).tolist() == [False, False, False, True, *[False] * 6]


def test_the_gradient_of_the_matrix_is_that_of_both_its_uses():
    model = language_model({"use_bias": False}, units=4)
    embedding = model.get_layer("embedding").embeddings
    other = tf.Variable(embedding.numpy())

    def loss(table):
        vectors, _ = model.get_layer("embedding")(IDS, return_table=True)
        states = model.get_layer("states")(vectors)
        return tf.reduce_sum(tf.nn.log_softmax(model.get_layer("logits")(states, table))[..., 5])

    with tf.GradientTape(persistent=True) as tape:
        tied = tf.reduce_sum(tf.nn.log_softmax(model(IDS))[..., 5])
        untied = loss(other)
    as_input, as_output = tape.gradient(untied, [embedding.value, other])
    both = tf.convert_to_tensor(tape.gradient(tied, embedding.value))
    assert np.abs(as_output).max() > 0.1
    np.testing.assert_allclose(both, tf.convert_to_tensor(as_input) + as_output, atol=1e-5)


def test_a_model_learns_and_every_weight_moves():
    keras.utils.set_random_seed(0)
    model = language_model({"projection": True})
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)
    before = model.get_weights()
    losses = model.fit(IDS, np.roll(IDS, -1, axis=1), epochs=8, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert all((old != new).any() for old, new in zip(before, model.get_weights(), strict=True))


def test_padding_and_neighbours_change_nothing_and_the_mask_goes_on():
    model = language_model({"projection": True})
    together = np.asarray(model(IDS))
    for row, length in enumerate((4, 2)):
        np.testing.assert_allclose(model(IDS[row : row + 1, :length])[0], together[row, :length], atol=1e-5)
    vectors, table = TokenEmbedding(10, 4)(IDS, return_table=True)
    logits = TiedOutput()(vectors, table)
    assert np.asarray(logits._keras_mask).tolist() == (IDS != 0).tolist()
    assert tuple(model.output_shape) == (None, None, 10)


def test_the_embedding_gives_the_table_it_reads():
    for policy in ("float32", "mixed_float16"):
        embedding = TokenEmbedding(10, 4, dropout=0.5, dtype=policy)
        vectors, table = embedding(IDS, training=True, return_table=True)
        assert vectors.dtype == table.dtype == embedding.compute_dtype
        np.testing.assert_array_equal(table, embedding.embeddings.numpy().astype(embedding.compute_dtype))
        symbolic = embedding(keras.Input((None,), dtype="int32"), return_table=True)
        assert [(part.shape, part.dtype) for part in symbolic] == [
            ((None, None, 4), embedding.compute_dtype),
            ((10, 4), embedding.compute_dtype),
        ]


def test_sizes_that_differ_need_a_projection():
    with pytest.raises(
        InputError, match=r"as wide as the embedding \(4 features\). Received: 6 .* `projection=True`"
    ):
        TiedOutput()(STATES, TABLE)
