"""The encoder is what the language model computes below its output, wherever the padding stands."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from graph_checks import PYTHON_OPERATIONS
from tflite_checks import check_tflite

from nlpkit.errors import InputError
from nlpkit.export import portable_model
from nlpkit.models import build_classifier, build_generator
from nlpkit.models.pretrained import LanguageModelEncoder, build_encoder

SETTINGS = {
    "lstm, dropouts": {
        "dropout": 0.3,
        "embedding_dropout": 0.1,
        "recurrent_dropout": 0.2,
        "weight_drop": 0.2,
    },
    "gru, variational": {"cell": "gru", "num_layers": 1, "dropout": 0.3, "variational": True},
    "rnn, residual": {"cell": "rnn", "num_layers": 3, "residual": True, "tie": False},
    "lstm, projection": {"embedding_dim": 6, "cutoffs": [10, 20]},
    "nplm": {"cell": "nplm", "direct": True},
    "transformer": {"cell": "transformer", "num_heads": 2, "context": 3},
}
GROUPS = {
    "nplm": ["window"],
    "gru, variational": ["block_0"],
    "rnn, residual": ["block_0", "block_1", "block_2"],
}
IDS = np.random.default_rng(0).integers(1, 30, (3, 7)).astype("int32")
IDS[1, 4:] = IDS[2, 1:] = 0


def networks(name, **more):
    """A language model, and a classifier whose encoder starts from it."""
    keras.utils.set_random_seed(0)
    settings = {"units": 8, **SETTINGS[name]}
    generator = build_generator(30, **settings)
    for weight in generator.trainable_weights:  # biases and scales are not what they were made as
        weight.assign(weight + np.random.default_rng(1).normal(size=weight.shape, scale=0.3))
    classifier = build_classifier(30, 4, encoder=settings, pooling=["last", "max", "mean"], **more)
    classifier.get_layer("encoder").start_from(generator)
    return generator, classifier


@pytest.fixture(params=SETTINGS, scope="module")
def pair(request):
    return *networks(request.param), request.param


def by_hand(generator, classifier, ids):
    """Hidden states of each row by itself, pooled and multiplied in NumPy."""
    kernel, bias = classifier.get_layer("scores").get_weights()
    found = []
    for row in ids:
        hidden = generator.hidden(row[row > 0][None])[0].numpy()[0]
        found.append(np.concatenate([hidden[-1], hidden.max(axis=0), hidden.mean(axis=0)]) @ kernel + bias)
    return np.stack(found)


def test_logits_are_those_of_the_language_models_hidden_states(pair):
    generator, classifier, _ = pair
    np.testing.assert_allclose(classifier(IDS), by_hand(generator, classifier, IDS), atol=1e-5)
    fresh = build_classifier(
        30, 4, encoder={"units": 8, **SETTINGS[pair[2]]}, pooling=["last", "max", "mean"]
    )
    assert np.abs(fresh(IDS) - classifier(IDS)).max() > 1e-3


def test_padding_anywhere_changes_nothing(pair):
    _, classifier, _ = pair
    encoder, real = classifier.get_layer("encoder"), IDS > 0
    for place in (slice(7, None), slice(None, 7), slice(1, None, 2)):
        padded = np.zeros((3, 14), "int32")
        padded[:, place] = IDS
        np.testing.assert_allclose(classifier(padded), classifier(IDS), atol=1e-5)
        np.testing.assert_allclose(encoder(padded)[:, place][real], encoder(IDS)[real], atol=1e-5)
    assert np.isfinite(encoder(np.zeros((2, 3), "int32"))).all()


def test_the_mask_is_that_of_the_ids():
    _, classifier = networks("lstm, projection")
    encoder = classifier.get_layer("encoder")
    np.testing.assert_array_equal(encoder(IDS)._keras_mask, IDS > 0)
    assert encoder(IDS).shape == encoder.compute_output_shape(IDS.shape) == (3, 7, 8)


def test_layers_go_from_the_bottom_up_and_hold_all_weights_but_the_last_norm(pair):
    _, classifier, name = pair
    encoder = classifier.get_layer("encoder")
    assert [layer.name for layer in encoder.layer_groups] == [
        "embedding",
        *GROUPS.get(name, ["block_0", "block_1"]),
    ]
    held = {weight.path for layer in encoder.layer_groups for weight in layer.trainable_weights}
    others = {weight.path for weight in encoder.trainable_weights} - held
    assert held and all("/norm/" in path for path in others)
    assert bool(others) == name.startswith("transformer")


def test_config_and_saved_file(pair, tmp_path):
    _, classifier, _ = pair
    encoder = classifier.get_layer("encoder")
    config = encoder.get_config()
    copy = LanguageModelEncoder.from_config(json.loads(json.dumps(config)))
    assert copy.get_config() == config and not copy.built
    copy.build((None, None))
    copy.set_weights(encoder.get_weights())
    np.testing.assert_allclose(copy(IDS), encoder(IDS), atol=1e-6)
    classifier.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    np.testing.assert_allclose(loaded(IDS), classifier(IDS), atol=1e-6)
    assert [w.path for w in loaded.weights] == [w.path for w in classifier.weights]


def test_the_portable_copy_gives_the_same_and_has_no_cudnn(pair):
    _, classifier, _ = pair
    portable = portable_model(classifier)
    np.testing.assert_allclose(portable(IDS), classifier(IDS), atol=1e-6)
    blocks = [layer for layer in portable._flatten_layers() if hasattr(layer, "use_cudnn")]
    assert all(block.use_cudnn is False for block in blocks)


def test_the_graph_has_open_sizes_and_no_python(pair):
    _, classifier, _ = pair
    run = tf.function(lambda ids: classifier(ids, training=False), autograph=False)
    graph = run.get_concrete_function(tf.TensorSpec((None, None), tf.int32))
    definition = graph.graph.as_graph_def()
    nodes = [*definition.node, *(node for each in definition.library.function for node in each.node_def)]
    assert not {node.op for node in nodes} & PYTHON_OPERATIONS
    for ids in (IDS, np.pad(IDS, [(0, 0), (3, 2)]), IDS[:1, :2]):
        np.testing.assert_allclose(graph(tf.constant(ids)), classifier(ids), atol=1e-5)


@pytest.mark.parametrize("name", ["lstm, projection", "nplm", "transformer"])
def test_it_runs_in_tflite_with_its_own_operations(name):
    classifier = portable_model(networks(name)[1])

    def classify(token_ids):
        return (classifier(token_ids, training=False),)

    # With padding at the end, and before and behind.
    check_tflite(classify, [np.roll(np.pad(IDS[1:2], [(0, 0), (0, 2)]), 1, axis=1)])


def test_all_weights_are_trained_and_dropout_is_active(pair):
    _, classifier, name = pair
    targets = np.array([0, 1, 2])
    with tf.GradientTape() as tape:
        loss = keras.losses.sparse_categorical_crossentropy(
            targets, classifier(IDS, training=True), from_logits=True
        )
        loss = tf.reduce_mean(loss)
    assert all(gradient is not None for gradient in tape.gradient(loss, classifier.trainable_weights))
    encoder = classifier.get_layer("encoder")
    one, other = (np.asarray(encoder(IDS, training=True)) for _ in range(2))
    assert np.any(one != other) == ("drop" in name or "variational" in name)


def test_word_dropout_drops_tokens():
    _, classifier = networks("lstm, projection", word_dropout=0.5)
    embedding = classifier.get_layer("encoder").embedding
    assert embedding.word_dropout == 0.5
    vectors = embedding(np.full((4, 50), 9), training=True).numpy()
    dropped = (vectors == 0).all(axis=-1)
    assert 0.3 < dropped.mean() < 0.7


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("name", ["lstm, projection", "transformer", "nplm"])
def test_mixed_precision(name, policy):
    generator, exact = networks(name)
    mixed = build_classifier(
        30, 4, encoder={"units": 8, **SETTINGS[name]}, pooling=["last", "max", "mean"], dtype=policy
    )
    mixed.set_weights(exact.get_weights())
    assert mixed(IDS).dtype == "float32"
    assert mixed.get_layer("encoder")(IDS).dtype == policy.removeprefix("mixed_")
    assert all(variable.dtype == "float32" for variable in mixed.trainable_variables)
    np.testing.assert_allclose(mixed(IDS), exact(IDS), atol=0.2)


def test_a_bag_beside_it():
    classifier = build_classifier(30, 2, encoder={"units": 8}, naive_bayes=True, ngrams=2, buckets=16)
    assert {"encoder", "bag", "ngrams", "scores"} <= {layer.name for layer in classifier.layers}
    without = build_classifier(30, 2, encoder={"units": 8}, embedding_dim=0)
    assert [layer.name for layer in without.layers][1:] == ["encoder", "pool", "pool_dropout", "scores"]


def test_what_does_not_fit_is_said():
    with pytest.raises(
        InputError, match="with the same settings and vocabulary. Received: one of 1,320 weights"
    ):
        build_encoder(30, {"units": 8}).start_from(build_generator(29, units=8))
    with pytest.raises(
        InputError, match="but for vocabulary_size, use_cudnn, dtype, .*Received: dtype, use_cudnn"
    ):
        build_classifier(30, 2, encoder={"units": 8, "use_cudnn": False, "dtype": "float32"})
    with pytest.raises(InputError, match="`cell` must be one of .*Received: cell='cnn'"):
        build_classifier(30, 2, encoder={"cell": "cnn"})
    with pytest.raises(InputError, match="pooling.*'median'"):
        build_classifier(30, 2, encoder={"units": 8}, pooling="median")
