"""Each token of a batch once, and where it stands."""

import keras
import tensorflow as tf

from nlpkit.layers.one_text import reads_one_text


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
        tokens = tf.reshape(tf.cast(inputs, "int32"), [-1])
        if reads_one_text():
            return tokens, tf.range(tf.shape(inputs)[1])[None]
        tokens, positions = tf.unique(tokens)
        return tokens, tf.reshape(positions, tf.shape(inputs))

    def compute_mask(self, inputs, mask=None):
        return None, keras.ops.not_equal(inputs, 0)

    def compute_output_shape(self, input_shape):
        return (None,), tuple(input_shape)

    def compute_output_spec(self, inputs):
        return tuple(keras.KerasTensor(shape, "int32") for shape in self.compute_output_shape(inputs.shape))


def is_pair(inputs):
    """Whether a sequence is given as distinct rows and the positions at which they stand."""
    return isinstance(inputs, list | tuple)


def dense(inputs):
    """The sequence `(batch, time, features)` that distinct rows and positions stand for, or the one that is given."""
    if not is_pair(inputs):
        return inputs
    return inputs[0][None] if reads_one_text() else tf.gather(*inputs)


def sequence_shape(shape):
    """Shape `(batch, time, features)` of a sequence, or of the one that a pair stands for."""
    if not is_pair(shape[0]):
        return tuple(shape)
    rows, positions = shape
    return (*positions, rows[-1])


def sequence_mask(inputs, mask):
    """The mask `(batch, time)` of a sequence; of a pair, Keras gives those of the rows and of the positions."""
    if not is_pair(mask):
        return mask
    rows, positions = mask
    if positions is not None or rows is None:
        return positions
    return keras.ops.take(rows, inputs[1], axis=0)
