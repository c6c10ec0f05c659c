import subprocess
import sys

import keras
import numpy as np
import pytest

from nlpkit.errors import InputError
from nlpkit.models import build_classifier

VOCABULARY, CLASSES = 12, 3
IDS = np.array([[4, 5, 6, 7, 8], [9, 4, 10, 0, 0], [11, 0, 0, 0, 0]], "int32")
SMALL = {"units": 4, "embedding_dim": 5}
BUILDS = {
    "bag": {"encoder": "bag", "ngrams": 2, "buckets": 16},
    "linear": {"encoder": "bag", "ngrams": 2, "buckets": 16, "embedding_dim": 0},
    "naive_bayes": {"encoder": "gru", "ngrams": 2, "buckets": 16, "naive_bayes": True},
    "cnn": {"encoder": "cnn"},
    "gru": {"encoder": "gru", "bidirectional": False, "pooling": "last"},
    "lstm": {"encoder": "lstm", "num_layers": 3, "pooling": ["mean", "max"]},
    "residual": {"encoder": "gru", "num_layers": 2, "residual": True},
    "rnn": {"encoder": "rnn", "pooling": "attention"},
    "transformer": {"encoder": "transformer", "num_layers": 2},
    "multi_label": {"encoder": "bag", "ngrams": 2, "buckets": 16, "naive_bayes": True, "multi_label": True},
}


def build(name, **more):
    keras.utils.set_random_seed(3)
    model = build_classifier(VOCABULARY, CLASSES, **{**SMALL, **BUILDS[name], **more})
    for layer in model.layers:
        if layer.name == "bag":  # without ratios the bag would answer nothing but its bias
            ratios = np.random.default_rng(1).normal(size=layer.ratios.shape)
            ratios[0] = 0.0
            layer.ratios.assign(ratios)
    return model


@pytest.fixture(scope="module", params=list(BUILDS))
def model(request):
    return build(request.param)


def logits(model, ids):
    return model(ids, training=False).numpy()


def test_ids_become_float32_logits_that_depend_on_the_ids(model):
    outputs = logits(model, IDS)
    assert outputs.shape == (3, CLASSES) and outputs.dtype == np.float32
    assert np.abs(outputs[0] - outputs[1]).max() > 1e-4


def test_padding_changes_nothing(model):
    padded = np.pad(IDS, [(0, 0), (0, 7)])
    np.testing.assert_allclose(logits(model, padded), logits(model, IDS), atol=1e-5)


def test_batch_is_one_by_one(model):
    alone = [logits(model, row[row > 0][None])[0] for row in IDS]
    np.testing.assert_allclose(logits(model, IDS), alone, atol=1e-5)


@pytest.mark.parametrize("name", list(BUILDS))
def test_a_training_step_lowers_the_loss_and_reaches_every_weight(name):
    model = build(name, dropout=0.0)
    targets = np.eye(CLASSES, dtype="float32")
    model.compile(keras.optimizers.SGD(0.05), keras.losses.CategoricalCrossentropy(from_logits=True))
    before = model.get_weights()
    first = model.train_on_batch(IDS, targets)
    for variable, old in zip(model.weights, before, strict=True):
        if variable.trainable and variable.name != "bias":
            assert not np.array_equal(variable.numpy(), old), f"{variable.path} was not trained"
    assert model.train_on_batch(IDS, targets) < first


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("name", ["bag", "naive_bayes", "cnn", "lstm", "transformer"])
def test_mixed_precision_gives_float32_logits_near_the_exact_ones(name, policy):
    before = keras.config.dtype_policy().name
    exact, mixed = build(name), build(name, dtype=policy)
    assert keras.config.dtype_policy().name == before
    assert mixed.get_layer("embedding").compute_dtype == policy.removeprefix("mixed_")
    assert all(variable.dtype == "float32" for variable in mixed.trainable_variables)
    mixed.set_weights(exact.get_weights())
    outputs = logits(mixed, IDS)
    assert outputs.dtype == np.float32
    np.testing.assert_allclose(outputs, logits(exact, IDS), atol=0.1)


def test_the_keras_file_gives_the_same_logits_in_a_fresh_process(tmp_path):
    np.save(tmp_path / "ids.npy", IDS)
    for name in BUILDS:
        model = build(name)
        model.save(tmp_path / f"{name}.keras")
        np.save(tmp_path / f"{name}.npy", logits(model, IDS))
    program = """
import pathlib, sys, keras, numpy as np, nlpkit.layers
folder = pathlib.Path(sys.argv[1])
ids = np.load(folder / "ids.npy")
for path in folder.glob("*.keras"):
    found = keras.saving.load_model(path)(ids, training=False).numpy()
    np.testing.assert_allclose(found, np.load(path.with_suffix(".npy")), atol=1e-5)
    print(path.stem)
"""
    run = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True)
    assert sorted(run.stdout.split()) == sorted(BUILDS), run.stderr[-2000:]


def test_a_keras_layer_or_a_list_of_layers_is_an_encoder():
    for encoder in (
        keras.layers.Conv1D(6, 3, padding="same"),
        [keras.layers.Bidirectional(keras.layers.GRU(3, return_sequences=True)), keras.layers.Dense(2)],
    ):
        model = build_classifier(VOCABULARY, CLASSES, encoder=encoder, embedding_dim=4)
        used = encoder if isinstance(encoder, list) else [encoder]
        assert [layer for layer in model.layers if layer in used] == used
        assert logits(model, IDS).shape == (3, CLASSES)


@pytest.mark.parametrize("encoder", ["lstmm", [], ["gru"], 3, None])
def test_an_unknown_encoder_is_named(encoder):
    with pytest.raises(InputError, match=r"`encoder` must be one of \['bag', .*a Keras layer.* Received: "):
        build_classifier(VOCABULARY, CLASSES, encoder=encoder)


def test_an_unknown_pooling_is_named():
    with pytest.raises(InputError, match="pooling.*'median'"):
        build_classifier(VOCABULARY, CLASSES, encoder="gru", units=2, embedding_dim=4, pooling="median")


def test_units_layers_and_directions_reach_the_encoder():
    one = build("gru", units=6)
    assert one.get_layer("block_0").units == 6 and not one.get_layer("block_0").bidirectional
    three = build("lstm")
    assert [layer.name for layer in three.layers if layer.name.startswith("block_")] == [
        "block_0",
        "block_1",
        "block_2",
    ]
    assert not any(three.get_layer(f"block_{i}").residual for i in range(3))


@pytest.mark.parametrize("encoder", ["lstm", "gru", "rnn"])
def test_residual_connections_begin_with_the_second_block_and_normalisation_with_the_first(encoder):
    model = build("lstm", encoder=encoder, residual=True, layer_norm=True)
    blocks = [model.get_layer(f"block_{i}") for i in range(3)]
    assert [block.residual for block in blocks] == [False, True, True]
    assert all(block.layer_norm for block in blocks)


@pytest.mark.parametrize("option", ["residual", "layer_norm"])
@pytest.mark.parametrize("encoder", ["bag", "cnn", "transformer", [keras.layers.Dense(4)]])
def test_other_encoders_have_no_residual_option(encoder, option):
    message = (
        rf"options of the recurrent encoders \['gru', 'lstm', 'rnn'\]. Received: encoder=.*{option}=True"
    )
    with pytest.raises(InputError, match=message):
        build_classifier(VOCABULARY, CLASSES, encoder=encoder, embedding_dim=0, **{option: True})


@pytest.mark.parametrize("pooling", ["last", ["last"], ["last", "last"]])
def test_the_last_states_are_those_of_keras(pooling):
    """Two bidirectional LSTMs, as `keras.layers.Bidirectional` gives their last states, with the same weights."""
    own = build_classifier(
        30, 2, encoder="lstm", units=4, num_layers=2, bidirectional=True, embedding_dim=5, pooling=pooling
    )
    peer = keras.Sequential([
        keras.Input((None,), dtype="int32"),
        keras.layers.Embedding(30, 5, mask_zero=True),
        keras.layers.Bidirectional(keras.layers.LSTM(4, return_sequences=True)),
        keras.layers.Bidirectional(keras.layers.LSTM(4)),
    ])  # fmt: skip
    peer.set_weights(own.get_weights()[: len(peer.weights)])
    ids = np.array([[5, 6, 7, 8, 9, 10], [11, 12, 13, 0, 0, 0], [14, 0, 0, 0, 0, 0]], np.int32)
    states = np.concatenate([peer(ids)] * len([pooling] if isinstance(pooling, str) else pooling), axis=1)
    kernel, bias = own.get_weights()[-2:]
    np.testing.assert_allclose(own(ids), states @ kernel + bias, atol=1e-5)
