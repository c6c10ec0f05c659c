"""The Transformer's feed-forward layer."""

import keras

from nlpkit.errors import InputError

ACTIVATIONS = {"relu": "relu", "gelu": "gelu", "swiglu": "silu"}


@keras.saving.register_keras_serializable(package="nlpkit")
class FeedForward(keras.layers.Layer):
    """Two dense layers for each step by itself: wider, with an activation, and back to the size of the input.

    `"relu"` is `max(x W1 + b1, 0) W2 + b2`, `"gelu"` has `x Φ(x)` in place of the maximum. `"swiglu"` multiplies the
    activated half by another one, `(silu(x W) * x V) W2`, without biases; with two thirds of the `intermediate_dim` it
    has as many weights as the others.

    Args:
        intermediate_dim: int. Size between the two layers.
        activation: `"relu"`, `"gelu"` or `"swiglu"`. Defaults to `"gelu"`.

    Call arguments:
        inputs: Float tensor of shape `(…, features)`.

    Returns:
        Float tensor of the same shape.

    Raises:
        InputError: If `activation` is unknown.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import FeedForward
        >>> FeedForward(16, "swiglu")(np.ones((2, 5, 8))).shape
        TensorShape([2, 5, 8])

    Reference:
        [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762), GELU
        [Hendrycks & Gimpel, 2016](https://arxiv.org/abs/1606.08415), SwiGLU
        [Shazeer, 2020](https://arxiv.org/abs/2002.05202)
    """

    def __init__(self, intermediate_dim, activation="gelu", **kwargs):
        super().__init__(**kwargs)
        if activation not in ACTIVATIONS:
            raise InputError(
                f"`activation` must be one of {list(ACTIVATIONS)}. Received: activation={activation!r}"
            )
        self.intermediate_dim, self.activation = intermediate_dim, activation
        self.supports_masking = True

    def build(self, input_shape):
        gated = self.activation == "swiglu"
        part = {"use_bias": not gated, "dtype": self.dtype_policy}
        self.expand = keras.layers.Dense(
            self.intermediate_dim, activation=ACTIVATIONS[self.activation], name="expand", **part
        )
        self.gate = keras.layers.Dense(self.intermediate_dim, name="gate", **part) if gated else None
        self.contract = keras.layers.Dense(input_shape[-1], name="contract", **part)
        self.expand.build(input_shape)
        if gated:
            self.gate.build(input_shape)
        self.contract.build((*input_shape[:-1], self.intermediate_dim))

    def call(self, inputs):
        hidden = self.expand(inputs)
        if self.gate is not None:
            hidden *= self.gate(inputs)
        return self.contract(hidden)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        own = {"intermediate_dim": self.intermediate_dim, "activation": self.activation}
        return {**super().get_config(), **own}
