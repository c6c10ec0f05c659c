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


def project_each(inputs, kernel, bias):
    """Multiplies the inputs of a step when it is read: what `project` gives, in less memory and so in less time.

    Args:
        inputs: As of `project`.
        kernel: As of `project`.
        bias: As of `project`.

    Returns:
        callable. From the step, an int32 scalar tensor, to a float tensor of shape `(batch, gates)`.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.recurrent_loop import project_each
        >>> project_each(tf.ones((5, 2, 3)), tf.ones((3, 16)), tf.zeros(16))(0).shape
        TensorShape([2, 16])
    """
    if isinstance(inputs, tuple | list):
        rows, positions = inputs
        rows = tf.nn.bias_add(tf.matmul(rows, kernel), bias)
        return lambda time: tf.gather(rows, positions[time])
    # One operation, where `inputs[time]` is four.
    return lambda time: tf.nn.bias_add(tf.matmul(tf.gather(inputs, time), kernel), bias)


def run_loop(light, full, inputs, arguments, training):
    """Runs a loop that keeps nothing, or in training one that keeps what its gradient needs.

    Both run in float32 if the inputs have 16 bits. If a gradient of the first is asked for, it is that of the second.

    Args:
        light: callable. `light(inputs, *arguments)` gives a list of outputs.
        full: callable. The same in a way that TensorFlow can differentiate.
        inputs: Float tensor of shape `(time, batch, features)`, or a pair of distinct rows and the int positions.
        arguments: List of tensors.
        training: bool.

    Returns:
        The list of outputs.
    """
    values, *positions = inputs if isinstance(inputs, tuple | list) else (inputs,)
    # With 16 bits the small differences that a state is made of get lost.
    kind = values.dtype
    if kind.size < 4:
        exact = [tf.cast(x, "float32") for x in (values, *arguments)]
        outputs = run_loop(
            light, full, (exact[0], *positions) if positions else exact[0], exact[1:], training
        )
        return [tf.cast(output, kind) for output in outputs]
    if training and not tf.executing_eagerly():
        return full(inputs, *arguments)

    def call(loop, values, *arguments):
        return loop((values, *positions) if positions else values, *arguments)

    @tf.custom_gradient
    def run(*tensors):
        def gradient(*upstream):
            with tf.GradientTape() as tape:
                tape.watch(tensors)
                outputs = call(full, *tensors)
            return tape.gradient(outputs, tensors, output_gradients=list(upstream))

        return call(light, *tensors), gradient

    return run(values, *arguments)


def differentiable_once(forward, backward, inputs):
    """Calls a loop whose gradient is another loop.

    Args:
        forward: callable. `forward(*inputs)` gives a list of outputs and a list of what `backward` needs.
        backward: callable. `backward(upstream, kept, *inputs)` gives the gradient of each input from those of the
            outputs.
        inputs: List of tensors.

    Returns:
        The list of outputs.
    """

    @tf.custom_gradient
    def run(*inputs):
        outputs, kept = forward(*inputs)

        def gradient(*upstream):
            # From a `tf.gather` it comes as slices.
            upstream = [tf.convert_to_tensor(change) for change in upstream]
            changes = backward(upstream, kept, *inputs)
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


def span(inputs):
    """The number of steps and of rows of a sequence.

    Args:
        inputs: As of `project`.

    Returns:
        Pair of int32 scalar tensors.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.recurrent_loop import span
        >>> steps, batch = span(tf.ones((5, 2, 3)))
        >>> int(steps), int(batch)
        (5, 2)
    """
    shape = tf.shape(inputs[1] if isinstance(inputs, tuple | list) else inputs)
    return shape[0], shape[1]


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
        like: Tensor of shape `(batch, …)`.
        features: int.

    Returns:
        `tf.TensorArray`.
    """
    shape = (like.shape[0], features)
    return tf.TensorArray(like.dtype, size=size, element_shape=shape, clear_after_read=False)


def flat(sequence):
    """Joins time and batch into one axis."""
    return tf.reshape(sequence, (-1, sequence.shape[-1]))
