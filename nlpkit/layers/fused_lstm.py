"""The LSTM as the one operation that TFLite has for it."""

import uuid

import tensorflow as tf

from nlpkit.layers.lstm_loop import lstm


def fused_lstm(inputs, kernel, recurrent_kernel, bias):
    """Runs an LSTM over whole rows, from states of zero, as TFLite's `UNIDIRECTIONAL_SEQUENCE_LSTM`.

    The loop stands in a function with the attribute `api_implements`, by which TFLite's converter knows it for an LSTM
    and puts the operation in its place. Everywhere else the loop runs.

    Args:
        inputs: Float tensor of shape `(batch, time, features)`, of a known batch size.
        kernel: Float tensor of shape `(features, 4 * units)`; gates in the order input, forget, candidate, output.
        recurrent_kernel: Float tensor of shape `(units, 4 * units)`.
        bias: Float tensor of shape `(4 * units,)`.

    Returns:
        Float tensor of shape `(batch, time, units)`, the states.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.fused_lstm import fused_lstm
        >>> fused_lstm(tf.ones((1, 5, 3)), tf.ones((3, 16)), tf.ones((4, 16)), tf.zeros(16)).shape
        TensorShape([1, 5, 4])

    Reference:
        [TensorFlow's converter](https://github.com/tensorflow/tensorflow/blob/master/tensorflow/lite/g3doc/models/convert/rnn.md)
    """
    # What the converter reads; of two functions with the same name TensorFlow might run one in place of the other.
    attributes = {"api_implements": f"lstm_{uuid.uuid4()}", "time_major": False, "go_backwards": False}
    run = tf.function(_as_the_converter_expects, experimental_attributes=attributes, autograph=False)
    zeros = tf.zeros((inputs.shape[0], recurrent_kernel.shape[0]), inputs.dtype)
    return run(inputs, zeros, zeros, kernel, recurrent_kernel, bias)[1]


def _as_the_converter_expects(inputs, state, cell, kernel, recurrent_kernel, bias):
    """Takes and gives what Keras' LSTM does; the converter has the last state and all of them, and no use of others."""
    states = lstm(inputs, kernel, recurrent_kernel, bias, initial_state=(state, cell))
    states = tf.transpose(states, (1, 0, 2))
    return states[:, -1], states, state, cell, tf.constant(0.0)
