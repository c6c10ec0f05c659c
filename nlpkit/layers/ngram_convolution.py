"""Filters over neighbouring steps: the convolutional text classifier's first layer."""

import keras
import tensorflow as tf

from nlpkit.layers.padding import zero_padding


@keras.saving.register_keras_serializable(package="nlpkit")
class NgramConvolution(keras.layers.Layer):
    """Convolutions of several widths side by side, each with its own filters.

    Padding counts as zero vectors, whatever it holds, so that a row's result does not depend on how far it was padded.

    Args:
        filters: int. Filters per width.
        widths: list of int. Steps that a filter sees. Defaults to `(3, 4, 5)`.
        return_sequences: bool. Whether to return each filter at each step, or its maximum over time, as Kim does.
            Defaults to `True`.

    Call arguments:
        inputs: Float tensor of shape `(batch, time, features)`.
        mask: Bool tensor of shape `(batch, time)`.

    Returns:
        Float tensor of shape `(batch, time, filters * len(widths))`, zero at padded steps; without
        `return_sequences` `(batch, filters * len(widths))`, zeros of a row without any real step.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import NgramConvolution
        >>> NgramConvolution(6, widths=(2, 3))(np.ones((2, 5, 4))).shape
        TensorShape([2, 5, 12])

    Reference:
        [Kim, 2014](https://arxiv.org/abs/1408.5882)
    """

    def __init__(self, filters, widths=(3, 4, 5), return_sequences=True, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.widths, self.return_sequences = filters, list(widths), return_sequences
        self.supports_masking = True
        self.convolutions = [
            keras.layers.Conv1D(
                filters,
                width,
                padding="same",
                activation="relu",
                dtype=self.dtype_policy,
                name=f"width_{width}",
            )
            for width in self.widths
        ]

    def build(self, input_shape):
        for convolution in self.convolutions:
            convolution.build(input_shape)

    def call(self, inputs, mask=None):
        inputs = zero_padding(inputs, mask)
        outputs = [convolution(inputs) for convolution in self.convolutions]
        if self.return_sequences:
            return zero_padding(tf.concat(outputs, axis=-1), mask)
        # No filter is negative, so that padding, which is zero, is never above a real step.
        return tf.concat([_maximum(zero_padding(output, mask)) for output in outputs], axis=-1)

    def compute_mask(self, inputs, mask=None):
        return mask if self.return_sequences else None

    def compute_output_shape(self, input_shape):
        shape = input_shape if self.return_sequences else input_shape[:1]
        return (*shape[:2], self.filters * len(self.widths))

    def get_config(self):
        config = {"filters": self.filters, "widths": self.widths, "return_sequences": self.return_sequences}
        return {**super().get_config(), **config}


def _maximum(outputs):
    """Of each filter over time; of no step at all, zero."""
    return tf.maximum(tf.reduce_max(outputs, axis=1), 0)
