"""One step of the simple recurrent network, the LSTM and the GRU, as their papers write it."""

import tensorflow as tf


def affine(inputs, weights):
    """What the inputs of a step contribute to its gates: x W + b.

    Args:
        inputs: Float tensor of shape `(batch, features)`.
        weights: List of tensors as Keras orders them: kernel, recurrent kernel, bias. Of a bias with two rows, the
            first belongs to the inputs.

    Returns:
        Float tensor of shape `(batch, gates)`.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.recurrent_steps import affine
        >>> affine(tf.ones((2, 3)), [tf.ones((3, 16)), None, tf.zeros(16)]).shape
        TensorShape([2, 16])
    """
    kernel, _, bias = weights[:3]
    return tf.matmul(inputs, kernel) + (bias if bias.shape.rank == 1 else bias[0])


def rnn_step(drive, states, weights, remembered):
    """One step of a simple recurrent network: h = tanh(x W + h' U + b).

    Args:
        drive: Float tensor of shape `(batch, units)`, from `affine`.
        states: List of the last state, of shape `(batch, units)`.
        weights: List of tensors, as `keras.layers.SimpleRNN` orders them.
        remembered: What the product with U sees of the last state: all of it, or what dropout leaves.

    Returns:
        List of the new state.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.recurrent_steps import rnn_step
        >>> state = tf.zeros((2, 4))
        >>> rnn_step(tf.ones((2, 4)), [state], [None, tf.ones((4, 4))], state)[0].shape
        TensorShape([2, 4])

    Reference:
        [Elman, 1990](https://doi.org/10.1207/s15516709cog1402_1)
    """
    return [tf.tanh(drive + tf.matmul(remembered, weights[1]))]


def lstm_step(drive, states, weights, remembered):
    """One step of an LSTM: i, f, o = sigmoid(x W + h' U + b), c = f c' + i tanh(x W + h' U + b), h = o tanh(c).

    Args:
        drive: Float tensor of shape `(batch, 4 * units)`, from `affine`; gates in the order input, forget,
            candidate, output.
        states: List of the last state and cell, of shape `(batch, units)`.
        weights: List of tensors, as `keras.layers.LSTM` orders them.
        remembered: What the product with U sees of the last state: all of it, or what dropout leaves.

    Returns:
        List of the new state and cell.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.recurrent_steps import lstm_step
        >>> state = tf.zeros((2, 4))
        >>> state, cell = lstm_step(tf.ones((2, 16)), [state, state], [None, tf.ones((4, 16))], state)

    Reference:
        [Hochreiter & Schmidhuber, 1997](https://doi.org/10.1162/neco.1997.9.8.1735), forget gate as in
        [Gers et al., 2000](https://doi.org/10.1162/089976600300015015)
    """
    gates = drive + tf.matmul(remembered, weights[1])
    input_gate, forget_gate, candidate, output_gate = tf.split(gates, 4, axis=-1)
    cell = tf.sigmoid(forget_gate) * states[1] + tf.sigmoid(input_gate) * tf.tanh(candidate)
    return [tf.sigmoid(output_gate) * tf.tanh(cell), cell]


def gru_step(drive, states, weights, remembered):
    """One step of a GRU: z, r = sigmoid(x W + h' U + b), g = tanh(x W + r (h' U + b)), h = z h' + (1 - z) g.

    Where the bias has one row, the reset gate comes before the product with the state, as in the paper:
    g = tanh(x W + (r h') U + b).

    Args:
        drive: Float tensor of shape `(batch, 3 * units)`, from `affine`; update gate, reset gate, candidate.
        states: List of the last state, of shape `(batch, units)`.
        weights: List of tensors, as `keras.layers.GRU` orders them.
        remembered: What the products with U see of the last state: all of it, or what dropout leaves.

    Returns:
        List of the new state.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.recurrent_steps import gru_step
        >>> state = tf.zeros((2, 4))
        >>> gru_step(tf.ones((2, 12)), [state], [None, tf.ones((4, 12)), tf.zeros(12)], state)[0].shape
        TensorShape([2, 4])

    Reference:
        [Cho et al., 2014](https://arxiv.org/abs/1406.1078)
    """
    _, recurrent_kernel, bias = weights
    units = recurrent_kernel.shape[0]
    opening, drive = tf.split(drive, [2 * units, units], axis=-1)
    to_gates, to_candidate = tf.split(recurrent_kernel, [2 * units, units], axis=-1)
    if bias.shape.rank == 2:
        of_gates, of_candidate = tf.split(bias[1], [2 * units, units], axis=-1)
        opening += of_gates
    update, reset = tf.split(tf.sigmoid(opening + tf.matmul(remembered, to_gates)), 2, axis=-1)
    if bias.shape.rank == 2:
        candidate = tf.tanh(drive + reset * (tf.matmul(remembered, to_candidate) + of_candidate))
    else:
        candidate = tf.tanh(drive + tf.matmul(reset * remembered, to_candidate))
    return [update * states[0] + (1 - update) * candidate]
