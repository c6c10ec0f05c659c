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

    Call arguments:
        inputs: Float tensor of shape `(batch, time, features)`.
        mask: Bool tensor of shape `(batch, time)`.

    Returns:
        Float tensor of shape `(batch, time, filters * len(widths))`, zero at padded steps.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import NgramConvolution
        >>> NgramConvolution(6, widths=(2, 3))(np.ones((2, 5, 4))).shape
        TensorShape([2, 5, 12])

    Reference:
        [Kim, 2014](https://arxiv.org/abs/1408.5882)
    """

    def __init__(self, filters, widths=(3, 4, 5), **kwargs):
        super().__init__(**kwargs)
        self.filters, self.widths = filters, list(widths)
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
        outputs = tf.concat([convolution(inputs) for convolution in self.convolutions], axis=-1)
        return zero_padding(outputs, mask)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters * len(self.widths))

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "widths": self.widths}
