"""Adaptive softmax against the paper's formula in NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import check_config, check_keras_file

from nlpkit import InputError
from nlpkit.layers.adaptive_softmax import AdaptiveSoftmax

RANDOM = np.random.default_rng(0)
STATES = RANDOM.normal(size=(3, 6, 8)).astype("float32")
MASK = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0]], bool)
TARGETS = np.where(MASK, RANDOM.integers(1, 20, MASK.shape), 0).astype("int32")
TARGETS[0, :4] = 4, 5, 10, 11  # on both sides of the cutoffs
OPTIONS = [
    {"cutoffs": [5, 11]},
    {"cutoffs": [5, 11], "div_value": 2.0},
    {"cutoffs": [19]},
    {"cutoffs": [1, 2, 3]},
]


def make(arguments, **more):
    keras.utils.set_random_seed(1)
    layer = AdaptiveSoftmax(20, **arguments, **more)
    layer.build((None, None, 8))
    return layer


def log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def reference(layer, states, cutoffs):
    """P(w) = P_head(w), or P_head(cluster of w) P_cluster(w), token by token as PyTorch's layer computes it."""
    weights = {weight.name: weight.numpy().astype("float64") for weight in layer.weights}
    head = log_softmax(states @ weights["head"])
    result = np.empty((*states.shape[:-1], 20))
    for token in range(20):
        cluster = sum(token >= cutoff for cutoff in cutoffs)
        if cluster == 0:
            result[..., token] = head[..., token]
            continue
        tail = log_softmax(states @ weights[f"projection_{cluster}"] @ weights[f"output_{cluster}"])
        within = token - cutoffs[cluster - 1]
        result[..., token] = head[..., cutoffs[0] + cluster - 1] + tail[..., within]
    return result


@pytest.mark.parametrize("arguments", OPTIONS, ids=str)
def test_log_probabilities_equal_numpy_and_sum_to_one(arguments):
    layer = make(arguments)
    outputs = np.asarray(layer(STATES))
    np.testing.assert_allclose(outputs, reference(layer, STATES, arguments["cutoffs"]), atol=1e-5)
    np.testing.assert_allclose(np.exp(outputs).sum(axis=-1), 1.0, atol=1e-5)
    np.testing.assert_array_equal(layer.log_probabilities(STATES), outputs)
    for step in range(6):
        np.testing.assert_allclose(layer(STATES[:, step]), outputs[:, step], atol=1e-5)


def test_sizes_are_those_of_the_paper():
    shapes = {weight.name: tuple(weight.shape) for weight in make({"cutoffs": [5, 11]}).weights}
    assert shapes == {
        "head": (8, 7),
        "projection_1": (8, 2),
        "output_1": (2, 6),
        "projection_2": (8, 1),
        "output_2": (1, 9),
    }


@pytest.mark.parametrize("in_graph", [False, True])
@pytest.mark.parametrize("arguments", OPTIONS, ids=str)
def test_loss_is_the_mean_over_the_real_steps(arguments, in_graph):
    layer = make(arguments)
    expected = np.take_along_axis(reference(layer, STATES, arguments["cutoffs"]), TARGETS[..., None], -1)[
        ..., 0
    ]
    loss, each = layer.loss, layer.target_log_probabilities
    if in_graph:
        shapes = [
            tf.TensorSpec((None, None, 8)),
            tf.TensorSpec((None, None), "int32"),
            tf.TensorSpec((None, None), "bool"),
        ]
        loss, each = (tf.function(method, input_signature=shapes) for method in (loss, each))
    np.testing.assert_allclose(each(STATES, TARGETS, MASK), expected * MASK, atol=1e-5)
    np.testing.assert_allclose(loss(STATES, TARGETS, MASK), -expected[MASK].mean(), atol=1e-5)
    everything = np.ones_like(MASK)
    np.testing.assert_allclose(loss(STATES, TARGETS, everything), -expected.mean(), atol=1e-5)


def test_loss_without_padding_without_time_and_of_padding_alone():
    layer = make({"cutoffs": [5, 11]})
    whole = layer.loss(STATES, TARGETS)
    np.testing.assert_allclose(layer.loss(STATES, TARGETS, np.ones_like(MASK)), whole, atol=1e-6)
    flat = layer.loss(STATES.reshape(-1, 8), TARGETS.reshape(-1).astype("int64"))
    np.testing.assert_allclose(flat, whole, atol=1e-6)
    assert layer.loss(STATES, TARGETS, np.zeros_like(MASK)) == 0


def test_the_loss_touches_only_the_clusters_of_real_targets():
    layer = make({"cutoffs": [5, 11]})
    frequent = np.where(MASK, TARGETS % 5, 19)  # the last cluster stands at padded steps only
    before = layer.loss(STATES, frequent, MASK)
    for weight in layer.projections + layer.outputs:
        weight.assign(np.full(weight.shape, np.nan))
    weights = [weight.value for weight in layer.trainable_weights]
    with tf.GradientTape() as tape:
        loss = layer.loss(STATES, frequent, MASK)
    np.testing.assert_allclose(loss, before, atol=1e-6)
    for weight, gradient in zip(layer.weights, tape.gradient(loss, weights), strict=True):
        assert np.isfinite(gradient).all()
        assert np.any(gradient) == (weight.name == "head")


def test_every_weight_learns():
    layer = make({"cutoffs": [5, 11]})
    optimizer, losses = keras.optimizers.Adam(0.05), []
    before = layer.get_weights()
    for _ in range(30):
        with tf.GradientTape() as tape:
            loss = layer.loss(STATES, TARGETS, MASK)
        weights = layer.trainable_weights
        optimizer.apply(tape.gradient(loss, [weight.value for weight in weights]), weights)
        losses.append(float(loss))
    assert losses[-1] < 0.5 * losses[0]
    assert all((old != new).any() for old, new in zip(before, layer.get_weights(), strict=True))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_keeps_probabilities_exact(policy):
    exact, mixed = make({"cutoffs": [5, 11]}), make({"cutoffs": [5, 11]}, dtype=policy)
    mixed.set_weights(exact.get_weights())
    outputs = mixed(STATES)
    assert outputs.dtype == mixed(keras.KerasTensor((None, None, 8))).dtype == "float32"
    assert all(weight.dtype == "float32" for weight in mixed.weights)
    np.testing.assert_allclose(np.exp(outputs).sum(axis=-1), 1.0, atol=1e-5)
    np.testing.assert_allclose(outputs, exact(STATES), atol=0.1)
    loss = mixed.loss(STATES, TARGETS, MASK)
    assert loss.dtype == "float32"
    np.testing.assert_allclose(loss, exact.loss(STATES, TARGETS, MASK), atol=0.02)


def test_config_file_padding_and_shape():
    arguments = {"cutoffs": [5, 11], "div_value": 2.0}
    check_config(make(arguments))
    check_keras_file(AdaptiveSoftmax(20, **arguments), STATES)
    layer = AdaptiveSoftmax(20, **arguments)  # built by its first loss
    assert np.isfinite(layer.loss(STATES, TARGETS, MASK)) and layer.weights[0].path.startswith(layer.name)
    longer = np.concatenate([STATES, STATES[:, ::-1]], axis=1)
    more_targets, more_mask = np.tile(TARGETS, 2), np.concatenate([MASK, np.zeros_like(MASK)], axis=1)
    np.testing.assert_allclose(
        layer.loss(longer, more_targets, more_mask), layer.loss(STATES, TARGETS, MASK), atol=1e-6
    )
    assert layer.compute_output_shape((None, None, 8)) == (None, None, 20)


@pytest.mark.parametrize("cutoffs", [[], [0, 5], [5, 5], [7, 5], [5, 20]], ids=str)
def test_cutoffs_must_increase(cutoffs):
    with pytest.raises(
        InputError, match=r"`cutoffs` must increase, between 0 and .*\(20\).*Received: cutoffs=\["
    ):
        AdaptiveSoftmax(20, cutoffs)


def test_clusters_cannot_grow():
    with pytest.raises(InputError, match="`div_value` must be at least 1. Received: div_value=0.5"):
        AdaptiveSoftmax(20, [5], div_value=0.5)
