"""Token ids to vectors, with a mask for the padding."""

import keras
import tensorflow as tf

from nlpkit.errors import InputError


@keras.saving.register_keras_serializable(package="nlpkit")
class TokenEmbedding(keras.layers.Layer):
    """Trainable vectors of tokens; id 0 is padding and masked.

    Args:
        vocabulary_size: int. Number of ids.
        embedding_dim: int. Size of a vector.
        dropout: float between 0 and 1. Fraction of the vectors' elements to drop. Defaults to 0.
        word_dropout: float between 0 and 1. Fraction of the tokens whose whole vector is dropped
            (Gal & Ghahramani, 2016). Defaults to 0.

    Call arguments:
        inputs: Int tensor of shape `(batch, time)`, or `(n,)` for the distinct tokens of a batch; dropout then
            treats all occurrences of a token in the batch alike.
        training: bool. Whether dropout is active.
        return_table: bool. Also returns the vectors of all tokens, for `TiedOutput`.

    Returns:
        Float tensor of shape `(batch, time, embedding_dim)`, or `(n, embedding_dim)`.
        With `return_table`, a pair of that and a float tensor of shape `(vocabulary_size, embedding_dim)`.

    Raises:
        InputError: If `set_vectors` receives a matrix of another shape.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import TokenEmbedding
        >>> TokenEmbedding(10, 4)(np.array([[5, 6, 0]])).shape
        TensorShape([1, 3, 4])

    Reference:
        [Bengio et al., 2003](https://www.jmlr.org/papers/v3/bengio03a.html),
        [Gal & Ghahramani, 2016](https://arxiv.org/abs/1512.05287)
    """

    def __init__(self, vocabulary_size, embedding_dim, *, dropout=0.0, word_dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        self.vocabulary_size, self.embedding_dim = vocabulary_size, embedding_dim
        self.dropout, self.word_dropout = dropout, word_dropout
        self.drop = keras.layers.Dropout(dropout, dtype=self.dtype_policy, name="dropout")
        self.drop_words = keras.layers.Dropout(word_dropout, dtype=self.dtype_policy, name="word_dropout")

    def build(self, input_shape):
        self.embeddings = self.add_weight(
            shape=(self.vocabulary_size, self.embedding_dim), initializer="uniform", name="embeddings"
        )

    def call(self, inputs, training=False, return_table=False):
        vectors = tf.cast(tf.gather(self.embeddings.value, tf.cast(inputs, "int32")), self.compute_dtype)
        self.drop_words.noise_shape = (
            *[None] * len(inputs.shape),
            1,
        )  # one draw per token, whatever the rank
        vectors = self.drop(self.drop_words(vectors, training=training), training=training)
        if not return_table:
            return vectors
        return vectors, tf.cast(self.embeddings, self.compute_dtype)

    def set_vectors(self, pretrained):
        """Takes over pretrained vectors; tokens that have none keep their random ones.

        Args:
            pretrained: `nlpkit.text.PretrainedVectors`, read for the same vocabulary.

        Raises:
            InputError: If the matrix has another shape than the embedding.
        """
        own = self.embeddings.numpy()
        if pretrained.matrix.shape != own.shape:
            raise InputError(
                f"The pretrained vectors must have the shape {own.shape} (vocabulary, embedding_dim). "
                f"Received: {pretrained.matrix.shape}. Set `embedding_dim` to the size of the vectors."
            )
        own[pretrained.found] = pretrained.matrix[pretrained.found]
        self.embeddings.assign(own)

    def compute_mask(self, inputs, mask=None):
        return keras.ops.not_equal(inputs, 0)

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.embedding_dim)

    def compute_output_spec(self, inputs, training=False, return_table=False):
        vectors = keras.KerasTensor(self.compute_output_shape(inputs.shape), self.compute_dtype)
        if not return_table:
            return vectors
        return vectors, keras.KerasTensor((self.vocabulary_size, self.embedding_dim), self.compute_dtype)

    def get_config(self):
        own = {
            "vocabulary_size": self.vocabulary_size,
            "embedding_dim": self.embedding_dim,
            "dropout": self.dropout,
            "word_dropout": self.word_dropout,
        }
        return {**super().get_config(), **own}
