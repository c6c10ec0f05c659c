"""What a decoder gets of a source, against the layers that read it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlpkit.layers import (
    EncoderStack,
    RecurrentBlock,
    RecurrentStack,
    SinePositions,
    StateBridge,
    TokenEmbedding,
)
from nlpkit.models.source_reader import SourceReader, lengths, within

RANDOM = np.random.default_rng(0)
IDS = np.array([[4, 5, 6, 3], [7, 3, 0, 0]], "int32")
REAL = IDS != 0
FEATURES = RANDOM.normal(size=(2, 4, 5)).astype("float32") * REAL[:, :, None]


def recurrent(cell="lstm", bidirectional=False):
    blocks = [
        RecurrentBlock(6, cell, return_state=True),
        RecurrentBlock(6, cell, bidirectional=bidirectional, return_state=True),
    ]
    return RecurrentStack(blocks)


def reader_of(encoder, source=None, **options):
    reader = SourceReader(source or TokenEmbedding(9, 6), encoder, **options)
    reader.build((None, None, 5) if reader.takes_features else (None, None))
    random = np.random.default_rng(1)
    reader.set_weights([random.normal(size=weight.shape, scale=0.5) for weight in reader.get_weights()])
    return reader


@pytest.mark.parametrize(
    ("cell", "bidirectional", "kept"), [("lstm", False, [2]), ("lstm", True, [2, 4]), ("gru", True, [1, 2])]
)
def test_the_result_is_made_of_the_last_states_of_the_last_layer(cell, bidirectional, kept):
    reader = reader_of(recurrent(cell, bidirectional))
    memory = reader(IDS)
    outputs, *states = reader.encoder(tf.gather(reader.source.embeddings, IDS), mask=REAL)
    np.testing.assert_allclose(memory["outputs"], outputs, atol=1e-6)
    np.testing.assert_allclose(
        memory["result"], np.concatenate([states[i] for i in kept], axis=-1), atol=1e-6
    )
    assert memory["mask"].numpy().tolist() == REAL.tolist() and memory["ids"].numpy().tolist() == IDS.tolist()
    size = 6 * len(kept)
    assert reader.output_shapes == ((None, None, size), (None, size))
    # The last state is the output of the last real step; backwards, that of the first.
    np.testing.assert_allclose(memory["result"][1, :6], outputs[1, 1, :6], atol=1e-6)
    np.testing.assert_allclose(memory["result"][1, 6:], outputs[1, 0, 6:], atol=1e-6)


def test_without_states_the_result_is_the_mean_of_the_real_outputs():
    reader = reader_of(EncoderStack(1, 2, 8))
    memory = reader(IDS)
    outputs = memory["outputs"].numpy()
    np.testing.assert_allclose(memory["result"][0], outputs[0].mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(memory["result"][1], outputs[1, :2].mean(axis=0), atol=1e-6)
    assert reader.output_shapes == ((None, None, 6), (None, 6)) and "states" not in memory


def test_without_an_encoder_the_outputs_are_the_vectors():
    vectors = reader_of(None)(IDS)["outputs"]
    table = np.random.default_rng(1).normal(size=(9, 6), scale=0.5)
    np.testing.assert_allclose(vectors, table[IDS], atol=1e-6)


def test_positions_are_added_to_vectors_scaled_by_the_root_of_their_size():
    reader = reader_of(None, positions=SinePositions())
    vectors = reader.source.embeddings.numpy()[IDS] * 6**0.5
    waves = SinePositions()(np.zeros((1, 4, 6), "float32"))
    np.testing.assert_allclose(reader(IDS)["outputs"].numpy()[REAL], (vectors + waves)[REAL], atol=1e-5)


def test_features_of_zeros_are_padding_whatever_the_dense_layer_adds():
    reader = reader_of(None, keras.layers.Dense(6))
    kernel, bias = reader.get_weights()
    memory = reader(FEATURES)
    assert reader.takes_features and "ids" not in memory
    np.testing.assert_allclose(memory["outputs"], (FEATURES @ kernel + bias) * REAL[:, :, None], atol=1e-5)
    assert memory["mask"].numpy().tolist() == REAL.tolist()


@pytest.mark.parametrize("encoder", [recurrent(), None])
def test_the_bridge_is_fed_all_states_or_the_result(encoder):
    bridge = StateBridge([[5], [5]], "dense")
    reader = reader_of(encoder, bridge=bridge)
    memory = reader(IDS)
    fed = memory["result"] if encoder is None else reader.encoder(
        tf.gather(reader.source.embeddings, IDS), mask=REAL)[1:]  # fmt: skip
    fed = np.concatenate([np.asarray(state) for state in fed], axis=-1) if encoder else np.asarray(fed)
    for (state,), dense in zip(memory["states"], bridge.dense, strict=True):
        kernel, bias = dense.get_weights()
        np.testing.assert_allclose(state, np.tanh(fed @ kernel + bias), atol=1e-5)


@pytest.mark.parametrize("source", [IDS, FEATURES], ids=["ids", "features"])
def test_a_source_read_from_its_end(source):
    options = {} if source is IDS else {"source": keras.layers.Dense(6)}
    backwards = reader_of(recurrent(), reverse=True, **options)
    if source is FEATURES:
        options = {"source": keras.layers.Dense(6)}
    reader = reader_of(recurrent(), **options)
    turned = source[[[0], [1]], [[3, 2, 1, 0], [1, 0, 2, 3]]]
    expected, found = reader(turned), backwards(source)
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], atol=1e-6)
    assert source is FEATURES or found["ids"].numpy().tolist() == [[3, 6, 5, 4], [3, 7, 0, 0]]


def test_a_silent_frame_inside_does_not_end_a_source_read_from_its_end():
    """Frames of zeros are skipped, so that others before and behind them are read in turn."""
    features = FEATURES.copy()
    features[0, 1] = 0
    assert lengths(features).numpy().tolist() == [4, 2]
    assert lengths(IDS).numpy().tolist() == [4, 2]
    assert (
        lengths(tf.zeros((2, 0, 5))).numpy().tolist()
        == lengths(tf.zeros((2, 3, 5))).numpy().tolist()
        == [0, 0]
    )
    backwards, reader = (
        reader_of(recurrent(), keras.layers.Dense(6), reverse=turned) for turned in (True, False)
    )
    turned = np.stack([features[0, ::-1], features[1, [1, 0, 2, 3]]])
    expected, found = reader(turned), backwards(features)
    assert found["mask"].numpy().tolist() == [[True, True, False, True], [True, True, False, False]]
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], atol=1e-6)


def test_dropout_of_the_vectors_in_training():
    reader = reader_of(None, dropout=0.5)
    assert not np.allclose(reader(IDS, training=True)["outputs"], reader(IDS)["outputs"])


def test_the_config_holds_all_parts():
    reader = reader_of(
        recurrent(bidirectional=True),
        bridge=StateBridge([[5]], bidirectional=False),
        reverse=True,
        dropout=0.2,
    )
    twin = SourceReader.from_config(reader.get_config())
    twin.build((None, None))
    twin.set_weights(reader.get_weights())
    for own, other in zip(*(keras.tree.flatten(one(IDS)) for one in (reader, twin)), strict=True):
        np.testing.assert_array_equal(own, other)
    assert twin.get_config() == reader.get_config()


def test_ids_beyond_the_vocabulary_become_unknown():
    assert within(tf.constant([[0, 1, 8, 9, 500]]), 9).numpy().tolist() == [[0, 1, 8, 1, 1]]
