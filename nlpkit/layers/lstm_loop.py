"""The LSTM over time where there is no cuDNN kernel, with its gradient written out."""

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


def lstm(
    inputs,
    kernel,
    recurrent_kernel,
    bias,
    *,
    initial_state=None,
    mask=None,
    backwards=False,
    training=False,
    return_cells=False,
):
    """Runs an LSTM over a sequence; the weights are those of `keras.layers.LSTM`.

    Its gradient keeps three tensors a step where TensorFlow's own keeps a dozen, and multiplies with the weights once
    for all steps. Where the inputs are rows that occur several times, as the tokens of a batch do, each row is
    multiplied once.

    Args:
        inputs: Float tensor of shape `(batch, time, features)`, or a pair of distinct rows `(n, features)` and the int
            positions `(batch, time)` that say which row stands where.
        kernel: Float tensor of shape `(features, 4 * units)`; gates in the order input, forget, candidate, output.
        recurrent_kernel: Float tensor of shape `(units, 4 * units)`.
        bias: Float tensor of shape `(4 * units,)`.
        initial_state: Pair of float tensors of shape `(batch, units)`, state and cell before the first step that is
            read. Defaults to `None`, zeros.
        mask: Float tensor of shape `(time, batch, 1)`, 0 at padded steps, where state and cell become zero.
            Right-padded rows only. Defaults to `None`, no padding.
        backwards: bool. Goes from the last step to the first. Defaults to `False`.
        training: bool. In a graph, keeps what the gradient needs; otherwise it is computed again when a gradient is
            asked for. Defaults to `False`.
        return_cells: bool. Also returns the cells. Defaults to `False`.

    Returns:
        Float tensor of shape `(time, batch, units)`: the states, each at its own step in either direction; with
        `return_cells` a pair, the cells beside them. They can be differentiated once.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.lstm_loop import lstm
        >>> lstm(tf.ones((2, 5, 3)), tf.ones((3, 16)), tf.ones((4, 16)), tf.zeros(16)).shape
        TensorShape([5, 2, 4])

    Reference:
        [Hochreiter & Schmidhuber, 1997](https://doi.org/10.1162/neco.1997.9.8.1735)
    """
    units = recurrent_kernel.shape[0]
    scale = [1.0] * (2 * units) + [2.0] * units + [1.0] * units

    def doubled(*weights):
        """With the candidate doubled: tanh(x) = 2 sigmoid(2x) - 1, so that one sigmoid serves all four gates."""
        return [each * tf.constant(scale, each.dtype) for each in weights]

    steps, batch = span(inputs)
    if initial_state is None:
        initial_state = [tf.zeros((batch, units), kernel.dtype)] * 2

    def forward(inputs, kernel, recurrent_kernel, bias, state, cell, keep):
        # It pays where there is a gradient; without one the doubling takes as long as some steps.
        if keep:
            kernel, recurrent_kernel, bias = doubled(kernel, recurrent_kernel, bias)
        gates = project(inputs, kernel, bias)
        return _forward(gates, steps, recurrent_kernel, state, cell, mask, backwards, keep, return_cells)

    def backward(upstream, kept, inputs, kernel, recurrent_kernel, bias, state, cell):
        states, *kept = kept
        kernel, recurrent_kernel = doubled(kernel, recurrent_kernel)
        changes, *initial = _backward(upstream, kept, recurrent_kernel, backwards)
        of_inputs, of_kernel, of_bias = project_gradients(changes, inputs, kernel)
        recurrent = tf.matmul(flat(states), flat(changes), transpose_a=True)
        return of_inputs, *doubled(of_kernel, recurrent, of_bias), *initial

    arguments = [kernel, recurrent_kernel, bias, *initial_state]
    outputs = run_loop(forward, backward, inputs, arguments, training)
    return tuple(outputs) if return_cells else outputs[0]


def _forward(gates, steps, recurrent_kernel, state, cell, mask, backwards, keep, return_cells):
    """States, perhaps cells; to keep, the states before each step, the opened gates, and the cells between steps."""
    units = recurrent_kernel.shape[0]

    def step(time, state, cell, states, *kept):
        closed = gates(time) + tf.matmul(state, recurrent_kernel)
        if keep:
            # Closed gates make cell and state zero, and the gradient with them; without one, the cell is enough.
            opened = masked(tf.sigmoid(closed), mask, time)
            input_gate, forget_gate, candidate, output_gate = tf.split(opened, 4, axis=-1)
            candidate = 2 * candidate - 1
        else:
            input_gate, forget_gate, candidate, output_gate = tf.split(closed, 4, axis=-1)
            input_gate, forget_gate, output_gate = map(tf.sigmoid, (input_gate, forget_gate, output_gate))
            candidate = tf.tanh(candidate)
        cell = masked(forget_gate * cell + input_gate * candidate, None if keep else mask, time)
        state = output_gate * tf.tanh(cell)
        after = time if backwards else time + 1
        if with_cells:
            kept = kept[0].write(after, cell), *kept[1:]
        if keep:
            kept = kept[0], kept[1].write(time, opened)
        return state, cell, states.write(after, state), *kept

    with_cells, first = keep or return_cells, steps if backwards else 0
    states = array(steps + 1, state, units).write(first, state)
    kept = [array(steps + 1, state, units).write(first, cell)] if with_cells else []
    kept += [array(steps, state, 4 * units)] if keep else []
    _, _, states, *kept = over_time(step, steps, backwards, state, cell, states, *kept)
    before, after = steps_around(states.stack(), backwards)
    outputs = [after, steps_around(kept[0].stack(), backwards)[1]] if return_cells else [after]
    return outputs, [before, *kept] if keep else []


def _backward(upstream, kept, recurrent_kernel, backwards):
    """Gradients of the gates before their sigmoid, `(time, batch, 4 * units)`, of the initial state and its cell."""
    cells, opened = kept
    states, *of_cells = upstream
    steps, back = tf.shape(states)[0], tf.transpose(recurrent_kernel)
    start = tf.zeros(tf.shape(states)[1:], states.dtype)

    def step(time, state, cell, gates):
        gate, before, after = gates.read(time), cells.read(time), cells.read(time + 1)
        old, new = (after, before) if backwards else (before, after)
        input_gate, forget_gate, candidate, output_gate = tf.split(gate, 4, axis=-1)
        state, new = state + states[time], tf.tanh(new)
        for change in of_cells:
            cell += change[time]
        cell += tf.raw_ops.TanhGrad(y=new, dy=state * output_gate)
        change = [cell * (2 * candidate - 1), cell * old, 2 * cell * input_gate, state * new]
        change = tf.raw_ops.SigmoidGrad(y=gate, dy=tf.concat(change, axis=-1))
        # A gate that has been read makes room for its gradient.
        return tf.matmul(change, back), cell * forget_gate, gates.write(time, change)

    state, cell, changes = over_time(step, steps, not backwards, start, start, opened)
    return changes.stack(), state, cell
