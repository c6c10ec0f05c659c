"""Positions of the steps as waves, for networks that see all steps at once."""

import keras
import numpy as np
import tensorflow as tf

from nlpkit.layers.padding import real_positions


@keras.saving.register_keras_serializable(package="nlpkit")
class SinePositions(keras.layers.Layer):
    """Adds sine and cosine waves of the position to the vectors; no length is too long.

    With a mask the real steps are counted alone, so that padding may stand anywhere in a row.

    Args:
        max_wavelength: float. Longest wave, in steps. Defaults to 10000.

    Call arguments:
        inputs: Float tensor of shape `(batch, time, features)`.
        mask: Bool tensor of shape `(batch, time)`.

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

    def call(self, inputs, mask=None):
        waves = self._waves(tf.range(tf.shape(inputs)[1]), inputs.shape[-1])
        return inputs + (waves if mask is None else tf.gather(waves, real_positions(mask)))

    def _waves(self, positions, size):
        rates = self.max_wavelength ** (-2.0 * (np.arange(size) // 2) / size)
        # In float32 until the wave is taken: half precision has too few digits for the angles of late positions.
        angles = tf.cast(positions, "float32")[:, None] * tf.constant(rates, "float32")
        even = tf.constant(np.arange(size) % 2 == 0)
        return tf.cast(tf.where(even, tf.sin(angles), tf.cos(angles)), self.compute_dtype)

    def initial_state(self, batch_size):
        """The next position of each row: int32 tensor `(batch,)`, zeros."""
        return tf.zeros((batch_size,), "int32")

    def step(self, x, state):
        """Adds the waves of the next position.

        Args:
            x: Float tensor of shape `(batch, features)`.
            state: Next position of each row, as from `initial_state`.

        Returns:
            Float tensor `(batch, features)`, and the new state.
        """
        return tf.cast(x, self.compute_dtype) + self._waves(state, x.shape[-1]), state + 1

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "max_wavelength": self.max_wavelength}
