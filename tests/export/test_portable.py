import importlib
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from nlpkit.export import export_saved_model, portable_model, saved_model
from nlpkit.layers.recurrent_kernel import CUDNN
from nlpkit.models import build_classifier
from nlpkit.text import text_to_ids

IDS = np.array([[4, 5, 6], [7, 0, 0]], "int32")


def recurrent_layers(encoder):
    """A list that an encoder can be made of, with Keras' own layers in many nestings."""
    rnn = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}[encoder]
    return [
        rnn(3, return_sequences=True),
        keras.layers.Bidirectional(rnn(3, return_sequences=True)),
        keras.Sequential([keras.layers.Dense(4), rnn(3, return_sequences=True)]),
    ]


@pytest.fixture
def pretended_gpu(monkeypatch):
    # By its path: the package has a function of the module's name.
    module = importlib.import_module("keras.src.backend.tensorflow.rnn")
    monkeypatch.setattr(module, "_is_gpu_available", lambda: True)
    monkeypatch.setattr("nlpkit.layers.recurrent_direction.this_device", lambda: (CUDNN, "a GPU is there"))


def ops(model):
    traced = tf.function(lambda ids: model(ids, training=False))
    return ops_of(traced.get_concrete_function(tf.TensorSpec((None, None), tf.int32)).graph.as_graph_def())


def ops_of(graph):
    return {node.op for node in graph.node} | {
        node.op for function in graph.library.function for node in function.node_def
    }


@pytest.mark.parametrize("kind", ["block", "keras"])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_no_cudnn_op_is_traced_where_a_gpu_is(cell, kind, pretended_gpu):
    encoder = cell if kind == "block" else recurrent_layers(cell)
    model = build_classifier(10, 2, encoder=encoder, units=3, num_layers=2, embedding_dim=4, use_cudnn="auto")
    assert any("Cudnn" in op for op in ops(model)), "the pretended GPU has no effect, so nothing is tested"
    assert not any("Cudnn" in op for op in ops(portable_model(model)))


@pytest.mark.parametrize("kind", ["block", "keras"])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_none_is_in_what_is_exported_nor_an_assertion(cell, kind, pretended_gpu, monkeypatch, tmp_path):
    text = text_to_ids("byte", max_length=9)
    encoder = cell if kind == "block" else recurrent_layers(cell)
    model = build_classifier(text.vocabulary_size, 2, encoder=encoder, units=3, embedding_dim=4)
    # No kernel of cuDNN is there to run the model that the export would be compared with.
    real = saved_model.probabilities_of
    monkeypatch.setattr(
        saved_model,
        "probabilities_of",
        lambda network, *more: tf.zeros(()) if network is model else real(network, *more),
    )
    monkeypatch.setattr(saved_model, "verify_saved_model", lambda *arguments: 0.0)
    path = Path(export_saved_model(tmp_path, text, model, ["no", "yes"]).path)
    saved = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    found = set.union(*(ops_of(graph.graph_def) for graph in saved.meta_graphs))
    assert "While" in found or "StatelessWhile" in found, "no loop over the steps, so that nothing is tested"
    assert not [op for op in found if "Cudnn" in op or "Assert" in op]


def test_every_recurrent_layer_is_set_and_the_model_is_left_alone():
    model = build_classifier(10, 2, encoder=recurrent_layers("gru"), embedding_dim=4)
    portable = portable_model(model)
    found = [layer for layer in portable._flatten_layers() if isinstance(layer, keras.layers.GRU)]
    assert len(found) == 4 and all(layer.use_cudnn is False for layer in found)
    kept = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.GRU)]
    assert len(kept) == 4 and all(layer.use_cudnn == "auto" for layer in kept)


@pytest.mark.parametrize(
    "network",
    [
        {"encoder": "lstm", "units": 4, "num_layers": 3},
        {"encoder": "transformer", "units": 8, "embedding_dim": 8},
        {"encoder": "bag", "ngrams": 2, "buckets": 16, "naive_bayes": True},
        {"encoder": "bag", "ngrams": 2, "buckets": 16, "embedding_dim": 0},
        {"encoder": "cnn", "units": 4, "dtype": "mixed_bfloat16"},
    ],
    ids=lambda network: "-".join(map(str, network.values())),
)
def test_outputs_are_the_same(network):
    model = build_classifier(10, 2, **{"embedding_dim": 4, **network})
    for variable in model.variables:
        if variable.dtype == "float32":
            variable.assign(np.random.default_rng(1).normal(size=variable.shape))
    portable = portable_model(model)
    np.testing.assert_allclose(portable(IDS), model(IDS), atol=1e-6)
    portable.layers[-1].set_weights([w * 0 for w in portable.layers[-1].get_weights()])
    assert np.abs(model(IDS)).max() > 0


def test_the_copy_of_a_block_says_in_its_config_that_it_is_portable():
    portable = portable_model(build_classifier(10, 2, units=3, embedding_dim=4))
    assert portable.get_layer("block_0").get_config()["use_cudnn"] is False
