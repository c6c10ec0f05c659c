"""Any recurrent cell over time, by its step: slower than a loop of its own, but open to every cell and to zoneout."""

import tensorflow as tf

from nlpkit.layers.recurrent_loop import array, masked, over_time


def step_loop(step, inputs, states, *, mask=None, backwards=False, update=None):
    """Runs the step of a cell over a sequence; TensorFlow finds the gradient.

    Args:
        step: callable. `step(x, states)` gives the list of the new states.
        inputs: Float tensor of shape `(time, batch, features)`.
        states: List of float tensors of shape `(batch, units)`, the states before the first step that is read.
        mask: Float tensor of shape `(time, batch, 1)`, 0 at padded steps, where the states become zero. Right-padded
            rows only. Defaults to `None`, no padding.
        backwards: bool. Goes from the last step to the first. Defaults to `False`.
        update: callable. `update(time, old, new)` gives the states to go on with, as `Zoneout` does. Defaults to
            `None`, the new ones.

    Returns:
        List of float tensors of shape `(time, batch, units)`, one for each state.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.step_loop import step_loop
        >>> (states,) = step_loop(lambda x, h: [tf.tanh(x + h[0])], tf.ones((5, 2, 4)), [tf.zeros((2, 4))])
        >>> states.shape
        TensorShape([5, 2, 4])
    """
    steps = tf.shape(inputs)[0]
    # The gradient of a slice would be as large as the whole sequence, at every step.
    inputs = array(steps, states[0], inputs.shape[-1]).unstack(inputs)

    def run(time, *values):
        old = values[: len(states)]
        new = step(inputs.read(time), old)
        new = new if update is None else update(time, old, new)
        new = [masked(state, mask, time) for state in new]
        arrays = zip(values[len(states) :], new, strict=True)
        return *new, *[into.write(time, state) for into, state in arrays]

    arrays = [array(steps, state, state.shape[-1]) for state in states]
    found = over_time(run, steps, backwards, *states, *arrays, maximum_iterations=steps)
    return [into.stack() for into in found[len(states) :]]
