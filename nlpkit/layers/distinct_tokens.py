"""Each token of a batch once, and where it stands."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="nlpkit")
class DistinctTokens(keras.layers.Layer):
    """Splits ids into the distinct ones and the positions at which they stand.

    Texts repeat their words: a batch of 64 reviews of 200 tokens holds some 3,000 different ones. What is computed
    for a token by itself, its vector, dropout, the product with the first matrix of a recurrent layer, is computed
    once for all its occurrences. `tokens[positions]` are the ids again.

    Call arguments:
        inputs: Int tensor of shape `(batch, time)`.

    Returns:
        A pair: int tensor of shape `(n,)`, the distinct ids in the order in which they first occur, and int tensor of
        shape `(batch, time)`, positions in it.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import DistinctTokens
        >>> tokens, positions = DistinctTokens()(np.array([[7, 9, 7], [9, 0, 0]]))
        >>> tokens.numpy().tolist(), positions.numpy().tolist()
        ([7, 9, 0], [[0, 1, 0], [1, 2, 2]])
    """

    def call(self, inputs):
        tokens, positions = tf.unique(tf.reshape(tf.cast(inputs, "int32"), [-1]))
        return tokens, tf.reshape(positions, tf.shape(inputs))

    def compute_output_shape(self, input_shape):
        return (None,), tuple(input_shape)

    def compute_output_spec(self, inputs):
        return tuple(keras.KerasTensor(shape, "int32") for shape in self.compute_output_shape(inputs.shape))
