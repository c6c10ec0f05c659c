"""The simple recurrent network over time where there is no cuDNN kernel, with its gradient written out."""

import tensorflow as tf

from nlpkit.layers.recurrent_loop import (
    array,
    differentiable_once,
    flat,
    masked,
    over_time,
    project,
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
        inputs: Float tensor of shape `(time, batch, features)`, or a pair of distinct rows `(n, features)` and the int
            positions `(time, batch)` that say which row stands where.
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
        >>> rnn(tf.ones((5, 2, 3)), tf.ones((3, 4)), tf.ones((4, 4)), tf.zeros(4)).shape
        TensorShape([5, 2, 4])

    Reference:
        [Elman, 1990](https://doi.org/10.1207/s15516709cog1402_1)
    """

    def forward(drive, recurrent_kernel, initial_state, keep):
        steps = tf.shape(drive)[0]

        def step(time, state, states):
            state = masked(tf.tanh(drive[time] + tf.matmul(state, recurrent_kernel)), mask, time)
            return state, states.write(time if backwards else time + 1, state)

        states = array(steps + 1, drive, units).write(steps if backwards else 0, initial_state)
        states = over_time(step, steps, backwards, initial_state, states)[-1].stack()
        before, after = steps_around(states, backwards)
        return [after], [before, after] if keep else []

    def backward(upstream, kept, drive, recurrent_kernel, initial_state):
        (upstream,), (before, after), back = upstream, kept, tf.transpose(recurrent_kernel)

        def step(time, change, changes):
            change = tf.raw_ops.TanhGrad(y=after[time], dy=change + upstream[time])
            change = masked(change, mask, time)
            return tf.matmul(change, back), changes.write(time, change)

        steps = tf.shape(upstream)[0]
        start = tf.zeros_like(initial_state), array(steps, upstream, units)
        initial, changes = over_time(step, steps, not backwards, *start)
        changes = changes.stack()
        return changes, tf.matmul(flat(before), flat(changes), transpose_a=True), initial

    units, drive = recurrent_kernel.shape[0], project(inputs, kernel, bias)
    if initial_state is None:
        initial_state = tf.zeros((tf.shape(drive)[1], units), drive.dtype)
    (states,) = differentiable_once(forward, backward, [drive, recurrent_kernel, initial_state], training)
    return states
