"""The reading half of an encoder-decoder: from the source to all that a decoder needs of it."""

import keras
import tensorflow as tf

from nlpkit.layers import RecurrentStack, TokenEmbedding
from nlpkit.layers.padding import zero_padding
from nlpkit.layers.recurrent_cells import CELLS
from nlpkit.text.vocabulary import UNKNOWN

PARTS = ("source", "encoder", "bridge", "positions")


@keras.saving.register_keras_serializable(package="nlpkit")
class SourceReader(keras.layers.Layer):
    """Reads ids, float sequences such as the regions of an image, or images, with an encoder.

    Args:
        source: `TokenEmbedding`, or a layer from floats to vectors that has `units`: `Dense` for features, of which a
            step of zeros is padding, or `ImageRegions` for images, which have no padding.
        encoder: `RecurrentStack` that returns its states, `EncoderStack`, or `None` where the vectors are the outputs.
        bridge: `StateBridge` to a recurrent decoder's first states. Defaults to `None`.
        positions: Layer that adds positions to the vectors; those of tokens are scaled by the root of their size first.
            Defaults to `None`.
        reverse: bool. Whether the source is read from its end. Defaults to `False`.
        dropout: float. Of the vectors. Defaults to 0.

    Call arguments:
        inputs: Int tensor of shape `(batch, time)`, float tensor of shape `(batch, time, features)`, or pixels of shape
            `(batch, height, width, channels)`.
        training: bool. Whether dropout is active.

    Returns:
        dict of tensors with a leading batch axis: the encoder's `outputs` and the `mask` of its steps, its `result`
        (the last states of its last layer, or the mean of its outputs), the decoder's first `states` if there is a
        bridge, and the `ids` in the order in which they were read.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import EncoderStack, TokenEmbedding
        >>> from nlpkit.models.source_reader import SourceReader
        >>> reader = SourceReader(TokenEmbedding(9, 4), EncoderStack(1, 2, 8))
        >>> sorted(reader(np.array([[4, 5, 3]])))
        ['ids', 'mask', 'outputs', 'result']
    """

    def __init__(self, source, encoder, *, bridge=None, positions=None, reverse=False, dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        self.source, self.encoder, self.bridge, self.positions = source, encoder, bridge, positions
        self.reverse, self.dropout = reverse, dropout
        self.drop = keras.layers.Dropout(dropout, dtype=self.dtype_policy, name="dropout")

    @property
    def takes_features(self):
        """bool. Whether the source is a float sequence or an image in place of ids."""
        return not isinstance(self.source, TokenEmbedding)

    @property
    def width(self):
        """int. Size of the vectors that the encoder reads."""
        return self.source.units if self.takes_features else self.source.embedding_dim

    @property
    def output_shapes(self):
        """Tuple of the shapes of `outputs` and `result`."""
        outputs, *states = self._encoded((None, None, self.width))
        return outputs, (None, sum(shape[-1] for shape in self._result_states(states)) or outputs[-1])

    def build(self, input_shape):
        self.source.build(input_shape)
        shape = (None, None, self.width)
        if self.positions is not None:
            self.positions.build(shape)
        if self.encoder is not None:
            self.encoder.build(shape)
        if self.bridge is not None:
            _, *states = self._encoded(shape)
            self.bridge.build(self._by_layer(states) or [self.output_shapes[1]])

    def call(self, inputs, training=False):
        order = tf.reverse_sequence(inputs, lengths(inputs), seq_axis=1) if self.reverse else inputs
        x, mask = self._vectors(order, training)
        found = x if self.encoder is None else self.encoder(x, mask=mask, training=training)
        outputs, *states = found if self._has_states() else [found]
        result = tf.concat(self._result_states(states), axis=-1) if states else _mean(outputs, mask)
        memory = {"outputs": outputs, "mask": mask, "result": result}
        if self.bridge is not None:
            memory["states"] = self.bridge(self._by_layer(states) or [result])
        return memory if self.takes_features else {**memory, "ids": order}

    def _vectors(self, order, training):
        """The vectors that the encoder reads, and which of them are no padding."""
        if order.shape.rank == 4:
            x = self.source(order)  # Keras tells it whether it is training
            mask = tf.ones(tf.shape(x)[:2], "bool")
        elif self.takes_features:
            mask = _real(order)
            x = zero_padding(self.source(order), mask)
        else:
            mask = _real(order)
            x = tf.identity(self.source(within(order, self.source.vocabulary_size), training=training))
        if self.positions is not None:
            # Token vectors start small; what is made of features and pixels has the size of positions already.
            x = self.positions(x if self.takes_features else x * self.width**0.5, mask=mask)
        return self.drop(x, training=training), mask

    def _has_states(self):
        return isinstance(self.encoder, RecurrentStack)

    def _encoded(self, shape):
        """The shapes that the encoder gives: of its outputs and of its states."""
        found = shape if self.encoder is None else self.encoder.compute_output_shape(shape)
        return found if self._has_states() else [found]

    def _by_layer(self, states):
        """The states of each layer, of which the first half belongs to the forward direction."""
        states = iter(states)
        blocks = self.encoder.blocks if self._has_states() else []
        return [
            [next(states) for _ in range(_directions(block) * CELLS[block.cell].states)] for block in blocks
        ]

    def _result_states(self, states):
        """The hidden states of the last layer, one for each direction."""
        if not states:
            return []
        last = self._by_layer(states)[-1]
        return last[:: CELLS[self.encoder.blocks[-1].cell].states]

    def get_config(self):
        parts = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in PARTS}
        for part in filter(None, parts.values()):
            part.pop("build_config", None)  # the reader builds them
        return {**super().get_config(), **parts, "reverse": self.reverse, "dropout": self.dropout}

    @classmethod
    def from_config(cls, config):
        return cls(
            **{**config, **{name: keras.saving.deserialize_keras_object(config[name]) for name in PARTS}}
        )


def within(ids, vocabulary_size):
    """Ids with the unknown one in place of those beyond a vocabulary, which stand for copied words.

    Args:
        ids: Int tensor.
        vocabulary_size: int.

    Returns:
        Int tensor of the same shape.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.models.source_reader import within
        >>> within(tf.constant([5, 9, 12]), 10).numpy().tolist()
        [5, 9, 1]
    """
    return tf.where(ids < vocabulary_size, ids, tf.cast(UNKNOWN, ids.dtype))


def lengths(source):
    """Steps of each row up to its last real one; a step of zeros before it, such as a silent frame, counts.

    Args:
        source: Int tensor or array of shape `(batch, time)`, or float one of shape `(batch, time, features)`.

    Returns:
        Int32 tensor of shape `(batch,)`.

    Example:
        >>> from nlpkit.models.source_reader import lengths
        >>> lengths([[5, 0, 3, 0], [0, 0, 0, 0]]).numpy().tolist()
        [3, 0]
    """
    source = tf.convert_to_tensor(source)
    places = tf.range(1, tf.shape(source)[1] + 1)
    # Among no steps at all the last one would be the least int.
    return tf.maximum(tf.reduce_max(tf.where(_real(source), places, 0), axis=1), 0)


def _real(source):
    """Which steps are no padding."""
    return (
        tf.not_equal(source, 0) if source.shape.rank == 2 else tf.reduce_any(tf.not_equal(source, 0), axis=-1)
    )


def _mean(outputs, mask):
    real = tf.cast(mask, outputs.dtype)[..., None]
    return tf.reduce_sum(outputs * real, axis=1) / tf.maximum(tf.reduce_sum(real, axis=1), 1)


def _directions(block):
    return 2 if block.bidirectional else 1
