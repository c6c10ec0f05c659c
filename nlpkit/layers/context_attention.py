"""Multi-head attention of a decoder's states to an encoder, in the form of the other encoder attentions."""

import keras
import tensorflow as tf

from nlpkit.layers.attention_weights import EncoderAttention, check_shapes
from nlpkit.layers.cached_attention import CachedAttention


@keras.saving.register_keras_serializable(package="nlpkit")
class ContextAttention(EncoderAttention):
    """Context of a query over a sequence, found by several heads, each with weights of its own.

    It is `CachedAttention` over a context, with the one context and the one row of weights that `AttentionDecoder`
    asks for: the mean of the heads' weights. A row without any real value gives zero weights and a zero context.

    Args:
        num_heads: int. Attention heads, from one to as many as the query has features. Defaults to 4.

    Call arguments:
        inputs: List of the query, float tensor of shape `(batch, query_time, features)` or `(batch, features)`, and
            the values, float tensor of shape `(batch, time, value_features)`.
        mask: Bool tensor of shape `(batch, time)` of the values, or a pair of the masks of query and values.
        return_attention_scores: bool. Also returns the weights, float32 of shape `(batch, query_time, time)` or
            `(batch, time)`.

    Returns:
        Float tensor of the query's shape.

    Raises:
        InputError: If `inputs` is not a pair, or there are no heads, or more than features.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import ContextAttention
        >>> ContextAttention(2)([np.ones((2, 3, 4)), np.ones((2, 5, 6))]).shape
        TensorShape([2, 3, 4])

    Reference:
        [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762)
    """

    def __init__(self, num_heads=4, **kwargs):
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.heads = CachedAttention(num_heads, name="heads", dtype=self.dtype_policy)

    def build(self, input_shape):
        query, value = check_shapes(input_shape, ["query", "values"])
        self.heads.build((None, None, query[-1]), (None, None, value[-1]))

    def precompute(self, value, mask=None):
        """What depends on the encoder alone, each head's keys and values among it; see `EncoderAttention`.

        Args:
            value: Float tensor of shape `(batch, time, value_features)`.
            mask: Bool tensor of shape `(batch, time)`. Defaults to `None`, no padding.

        Returns:
            dict of tensors with a leading batch axis.
        """
        memory = super().precompute(value, mask)
        projected = self.heads.context_state(memory["value"], mask)
        return {**memory, "keys": projected["keys"], "values": projected["values"]}

    def attend(self, query, memory):
        """The context of a query over a memory.

        Args:
            query: Float tensor of shape `(batch, query_time, features)` or `(batch, features)`.
            memory: dict from `precompute`.

        Returns:
            The context and the weights.
        """
        several = len(query.shape) == 3
        steps = tf.cast(query if several else query[:, None], self.compute_dtype)
        context, weights = self.heads.attend(steps, memory["keys"], memory["values"], memory.get("mask"))
        weights = tf.reduce_mean(weights, axis=1)
        return (context, weights) if several else (context[:, 0], weights[:, 0])

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[0])

    def compute_output_spec(self, inputs, mask=None, return_attention_scores=False):
        context, *_ = inputs
        found = keras.KerasTensor(context.shape, self.compute_dtype)
        weights = keras.KerasTensor((*context.shape[:-1], inputs[1].shape[1]), "float32")
        return (found, weights) if return_attention_scores else found

    def get_config(self):
        return {**super().get_config(), "num_heads": self.num_heads}
