"""The Transformer's encoder block."""

import keras

from nlpkit.errors import InputError
from nlpkit.layers.cached_attention import CachedAttention
from nlpkit.layers.feed_forward import FeedForward
from nlpkit.layers.padding import zero_padding

NORMS = ("pre", "post")


@keras.saving.register_keras_serializable(package="nlpkit")
class EncoderBlock(keras.layers.Layer):
    """Self-attention and a feed-forward layer, each normalised and added to its input.

    With `norm="pre"`, `x + part(norm(x))`, a stack needs one more normalisation at its end, and no warm-up of the
    learning rate. With `norm="post"`, `norm(x + part(x))`, it needs the warm-up. Padding may hold anything;
    outputs at padded steps are zero.

    Args:
        num_heads: int. Attention heads, from one to as many as there are features. Each has `features // num_heads`
            features of its own.
        intermediate_dim: int. Size of the feed-forward layer.
        dropout: float between 0 and 1. Of the attention weights, and of what each part adds. Defaults to 0.
        norm: `"pre"` or `"post"`. Whether a part's input is normalised or the sum. Defaults to `"pre"`.
        activation: `"relu"`, `"gelu"` or `"swiglu"`. As in `FeedForward`. Defaults to `"gelu"`.
        positions: `None`, `"rotary"` or `"relative"`. As in `CachedAttention`. Defaults to `None`.
        window: int. As in `CachedAttention`. Defaults to `None`, no limit.

    Call arguments:
        inputs: Float tensor of shape `(batch, time, features)`.
        mask: Bool tensor of shape `(batch, time)`.
        return_attention_scores: bool. Also returns the weights, float32 `(batch, heads, time, time)`.
        training: bool. Whether dropout is active.

    Returns:
        Float tensor of shape `(batch, time, features)`.

    Raises:
        InputError: If there are no heads, or more than features, rotary heads have an odd size, or an option is
            unknown.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import EncoderBlock
        >>> EncoderBlock(num_heads=2, intermediate_dim=16)(np.ones((2, 5, 8))).shape
        TensorShape([2, 5, 8])

    Reference:
        [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762), pre-norm as in
        [Xiong et al., 2020](https://arxiv.org/abs/2002.04745)
    """

    causal = False

    def __init__(
        self,
        num_heads,
        intermediate_dim,
        *,
        dropout=0.0,
        norm="pre",
        activation="gelu",
        positions=None,
        window=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if norm not in NORMS:
            raise InputError(f"`norm` must be one of {list(NORMS)}. Received: norm={norm!r}")
        self.num_heads, self.intermediate_dim, self.dropout = num_heads, intermediate_dim, dropout
        self.norm, self.activation, self.positions, self.window = norm, activation, positions, window
        self.supports_masking = True
        part = {"dtype": self.dtype_policy}
        self.attention = CachedAttention(
            num_heads,
            causal=self.causal,
            positions=positions,
            window=window,
            dropout=dropout,
            name="attention",
            **part,
        )
        self.feed_forward = FeedForward(intermediate_dim, activation, name="feed_forward", **part)
        self.attention_norm = keras.layers.LayerNormalization(name="attention_norm", **part)
        self.feedforward_norm = keras.layers.LayerNormalization(name="feedforward_norm", **part)
        self.drop = keras.layers.Dropout(dropout, name="dropout", **part)

    @property
    def expand(self):
        """The first layer of the feed-forward layer; saved files have it under this name."""
        return self.feed_forward.expand

    @property
    def contract(self):
        """The last layer of the feed-forward layer; saved files have it under this name."""
        return self.feed_forward.contract

    def build(self, input_shape):
        for layer in (self.attention_norm, self.attention, self.feedforward_norm, self.feed_forward):
            layer.build(input_shape)

    def call(self, inputs, mask=None, return_attention_scores=False, training=False):
        inputs = zero_padding(inputs, mask)
        attended, weights = self.attention(
            self._before(self.attention_norm, inputs),
            mask=mask,
            return_attention_scores=True,
            training=training,
        )
        hidden = self._after(self.attention_norm, inputs, attended, training)
        outputs = zero_padding(self._feed_forward(hidden, training), mask)
        return (outputs, weights) if return_attention_scores else outputs

    def _feed_forward(self, hidden, training=False):
        changed = self.feed_forward(self._before(self.feedforward_norm, hidden))
        return self._after(self.feedforward_norm, hidden, changed, training)

    def _before(self, norm, hidden):
        return norm(hidden) if self.norm == "pre" else hidden

    def _after(self, norm, hidden, change, training=False):
        hidden = hidden + self.drop(change, training=training)
        return hidden if self.norm == "pre" else norm(hidden)

    def compute_output_shape(self, input_shape):
        return input_shape

    def compute_output_spec(self, inputs, mask=None, return_attention_scores=False, training=False):
        outputs = keras.KerasTensor(inputs.shape, self.compute_dtype)
        batch, time, _ = inputs.shape
        weights = keras.KerasTensor((batch, self.num_heads, time, time), "float32")
        return (outputs, weights) if return_attention_scores else outputs

    def get_config(self):
        own = {
            "num_heads": self.num_heads,
            "intermediate_dim": self.intermediate_dim,
            "dropout": self.dropout,
            "norm": self.norm,
            "activation": self.activation,
            "positions": self.positions,
            "window": self.window,
        }
        return {**super().get_config(), **own}
