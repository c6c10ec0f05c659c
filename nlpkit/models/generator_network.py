"""A language model put together: embedding, layers, output; over sequences and step by step."""

import keras
import tensorflow as tf

from nlpkit.layers import AdaptiveSoftmax, VariationalDropout
from nlpkit.layers.decoder_stack import DecoderStack
from nlpkit.layers.joined_weights import joined_of


@keras.saving.register_keras_serializable(package="nlpkit")
class GeneratorNetwork(keras.Model):
    """Ids to the logits of the next token; see `build_generator`.

    Args:
        embedding: `TokenEmbedding`.
        body: `RecurrentStack`, `WindowNetwork` or `DecoderStack`; the first two return their state.
        output: `TiedOutput` or `AdaptiveSoftmax`.
        table: `TokenEmbedding` of which the output takes the vectors; `None` takes those of `embedding`, the default.
        dropout: float. Variational dropout of what the output sees. Defaults to 0.

    Call arguments:
        token_ids: Int tensor of shape `(batch, time)`, 0 at padded steps.
        training: bool. Whether dropout is active.

    Returns:
        Float32 tensor of shape `(batch, time, vocabulary_size)`: logits, or log-probabilities of an adaptive softmax.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import RecurrentBlock, RecurrentStack, TiedOutput, TokenEmbedding
        >>> from nlpkit.models.generator_network import GeneratorNetwork
        >>> body = RecurrentStack([RecurrentBlock(8, return_state=True)])
        >>> GeneratorNetwork(TokenEmbedding(50, 8), body, TiedOutput())(np.array([[3, 7]])).shape
        TensorShape([1, 2, 50])
    """

    def __init__(self, embedding, body, output, *, table=None, dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        self.embedding, self.body, self.output_layer, self.table = embedding, body, output, table
        self.dropout = dropout
        self.drop = VariationalDropout(dropout, name="output_dropout")

    @property
    def vocabulary_size(self):
        """int. Number of ids."""
        return self.embedding.vocabulary_size

    @property
    def carries_state(self):
        """bool. Whether the state after one segment of a text is where the next one starts."""
        return not isinstance(self.body, DecoderStack)

    def build(self, input_shape=None):
        self.embedding.build((None, None))
        vectors = (None, None, self.embedding.embedding_dim)
        self.body.build(vectors)
        shape = self.body.compute_output_shape(vectors)
        hidden = tuple(shape[0] if self.carries_state else shape)
        self.drop.build(hidden)
        if self.table is not None:
            self.table.build((None, None))
        if self._is_adaptive():
            self.output_layer.build(hidden)
        else:
            self.output_layer.build(hidden, self._table().shape)
        self.built = True

    def build_from_config(self, config):
        """Makes the weights of a network that is loaded, whatever it was built with."""
        self.build()

    def call(self, token_ids, training=False):
        hidden, _ = self.hidden(token_ids, training=training)
        return self.logits(hidden)

    def hidden(self, token_ids, state=None, training=False, padded=True):
        """What the output layer sees at each step.

        Args:
            token_ids: Int tensor of shape `(batch, time)`, 0 at padded steps.
            state: List of tensors, as `segment_state` gives it. Defaults to `None`: a text begins.
            training: bool. Whether dropout is active. Defaults to `False`.
            padded: bool. Whether some steps may be padding. Defaults to `True`.

        Returns:
            Tuple of a float tensor `(batch, time, features)` and the state after the last step.
        """
        x, mask = self._vectors(token_ids, training), None
        if padded:
            mask = tf.not_equal(token_ids, 0)
        if self.carries_state:
            x, *state = self.body(x, mask=mask, initial_state=state or None, training=training)
        else:
            x, state = self.body(x, mask=mask, training=training), []
        return self.drop(x, training=training), state

    def logits(self, hidden):
        """The scores of all tokens.

        Args:
            hidden: Float tensor of shape `(batch, time, features)` or `(batch, features)`.

        Returns:
            Float32 tensor of shape `(batch, time, vocabulary_size)` or `(batch, vocabulary_size)`.
        """
        if self._is_adaptive():
            return self.output_layer(hidden)
        turned = joined_of(self)
        table = self._table() if turned is None else turned
        return self.output_layer(hidden, table, turned=turned is not None)

    def join_weights(self):
        """The output's table, turned; see `nlpkit.layers.joined_weights`.

        Returns:
            Float tensor `(embedding_dim, vocabulary_size)`; `None` of an adaptive softmax, and in half precision.
        """
        return None if self._is_adaptive() or self.compute_dtype != "float32" else tf.transpose(self._table())

    def losses_of(self, hidden, targets):
        """The negative log-probability of the token after each step.

        Args:
            hidden: Float tensor of shape `(batch, time, features)`.
            targets: Int tensor of shape `(batch, time)`, 0 at padded steps.

        Returns:
            Float32 tensor of shape `(batch, time)`, 0 at padded steps.
        """
        real = tf.not_equal(targets, 0)
        if self._is_adaptive():
            return -self.output_layer.target_log_probabilities(hidden, targets, real)
        rows = tf.reshape(hidden, (-1, hidden.shape[-1]))
        losses = self.output_layer.losses(rows, self._table(), tf.reshape(targets, [-1]))
        return tf.where(real, tf.reshape(losses, tf.shape(targets)), 0.0)

    def segment_state(self, batch_size):
        """The state before the first segment of a text, for `hidden`.

        Args:
            batch_size: int or scalar tensor.

        Returns:
            List of tensors with a leading batch axis; empty for a Transformer, which carries nothing over.
        """
        return self.body.initial_state(batch_size) if self.carries_state else []

    def initial_state(self, batch_size, max_length=None):
        """The state before the first step.

        Args:
            batch_size: int or scalar tensor.
            max_length: int. Steps that a Transformer has room for; the others need none. Defaults to `None`.

        Returns:
            Nest of tensors with a leading batch axis.
        """
        if self.carries_state:
            return self.body.initial_state(batch_size)
        return self.body.initial_state(batch_size, max_length)

    def step(self, token_ids, state):
        """Runs one step.

        Args:
            token_ids: Int tensor of shape `(batch,)`.
            state: As from `initial_state`.

        Returns:
            Tuple of the logits `(batch, vocabulary_size)`, float32, and the next state.
        """
        hidden, state = self.hidden_step(token_ids, state)
        return self.logits(hidden), state

    def hidden_step(self, token_ids, state):
        """What the output layer sees at one step; see `step`.

        Args:
            token_ids: Int tensor of shape `(batch,)`.
            state: As from `initial_state`.

        Returns:
            Tuple of a float tensor `(batch, features)` and the next state.
        """
        return self.body.step(self._vectors(token_ids), state)

    def _is_adaptive(self):
        return isinstance(self.output_layer, AdaptiveSoftmax)

    def _vectors(self, token_ids, training=False):
        shared = self.table is None and not self._is_adaptive()
        x = self.embedding(token_ids, training=training, return_table=shared)
        return tf.identity(x[0] if shared else x)  # a copy, since Keras ties its own mask to the vectors

    def _table(self):
        return tf.cast((self.table or self.embedding).embeddings, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.vocabulary_size)

    def get_config(self):
        parts = {
            "embedding": self.embedding,
            "body": self.body,
            "output": self.output_layer,
            "table": self.table,
        }
        parts = {name: keras.saving.serialize_keras_object(part) for name, part in parts.items()}
        for part in filter(None, parts.values()):
            part.pop("build_config", None)  # the network builds them
        return {**super().get_config(), **parts, "dropout": self.dropout}

    @classmethod
    def from_config(cls, config):
        names = ("embedding", "body", "output", "table")
        return cls(
            **{**config, **{name: keras.saving.deserialize_keras_object(config[name]) for name in names}}
        )
