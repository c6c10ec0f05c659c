"""Steps of attention with weights that were joined before their loop."""

import contextlib

import numpy as np
import pytest
import tensorflow as tf

from nlpkit.generation.writer import Writer
from nlpkit.layers import CachedAttention
from nlpkit.layers.joined_weights import joined_of, joined_weights
from nlpkit.models import build_encoder_decoder, build_generator

X = np.random.default_rng(0).normal(size=(2, 5, 6)).astype("float32")


def steps(layer):
    """The outputs of all steps, and the last state."""
    state, outputs = layer.initial_state(2, max_length=5), []
    for time in range(5):
        output, state = layer.step(X[:, time], state)
        outputs.append(output)
    return np.stack(outputs, axis=1), state


@pytest.mark.parametrize("positions", [None, "rotary", "relative"])
def test_steps_give_what_they_give_elsewhere(positions):
    layer = CachedAttention(2, key_dim=4, causal=True, positions=positions)
    layer(X)
    for weights in layer.weights:  # biases of zero would hide where they go
        weights.assign(np.random.default_rng(1).normal(size=weights.shape))
    expected, (found, state) = layer(X), steps(layer)
    with joined_weights(layer):
        assert joined_of(layer)[0].shape == (6, 24)
        joined, after = steps(layer)
    np.testing.assert_allclose(joined, found, atol=1e-5)
    np.testing.assert_allclose(joined, expected, atol=1e-5)
    tf.nest.map_structure(lambda one, other: np.testing.assert_allclose(one, other, atol=1e-5), state, after)
    assert joined_of(layer) is None


@pytest.mark.parametrize("options", [{"causal": False}, {"causal": True, "dtype": "mixed_float16"}], ids=str)
def test_nothing_is_joined_without_steps_or_in_half_precision(options):
    layer = CachedAttention(2, **options)
    layer(X)
    with joined_weights(layer):
        assert joined_of(layer) is None


def test_the_loop_that_writes_multiplies_once_where_it_multiplied_three_times():
    network = build_generator(20, cell="transformer", units=8, num_layers=2, num_heads=2)
    generation = Writer(network).begin(tf.constant([[3, 7], [3, 0]]), max_new_tokens=5)[1]

    def products(context):
        with context:
            graph = tf.function(lambda *given: network.step(*given)).get_concrete_function(
                tf.TensorSpec([2], tf.int32), generation.state
            )
        return sum(node.op == "MatMul" for node in graph.graph.as_graph_def().node)

    assert products(contextlib.nullcontext()) - products(joined_weights(network)) == 4


@pytest.mark.parametrize("tie", [True, False])
def test_a_language_model_turns_the_table_of_its_output(tie):
    network = build_generator(20, cell="gru", units=8, tie=tie)
    state, token_ids = network.initial_state(3, 5), tf.constant([4, 9, 19])
    expected = network.step(token_ids, state)[0]
    with joined_weights(network):
        assert joined_of(network).shape == (8, 20)
        np.testing.assert_allclose(network.step(token_ids, state)[0], expected, atol=1e-5)


@pytest.mark.parametrize("options", [{"cell": "gru"}, {"cell": "transformer", "num_heads": 2}], ids=str)
def test_an_encoder_decoder_turns_the_table_of_its_output(options):
    network = build_encoder_decoder(15, 20, units=8, num_layers=1, **options)
    state, token_ids = network.initial_state(tf.constant([[4, 5, 3], [6, 3, 0]]), 5), tf.constant([4, 19])
    expected = network.step(token_ids, state)[0]
    with joined_weights(network):
        assert joined_of(network).shape == (8, 20)
        np.testing.assert_allclose(network.step(token_ids, state)[0], expected, atol=1e-5)


def test_an_adaptive_softmax_and_half_precision_turn_nothing():
    adaptive = build_generator(20, units=8, cutoffs=[5])
    half = build_generator(20, units=8, dtype="mixed_float16")
    pairs = build_encoder_decoder(15, 20, units=8, dtype="mixed_bfloat16")
    assert [network.join_weights() for network in (adaptive, half, pairs)] == [None] * 3
