"""The simple recurrent network over time where there is no cuDNN kernel, with its gradient written out."""

import tensorflow as tf

from nlpkit.layers.recurrent_loop import (
    array,
    flat,
    masked,
    over_time,
    project,
    project_gradients,
    run_loop,
    span,
    steps_around,
)


def rnn(
    inputs,
    kernel,
    recurrent_kernel,
    bias,
    *,
    initial_state=None,
    mask=None,
    backwards=False,
    training=False,
):
    """Runs a simple recurrent network over a sequence; weights as in `keras.layers.SimpleRNN`.

    Args:
        inputs: Float tensor of shape `(batch, time, features)`, or a pair of distinct rows `(n, features)` and the int
            positions `(batch, time)` that say which row stands where.
        kernel: Float tensor of shape `(features, units)`.
        recurrent_kernel: Float tensor of shape `(units, units)`.
        bias: Float tensor of shape `(units,)`.
        initial_state: Float tensor of shape `(batch, units)`, the state before the first step that is
            read. Defaults to `None`, zeros.
        mask: Float tensor of shape `(time, batch, 1)`, 0 at padded steps, where the state becomes zero. Right-padded
            rows only. Defaults to `None`, no padding.
        backwards: bool. Goes from the last step to the first. Defaults to `False`.
        training: bool. In a graph, keeps what the gradient needs; otherwise it is computed again when a gradient is
            asked for. Defaults to `False`.

    Returns:
        Float tensor of shape `(time, batch, units)`: the states, each at its own step in either direction. It can
        be differentiated once.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.rnn_loop import rnn
        >>> rnn(tf.ones((2, 5, 3)), tf.ones((3, 4)), tf.ones((4, 4)), tf.zeros(4)).shape
        TensorShape([5, 2, 4])

    Reference:
        [Elman, 1990](https://doi.org/10.1207/s15516709cog1402_1)
    """

    steps, batch = span(inputs)
    if initial_state is None:
        initial_state = tf.zeros((batch, recurrent_kernel.shape[0]), kernel.dtype)

    def forward(inputs, kernel, recurrent_kernel, bias, initial_state, keep):
        drive = project(inputs, kernel, bias, at_once=True)
        before, after = _forward(drive, steps, recurrent_kernel, initial_state, mask, backwards)
        return [after], [before, after] if keep else []

    def backward(upstream, kept, inputs, kernel, recurrent_kernel, bias, initial_state):
        changes, initial = _backward(upstream[0], kept[1], recurrent_kernel, mask, backwards)
        of_inputs, of_kernel, of_bias = project_gradients(changes, inputs, kernel)
        recurrent = tf.matmul(flat(kept[0]), flat(changes), transpose_a=True)
        return of_inputs, of_kernel, recurrent, of_bias, initial

    return run_loop(forward, backward, inputs, [kernel, recurrent_kernel, bias, initial_state], training)[0]


def _forward(drive, steps, recurrent_kernel, initial_state, mask, backwards):
    """The states before and after each step."""

    def step(time, state, states):
        state = masked(tf.tanh(drive(time) + tf.matmul(state, recurrent_kernel)), mask, time)
        return state, states.write(time if backwards else time + 1, state)

    states = array(steps + 1, initial_state, recurrent_kernel.shape[0])
    states = states.write(steps if backwards else 0, initial_state)
    return steps_around(over_time(step, steps, backwards, initial_state, states)[-1].stack(), backwards)


def _backward(upstream, states, recurrent_kernel, mask, backwards):
    """Gradients of what comes from the inputs, and of the initial state."""
    steps, back = tf.shape(upstream)[0], tf.transpose(recurrent_kernel)

    def step(time, change, changes):
        change = tf.raw_ops.TanhGrad(y=states[time], dy=change + upstream[time])
        change = masked(change, mask, time)
        return tf.matmul(change, back), changes.write(time, change)

    start = tf.zeros(tf.shape(upstream)[1:], upstream.dtype)
    changes = array(steps, start, recurrent_kernel.shape[0])
    initial, changes = over_time(step, steps, not backwards, start, changes)
    return changes.stack(), initial
