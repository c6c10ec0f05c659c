"""Scores of all tokens from the matrix that embeds them."""

import keras
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.layers.softmax_loss import softmax_loss_of_states


@keras.saving.register_keras_serializable(package="nlpkit")
class TiedOutput(keras.layers.Layer):
    """Logits over the vocabulary: how well a state fits the vector of each token, plus a bias.

    Input and output share one matrix, which saves the larger part of a language model's weights and makes it better.
    The matrix comes in as a tensor, `TokenEmbedding(...)(ids, return_table=True)`. So it belongs to the embedding
    alone, and stays tied in whatever is made of the model: a file, a clone, an export.

    The product is computed in the layer's dtype; the logits are float32.

    Args:
        projection: bool. Maps the states to the size of the embedding first, with weights of its own; needed where
            the sizes differ. Defaults to `False`.
        use_bias: bool. Adds a trainable bias per token. Defaults to `True`.

    Call arguments:
        inputs: Float tensor of shape `(batch, time, features)` or `(batch, features)`.
        table: Float tensor of shape `(vocabulary_size, embedding_dim)`: the vectors of all tokens.
        turned: bool. Whether the table is of shape `(embedding_dim, vocabulary_size)` in its place, with which a
            product of many rows takes less time. Defaults to `False`.

    Returns:
        Float32 tensor of shape `(batch, time, vocabulary_size)` or `(batch, vocabulary_size)`.

    Raises:
        InputError: If the sizes differ and there is no projection.

    Example:
        >>> import keras
        >>> from nlpkit.layers import TiedOutput, TokenEmbedding
        >>> ids = keras.Input((None,), dtype="int32")
        >>> vectors, table = TokenEmbedding(10, 4)(ids, return_table=True)
        >>> states = keras.layers.GRU(6, return_sequences=True)(vectors)
        >>> TiedOutput(projection=True)(states, table).shape
        (None, None, 10)

    Reference:
        [Press & Wolf, 2017](https://arxiv.org/abs/1608.05859),
        [Inan et al., 2017](https://arxiv.org/abs/1611.01462)
    """

    def __init__(self, *, projection=False, use_bias=True, **kwargs):
        super().__init__(**kwargs)
        self.projection, self.use_bias = projection, use_bias
        self.supports_masking = True

    def build(self, inputs_shape, table_shape):
        features, (vocabulary_size, size) = inputs_shape[-1], table_shape
        if features != size and not self.projection:
            raise InputError(
                f"The states must be as wide as the embedding ({size} features). Received: {features} features. "
                "Set `projection=True`, or change the units or `embedding_dim`."
            )
        if self.projection:
            self.project = keras.layers.Dense(
                size, use_bias=False, dtype=self.dtype_policy, name="projection"
            )
            self.project.build((None, features))
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(vocabulary_size,), initializer="zeros", autocast=False, name="bias"
            )

    def call(self, inputs, table, turned=False):
        states = self.project(inputs) if self.projection else inputs
        flat = tf.reshape(states, (-1, states.shape[-1]))
        logits = tf.cast(tf.matmul(flat, table, transpose_b=not turned), self._logits_dtype())
        if self.use_bias:
            logits = tf.nn.bias_add(
                logits, tf.cast(self.bias, logits.dtype)
            )  # one operation with the product
        size = tf.shape(table)[1:] if turned else tf.shape(table)[:1]
        return tf.reshape(logits, tf.concat([tf.shape(inputs)[:-1], size], axis=0))

    def losses(self, inputs, table, targets, label_smoothing=0.0):
        """The negative log-probability of one token per state, in less time than from the logits.

        Args:
            inputs: Float tensor of shape `(rows, features)`.
            table: Float tensor of shape `(vocabulary_size, embedding_dim)`.
            targets: Int tensor of shape `(rows,)`.
            label_smoothing: float between 0 and 1. Part of the probability that is spread evenly over the vocabulary.
                Defaults to 0.

        Returns:
            Float32 tensor of shape `(rows,)`.
        """
        states = self.project(inputs) if self.projection else inputs
        states, table = (tf.cast(each, self.compute_dtype) for each in (states, table))
        bias = self.bias if self.use_bias else tf.zeros(tf.shape(table)[0])
        return softmax_loss_of_states(
            states, table, tf.cast(bias, self._logits_dtype()), targets, label_smoothing
        )

    def _logits_dtype(self):
        return keras.backend.result_type(self.compute_dtype, "float32")

    def compute_output_shape(self, inputs_shape, table_shape):
        return (*inputs_shape[:-1], table_shape[0])

    def compute_output_spec(self, inputs, table, turned=False):
        shape = self.compute_output_shape(inputs.shape, table.shape[::-1] if turned else table.shape)
        return keras.KerasTensor(shape, self._logits_dtype())

    def get_config(self):
        return {**super().get_config(), "projection": self.projection, "use_bias": self.use_bias}
