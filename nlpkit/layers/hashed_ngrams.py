"""Word n-grams as numbers, without a vocabulary of n-grams."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="nlpkit")
class HashedNgrams(keras.layers.Layer):
    """Ids of the words and of the n-grams of a text; n-grams share a fixed number of hashed buckets.

    Words keep their ids, so the ids of the n-grams start at `vocabulary_size`. N-grams that would reach into the
    padding, or that hold an unknown word, have the id 0: so padding changes nothing, and words that training never
    saw bring no n-grams of other words.

    Args:
        vocabulary_size: int. Number of word ids.
        buckets: int. Number of buckets that the n-grams are hashed to.
        max_order: int. Longest n-gram, in words. 1 leaves the words alone. Defaults to 2.

    Call arguments:
        inputs: Int tensor of shape `(batch, time)`.

    Returns:
        Int tensor of shape `(batch, time * max_order)`, ids below `vocabulary_size + buckets`.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import HashedNgrams
        >>> features = HashedNgrams(10, 50)(np.array([[4, 5, 0]]))
        >>> features.shape, (features.numpy() == 0).tolist()
        (TensorShape([1, 6]), [[False, False, True, False, True, True]])

    Reference:
        [Joulin et al., 2016](https://arxiv.org/abs/1607.01759)
    """

    def __init__(self, vocabulary_size, buckets, max_order=2, **kwargs):
        super().__init__(**kwargs)
        self.vocabulary_size, self.buckets, self.max_order = vocabulary_size, buckets, max_order

    def call(self, inputs):
        shifted = [tf.cast(inputs, "int32")]
        for step in range(1, self.max_order):
            shifted.append(tf.pad(shifted[0], [[0, 0], [0, step]])[:, step:])
        known = [ids > 1 for ids in shifted]
        features = [shifted[0]]
        for order in range(2, self.max_order + 1):
            code = tf.constant(order, "uint32")
            for ids in shifted[:order]:
                code = _mix(code * 31 + tf.cast(ids, "uint32"))
            # TFLite divides signed numbers only.
            bucket = tf.cast(tf.cast(code, "int64") % self.buckets, "int32") + self.vocabulary_size
            features.append(tf.where(tf.reduce_all(tf.stack(known[:order]), axis=0), bucket, 0))
        return tf.concat(features, axis=1)

    def compute_output_shape(self, input_shape):
        time = None if input_shape[1] is None else input_shape[1] * self.max_order
        return (input_shape[0], time)

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), "int32")

    def get_config(self):
        own = {"vocabulary_size": self.vocabulary_size, "buckets": self.buckets, "max_order": self.max_order}
        return {**super().get_config(), **own}


def _mix(code):
    """Spreads a number over its 32 bits (the finaliser of Wellons' lowbias32, first half)."""
    code = tf.bitwise.bitwise_xor(code, tf.bitwise.right_shift(code, tf.constant(15, "uint32")))
    code *= tf.constant(0x2C1B3C6D, "uint32")
    return tf.bitwise.bitwise_xor(code, tf.bitwise.right_shift(code, tf.constant(12, "uint32")))
