"""Positions of the steps as waves, for networks that see all steps at once."""

import keras
import numpy as np
import tensorflow as tf


@keras.saving.register_keras_serializable(package="nlpkit")
class SinePositions(keras.layers.Layer):
    """Adds sine and cosine waves of the position to the vectors; no length is too long.

    Args:
        max_wavelength: float. Longest wave, in steps. Defaults to 10000.

    Call arguments:
        inputs: Float tensor of shape `(batch, time, features)`.

    Returns:
        Float tensor of the same shape.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import SinePositions
        >>> SinePositions()(np.zeros((1, 2, 2))).numpy().round(2).tolist()
        [[[0.0, 1.0], [0.8399999737739563, 0.5400000214576721]]]

    Reference:
        [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762)
    """

    def __init__(self, max_wavelength=10000.0, **kwargs):
        super().__init__(**kwargs)
        self.max_wavelength = max_wavelength
        self.supports_masking = True

    def call(self, inputs):
        size = inputs.shape[-1]
        rates = self.max_wavelength ** (-2.0 * (np.arange(size) // 2) / size)
        angles = tf.range(tf.shape(inputs)[1], dtype="float32")[:, None] * tf.constant(rates, "float32")
        even = tf.constant(np.arange(size) % 2 == 0)
        return inputs + tf.cast(tf.where(even, tf.sin(angles), tf.cos(angles)), inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "max_wavelength": self.max_wavelength}
