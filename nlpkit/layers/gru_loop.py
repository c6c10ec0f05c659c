"""The GRU over time where there is no cuDNN kernel, with its gradient written out."""

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


def gru(
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
    """Runs a GRU over a sequence; weights as in `keras.layers.GRU`, with `reset_after`.

    Args:
        inputs: Float tensor of shape `(batch, time, features)`, or a pair of distinct rows `(n, features)` and the int
            positions `(batch, time)` that say which row stands where.
        kernel: Float tensor of shape `(features, 3 * units)`; gates in the order update, reset, candidate.
        recurrent_kernel: Float tensor of shape `(units, 3 * units)`.
        bias: Float tensor of shape `(2, 3 * units)`: of the inputs and of the state.
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
        >>> from nlpkit.layers.gru_loop import gru
        >>> gru(tf.ones((2, 5, 3)), tf.ones((3, 12)), tf.ones((4, 12)), tf.zeros((2, 12))).shape
        TensorShape([5, 2, 4])

    Reference:
        [Cho et al., 2014](https://arxiv.org/abs/1406.1078)
    """

    steps, batch = span(inputs)
    if initial_state is None:
        initial_state = tf.zeros((batch, recurrent_kernel.shape[0]), kernel.dtype)

    def forward(inputs, kernel, recurrent_kernel, bias, initial_state, keep):
        gates = project(inputs, kernel, bias[0])
        return _forward(gates, steps, recurrent_kernel, bias[1], initial_state, mask, backwards, keep)

    def backward(upstream, kept, inputs, kernel, recurrent_kernel, bias, initial_state):
        inner, outer, initial = _backward(upstream[0], kept, recurrent_kernel, mask, backwards)
        of_inputs, of_kernel, of_bias = project_gradients(inner, inputs, kernel)
        recurrent = tf.matmul(flat(kept[0]), flat(outer), transpose_a=True)
        return (
            of_inputs,
            of_kernel,
            recurrent,
            tf.stack([of_bias, tf.reduce_sum(outer, axis=[0, 1])]),
            initial,
        )

    return run_loop(forward, backward, inputs, [kernel, recurrent_kernel, bias, initial_state], training)[0]


def _forward(gates, steps, recurrent_kernel, bias, initial_state, mask, backwards, keep):
    """The states; to keep, the states before each step, both gates, the candidate, and what the reset gate scaled."""
    units = recurrent_kernel.shape[0]
    parts = [2 * units, units]

    def step(time, state, states, *kept):
        ahead, drive = tf.split(gates(time), parts, axis=-1)
        behind, memory = tf.split(tf.nn.bias_add(tf.matmul(state, recurrent_kernel), bias), parts, axis=-1)
        opened = tf.sigmoid(ahead + behind)
        update, reset = tf.split(opened, 2, axis=-1)
        candidate = tf.tanh(drive + reset * memory)
        state = masked(candidate + update * (state - candidate), mask, time)
        if keep:
            found = (opened, candidate, memory)
            kept = [into.write(time, value) for into, value in zip(kept, found, strict=True)]
        return state, states.write(time if backwards else time + 1, state), *kept

    states = array(steps + 1, initial_state, units).write(steps if backwards else 0, initial_state)
    kept = [array(steps, initial_state, size) for size in (2 * units, units, units)] if keep else []
    _, states, *kept = over_time(step, steps, backwards, initial_state, states, *kept)
    before, after = steps_around(states.stack(), backwards)
    return [after], [before, *kept] if keep else []


def _backward(upstream, kept, recurrent_kernel, mask, backwards):
    """Gradients of what comes from the inputs, of what comes from the state, and of the initial state."""
    states, opened, candidates, memories = kept
    steps, units = tf.shape(upstream)[0], recurrent_kernel.shape[0]
    back = tf.transpose(recurrent_kernel)

    def step(time, change, inner, outer):
        gates, candidate, memory = opened.read(time), candidates.read(time), memories.read(time)
        update, reset = tf.split(gates, 2, axis=-1)
        change = masked(change + upstream[time], mask, time)
        drive = tf.raw_ops.TanhGrad(y=candidate, dy=change * (1 - update))
        opening = tf.concat([change * (states[time] - candidate), drive * memory], axis=-1)
        opening = tf.raw_ops.SigmoidGrad(y=gates, dy=opening)
        remembered = tf.concat([opening, drive * reset], axis=-1)
        inner = inner.write(time, tf.concat([opening, drive], axis=-1))
        return change * update + tf.matmul(remembered, back), inner, outer.write(time, remembered)

    start = tf.zeros(tf.shape(upstream)[1:], upstream.dtype)
    changes = [array(steps, start, 3 * units) for _ in range(2)]
    initial, inner, outer = over_time(step, steps, not backwards, start, *changes)
    return inner.stack(), outer.stack(), initial
