"""cuDNN's kernel of the LSTM and the GRU, called without Keras' assertions on the mask."""

import tensorflow as tf

# Where each gate of Keras' weights stands in cuDNN's.
ORDERS = {"lstm": (0, 1, 2, 3), "gru": (1, 0, 2)}


def cudnn(mode, inputs, weights, states, lengths):
    """Runs cuDNN's kernel over right-padded rows, as `keras.layers.LSTM` and `GRU` do on a GPU.

    Args:
        mode: `"lstm"` or `"gru"`.
        inputs: Float tensor of shape `(batch, time, features)`.
        weights: List of tensors as the Keras layer orders them; of a GRU, with `reset_after`.
        states: List of float tensors of shape `(batch, units)`, the states before the first step.
        lengths: Int tensor of shape `(batch,)`, real steps of each row; 0 runs one step. `None` where all are whole.

    Returns:
        Float tensor of shape `(batch, time, units)`, zero at padded steps, and the list of the states after the last
        real step of each row.

    Example:
        >>> from nlpkit.layers.cudnn_kernel import cudnn_parameters
        >>> import tensorflow as tf  # the kernel itself needs a GPU
        >>> cudnn_parameters("lstm", [tf.ones((3, 16)), tf.ones((4, 16)), tf.ones(16)]).shape
        TensorShape([144])

    Reference:
        [Appleyard et al., 2016](https://arxiv.org/abs/1604.01946)
    """
    batch, time = tf.shape(inputs)[0], tf.shape(inputs)[1]
    # A row of length 0 makes the kernel abort.
    lengths = tf.fill([batch], time) if lengths is None else tf.maximum(lengths, 1)
    outputs, *last = tf.raw_ops.CudnnRNNV3(
        input=inputs,
        input_h=states[0][:, None],
        input_c=states[1][:, None] if mode == "lstm" else tf.constant(0, inputs.dtype),
        params=cudnn_parameters(mode, weights),
        sequence_lengths=lengths,
        rnn_mode=mode,
        is_training=True,  # without it there is no gradient
        time_major=False,
    )[:3]
    return outputs, [state[:, 0] for state in last[: len(states)]]


def cudnn_parameters(mode, weights):
    """The weights as cuDNN wants them: one vector of all matrices, each transposed, and then all biases.

    Args:
        mode: `"lstm"` or `"gru"`.
        weights: List of tensors as the Keras layer orders them.

    Returns:
        Float tensor of rank 1.

    Example:
        >>> from nlpkit.layers.cudnn_kernel import cudnn_parameters
        >>> import tensorflow as tf
        >>> cudnn_parameters("gru", [tf.ones((3, 12)), tf.ones((4, 12)), tf.ones((2, 12))]).shape
        TensorShape([108])
    """
    kernel, recurrent_kernel, bias = weights
    # cuDNN's LSTM has biases of the inputs and of the state, Keras' those of the state only.
    biases = [bias[0], bias[1]] if mode == "gru" else [tf.zeros_like(bias), bias]
    parts = [_gates(mode, part) for part in (kernel, recurrent_kernel, *biases)]
    return tf.concat([tf.reshape(tf.transpose(gate), [-1]) for part in parts for gate in part], axis=0)


def _gates(mode, weights):
    """Splits weights by gate, in cuDNN's order."""
    gates = tf.split(weights, len(ORDERS[mode]), axis=-1)
    return [gates[place] for place in ORDERS[mode]]
