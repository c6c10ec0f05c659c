"""Token ids to vectors, with a mask for the padding."""

import keras
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.layers.embedding_dropout import EmbeddingDropout


@keras.saving.register_keras_serializable(package="nlpkit")
class TokenEmbedding(keras.layers.Layer):
    """Trainable vectors of tokens; id 0 is padding and masked.

    Args:
        vocabulary_size: int. Number of ids.
        embedding_dim: int. Size of a vector.
        dropout: float between 0 and 1. Fraction of the vectors' elements to drop. Defaults to 0.
        word_dropout: float between 0 and 1. Fraction of the tokens whose whole vector is dropped, each occurrence for
            itself. Defaults to 0.
        embedding_dropout: float from 0 to below 1. Fraction of the vocabulary that is dropped from the whole batch, as
            in `EmbeddingDropout`. The table that `TiedOutput` takes stays whole. Defaults to 0.
        embeddings_initializer: Keras initializer, or its name. Of the vectors. Defaults to `"uniform"`, from -0.05 to
            0.05.

    Call arguments:
        inputs: Int tensor of shape `(batch, time)`, or `(n,)` for the distinct tokens of a batch; every dropout then
            treats all occurrences of a token in the batch alike.
        training: bool. Whether dropout is active.
        return_table: bool. Also returns the vectors of all tokens, for `TiedOutput`.

    Returns:
        Float tensor of shape `(batch, time, embedding_dim)`, or `(n, embedding_dim)`.
        With `return_table`, a pair of that and a float tensor of shape `(vocabulary_size, embedding_dim)`.

    Raises:
        InputError: If `embedding_dropout` is out of range, or `set_vectors` receives a matrix of another shape.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import TokenEmbedding
        >>> TokenEmbedding(10, 4)(np.array([[5, 6, 0]])).shape
        TensorShape([1, 3, 4])

    Reference:
        [Bengio et al., 2003](https://www.jmlr.org/papers/v3/bengio03a.html)
    """

    def __init__(
        self,
        vocabulary_size,
        embedding_dim,
        *,
        dropout=0.0,
        word_dropout=0.0,
        embedding_dropout=0.0,
        embeddings_initializer="uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.embeddings_initializer = embeddings_initializer
        self.vocabulary_size, self.embedding_dim = vocabulary_size, embedding_dim
        self.dropout, self.word_dropout, self.embedding_dropout = dropout, word_dropout, embedding_dropout
        part = {"dtype": self.dtype_policy}
        self.drop = keras.layers.Dropout(dropout, name="dropout", **part)
        self.drop_words = keras.layers.Dropout(word_dropout, name="word_dropout", **part)
        self.drop_types = EmbeddingDropout(
            vocabulary_size, embedding_dropout, name="embedding_dropout", **part
        )

    def build(self, input_shape):
        self.embeddings = self.add_weight(
            shape=(self.vocabulary_size, self.embedding_dim),
            initializer=self.embeddings_initializer,
            name="embeddings",
        )

    def call(self, inputs, training=False, return_table=False):
        ids = tf.cast(inputs, "int32")
        table = self.embeddings.value
        vectors = _rows_of_read(table, ids) if return_table else tf.gather(table, ids)
        vectors = tf.cast(vectors, self.compute_dtype)
        vectors = self.drop_types(ids, vectors, training=training)
        # One draw per token, whatever the rank.
        self.drop_words.noise_shape = (*[None] * len(inputs.shape), 1)
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
            "embedding_dropout": self.embedding_dropout,
            "embeddings_initializer": keras.initializers.serialize(self.embeddings_initializer),
        }
        return {**super().get_config(), **own}


def _rows_of_read(variable, ids):
    """Rows of a variable that is read as a whole as well, with one dense gradient for both.

    Once TensorFlow has gathered from the variable itself, it copies the whole of it whenever it is read.
    """

    @tf.custom_gradient
    def rows(table):
        def gradient(upstream):
            upstream = tf.reshape(upstream, (-1, table.shape[1]))
            return tf.math.unsorted_segment_sum(upstream, tf.reshape(ids, [-1]), table.shape[0])

        return tf.gather(table, ids), gradient

    return rows(tf.convert_to_tensor(variable))
