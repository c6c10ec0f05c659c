"""The spelling of words as numbers: character n-grams looked up by word."""

import zlib

import keras
import numpy as np
import tensorflow as tf


@keras.saving.register_keras_serializable(package="nlpkit")
class CharacterNgrams(keras.layers.Layer):
    """Ids of the character n-grams of each word, so that rare words share what their spelling tells.

    The vocabulary is known, so the n-grams of a word are hashed once (`adapt`) and looked up by its id. An
    unknown word has none.

    Args:
        vocabulary_size: int. Number of word ids.
        buckets: int. Number of buckets that the n-grams are hashed to.
        offset: int. First id of the n-grams. Defaults to 1; 0 means none.
        shortest: int. Characters of the shortest n-gram. Defaults to 3.
        longest: int. Characters of the longest n-gram. Defaults to 6.
        per_word: int. N-grams kept per word. Defaults to 42, which holds all of a word of 12 letters.

    Call arguments:
        inputs: Int tensor of word ids of shape `(batch, time)`.

    Returns:
        Int tensor of shape `(batch, time * per_word)`, ids below `offset + buckets`.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import CharacterNgrams
        >>> layer = CharacterNgrams(6, 1000, per_word=4)
        >>> layer.adapt(["<pad>", "<unk>", "<s>", "</s>", "is", "cinema"])
        >>> (layer(np.array([[4, 1]])).numpy() > 0).tolist()
        [[True, True, True, False, False, False, False, False]]

    Reference:
        [Bojanowski et al., 2017](https://arxiv.org/abs/1607.04606)
    """

    def __init__(self, vocabulary_size, buckets, *, offset=1, shortest=3, longest=6, per_word=42, **kwargs):
        super().__init__(**kwargs)
        self.vocabulary_size, self.buckets, self.offset = vocabulary_size, buckets, offset
        self.shortest, self.longest, self.per_word = shortest, longest, per_word

    def build(self, input_shape):
        self.table = self.add_weight(
            shape=(self.vocabulary_size, self.per_word),
            dtype="int32",
            initializer="zeros",
            trainable=False,
            name="table",
        )

    def adapt(self, tokens):
        """Hashes the n-grams of all words.

        Args:
            tokens: List of str, the vocabulary in the order of its ids; the special ones have no n-grams.
        """
        if not self.built:
            self.build(None)
        table = np.zeros(self.table.shape, np.int32)
        for row, word in enumerate(tokens[4:], start=4):
            found = self._ngrams(f"<{word}>")[: self.per_word]
            table[row, : len(found)] = [
                self.offset + zlib.crc32(gram.encode()) % self.buckets for gram in found
            ]
        self.table.assign(table)

    def _ngrams(self, word):
        sizes = range(self.shortest, self.longest + 1)
        return [word[i : i + size] for size in sizes for i in range(len(word) - size + 1)]

    def call(self, inputs):
        found = tf.gather(self.table.value, inputs)
        return tf.reshape(found, [tf.shape(inputs)[0], tf.shape(inputs)[1] * self.per_word])

    def compute_output_shape(self, input_shape):
        return (input_shape[0], None if input_shape[1] is None else input_shape[1] * self.per_word)

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), "int32")

    def get_config(self):
        own = {
            "vocabulary_size": self.vocabulary_size,
            "buckets": self.buckets,
            "offset": self.offset,
            "shortest": self.shortest,
            "longest": self.longest,
            "per_word": self.per_word,
        }
        return {**super().get_config(), **own}
