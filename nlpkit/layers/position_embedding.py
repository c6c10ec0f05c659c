"""Learned vectors of the positions, for networks that see all steps at once."""

import keras
import tensorflow as tf

from nlpkit.layers.padding import real_positions


@keras.saving.register_keras_serializable(package="nlpkit")
class PositionEmbedding(keras.layers.Layer):
    """Adds a learned vector for each position; steps beyond `max_length` share that of the last one.

    They share it rather than fail, since a longer text than any of the training may come at any time; where that is
    common, `SinePositions` or rotary positions have no such end.

    With a mask the real steps are counted alone, so that padding may stand anywhere in a row.

    Args:
        max_length: int. Positions with a vector of their own.

    Call arguments:
        inputs: Float tensor of shape `(batch, time, features)`.
        mask: Bool tensor of shape `(batch, time)`.

    Returns:
        Float tensor of the same shape.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import PositionEmbedding
        >>> positions = PositionEmbedding(max_length=4)
        >>> vectors = positions(np.zeros((1, 6, 2))).numpy()[0]
        >>> (vectors[3] == vectors[5]).all(), (vectors[2] == vectors[3]).all()
        (np.True_, np.False_)

    Reference:
        [Gehring et al., 2017](https://arxiv.org/abs/1705.03122)
    """

    def __init__(self, max_length, **kwargs):
        super().__init__(**kwargs)
        self.max_length = max_length
        self.supports_masking = True

    def build(self, input_shape):
        self.embeddings = self.add_weight(
            name="embeddings", shape=(self.max_length, input_shape[-1]), initializer="uniform"
        )

    def call(self, inputs, mask=None):
        positions = tf.range(tf.shape(inputs)[1]) if mask is None else real_positions(mask)
        return inputs + self._vectors(positions)

    def _vectors(self, positions):
        vectors = tf.gather(self.embeddings, tf.minimum(positions, self.max_length - 1))
        return tf.cast(vectors, self.compute_dtype)

    def initial_state(self, batch_size):
        """The next position of each row: int32 tensor `(batch,)`, zeros."""
        return tf.zeros((batch_size,), "int32")

    def step(self, x, state):
        """Adds the vectors of the next position.

        Args:
            x: Float tensor of shape `(batch, features)`.
            state: Next position of each row, as from `initial_state`.

        Returns:
            Float tensor `(batch, features)`, and the new state.
        """
        return tf.cast(x, self.compute_dtype) + self._vectors(state), state + 1

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "max_length": self.max_length}
