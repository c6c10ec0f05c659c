"""Attention over the steps of a sequence, pooled to one vector."""

import keras
import tensorflow as tf

from nlpkit.layers.padding import zero_padding
from nlpkit.layers.small_numbers import has_small_numbers


@keras.saving.register_keras_serializable(package="nlpkit")
class AttentionPool(keras.layers.Layer):
    """Weighted mean of the real steps, with weights from a learned query.

    Args:
        units: int. Size of the hidden layer that scores a step; `None` takes the size of the input.

    Call arguments:
        inputs: Float tensor of shape `(batch, time, features)`.
        mask: Bool tensor of shape `(batch, time)`.
        return_attention_scores: bool. Also returns the weights, float32 of shape `(batch, time)`.

    Returns:
        Float tensor of shape `(batch, features)`.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import AttentionPool
        >>> AttentionPool()(np.ones((2, 5, 4))).shape
        TensorShape([2, 4])

    Reference:
        [Yang et al., 2016](https://aclanthology.org/N16-1174)
    """

    def __init__(self, units=None, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.supports_masking = True

    def build(self, input_shape):
        units = self.units or input_shape[-1]
        self.hidden = keras.layers.Dense(units, activation="tanh", dtype=self.dtype_policy, name="hidden")
        self.query = keras.layers.Dense(1, use_bias=False, dtype=self.dtype_policy, name="query")
        self.hidden.build(input_shape)
        self.query.build((*input_shape[:-1], units))

    def call(self, inputs, mask=None, return_attention_scores=False):
        inputs = zero_padding(inputs, mask)
        scores = tf.cast(self.query(self.hidden(inputs))[:, :, 0], "float32")
        real = tf.ones_like(scores) if mask is None else tf.cast(mask, "float32")
        weights = _of_small_numbers(scores, real) if has_small_numbers() else _of_rows(scores, real)
        pooled = tf.reduce_sum(inputs * tf.cast(weights, inputs.dtype)[:, :, None], axis=1)
        return (pooled, weights) if return_attention_scores else pooled

    def compute_mask(self, inputs, mask=None):
        return None

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[-1])

    def compute_output_spec(self, inputs, mask=None, return_attention_scores=False):
        batch, time, features = inputs.shape
        pooled = keras.KerasTensor((batch, features), self.compute_dtype)
        weights = keras.KerasTensor((batch, time), "float32")
        return (pooled, weights) if return_attention_scores else pooled

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def _of_rows(scores, real):
    """Softmax over the real steps, 0 elsewhere."""
    # Multiplied after the softmax too: in a row of padding alone every weight must be zero.
    return tf.nn.softmax(scores + (real - 1.0) * 1e9, axis=1) * real


def _of_small_numbers(scores, real):
    """The same of numbers of one size."""
    low = tf.reduce_min(scores, axis=1, keepdims=True) - 8.0
    weights = tf.nn.softmax(tf.where(real > 0, scores, low), axis=1) * real
    return weights / tf.maximum(tf.reduce_sum(weights, axis=1, keepdims=True), 1e-9)
