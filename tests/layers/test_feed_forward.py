"""The feed-forward layer against NumPy formulas."""

import math

import numpy as np
import pytest

from nlpkit.errors import InputError
from nlpkit.layers.feed_forward import FeedForward

RANDOM = np.random.default_rng(0)
STEPS = RANDOM.normal(size=(3, 6, 4)).astype("float32")


def relu(x):
    return np.maximum(x, 0)


def gelu(x):
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def silu(x):
    return x / (1 + np.exp(-x))


def filled(activation):
    layer = FeedForward(5, activation)
    layer(STEPS)
    layer.set_weights([RANDOM.normal(size=weight.shape) for weight in layer.get_weights()])
    return layer, layer.get_weights()


@pytest.mark.parametrize("function", [relu, gelu])
def test_two_dense_layers(function):
    layer, (wide, wide_bias, back, back_bias) = filled(function.__name__)
    expected = function(STEPS @ wide + wide_bias) @ back + back_bias
    np.testing.assert_allclose(layer(STEPS), expected, atol=1e-5)


def test_swiglu():
    layer, (wide, gate, back) = filled("swiglu")
    np.testing.assert_allclose(layer(STEPS), (silu(STEPS @ wide) * (STEPS @ gate)) @ back, atol=1e-5)


def test_a_step_is_a_row():
    layer, _ = filled("swiglu")
    np.testing.assert_allclose(layer(STEPS[:, 2]), np.asarray(layer(STEPS))[:, 2], atol=1e-6)


def test_unknown_activation():
    with pytest.raises(
        InputError, match=r"`activation` must be one of .*'swiglu'\]. Received: activation='tanh'"
    ):
        FeedForward(4, "tanh")
