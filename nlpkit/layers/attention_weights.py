"""What every attention over an encoder's outputs shares: the softmax, the context, and the form of its inputs."""

import keras
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.layers.padding import zero_padding


def masked_softmax(scores, mask):
    """Softmax of `scores` over the last axis where `mask` is true, in float32; a row without any gives zeros."""
    if mask is None:
        return tf.nn.softmax(tf.cast(scores, "float32"))
    weights = tf.nn.softmax(tf.where(mask, tf.cast(scores, "float32"), -1e9))
    return weights * tf.cast(mask, "float32")


def weighted_sum(weights, value):
    """The context: `value` of shape `(batch, time, features)`, summed with the weights of one query or of several."""
    weights = tf.cast(weights, value.dtype)
    if weights.shape.rank == 2:
        return tf.linalg.matvec(value, weights, transpose_a=True)
    return tf.matmul(weights, value)


def for_each_query(memory, query):
    """A tensor `memory` of shape `(batch, …)` that broadcasts against the steps of `query`, if it has several."""
    return memory[:, None] if memory is not None and query.shape.rank == 3 else memory


def split_mask(mask):
    """The masks of query and values: Keras hands over a pair, a user the one of the values."""
    return mask if isinstance(mask, list | tuple) else (None, mask)


def check_shapes(input_shape, names):
    """Raises an error unless `input_shape` holds a shape for each of the names; gives the shapes back."""
    if not isinstance(input_shape[0], list | tuple) or len(input_shape) < len(names):
        raise InputError(
            f"`inputs` must be a list of tensors: [{', '.join(names)}]. Received shapes: {input_shape}"
        )
    return input_shape


class EncoderAttention(keras.layers.Layer):
    """What every attention of a query over an encoder's outputs does, whatever its weights are.

    A subclass gives `_weights(query, memory)`, float32 of shape `(batch, query_time, time)` or `(batch, time)`.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def precompute(self, value, mask=None):
        """What depends on the encoder alone, for any number of calls of `attend`.

        Args:
            value: Float tensor of shape `(batch, time, value_features)`.
            mask: Bool tensor of shape `(batch, time)`. Defaults to `None`, no padding.

        Returns:
            dict of tensors with a leading batch axis: the value, and the mask if there is one.
        """
        memory = {"value": zero_padding(tf.cast(value, self.compute_dtype), mask)}
        return memory if mask is None else {**memory, "mask": tf.cast(mask, "bool")}

    def attend(self, query, memory, **more):
        """The context of a query over a memory.

        Args:
            query: Float tensor of shape `(batch, query_time, features)` or `(batch, features)`.
            memory: dict from `precompute`.
            more: What else the weights depend on; for `AdditiveAttention` with coverage `coverage`, float tensor of
                shape `(batch, time)`, the sum of the weights of earlier queries.

        Returns:
            The context and the weights.
        """
        weights = self._weights(query, memory, **more)
        return weighted_sum(weights, memory["value"]), weights

    def call(self, inputs, mask=None, return_attention_scores=False):
        query, value = inputs
        query_mask, mask = split_mask(mask)
        context, weights = self.attend(zero_padding(query, query_mask), self.precompute(value, mask))
        return (context, weights) if return_attention_scores else context

    def compute_mask(self, inputs, mask=None):
        return split_mask(mask)[0]

    def compute_output_shape(self, input_shape):
        query, value = input_shape
        return (*query[:-1], value[-1])

    def compute_output_spec(self, inputs, mask=None, return_attention_scores=False):
        query, value = inputs
        context = keras.KerasTensor((*query.shape[:-1], value.shape[-1]), self.compute_dtype)
        weights = keras.KerasTensor((*query.shape[:-1], value.shape[1]), "float32")
        return (context, weights) if return_attention_scores else context
