"""A sequence to one vector: mean, maximum, last step, attention, or several side by side."""

import keras
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.layers.attention_pool import AttentionPool
from nlpkit.layers.packing import first_step, last_step, pack, real_steps
from nlpkit.layers.padding import zero_padding
from nlpkit.layers.small_numbers import has_small_numbers

POOLINGS = ("mean", "max", "last", "attention")


@keras.saving.register_keras_serializable(package="nlpkit")
class SequencePool(keras.layers.Layer):
    """Pools the real steps of a sequence to one vector; several poolings are concatenated.

    Padded steps count for nothing; a row without any real step gives zeros.

    Args:
        pooling: `"mean"`, `"max"`, `"last"` or `"attention"` (see `AttentionPool`), or a list of them.
        bidirectional: bool. Whether the second half of the features comes from a direction that reads backwards, so
            that its last step is the first of the sequence. Defaults to `False`.

    Call arguments:
        inputs: Float tensor of shape `(batch, time, features)`.
        mask: Bool tensor of shape `(batch, time)`.

    Returns:
        Float tensor of shape `(batch, features * number of poolings)`.

    Raises:
        InputError: If a pooling is unknown or none is given.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import SequencePool
        >>> SequencePool(["mean", "max"])(np.ones((2, 5, 4))).shape
        TensorShape([2, 8])

    Reference:
        [Shen et al., 2018](https://arxiv.org/abs/1805.09843)
    """

    def __init__(self, pooling="mean", bidirectional=False, **kwargs):
        super().__init__(**kwargs)
        self.bidirectional = bidirectional
        names = [pooling] if isinstance(pooling, str) else list(pooling)
        if not names or any(name not in POOLINGS for name in names):
            raise InputError(
                f"`pooling` must be one or several of {list(POOLINGS)}. Received: pooling={pooling!r}"
            )
        self.pooling = names
        self.attention = (
            AttentionPool(dtype=self.dtype_policy, name="attention") if "attention" in names else None
        )

    def build(self, input_shape):
        if self.attention is not None:
            self.attention.build(input_shape)

    def call(self, inputs, mask=None):
        inputs = zero_padding(inputs, mask)
        lengths = None if mask is None else real_steps(mask)
        pooled = [self._pool(name, inputs, mask, lengths) for name in self.pooling]
        return tf.concat(pooled, axis=-1)

    def _pool(self, name, inputs, mask, lengths):
        if name == "attention":
            return self.attention(inputs, mask=mask)
        if name == "last":
            pooled = self._last(inputs if mask is None else pack(inputs, mask), lengths)
        elif mask is None:
            return (tf.reduce_mean if name == "mean" else tf.reduce_max)(inputs, axis=1)
        elif name == "mean":
            return tf.reduce_sum(inputs, axis=1) / tf.cast(tf.maximum(lengths, 1), inputs.dtype)[:, None]
        else:
            lowest = tf.reduce_min(inputs) if has_small_numbers() else inputs.dtype.min
            pooled = tf.reduce_max(tf.where(tf.cast(mask, "bool")[:, :, None], inputs, lowest), axis=1)
        return pooled if mask is None else pooled * tf.cast(lengths > 0, inputs.dtype)[:, None]

    def _last(self, inputs, lengths):
        last = last_step(inputs, lengths)
        if not self.bidirectional:
            return last
        half = inputs.shape[-1] // 2
        return tf.concat([last[:, :half], first_step(inputs)[:, half:]], axis=-1)

    def compute_mask(self, inputs, mask=None):
        return None

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[-1] * len(self.pooling))

    def get_config(self):
        return {**super().get_config(), "pooling": self.pooling, "bidirectional": self.bidirectional}
