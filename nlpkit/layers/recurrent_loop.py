"""What the loops of nlpkit's recurrent cells share: the part before the loop, the loop over time, and its arrays."""

import tensorflow as tf

NO_SECOND = "nlpkit's recurrent loops have no second derivatives; take Keras' layers for them"


def project(inputs, kernel, bias):
    """Multiplies the inputs of all steps with a kernel at once.

    Where the inputs are rows that occur several times, as the tokens of a batch do, each row is multiplied once.

    Args:
        inputs: Float tensor of shape `(time, batch, features)`, or a pair of distinct rows `(n, features)` and the int
            positions `(time, batch)` that say which row stands where.
        kernel: Float tensor of shape `(features, gates)`.
        bias: Float tensor of shape `(gates,)`.

    Returns:
        Float tensor of shape `(time, batch, gates)`.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.recurrent_loop import project
        >>> project(tf.ones((5, 2, 3)), tf.ones((3, 16)), tf.zeros(16)).shape
        TensorShape([5, 2, 16])
    """
    if isinstance(inputs, tuple | list):
        rows, positions = inputs
        return tf.gather(tf.nn.bias_add(tf.matmul(rows, kernel), bias), positions)
    shape = tf.concat([tf.shape(inputs)[:2], [kernel.shape[-1]]], axis=0)
    return tf.reshape(tf.nn.bias_add(tf.matmul(flat(inputs), kernel), bias), shape)


def differentiable_once(forward, backward, inputs, training):
    """Calls a loop whose gradient is another loop.

    The loop itself runs in float32 if the inputs have 16 bits.

    Args:
        forward: callable. `forward(*inputs, keep)` gives a list of outputs and, if `keep`, a list of what `backward`
            needs.
        backward: callable. `backward(upstream, kept, *inputs)` gives the gradient of each input from those of the
            outputs.
        inputs: list of tensors.
        training: bool. In a graph, keeps what the gradient needs; otherwise it is computed again.

    Returns:
        The list of outputs.
    """
    # With 16 bits the small differences that a state is made of get lost.
    kind = inputs[0].dtype
    if kind.size < 4:
        outputs = differentiable_once(forward, backward, [tf.cast(x, "float32") for x in inputs], training)
        return [tf.cast(output, kind) for output in outputs]
    # Eagerly an array is changed in place, so that each gradient needs one of its own.
    keep = training and not tf.executing_eagerly()

    @tf.custom_gradient
    def run(*inputs):
        outputs, kept = forward(*inputs, keep)

        def gradient(*upstream):
            needed = kept or forward(*inputs, True)[1]
            # From a `tf.gather` it comes as slices.
            upstream = [tf.convert_to_tensor(change) for change in upstream]
            changes = backward(upstream, needed, *inputs)
            return [tf.raw_ops.PreventGradient(input=change, message=NO_SECOND) for change in changes]

        return outputs, gradient

    return run(*inputs)


def over_time(step, steps, backwards, *start):
    """Runs `step(time, *values)`, which gives the next values, over the steps in either direction.

    Args:
        step: callable.
        steps: int32 scalar tensor.
        backwards: bool. From the last step to the first.
        start: Values before the first step that is run.

    Returns:
        List of the values after the last step.
    """
    first, onward = (steps - 1, -1) if backwards else (0, 1)

    def more(time, *_):
        return time >= 0 if backwards else time < steps

    def run(time, *values):
        return time + onward, *step(time, *values)

    return tf.while_loop(more, run, (first, *start))[1:]


def masked(values, mask, time):
    """Makes the values of a step zero in the rows that have no such step.

    Args:
        values: Float tensor of shape `(batch, …)`.
        mask: Float tensor of shape `(time, batch, 1)`, or `None` where all rows have all steps.
        time: int32 scalar tensor. The step.

    Returns:
        Float tensor of the same shape.
    """
    return values if mask is None else values * tf.cast(mask[time], values.dtype)


def steps_around(sequence, backwards):
    """Splits the states between `n` steps, `n + 1` of them, into those before and those after each step.

    Args:
        sequence: Tensor of shape `(n + 1, batch, units)`.
        backwards: bool. Whether the steps are run from the last to the first.

    Returns:
        Pair of tensors of shape `(n, batch, units)`.
    """
    return (sequence[1:], sequence[:-1]) if backwards else (sequence[:-1], sequence[1:])


def array(size, like, features):
    """An array of `size` tensors of shape `(batch, features)` with the batch and type of `like`.

    Args:
        size: int32 scalar tensor.
        like: Tensor of shape `(time, batch, …)`.
        features: int.

    Returns:
        `tf.TensorArray`.
    """
    shape = (like.shape[1], features)
    return tf.TensorArray(like.dtype, size=size, element_shape=shape, clear_after_read=False)


def flat(sequence):
    """Joins time and batch into one axis."""
    return tf.reshape(sequence, (-1, sequence.shape[-1]))
