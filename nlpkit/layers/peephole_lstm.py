"""The LSTM whose gates see the cell."""

import keras
import tensorflow as tf

from nlpkit.layers.lstm_cell import LSTMCellBase
from nlpkit.layers.recurrent_steps import affine

# The peepholes look at the cell; what the inputs contribute is that of every LSTM.
peephole_lstm_drive = affine


def peephole_lstm_step(drive, states, weights, remembered):
    """One step of an LSTM with peepholes p: i, f = sigmoid(x W + h' U + b + p c'), o = sigmoid(x W + h' U + b + p c).

    The rest is as in any LSTM: c = f c' + i tanh(x W + h' U + b) and h = o tanh(c). Input and forget gate see the last
    cell, the output gate sees the new one.

    Args:
        drive: Float tensor of shape `(batch, 4 * units)`, from `peephole_lstm_drive`; gates in the order input,
            forget, candidate, output.
        states: List of the last state and cell, of shape `(batch, units)`.
        weights: List of tensors: kernel, recurrent kernel and bias as `keras.layers.LSTM` orders them, and the
            peepholes `(3, units)` of the input, forget and output gate.
        remembered: What the product with U sees of the last state: all of it, or what dropout leaves.

    Returns:
        List of the new state and cell.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.peephole_lstm import peephole_lstm_step
        >>> state, weights = tf.zeros((2, 4)), [None, tf.ones((4, 16)), None, tf.ones((3, 4))]
        >>> state, cell = peephole_lstm_step(tf.ones((2, 16)), [state, state], weights, state)

    Reference:
        [Gers & Schmidhuber, 2000](https://doi.org/10.1109/IJCNN.2000.861302),
        [Gers et al., 2002](https://jmlr.org/papers/v3/gers02a.html)
    """
    _, recurrent_kernel, _, peephole = weights
    to_input, to_forget, to_output = tf.unstack(peephole)
    gates = drive + tf.matmul(remembered, recurrent_kernel)
    input_gate, forget_gate, candidate, output_gate = tf.split(gates, 4, axis=-1)
    old = states[1]
    kept = tf.sigmoid(forget_gate + to_forget * old) * old
    cell = kept + tf.sigmoid(input_gate + to_input * old) * tf.tanh(candidate)
    return [tf.sigmoid(output_gate + to_output * cell) * tf.tanh(cell), cell]


@keras.saving.register_keras_serializable(package="nlpkit")
class PeepholeLSTMCell(LSTMCellBase):
    """One step of an LSTM whose gates see the cell, for `keras.layers.RNN`.

    The cell of an LSTM reaches its gates only through the output gate, and is hidden from them while that is closed.
    Peepholes are connections around it, one number per unit and gate, with which a cell can count steps and time its
    output. They start at zero, so that training starts from the plain LSTM.

    Args:
        units: int. Units of the cell.

    Call arguments:
        inputs: Float tensor of shape `(batch, features)`.
        states: List of the last state and cell, float tensors of shape `(batch, units)`.

    Returns:
        Float tensor of shape `(batch, units)`, and the list of the new state and cell.

    Raises:
        InputError: If `units` is no integer or below 1.

    Example:
        >>> import keras, numpy as np
        >>> from nlpkit.layers.peephole_lstm import PeepholeLSTMCell
        >>> keras.layers.RNN(PeepholeLSTMCell(8), return_sequences=True)(np.ones((2, 5, 3))).shape
        TensorShape([2, 5, 8])

    Reference:
        [Gers & Schmidhuber, 2000](https://doi.org/10.1109/IJCNN.2000.861302),
        [Gers et al., 2002](https://jmlr.org/papers/v3/gers02a.html)
    """

    _drive = staticmethod(peephole_lstm_drive)
    _step = staticmethod(peephole_lstm_step)

    def build(self, input_shape):
        super().build(input_shape)
        self.peephole = self.add_weight((3, self.units), initializer="zeros", name="peephole")
