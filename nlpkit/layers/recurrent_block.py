"""One recurrent layer as a block: cell, direction, dropout, residual connection, normalisation."""

import keras
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.layers.distinct_tokens import dense, sequence_mask, sequence_shape, time_major
from nlpkit.layers.gru_loop import gru
from nlpkit.layers.lstm_loop import lstm
from nlpkit.layers.rnn_loop import rnn

CELLS = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
LOOPS = {"rnn": rnn, "lstm": lstm, "gru": gru}
STATES = {"rnn": 1, "lstm": 2, "gru": 1}


@keras.saving.register_keras_serializable(package="nlpkit")
class RecurrentBlock(keras.layers.Layer):
    """Simple RNN, LSTM or GRU over a right-padded sequence, in one or both directions.

    The cuDNN kernel never sees the mask: with padding on the right only, the forward direction is right without
    one, and the backward direction reads each row reversed within its length. So it can always be used on a GPU,
    also with rows that hold no real token. Where it is not used, nlpkit's own loops run (`nlpkit.layers.lstm_loop`
    and its like), which are faster than Keras'. Outputs at padded steps are zero.

    `step` runs one step with the same weights, for generation and streams; with `return_state` the states at the end
    of one segment are the `initial_state` of the next (truncated backpropagation through time).

    Args:
        units: int. Units per direction.
        cell: `"rnn"`, `"lstm"` or `"gru"`. Defaults to `"lstm"`.
        bidirectional: bool. Also reads backwards; the outputs are concatenated. Defaults to `False`.
        return_sequences: bool. Output of every step, or of the last real one only. Defaults to `True`.
        return_state: bool. Also returns the states after the last real step of each row, where a row without any
            keeps its initial state. Defaults to `False`.
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
        initial_state: List of the tensors that `initial_state()` gives, the states before the first step; in one
            direction only. Defaults to `None`, zeros.
        training: bool. Whether dropout is active.

    Returns:
        Float tensor of shape `(batch, time, units)`, `(batch, units)` without `return_sequences`; twice the
        units if bidirectional. With `return_state` a list: that tensor and the states `(batch, units)`, one per
        direction or, of an LSTM, state and cell of each.

    Raises:
        InputError: If `cell` is unknown, `residual` is set and the sizes differ, or a bidirectional block is asked
            for a step or given an initial state.

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
        return_state=False,
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
        self.return_sequences, self.return_state = return_sequences, return_state
        self.dropout, self.residual = dropout, residual
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
            self.units,
            return_sequences=True,
            return_state=self.return_state,
            dtype=self.dtype_policy,
            name=name,
            **cudnn,
        )

    def build(self, input_shape):
        features = sequence_shape(input_shape)[-1]
        size = self.units * (2 if self.bidirectional else 1)
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

    def call(self, inputs, mask=None, initial_state=None, training=False):
        mask = sequence_mask(inputs, mask)
        lengths = None if mask is None else tf.reduce_sum(tf.cast(mask, "int32"), axis=1)
        if initial_state is not None:
            self._check_one_direction("initial state")
        run = self._by_loop if self._takes_loop(mask) else self._by_keras
        sequences, states = run(inputs, mask, lengths, initial_state, training)
        outputs = tf.concat(sequences, axis=-1) if self.bidirectional else sequences[0]
        if self.residual:
            outputs += tf.cast(dense(inputs), outputs.dtype)
        if not self.return_sequences:
            outputs = self._ends(outputs, lengths)
        if self.norm is not None:
            outputs = self.norm(outputs)
        outputs = self.drop(outputs, training=training)
        if mask is not None:
            real = mask if self.return_sequences else lengths > 0
            outputs *= tf.cast(real, outputs.dtype)[..., None]
        return [outputs, *states] if self.return_state else outputs

    def initial_state(self, batch_size):
        """The states before the first step: zeros.

        Args:
            batch_size: int or int scalar tensor.

        Returns:
            List of float tensors of shape `(batch_size, units)`: the state and, of an LSTM, the cell.

        Raises:
            InputError: If the block is bidirectional.
        """
        self._check_one_direction("initial state")
        return [tf.zeros((batch_size, self.units), self.compute_dtype) for _ in range(STATES[self.cell])]

    def step(self, x, state):
        """Runs one step with the block's weights, without dropout.

        Args:
            x: Float tensor of shape `(batch, features)`.
            state: List of tensors, as `initial_state` gives it.

        Returns:
            Tuple of the output `(batch, units)` and the next state.

        Raises:
            InputError: If the block is bidirectional.
        """
        self._check_one_direction("step")
        outputs, state = self.forward_rnn.cell(x, state)
        if self.residual:
            outputs += tf.cast(x, outputs.dtype)
        return outputs if self.norm is None else self.norm(outputs), list(state)

    def _check_one_direction(self, what):
        if self.bidirectional:
            raise InputError(
                f"A bidirectional block has no {what}, since it reads from both ends. Received: {self.name} with "
                "bidirectional=True. Leave it out for a block that runs step by step."
            )

    def _takes_loop(self, mask):
        """Whether nlpkit's own loop runs, which is the faster one wherever cuDNN's kernel is not."""
        # Through the padding cuDNN's kernel goes on changing the states that are asked for.
        return not (self.use_cudnn and _has_gpu()) or self.return_state and mask is not None

    def _by_loop(self, inputs, mask, lengths, initial_state, training):
        """States of every step in each direction, and if they are returned the last ones, from nlpkit's loops."""
        inputs, options = time_major(inputs), {"training": training}
        if mask is not None:
            options["mask"] = tf.transpose(tf.cast(mask, "float32"))[..., None]
        if initial_state is not None:
            options["initial_state"] = initial_state if self.cell == "lstm" else initial_state[0]
        if self.return_state and self.cell == "lstm":
            options["return_cells"] = True
        sequences, states = [], []
        for layer, backwards in self._directions():
            weights = [tf.cast(weight, self.compute_dtype) for weight in layer.weights]
            found = LOOPS[self.cell](inputs, *weights, backwards=backwards, **options)
            found = [tf.transpose(x, (1, 0, 2)) for x in (found if isinstance(found, tuple) else (found,))]
            sequences.append(found[0])
            if self.return_state:
                states += [x[:, 0] if backwards else _step(x, lengths) for x in found]
        if initial_state is not None and lengths is not None:
            states = [
                tf.where(lengths[:, None] > 0, *both) for both in zip(states, initial_state, strict=False)
            ]
        return sequences, states

    def _by_keras(self, inputs, mask, lengths, initial_state, training):
        """The same from Keras' layers, with cuDNN's kernel."""
        inputs, sequences, states = dense(inputs), [], []
        for layer, backwards in self._directions():
            read = _reverse(inputs, lengths) if backwards else inputs
            found = layer(read, initial_state=initial_state, training=training)
            sequence, *last = found if self.return_state else [found]
            sequences.append(_reverse(sequence, lengths) if backwards else sequence)
            states += last
        return sequences, states

    def _directions(self):
        """Keras' layers, which hold the weights, and whether each reads backwards."""
        forward = (self.forward_rnn, False)
        return [forward, (self.backward_rnn, True)] if self.bidirectional else [forward]

    def _ends(self, sequence, lengths):
        """What stands where each direction ends: the last real step, and the first one for the backward half."""
        last = _step(sequence, lengths)
        if not self.bidirectional:
            return last
        return tf.concat([last[:, : self.units], sequence[:, 0, self.units :]], axis=-1)

    def compute_mask(self, inputs, mask=None):
        own = sequence_mask(inputs, mask) if self.return_sequences else None
        return [own, *[None] * self._returned_states()] if self.return_state else own

    def _returned_states(self):
        return STATES[self.cell] * (2 if self.bidirectional else 1)

    def compute_output_shape(self, input_shape, initial_state_shape=None):
        batch, time, _ = sequence_shape(input_shape)
        size = self.units * (2 if self.bidirectional else 1)
        own = (batch, time, size) if self.return_sequences else (batch, size)
        return [own, *[(batch, self.units)] * self._returned_states()] if self.return_state else own

    def compute_output_spec(self, inputs, mask=None, initial_state=None, training=False):
        shapes = self.compute_output_shape(keras.tree.map_structure(lambda x: x.shape, inputs))
        if not self.return_state:
            return keras.KerasTensor(shapes, self.compute_dtype)
        return [keras.KerasTensor(shape, self.compute_dtype) for shape in shapes]

    def get_config(self):
        own = {
            "units": self.units,
            "cell": self.cell,
            "bidirectional": self.bidirectional,
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "dropout": self.dropout,
            "residual": self.residual,
            "layer_norm": self.layer_norm,
            "use_cudnn": self.use_cudnn,
        }
        return {**super().get_config(), **own}


def _has_gpu():
    return tf.test.is_built_with_cuda() and bool(tf.config.list_logical_devices("GPU"))


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
