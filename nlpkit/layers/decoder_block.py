"""The Transformer's decoder block."""

import keras
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.layers.cached_attention import CachedAttention
from nlpkit.layers.encoder_block import EncoderBlock
from nlpkit.layers.padding import zero_padding


@keras.saving.register_keras_serializable(package="nlpkit")
class DecoderBlock(EncoderBlock):
    """Causal self-attention, attention to an encoder's outputs if wanted, and a feed-forward layer.

    Each part is normalised and added to its input, as in `EncoderBlock`. `initial_state` and `step` give the same
    outputs one step at a time: keys and values of earlier steps are kept, those of the encoder projected once. Padding
    may hold anything; outputs at padded steps are zero. Where the context has no real token, nothing is added from it.

    Args:
        num_heads: int. Attention heads, from one to as many as there are features. Each has `features // num_heads`
            features of its own.
        intermediate_dim: int. Size of the feed-forward layer.
        cross_attention: bool. Whether it also attends to a `context`. Defaults to `False`.
        dropout: float between 0 and 1. Of the attention weights, and of what each part adds. Defaults to 0.
        norm: `"pre"` or `"post"`. Whether a part's input is normalised or the sum. Defaults to `"pre"`.
        activation: `"relu"`, `"gelu"` or `"swiglu"`. As in `FeedForward`. Defaults to `"gelu"`.
        positions: `None`, `"rotary"` or `"relative"`. Of the self-attention, as in `CachedAttention`. Defaults to
            `None`.
        window: int. Of the self-attention, as in `CachedAttention`. Defaults to `None`, no limit.

    Call arguments:
        inputs: Float tensor of shape `(batch, time, features)`.
        context: Float tensor of shape `(batch, context_time, context_features)`: an encoder's outputs.
        mask: Bool tensor of shape `(batch, time)`.
        context_mask: Bool tensor of shape `(batch, context_time)`.
        return_attention_scores: bool. Also returns the weights of the self-attention, float32
            `(batch, heads, time, time)`, and with `cross_attention` those over the context,
            `(batch, heads, time, context_time)`.
        training: bool. Whether dropout is active.

    Returns:
        Float tensor of shape `(batch, time, features)`.

    Raises:
        InputError: As in `EncoderBlock`, or if there is a `context` without `cross_attention`, or none with it.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import DecoderBlock
        >>> block = DecoderBlock(num_heads=2, intermediate_dim=16, cross_attention=True)
        >>> context = np.ones((3, 7, 6), "float32")
        >>> block(np.ones((3, 5, 8)), context).shape
        TensorShape([3, 5, 8])
        >>> state = block.initial_state(3, max_length=5, context=context)
        >>> output, state = block.step(np.ones((3, 8)), state)
        >>> output.shape
        TensorShape([3, 8])

    Reference:
        [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762), pre-norm as in
        [Xiong et al., 2020](https://arxiv.org/abs/2002.04745)
    """

    causal = True

    def __init__(
        self,
        num_heads,
        intermediate_dim,
        *,
        cross_attention=False,
        dropout=0.0,
        norm="pre",
        activation="gelu",
        positions=None,
        window=None,
        **kwargs,
    ):
        super().__init__(
            num_heads,
            intermediate_dim,
            dropout=dropout,
            norm=norm,
            activation=activation,
            positions=positions,
            window=window,
            **kwargs,
        )
        self.cross_attention = cross_attention
        if cross_attention:
            part = {"dtype": self.dtype_policy}
            self.context_attention = CachedAttention(
                num_heads, dropout=dropout, name="context_attention", **part
            )
            self.context_norm = keras.layers.LayerNormalization(name="context_norm", **part)

    def build(self, inputs_shape, context_shape=None):
        self._check_context(context_shape)
        super().build(inputs_shape)
        if self.cross_attention:
            self.context_norm.build(inputs_shape)
            self.context_attention.build(inputs_shape, context_shape)

    def call(
        self,
        inputs,
        context=None,
        mask=None,
        context_mask=None,
        return_attention_scores=False,
        training=False,
    ):
        self._check_context(context)
        if mask is None:  # Keras hands it over by itself only where `inputs` is the only tensor.
            mask = getattr(inputs, "_keras_mask", None)
        inputs = zero_padding(inputs, mask)
        options = {"mask": mask, "return_attention_scores": True, "training": training}
        attended, *weights = self.attention(self._before(self.attention_norm, inputs), **options)
        hidden = self._after(self.attention_norm, inputs, attended, training)
        if self.cross_attention:
            attended, over_context = self.context_attention(
                self._before(self.context_norm, hidden), context, context_mask=context_mask, **options
            )
            hidden = self._after(self.context_norm, hidden, attended, training)
            weights.append(over_context)
        outputs = zero_padding(self._feed_forward(hidden, training), mask)
        return (outputs, *weights) if return_attention_scores else outputs

    def _check_context(self, context):
        if (context is not None) != self.cross_attention:
            raise InputError(
                "A `context` is needed with `cross_attention=True`, and only then. Received: "
                f"cross_attention={self.cross_attention}, {'no' if context is None else 'a'} context."
            )

    def initial_state(self, batch_size, max_length, context=None, context_mask=None):
        """The state before the first step.

        Args:
            batch_size: int or scalar tensor.
            max_length: int. Steps that there is room for.
            context: Float tensor of shape `(batch, context_time, context_features)`. Defaults to `None`.
            context_mask: Bool tensor of shape `(batch, context_time)`. Defaults to `None`, all real.

        Returns:
            dict of the states of the attentions: `self`, and `context` with `cross_attention`.
        """
        self._check_context(context)
        state = {"self": self.attention.initial_state(batch_size, max_length)}
        if self.cross_attention:
            state["context"] = self.context_attention.context_state(context, context_mask)
        return state

    def step(self, x, state, return_attention_scores=False):
        """Outputs of one step.

        Args:
            x: Float tensor of shape `(batch, features)`.
            state: As from `initial_state`.
            return_attention_scores: bool. Also returns the weights of the self-attention, float32
                `(batch, heads, max_length)`, and with `cross_attention` those over the context,
                `(batch, heads, context_time)`. Defaults to `False`.

        Returns:
            Float tensor `(batch, features)`, the new state, and the weights if they are asked for.
        """
        x, state = tf.cast(x, self.compute_dtype), dict(state)
        attended, state["self"], *weights = self.attention.step(
            self._before(self.attention_norm, x), state["self"], return_attention_scores
        )
        hidden = self._after(self.attention_norm, x, attended)
        if self.cross_attention:
            attended, _, *over_context = self.context_attention.step(
                self._before(self.context_norm, hidden), state["context"], return_attention_scores
            )
            hidden = self._after(self.context_norm, hidden, attended)
            weights += over_context
        return self._feed_forward(hidden), state, *weights

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
        specs = super().compute_output_spec(inputs, mask, return_attention_scores)
        if not (return_attention_scores and self.cross_attention):
            return specs
        shape = (inputs.shape[0], self.num_heads, inputs.shape[1], context.shape[1])
        return (*specs, keras.KerasTensor(shape, "float32"))

    def get_config(self):
        return {**super().get_config(), "cross_attention": self.cross_attention}
