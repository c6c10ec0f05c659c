"""The Transformer's encoder block."""

import keras

from nlpkit.errors import InputError


@keras.saving.register_keras_serializable(package="nlpkit")
class EncoderBlock(keras.layers.Layer):
    """Self-attention and a feed-forward layer, each normalised first and added to its input.

    Args:
        num_heads: int. Attention heads, from one to as many as there are features. Each has `features // num_heads`
            features of its own.
        intermediate_dim: int. Size of the feed-forward layer.
        dropout: float between 0 and 1. Defaults to 0.

    Call arguments:
        inputs: Float tensor of shape `(batch, time, features)`.
        mask: Bool tensor of shape `(batch, time)`.
        training: bool. Whether dropout is active.

    Returns:
        Float tensor of shape `(batch, time, features)`.

    Raises:
        InputError: If there are no heads, or more than features.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import EncoderBlock
        >>> EncoderBlock(num_heads=2, intermediate_dim=16)(np.ones((2, 5, 8))).shape
        TensorShape([2, 5, 8])

    Reference:
        [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762), pre-norm as in
        [Xiong et al., 2020](https://arxiv.org/abs/2002.04745)
    """

    def __init__(self, num_heads, intermediate_dim, *, dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        self.num_heads, self.intermediate_dim, self.dropout = num_heads, intermediate_dim, dropout
        self.supports_masking = True

    def build(self, input_shape):
        size = input_shape[-1]
        if not 1 <= self.num_heads <= size:
            raise InputError(
                f"`num_heads` must be between 1 and the number of features ({size}). "
                f"Received: num_heads={self.num_heads!r}"
            )
        part = {"dtype": self.dtype_policy}
        self.attention_norm = keras.layers.LayerNormalization(name="attention_norm", **part)
        self.attention = keras.layers.MultiHeadAttention(
            self.num_heads, size // self.num_heads, dropout=self.dropout, name="attention", **part
        )
        self.feedforward_norm = keras.layers.LayerNormalization(name="feedforward_norm", **part)
        self.expand = keras.layers.Dense(self.intermediate_dim, activation="gelu", name="expand", **part)
        self.contract = keras.layers.Dense(size, name="contract", **part)
        self.drop = keras.layers.Dropout(self.dropout, name="dropout", **part)
        for layer in (self.attention_norm, self.feedforward_norm, self.expand):
            layer.build(input_shape)
        self.attention.build(input_shape, input_shape)
        self.contract.build((*input_shape[:-1], self.intermediate_dim))

    def call(self, inputs, mask=None, training=False):
        normed = self.attention_norm(inputs)
        attention_mask = None if mask is None else mask[:, None, :]
        attended = self.attention(normed, normed, attention_mask=attention_mask, training=training)
        hidden = inputs + self.drop(attended, training=training)
        expanded = self.contract(self.expand(self.feedforward_norm(hidden)))
        return hidden + self.drop(expanded, training=training)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        own = {
            "num_heads": self.num_heads,
            "intermediate_dim": self.intermediate_dim,
            "dropout": self.dropout,
        }
        return {**super().get_config(), **own}
