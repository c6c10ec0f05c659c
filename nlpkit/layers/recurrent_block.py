"""One recurrent layer as a block: cell, direction, dropout, residual connection, normalisation."""

import keras
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.layers.lstm_loop import lstm

CELLS = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}


@keras.saving.register_keras_serializable(package="nlpkit")
class RecurrentBlock(keras.layers.Layer):
    """Simple RNN, LSTM or GRU over a right-padded sequence, in one or both directions.

    The cuDNN kernel never sees the mask: with padding on the right only, the forward direction is right without
    one, and the backward direction reads each row reversed within its length. So it can always be used on a GPU,
    also with rows that hold no real token. Where it is not used, an LSTM runs by `nlpkit.layers.lstm_loop`, which is
    faster than Keras' loop. Outputs at padded steps are zero.

    Args:
        units: int. Units per direction.
        cell: `"rnn"`, `"lstm"` or `"gru"`. Defaults to `"lstm"`.
        bidirectional: bool. Also reads backwards; the outputs are concatenated. Defaults to `False`.
        return_sequences: bool. Output of every step, or of the last real one only. Defaults to `True`.
        dropout: float between 0 and 1. Fraction of the block's outputs to drop. Defaults to 0.
        residual: bool. Adds the input to the output; both must have the same size. Defaults to `False`.
        layer_norm: bool. Layer normalisation of the output. Defaults to `False`.
        use_cudnn: `"auto"`, `True` or `False`. Whether the cuDNN kernel may be used; kept in the config, so that
            a portable model stays portable when it is saved and loaded. Defaults to `"auto"`.

    Call arguments:
        inputs: Float tensor of shape `(batch, time, features)`, or a pair of distinct rows `(n, features)` and the int
            positions `(batch, time)` at which they stand, as from `DistinctTokens`.
        mask: Bool tensor of shape `(batch, time)`, `False` only at the end of a row. Of a pair, Keras hands over a
            mask `(n,)` of the rows by itself.
        training: bool. Whether dropout is active.

    Returns:
        Float tensor of shape `(batch, time, units)`, `(batch, units)` without `return_sequences`; twice the
        units if bidirectional.

    Raises:
        InputError: If `cell` is unknown, or `residual` is set and the sizes differ.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import RecurrentBlock
        >>> RecurrentBlock(8, "gru", bidirectional=True)(np.ones((2, 5, 4))).shape
        TensorShape([2, 5, 16])

    Reference:
        [Hochreiter & Schmidhuber, 1997](https://doi.org/10.1162/neco.1997.9.8.1735),
        [Cho et al., 2014](https://arxiv.org/abs/1406.1078),
        [Schuster & Paliwal, 1997](https://doi.org/10.1109/78.650093)
    """

    def __init__(
        self,
        units,
        cell="lstm",
        *,
        bidirectional=False,
        return_sequences=True,
        dropout=0.0,
        residual=False,
        layer_norm=False,
        use_cudnn="auto",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if cell not in CELLS:
            raise InputError(f"`cell` must be one of {sorted(CELLS)}. Received: cell={cell!r}")
        self.units, self.cell, self.bidirectional = units, cell, bidirectional
        self.return_sequences, self.dropout, self.residual = return_sequences, dropout, residual
        self.layer_norm, self.use_cudnn = layer_norm, use_cudnn
        self.supports_masking = True
        self.forward_rnn = self._make_rnn("forward")
        self.backward_rnn = self._make_rnn("backward") if bidirectional else None
        self.norm = (
            keras.layers.LayerNormalization(dtype=self.dtype_policy, name="norm") if layer_norm else None
        )
        self.drop = keras.layers.Dropout(dropout, dtype=self.dtype_policy, name="dropout")

    def _make_rnn(self, name):
        cudnn = {} if self.cell == "rnn" else {"use_cudnn": self.use_cudnn}
        return CELLS[self.cell](
            self.units, return_sequences=True, dtype=self.dtype_policy, name=name, **cudnn
        )

    def build(self, input_shape):
        features = _sequence_shape(input_shape)[-1]
        size = self.compute_output_shape(input_shape)[-1]
        if self.residual and features != size:
            raise InputError(
                f"`residual=True` needs an input as wide as the output ({size} features). "
                f"Received: {features} features. Change `units` or leave out the residual connection."
            )
        self.forward_rnn.build((None, None, features))
        if self.bidirectional:
            self.backward_rnn.build((None, None, features))
        if self.norm is not None:
            self.norm.build((None, None, size) if self.return_sequences else (None, size))

    def call(self, inputs, mask=None, training=False):
        mask = _sequence_mask(inputs, mask)
        lengths = None if mask is None else tf.reduce_sum(tf.cast(mask, "int32"), axis=1)
        if self._by_loop():
            states = self._loop(inputs, mask, training)
        else:
            states = self._by_keras(inputs, lengths, training)
        outputs = tf.concat(states, axis=-1) if self.bidirectional else states[0]
        if self.residual:
            outputs += tf.cast(_dense(inputs), outputs.dtype)
        if not self.return_sequences:
            outputs = self._ends(outputs, lengths)
        if self.norm is not None:
            outputs = self.norm(outputs)
        outputs = self.drop(outputs, training=training)
        if mask is None:
            return outputs
        real = mask if self.return_sequences else lengths > 0
        return outputs * tf.cast(real, outputs.dtype)[..., None]

    def _by_loop(self):
        """Whether nlpkit's own loop runs, which is the faster one wherever cuDNN's kernel is not."""
        return self.cell == "lstm" and not (self.use_cudnn and _has_gpu())

    def _loop(self, inputs, mask, training):
        """States of every step in each direction, from nlpkit's LSTM."""
        if mask is not None:
            mask = tf.transpose(tf.cast(mask, self.compute_dtype))[..., None]
        if _is_pair(inputs):
            # 64 bits, since oneDNN transposes no int32 without AVX-512, and complains.
            inputs = [inputs[0], tf.transpose(tf.cast(inputs[1], "int64"))]
        else:
            inputs = tf.transpose(inputs, (1, 0, 2))
        states = []
        for rnn, backwards in ((self.forward_rnn, False), (self.backward_rnn, True)):
            if rnn is not None:
                weights = [tf.cast(weight, self.compute_dtype) for weight in rnn.weights]
                states.append(lstm(inputs, *weights, mask=mask, backwards=backwards, training=training))
        return [tf.transpose(sequence, (1, 0, 2)) for sequence in states]

    def _by_keras(self, inputs, lengths, training):
        """States of every step in each direction, from Keras' layers."""
        inputs = _dense(inputs)
        states = [self.forward_rnn(inputs, training=training)]
        if self.bidirectional:
            backward = self.backward_rnn(_reverse(inputs, lengths), training=training)
            states.append(_reverse(backward, lengths))
        return states

    def _ends(self, sequence, lengths):
        """What stands where each direction ends: the last real step, and the first one for the backward half."""
        last = _step(sequence, lengths)
        if not self.bidirectional:
            return last
        return tf.concat([last[:, : self.units], sequence[:, 0, self.units :]], axis=-1)

    def compute_mask(self, inputs, mask=None):
        return _sequence_mask(inputs, mask) if self.return_sequences else None

    def compute_output_shape(self, input_shape):
        batch, time, _ = _sequence_shape(input_shape)
        size = self.units * (2 if self.bidirectional else 1)
        return (batch, time, size) if self.return_sequences else (batch, size)

    def compute_output_spec(self, inputs, mask=None, training=False):
        shape = self.compute_output_shape(keras.tree.map_structure(lambda x: x.shape, inputs))
        return keras.KerasTensor(shape, self.compute_dtype)

    def get_config(self):
        own = {
            "units": self.units,
            "cell": self.cell,
            "bidirectional": self.bidirectional,
            "return_sequences": self.return_sequences,
            "dropout": self.dropout,
            "residual": self.residual,
            "layer_norm": self.layer_norm,
            "use_cudnn": self.use_cudnn,
        }
        return {**super().get_config(), **own}


def _has_gpu():
    return bool(tf.config.list_logical_devices("GPU"))


def _is_pair(inputs):
    return isinstance(inputs, list | tuple)


def _dense(inputs):
    """The sequence that distinct rows and positions stand for."""
    return tf.gather(*inputs) if _is_pair(inputs) else inputs


def _sequence_shape(shape):
    """Shape `(batch, time, features)` of a sequence, or of the one that a pair stands for."""
    if not _is_pair(shape[0]):
        return tuple(shape)
    rows, positions = shape
    return (*positions, rows[-1])


def _sequence_mask(inputs, mask):
    """The mask `(batch, time)`; that of distinct rows is one of the rows."""
    if not _is_pair(mask):
        return mask
    return None if mask[0] is None else keras.ops.take(mask[0], inputs[1], axis=0)


def _step(sequence, lengths):
    """The last real step of each row."""
    if lengths is None:
        return sequence[:, -1]
    return tf.gather(sequence, tf.maximum(lengths - 1, 0), axis=1, batch_dims=1)


def _reverse(sequence, lengths):
    """Reverses each row within its length, leaving the padding where it is."""
    if lengths is None:
        return tf.reverse(sequence, axis=[1])
    steps = tf.range(tf.shape(sequence)[1])[None]
    order = tf.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)

    @tf.custom_gradient
    def reordered(sequence):
        # `tf.reverse_sequence` moves single numbers and takes four times as long. The order is its own inverse.
        return _in_order(sequence, order), lambda upstream: _in_order(upstream, order)

    return reordered(sequence)


def _in_order(sequence, order):
    return tf.gather(sequence, order, axis=1, batch_dims=1)
