"""Encoder blocks one after another as one layer: the Transformer's encoder."""

import keras

from nlpkit.errors import InputError
from nlpkit.layers.encoder_block import EncoderBlock
from nlpkit.layers.padding import zero_padding

OPTIONS = ("num_heads", "intermediate_dim", "dropout", "norm", "activation", "positions", "window")


@keras.saving.register_keras_serializable(package="nlpkit")
class EncoderStack(keras.layers.Layer):
    """Runs encoder blocks one after another, and with `norm="pre"` normalises what the last one gives.

    Padding may hold anything; outputs at padded steps are zero.

    Args:
        num_layers: int, at least 1. Blocks on top of each other.
        num_heads: int. Attention heads of each block.
        intermediate_dim: int. Size of the feed-forward layers.
        dropout: float between 0 and 1. As in `EncoderBlock`. Defaults to 0.
        norm: `"pre"` or `"post"`. As in `EncoderBlock`. Defaults to `"pre"`.
        activation: `"relu"`, `"gelu"` or `"swiglu"`. As in `FeedForward`. Defaults to `"gelu"`.
        positions: `None`, `"rotary"` or `"relative"`. As in `CachedAttention`. Defaults to `None`.
        window: int. As in `CachedAttention`. Defaults to `None`, no limit.

    Call arguments:
        inputs: Float tensor of shape `(batch, time, features)`.
        mask: Bool tensor of shape `(batch, time)`.
        return_attention_scores: bool. Also returns a list of the weights of each block, float32
            `(batch, heads, time, time)`.
        training: bool. Whether dropout is active.

    Returns:
        Float tensor of shape `(batch, time, features)`.

    Raises:
        InputError: If there is no layer, or as in `EncoderBlock`.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import EncoderStack
        >>> stack = EncoderStack(2, num_heads=2, intermediate_dim=16)
        >>> stack(np.ones((3, 5, 8))).shape
        TensorShape([3, 5, 8])
        >>> _, weights = stack(np.ones((3, 5, 8)), return_attention_scores=True)
        >>> len(weights), weights[-1].shape
        (2, TensorShape([3, 2, 5, 5]))

    Reference:
        [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762), pre-norm as in
        [Xiong et al., 2020](https://arxiv.org/abs/2002.04745)
    """

    def __init__(
        self,
        num_layers,
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
        self.supports_masking = True
        self.num_layers = num_layers
        self.blocks = stacked(
            EncoderBlock,
            num_layers,
            num_heads=num_heads,
            intermediate_dim=intermediate_dim,
            dropout=dropout,
            norm=norm,
            activation=activation,
            positions=positions,
            window=window,
            dtype=self.dtype_policy,
        )
        self.norm = last_norm(self.blocks)

    def build(self, input_shape):
        for layer in self.blocks if self.norm is None else (*self.blocks, self.norm):
            layer.build(input_shape)

    def call(self, inputs, mask=None, return_attention_scores=False, training=False):
        options, scores = {"return_attention_scores": True, "training": training}, []
        for block in self.blocks:
            inputs, weights = block(inputs, mask=mask, **options)
            scores.append(weights)
        outputs = inputs if self.norm is None else zero_padding(self.norm(inputs), mask)
        return (outputs, scores) if return_attention_scores else outputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def compute_output_spec(self, inputs, mask=None, return_attention_scores=False, training=False):
        found = [block.compute_output_spec(inputs, return_attention_scores=True) for block in self.blocks]
        outputs = found[-1][0]
        return (outputs, [weights for _, weights in found]) if return_attention_scores else outputs

    def get_config(self):
        own = {name: getattr(self.blocks[0], name) for name in OPTIONS}
        return {**super().get_config(), "num_layers": self.num_layers, **own}


def stacked(block_class, num_layers, **options):
    """Blocks of one kind with the same options."""
    if num_layers < 1:
        raise InputError(f"`num_layers` must be at least 1. Received: num_layers={num_layers!r}")
    return [block_class(name=f"block_{number}", **options) for number in range(num_layers)]


def last_norm(blocks):
    """What a stack of such blocks ends with: blocks that normalise their sums leave nothing to do."""
    if blocks[-1].norm == "post":
        return None
    return keras.layers.LayerNormalization(name="norm", dtype=blocks[-1].dtype_policy)
