"""Decoder blocks one after another as one layer: a Transformer that predicts the next step."""

import keras

from nlpkit.layers.decoder_block import DecoderBlock
from nlpkit.layers.encoder_stack import OPTIONS, last_norm, stacked
from nlpkit.layers.padding import zero_padding


@keras.saving.register_keras_serializable(package="nlpkit")
class DecoderStack(keras.layers.Layer):
    """Runs decoder blocks one after another, and with `norm="pre"` normalises what the last one gives.

    Every step sees the steps before it only, and with `cross_attention` each block attends to the same `context`.
    `initial_state` and `step` give the same outputs one step at a time, with a cache of a fixed size and the context
    projected once. Padding may hold anything; outputs at padded steps are zero.

    Args:
        num_layers: int, at least 1. Blocks on top of each other.
        num_heads: int. Attention heads of each block.
        intermediate_dim: int. Size of the feed-forward layers.
        cross_attention: bool. Whether the blocks also attend to a `context`. Defaults to `False`.
        dropout: float between 0 and 1. As in `DecoderBlock`. Defaults to 0.
        norm: `"pre"` or `"post"`. As in `DecoderBlock`. Defaults to `"pre"`.
        activation: `"relu"`, `"gelu"` or `"swiglu"`. As in `FeedForward`. Defaults to `"gelu"`.
        positions: `None`, `"rotary"` or `"relative"`. As in `CachedAttention`. Defaults to `"rotary"`.
        window: int. As in `CachedAttention`. Defaults to `None`, no limit.

    Call arguments:
        inputs: Float tensor of shape `(batch, time, features)`.
        context: Float tensor of shape `(batch, context_time, context_features)`: an encoder's outputs.
        mask: Bool tensor of shape `(batch, time)`.
        context_mask: Bool tensor of shape `(batch, context_time)`.
        return_attention_scores: bool. Also returns a list with a tuple for each block: the weights of its
            self-attention, float32 `(batch, heads, time, time)`, and with `cross_attention` those over the context,
            `(batch, heads, time, context_time)`.
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
        >>> decoder = DecoderStack(2, num_heads=2, intermediate_dim=16, cross_attention=True)
        >>> _, weights = decoder(np.ones((3, 5, 8)), np.ones((3, 7, 6)), return_attention_scores=True)
        >>> own, over_context = weights[-1]
        >>> own.shape, over_context.shape
        (TensorShape([3, 2, 5, 5]), TensorShape([3, 2, 5, 7]))

    Reference:
        [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762), without a context
        [Radford et al., 2019](https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf)
    """

    def __init__(
        self,
        num_layers,
        num_heads,
        intermediate_dim,
        *,
        cross_attention=False,
        dropout=0.0,
        norm="pre",
        activation="gelu",
        positions="rotary",
        window=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.num_layers = num_layers
        self.blocks = stacked(
            DecoderBlock,
            num_layers,
            num_heads=num_heads,
            intermediate_dim=intermediate_dim,
            cross_attention=cross_attention,
            dropout=dropout,
            norm=norm,
            activation=activation,
            positions=positions,
            window=window,
            dtype=self.dtype_policy,
        )
        self.norm = last_norm(self.blocks)

    def build(self, inputs_shape, context_shape=None):
        for block in self.blocks:
            block.build(inputs_shape, context_shape)
        if self.norm is not None:
            self.norm.build(inputs_shape)

    def call(
        self,
        inputs,
        context=None,
        mask=None,
        context_mask=None,
        return_attention_scores=False,
        training=False,
    ):
        if mask is None:  # Keras hands it over by itself only where `inputs` is the only tensor.
            mask = getattr(inputs, "_keras_mask", None)
        masks, scores = {"mask": mask, "context_mask": context_mask}, []
        for block in self.blocks:
            inputs, *weights = block(
                inputs, context, **masks, return_attention_scores=True, training=training
            )
            scores.append(tuple(weights))
        outputs = inputs if self.norm is None else zero_padding(self.norm(inputs), mask)
        return (outputs, scores) if return_attention_scores else outputs

    def initial_state(self, batch_size, max_length, context=None, context_mask=None):
        """The empty caches of all blocks, and what they attend to.

        Args:
            batch_size: int or scalar tensor.
            max_length: int. Steps that there is room for.
            context: Float tensor of shape `(batch, context_time, context_features)`. Defaults to `None`.
            context_mask: Bool tensor of shape `(batch, context_time)`. Defaults to `None`, all real.

        Returns:
            List of dicts, as `DecoderBlock.initial_state` gives them.
        """
        return [block.initial_state(batch_size, max_length, context, context_mask) for block in self.blocks]

    def step(self, x, state, return_attention_scores=False):
        """Outputs of one step.

        Args:
            x: Float tensor of shape `(batch, features)`.
            state: As from `initial_state`.
            return_attention_scores: bool. Also returns a list with a tuple for each block, of the weights that
                `DecoderBlock.step` gives. Defaults to `False`.

        Returns:
            Tuple of the output `(batch, features)`, the next state, and the weights if they are asked for.
        """
        after, scores = [], []
        for block, own in zip(self.blocks, state, strict=True):
            x, own, *weights = block.step(x, own, return_attention_scores)
            after.append(own)
            scores.append(tuple(weights))
        output = x if self.norm is None else self.norm(x)
        return (output, after, scores) if return_attention_scores else (output, after)

    def compute_output_shape(self, inputs_shape, context_shape=None):
        return inputs_shape

    def compute_output_spec(
        self,
        inputs,
        context=None,
        mask=None,
        context_mask=None,
        return_attention_scores=False,
        training=False,
    ):
        found = [
            block.compute_output_spec(inputs, context, return_attention_scores=True) for block in self.blocks
        ]
        outputs = found[-1][0]
        return (outputs, [tuple(weights) for _, *weights in found]) if return_attention_scores else outputs

    def get_config(self):
        own = {name: getattr(self.blocks[0], name) for name in (*OPTIONS, "cross_attention")}
        return {**super().get_config(), "num_layers": self.num_layers, **own}
