"""Decoder blocks one after another as one layer: a Transformer that predicts the next step."""

import keras

from nlpkit.errors import InputError
from nlpkit.layers.decoder_block import DecoderBlock


@keras.saving.register_keras_serializable(package="nlpkit")
class DecoderStack(keras.layers.Layer):
    """Runs decoder blocks without a context one after another, and normalises what the last one gives.

    Every step sees the steps before it only. `initial_state` and `step` give the same outputs one step at a time, with
    a cache of a fixed size.

    Args:
        num_layers: int, at least 1. Blocks on top of each other.
        num_heads: int. Attention heads of each block.
        intermediate_dim: int. Size of the feed-forward layers.
        dropout: float between 0 and 1. As in `DecoderBlock`. Defaults to 0.
        activation: `"relu"`, `"gelu"` or `"swiglu"`. As in `FeedForward`. Defaults to `"gelu"`.
        positions: `None`, `"rotary"` or `"relative"`. As in `CachedAttention`. Defaults to `"rotary"`.
        window: int. As in `CachedAttention`. Defaults to `None`, no limit.

    Call arguments:
        inputs: Float tensor of shape `(batch, time, features)`.
        mask: Bool tensor of shape `(batch, time)`.
        training: bool. Whether dropout is active.

    Returns:
        Float tensor of shape `(batch, time, features)`.

    Raises:
        InputError: If there is no layer, or as in `DecoderBlock`.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import DecoderStack
        >>> stack = DecoderStack(2, num_heads=2, intermediate_dim=16)
        >>> stack(np.ones((3, 5, 8))).shape
        TensorShape([3, 5, 8])
        >>> output, state = stack.step(np.ones((3, 8)), stack.initial_state(3, max_length=5))
        >>> output.shape
        TensorShape([3, 8])

    Reference:
        [Radford et al., 2019](https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf)
    """

    def __init__(
        self,
        num_layers,
        num_heads,
        intermediate_dim,
        *,
        dropout=0.0,
        activation="gelu",
        positions="rotary",
        window=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if num_layers < 1:
            raise InputError(f"`num_layers` must be at least 1. Received: num_layers={num_layers!r}")
        self.num_layers, self.num_heads, self.intermediate_dim = num_layers, num_heads, intermediate_dim
        self.dropout, self.activation, self.positions, self.window = dropout, activation, positions, window
        self.supports_masking = True
        part = {"dtype": self.dtype_policy}
        self.blocks = [
            DecoderBlock(
                num_heads,
                intermediate_dim,
                dropout=dropout,
                activation=activation,
                positions=positions,
                window=window,
                name=f"block_{number}",
                **part,
            )
            for number in range(num_layers)
        ]
        self.norm = keras.layers.LayerNormalization(name="norm", **part)

    def build(self, input_shape):
        for layer in (*self.blocks, self.norm):
            layer.build(input_shape)

    def call(self, inputs, mask=None, training=False):
        for block in self.blocks:
            inputs = block(inputs, mask=mask, training=training)
        return self.norm(inputs)

    def initial_state(self, batch_size, max_length):
        """The empty caches of all blocks.

        Args:
            batch_size: int or scalar tensor.
            max_length: int. Steps that there is room for.

        Returns:
            List of dicts, as `DecoderBlock.initial_state` gives them.
        """
        return [block.initial_state(batch_size, max_length) for block in self.blocks]

    def step(self, x, state):
        """Outputs of one step.

        Args:
            x: Float tensor of shape `(batch, features)`.
            state: As from `initial_state`.

        Returns:
            Tuple of the output `(batch, features)` and the next state.
        """
        after = []
        for block, own in zip(self.blocks, state, strict=True):
            x, own = block.step(x, own)
            after.append(own)
        return self.norm(x), after

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        own = {
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "intermediate_dim": self.intermediate_dim,
            "dropout": self.dropout,
            "activation": self.activation,
            "positions": self.positions,
            "window": self.window,
        }
        return {**super().get_config(), **own}
