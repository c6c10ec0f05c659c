"""An encoder-decoder put together: over whole targets, and step by step."""

import keras
import tensorflow as tf

from nlpkit.layers import RecurrentDecoder
from nlpkit.layers.joined_weights import joined_of
from nlpkit.layers.softmax_loss import softmax_loss
from nlpkit.models.decoded import Decoded, inputs_for
from nlpkit.models.source_reader import lengths, within

PARTS = ("reader", "decoder", "output", "target", "table", "pointer", "positions")
# Of a word that can neither be written nor copied.
LEAST = 1e-9


@keras.saving.register_keras_serializable(package="nlpkit")
class EncoderDecoderNetwork(keras.Model):
    """Source and target ids to the logits of the next target token; see `build_encoder_decoder`.

    Args:
        reader: `SourceReader`.
        decoder: `RecurrentDecoder`, or `DecoderStack` with cross-attention.
        output: `TiedOutput`.
        target: `TokenEmbedding` of the target; `None`, the default, takes the source's.
        table: `TokenEmbedding` of which the output takes the vectors; `None`, the default, takes those of the target.
        pointer: `PointerHead`, which also copies words of the source. Defaults to `None`.
        positions: Layer that adds positions to the target's vectors, as that of the reader. Defaults to `None`.
        dropout: float. Of the target's vectors. Defaults to 0.

    Call arguments:
        inputs: Pair of the source, as `SourceReader` takes it, and the target's inputs, int tensor of shape
            `(batch, time)`: the start, and all tokens but the last.
        training: bool. Whether dropout is active.

    Returns:
        Float32 tensor of shape `(batch, time, vocabulary_size)`: logits, or log-probabilities of a pointer.

    Example:
        >>> import numpy as np
        >>> from nlpkit.models import build_encoder_decoder
        >>> network = build_encoder_decoder(50, 60, units=8)
        >>> network([np.array([[4, 5, 3]]), np.array([[2, 7]])]).shape
        TensorShape([1, 2, 60])
    """

    def __init__(
        self,
        reader,
        decoder,
        output,
        *,
        target=None,
        table=None,
        pointer=None,
        positions=None,
        dropout=0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.reader, self.decoder, self.output_layer = reader, decoder, output
        self.target, self.table, self.pointer, self.positions = target, table, pointer, positions
        self.dropout = dropout
        self.drop = keras.layers.Dropout(dropout, dtype=self.dtype_policy, name="vector_dropout")

    @property
    def embedding(self):
        """`TokenEmbedding` of the target."""
        return self.target or self.reader.source

    @property
    def vocabulary_size(self):
        """int. Number of ids that can be written, those of copied words among them."""
        return self.embedding.vocabulary_size + (self.pointer.extra_ids if self.pointer else 0)

    @property
    def attends(self):
        """bool. Whether there are attention weights."""
        return not self._is_recurrent() or self.decoder.attending is not None

    def build(self, input_shape):
        self.source_shape = tuple(input_shape[0])
        self.reader.build(self.source_shape)
        for part in (self.target, self.table):
            if part is not None:
                part.build((None, None))
        outputs, result = self.reader.output_shapes
        vectors = (None, None, self.embedding.embedding_dim)
        if self.positions is not None:
            self.positions.build(vectors)
        shapes = (vectors, outputs, result) if self._is_recurrent() else (vectors, outputs)
        self.decoder.build(*shapes)
        hidden = self.decoder.compute_output_shape(*shapes)
        self.output_layer.build(hidden, self._table().shape)
        if self.pointer is not None:
            self.pointer.build(outputs, hidden, vectors, None, None, None)
        self.built = True

    def get_build_config(self):
        """dict. What `build_from_config` takes."""
        return {"source_shape": self.source_shape}

    def build_from_config(self, config):
        """Makes the weights of a network that is loaded, whatever it was built with."""
        self.build([tuple(config["source_shape"]), (None, None)])

    def call(self, inputs, training=False):
        source, target = inputs
        memory = self.reader(source, training=training)
        return self.scores(self.decode(target, memory, training=training), memory)

    def decode(self, target, memory, training=False):
        """What the decoder gives for each of the target's inputs.

        Args:
            target: Int tensor of shape `(batch, time)`: the start, and all tokens but the last.
            memory: dict from the reader.
            training: bool. Whether dropout is active. Defaults to `False`.

        Returns:
            `Decoded`.
        """
        x = self._vectors(target, training)
        x = x if self.positions is None else self.positions(x * self.embedding.embedding_dim**0.5)
        x = self.drop(x, training=training)
        options = {"context_mask": memory["mask"], "return_attention_scores": True, "training": training}
        if self._is_recurrent():
            more = {"result": memory["result"], "states": memory["states"]}
            hidden, weights = self.decoder(x, memory["outputs"], **more, **options)
        else:
            hidden, weights = self.decoder(x, memory["outputs"], **options)
            weights = _of_last_block(weights)
        return Decoded(hidden, x, weights)

    def scores(self, decoded, memory):
        """The scores of all tokens.

        Args:
            decoded: `Decoded`.
            memory: dict from the reader.

        Returns:
            Float32 tensor of shape `(batch, time, vocabulary_size)`.
        """
        turned = joined_of(self)
        table = self._table() if turned is None else turned
        logits = self.output_layer(decoded.hidden, table, turned=turned is not None)
        if self.pointer is None:
            return logits
        weights = tf.cast(decoded.attention_scores, memory["outputs"].dtype)
        context = tf.matmul(weights, memory["outputs"])
        copied = decoded.attention_scores, memory["ids"]
        return tf.math.log(self.pointer(context, decoded.hidden, decoded.vectors, logits, *copied) + LEAST)

    def losses_of(self, decoded, memory, targets, label_smoothing=0.0):
        """The negative log-probability of each target token.

        Args:
            decoded: `Decoded`.
            memory: dict from the reader.
            targets: Int tensor of shape `(batch, time)`, 0 at padded steps.
            label_smoothing: float. Defaults to 0.

        Returns:
            Float32 tensor of shape `(batch, time)`, 0 at padded steps.
        """
        known = tf.reshape(within(targets, self.vocabulary_size), [-1])
        if self.pointer is None:
            states = tf.reshape(decoded.hidden, (-1, decoded.hidden.shape[-1]))
            losses = self.output_layer.losses(states, self._table(), known, label_smoothing)
        else:
            scores = self.scores(decoded, memory)
            losses = softmax_loss(tf.reshape(scores, (-1, scores.shape[-1])), known, label_smoothing)
        return tf.where(tf.not_equal(targets, 0), tf.reshape(losses, tf.shape(targets)), 0.0)

    def attention_scores(self, source, target):
        """What each target token was written from.

        Args:
            source: As for a call.
            target: Int tensor of shape `(batch, time)`: the tokens, without the start.

        Returns:
            Float32 tensor of shape `(batch, time, source_time)`, in the source's own order; `None` without attention.
        """
        memory = self.reader(source)
        weights = self.decode(inputs_for(target), memory).attention_scores
        if weights is None or not self.reader.reverse:
            return weights
        return tf.reverse_sequence(weights, lengths(source), seq_axis=2)

    def initial_state(self, source, max_length):
        """The state before the first step.

        Args:
            source: As for a call.
            max_length: int. Steps that a Transformer has room for.

        Returns:
            dict of tensors with a leading batch axis.
        """
        memory = self.reader(source)
        batch, state = tf.shape(memory["mask"])[0], {}
        context = {"context": memory["outputs"], "context_mask": memory["mask"]}
        if self._is_recurrent():
            more = {"result": memory["result"], "states": memory["states"]}
            state["decoder"] = self.decoder.initial_state(batch, **context, **more)
        else:
            state["decoder"] = self.decoder.initial_state(batch, max_length, **context)
        if self.positions is not None:
            state["position"] = self.positions.initial_state(batch)
        if self.attends:
            state["attention_scores"], state["mask"] = tf.zeros(tf.shape(memory["mask"])), memory["mask"]
        if self.pointer is not None:
            state["memory"] = {name: memory[name] for name in ("outputs", "ids")}
        return state

    def step(self, token_ids, state):
        """Runs one step.

        Args:
            token_ids: Int tensor of shape `(batch,)`.
            state: As from `initial_state`. After a step its `attention_scores` `(batch, source_time)` are what was
                attended to, in the order in which the source was read.

        Returns:
            Tuple of the logits `(batch, vocabulary_size)`, float32, and the next state.
        """
        x, state, weights = self._vectors(token_ids), dict(state), None
        if self.positions is not None:
            x = x * self.embedding.embedding_dim**0.5
            x, state["position"] = self.positions.step(x, state["position"])
        if self._is_recurrent():
            hidden, state["decoder"] = self.decoder.step(x, state["decoder"])
            weights = self.decoder.attention_scores(state["decoder"])
        else:
            hidden, state["decoder"], weights = self.decoder.step(x, state["decoder"], True)
            weights = _of_last_block(weights)
        if self.attends:
            state["attention_scores"], weights = weights, weights[:, None]
        decoded = Decoded(hidden[:, None], x[:, None], weights)
        return self.scores(decoded, state.get("memory"))[:, 0], state

    def join_weights(self):
        """The output's table, turned; see `nlpkit.layers.joined_weights`.

        Returns:
            Float tensor `(embedding_dim, vocabulary_size)`; `None` in half precision.
        """
        return tf.transpose(self._table()) if self.compute_dtype == "float32" else None

    def _is_recurrent(self):
        return isinstance(self.decoder, RecurrentDecoder)

    def _vectors(self, token_ids, training=False):
        token_ids = within(token_ids, self.embedding.vocabulary_size)
        shared = self.table is None
        x = self.embedding(token_ids, training=training, return_table=shared)
        return tf.identity(x[0] if shared else x)  # a copy, since Keras ties its own mask to the vectors

    def _table(self):
        return tf.cast((self.table or self.embedding).embeddings, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape[1], self.vocabulary_size)

    def get_config(self):
        parts = {name: self.output_layer if name == "output" else getattr(self, name) for name in PARTS}
        parts = {name: keras.saving.serialize_keras_object(part) for name, part in parts.items()}
        for part in filter(None, parts.values()):
            part.pop("build_config", None)  # the network builds them
        return {**super().get_config(), **parts, "dropout": self.dropout}

    @classmethod
    def from_config(cls, config):
        return cls(
            **{**config, **{name: keras.saving.deserialize_keras_object(config[name]) for name in PARTS}}
        )


def _of_last_block(weights):
    """The weights over the context of a Transformer's last block, the mean of its heads."""
    return tf.reduce_mean(weights[-1][-1], axis=1)
