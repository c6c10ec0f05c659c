"""The LSTM over time where there is no cuDNN kernel, with its gradient written out."""

import tensorflow as tf

NO_SECOND = "nlpkit's LSTM has no second derivatives; take keras.layers.LSTM for them"


def lstm(inputs, kernel, recurrent_kernel, bias, *, mask=None, backwards=False, training=False):
    """Runs an LSTM over a sequence, from a state of zeros; the weights are those of `keras.layers.LSTM`.

    Only the product with the last state needs the loop. Everything else is done for all steps at once, before and
    after it, and the gradient keeps two tensors a step where TensorFlow's own keeps a dozen. Where the inputs are
    rows that occur several times, as the tokens of a batch do, each row is multiplied once.

    Args:
        inputs: Float tensor of shape `(time, batch, features)`, or a pair of distinct rows `(n, features)` and the int
            positions `(time, batch)` that say which row stands where.
        kernel: Float tensor of shape `(features, 4 * units)`; gates in the order input, forget, candidate, output.
        recurrent_kernel: Float tensor of shape `(units, 4 * units)`.
        bias: Float tensor of shape `(4 * units,)`.
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
        >>> from nlpkit.layers.lstm_loop import lstm
        >>> lstm(tf.ones((5, 2, 3)), tf.ones((3, 16)), tf.ones((4, 16)), tf.zeros(16)).shape
        TensorShape([5, 2, 4])

    Reference:
        [Hochreiter & Schmidhuber, 1997](https://doi.org/10.1162/neco.1997.9.8.1735)
    """
    units = recurrent_kernel.shape[0]
    # tanh(x) = 2 sigmoid(2x) - 1, so that one sigmoid serves all four gates.
    scale = tf.constant([1.0] * (2 * units) + [2.0] * units + [1.0] * units, kernel.dtype)
    gates = _project(inputs, kernel * scale, bias * scale)
    return _states(gates, recurrent_kernel * scale, mask, backwards, training)


def _project(inputs, kernel, bias):
    if not isinstance(inputs, tuple | list):
        flat = tf.reshape(inputs, (-1, inputs.shape[-1]))
        shape = tf.concat([tf.shape(inputs)[:2], [kernel.shape[-1]]], axis=0)
        return tf.reshape(tf.nn.bias_add(tf.matmul(flat, kernel), bias), shape)
    rows, positions = inputs
    return tf.gather(tf.nn.bias_add(tf.matmul(rows, kernel), bias), positions)


def _states(gates, recurrent_kernel, mask, backwards, training):
    # Eagerly an array is changed in place, so that each gradient needs one of its own.
    keep = training and not tf.executing_eagerly()

    @tf.custom_gradient
    def run(gates, recurrent_kernel):
        states, *kept = _forward(gates, recurrent_kernel, mask, backwards, keep)

        def gradient(upstream):
            opened, cells = kept or _forward(gates, recurrent_kernel, mask, backwards, keep=True)[1:]
            change = _backward(upstream, recurrent_kernel, opened, cells, backwards)
            before, after = (states[1:], change[:-1]) if backwards else (states[:-1], change[1:])
            weights = tf.matmul(_flat(before), _flat(after), transpose_a=True)
            return [tf.raw_ops.PreventGradient(input=x, message=NO_SECOND) for x in (change, weights)]

        return states, gradient

    return run(gates, recurrent_kernel)


def _forward(gates, recurrent_kernel, mask, backwards, keep):
    """The states `(time, batch, units)`; to keep, the opened gates of each step and the cells between the steps."""
    steps, batch, units = tf.shape(gates)[0], tf.shape(gates)[1], recurrent_kernel.shape[0]
    zeros = tf.zeros((batch, units), gates.dtype)

    def step(time, state, cell, states, *kept):
        gate = tf.sigmoid(gates[time] + tf.matmul(state, recurrent_kernel))
        if mask is not None:
            gate *= mask[time]
        input_gate, forget_gate, candidate, output_gate = tf.split(gate, 4, axis=-1)
        cell = forget_gate * cell + input_gate * (2 * candidate - 1)
        state = output_gate * tf.tanh(cell)
        if keep:
            opened, cells = kept
            kept = opened.write(time, gate), cells.write(time if backwards else time + 1, cell)
        return _next(time, backwards), state, cell, states.write(time, state), *kept

    kept = ()
    if keep:
        cells = _array(steps + 1, gates, units).write(steps if backwards else 0, zeros)
        kept = _array(steps, gates, 4 * units), cells
    _, _, _, states, *kept = _loop(step, steps, backwards, zeros, zeros, _array(steps, gates, units), *kept)
    return states.stack(), *kept


def _backward(upstream, recurrent_kernel, opened, cells, backwards):
    """The gradient of the gates before their sigmoid, `(time, batch, 4 * units)`."""
    steps, zeros, back = tf.shape(upstream)[0], tf.zeros_like(upstream[0]), tf.transpose(recurrent_kernel)

    def step(time, state, cell, gates):
        gate, before, after = gates.read(time), cells.read(time), cells.read(time + 1)
        old, new = (after, before) if backwards else (before, after)
        input_gate, forget_gate, candidate, output_gate = tf.split(gate, 4, axis=-1)
        state, new = state + upstream[time], tf.tanh(new)
        cell += tf.raw_ops.TanhGrad(y=new, dy=state * output_gate)
        change = [cell * (2 * candidate - 1), cell * old, 2 * cell * input_gate, state * new]
        change = tf.raw_ops.SigmoidGrad(y=gate, dy=tf.concat(change, axis=-1))
        # A gate that has been read makes room for its gradient.
        gates = gates.write(time, change)
        return _next(time, not backwards), tf.matmul(change, back), cell * forget_gate, gates

    return _loop(step, steps, not backwards, zeros, zeros, opened)[-1].stack()


def _loop(step, steps, backwards, *start):
    if backwards:
        return tf.while_loop(lambda time, *_: time >= 0, step, (steps - 1, *start))
    return tf.while_loop(lambda time, *_: time < steps, step, (0, *start))


def _next(time, backwards):
    return time - 1 if backwards else time + 1


def _array(size, like, features):
    shape = (like.shape[1], features)
    return tf.TensorArray(like.dtype, size=size, element_shape=shape, clear_after_read=False)


def _flat(sequence):
    return tf.reshape(sequence, (-1, sequence.shape[-1]))
