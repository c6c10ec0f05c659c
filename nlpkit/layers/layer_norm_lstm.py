"""The LSTM with layer normalisation inside its step."""

import keras
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.layers.lstm_cell import LSTMCellBase

EPSILON = 1e-3


def layer_norm_lstm_drive(inputs, weights, epsilon=EPSILON):
    """What the inputs contribute to the gates of a step: LN(x W; g2) + b.

    Args:
        inputs: Float tensor of shape `(batch, features)`.
        weights: List of tensors, as `LayerNormLSTMCell` orders them.
        epsilon: float. Added to the variance. Defaults to 1e-3.

    Returns:
        Float tensor of shape `(batch, 4 * units)`.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.layer_norm_lstm import LayerNormLSTMCell, layer_norm_lstm_drive
        >>> cell = LayerNormLSTMCell(4)
        >>> cell.build((None, 3))
        >>> layer_norm_lstm_drive(tf.ones((2, 3)), cell.weights).shape
        TensorShape([2, 16])
    """
    kernel, _, bias, input_gain, *_ = weights
    return _normalize(tf.matmul(inputs, kernel), input_gain, epsilon) + bias


def layer_norm_lstm_step(drive, states, weights, remembered, epsilon=EPSILON):
    """One step of an LSTM with layer normalisation: gates LN(h' U; g1) + LN(x W; g2) + b, h = o tanh(LN(c; g3, b3)).

    The rest is as in any LSTM: c = f c' + i tanh(candidate), with the cell that goes on to the next step as it is. The
    gates of a step are normalised together. The paper gives the first two normalisations shifts of their own; they
    only add up with b, which is why there are none here.

    Args:
        drive: Float tensor of shape `(batch, 4 * units)`, from `layer_norm_lstm_drive`; gates in the order input,
            forget, candidate, output.
        states: List of the last state and cell, of shape `(batch, units)`.
        weights: List of tensors, as `LayerNormLSTMCell` orders them.
        remembered: What the product with U sees of the last state: all of it, or what dropout leaves.
        epsilon: float. Added to the variance. Defaults to 1e-3.

    Returns:
        List of the new state and cell.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.layer_norm_lstm import LayerNormLSTMCell, layer_norm_lstm_step
        >>> cell = LayerNormLSTMCell(4)
        >>> cell.build((None, 3))
        >>> states = cell.initial_state(2)
        >>> state, cell = layer_norm_lstm_step(tf.ones((2, 16)), states, cell.weights, states[0])

    Reference:
        [Ba et al., 2016](https://arxiv.org/abs/1607.06450), supplementary material
    """
    _, recurrent_kernel, _, _, recurrent_gain, cell_gain, cell_bias = weights
    gates = drive + _normalize(tf.matmul(remembered, recurrent_kernel), recurrent_gain, epsilon)
    input_gate, forget_gate, candidate, output_gate = tf.split(gates, 4, axis=-1)
    cell = tf.sigmoid(forget_gate) * states[1] + tf.sigmoid(input_gate) * tf.tanh(candidate)
    shown = _normalize(cell, cell_gain, epsilon) + cell_bias
    return [tf.sigmoid(output_gate) * tf.tanh(shown), cell]


@keras.saving.register_keras_serializable(package="nlpkit")
class LayerNormLSTMCell(LSTMCellBase):
    """One step of an LSTM with layer normalisation, for `keras.layers.RNN`.

    What the inputs and the last state contribute to the gates is normalised, and so is the cell before it becomes the
    output. Their scale then stays the same however long the sequence is, which makes training steadier and often
    shorter. The statistics are those of one step of one row, so they need no averages and are the same in
    training and prediction. They are computed with 32 bits at least.

    `RecurrentBlock` runs the cell with the default of `epsilon`; with another, `keras.layers.RNN` does.

    The weights are kernel, recurrent kernel and bias as of `keras.layers.LSTM`, then the gains `(4 * units)` of what
    the inputs and the last state contribute, then the gain and bias `(units)` of the cell.

    Args:
        units: int. Units of the cell.
        epsilon: float above 0. Added to the variance. Defaults to 1e-3.

    Call arguments:
        inputs: Float tensor of shape `(batch, features)`.
        states: List of the last state and cell, float tensors of shape `(batch, units)`.

    Returns:
        Float tensor of shape `(batch, units)`, and the list of the new state and cell.

    Raises:
        InputError: If `units` is no integer or below 1, or `epsilon` is not above 0.

    Example:
        >>> import keras, numpy as np
        >>> from nlpkit.layers.layer_norm_lstm import LayerNormLSTMCell
        >>> keras.layers.RNN(LayerNormLSTMCell(8), return_sequences=True)(np.ones((2, 5, 3))).shape
        TensorShape([2, 5, 8])

    Reference:
        [Ba et al., 2016](https://arxiv.org/abs/1607.06450), supplementary material
    """

    def __init__(self, units, epsilon=EPSILON, **kwargs):
        super().__init__(units, **kwargs)
        if not epsilon > 0:
            # The first state is zero, and so is its variance.
            raise InputError(f"`epsilon` must be above 0. Received: epsilon={epsilon!r}")
        self.epsilon = epsilon

    def build(self, input_shape):
        super().build(input_shape)
        gates = 4 * self.units
        self.input_gain = self.add_weight((gates,), initializer="ones", name="input_gain")
        self.recurrent_gain = self.add_weight((gates,), initializer="ones", name="recurrent_gain")
        self.cell_gain = self.add_weight((self.units,), initializer="ones", name="cell_gain")
        self.cell_bias = self.add_weight((self.units,), initializer="zeros", name="cell_bias")

    def _drive(self, inputs, weights):
        return layer_norm_lstm_drive(inputs, weights, self.epsilon)

    def _step(self, drive, states, weights, remembered):
        return layer_norm_lstm_step(drive, states, weights, remembered, self.epsilon)

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}


def _normalize(values, gain, epsilon):
    """Layer normalisation of the last axis, without a shift."""
    exact = tf.cast(values, keras.backend.result_type(values.dtype.name, "float32"))
    mean, variance = tf.nn.moments(exact, axes=[-1], keepdims=True)
    return tf.cast((exact - mean) * tf.math.rsqrt(variance + epsilon), values.dtype) * gain
