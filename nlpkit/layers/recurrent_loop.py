"""What the loops of nlpkit's recurrent cells share: the part before the loop, the loop over time, and its arrays."""

import tensorflow as tf

from nlpkit.layers.dense_array import DenseArray, arrays_are_dense

# Rows of a batch up to which the steps are multiplied together.
FEW = 32
NO_SECOND = "nlpkit's recurrent loops have no second derivatives; take Keras' layers for them"


def project(inputs, kernel, bias, at_once=False):
    """What the inputs of each step contribute, multiplied when the step is run, so that not all have to be kept.

    Where the inputs are rows that occur several times, as the tokens of a batch do, each row is multiplied once. Of a
    batch that is known to be small all steps are multiplied at once, too: a product of few rows uses the processor
    badly.

    Args:
        inputs: Float tensor of shape `(batch, time, features)`, or a pair of distinct rows `(n, features)` and the int
            positions `(batch, time)` that say which row stands where.
        kernel: Float tensor of shape `(features, gates)`.
        bias: Float tensor of shape `(gates,)`.
        at_once: bool. Multiplies all steps at once whatever the batch, for a cell of few gates, whose products need
            little room. Defaults to `False`.

    Returns:
        callable. From the step, an int32 scalar tensor, to a float tensor of shape `(batch, gates)`.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.recurrent_loop import project
        >>> project(tf.ones((2, 5, 3)), tf.ones((3, 16)), tf.zeros(16))(0).shape
        TensorShape([2, 16])
    """
    if isinstance(inputs, tuple | list):
        rows, positions = inputs
        rows = tf.nn.bias_add(tf.matmul(rows, kernel), bias)
        return lambda time: tf.gather(rows, tf.gather(positions, time, axis=1))
    if at_once or (inputs.shape[0] or FEW + 1) <= FEW:
        products = tf.nn.bias_add(tf.matmul(flat(inputs), kernel), bias)
        batch = inputs.shape[0] or tf.shape(inputs)[0]
        products = tf.reshape(products, (batch, -1, kernel.shape[1]))
        return lambda time: tf.gather(products, time, axis=1)
    # Taking a step out of each row costs less than turning all of them first.
    return lambda time: tf.nn.bias_add(tf.matmul(tf.gather(inputs, time, axis=1), kernel), bias)


def project_gradients(changes, inputs, kernel):
    """The gradients of `project`.

    Args:
        changes: Float tensor of shape `(time, batch, gates)`, the gradients of what it gave.
        inputs: As of `project`.
        kernel: As of `project`.

    Returns:
        Gradients of the inputs, or of the rows, of the kernel and of the bias.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.recurrent_loop import project_gradients
        >>> [x.shape for x in project_gradients(tf.ones((5, 2, 16)), tf.ones((2, 5, 3)), tf.ones((3, 16)))]
        [TensorShape([2, 5, 3]), TensorShape([3, 16]), TensorShape([16])]
    """
    changes = flat(changes)
    values, *positions = inputs if isinstance(inputs, tuple | list) else (inputs,)
    if positions:
        # 64 bits, since oneDNN transposes no int32 without AVX-512, and complains.
        order = tf.reshape(tf.transpose(tf.cast(positions[0], "int64")), [-1])
        changes = tf.math.unsorted_segment_sum(changes, order, tf.shape(values)[0])
    else:
        values = tf.transpose(values, (1, 0, 2))
    of_values = tf.reshape(tf.matmul(changes, kernel, transpose_b=True), tf.shape(values))
    of_values = of_values if positions else tf.transpose(of_values, (1, 0, 2))
    return of_values, tf.matmul(flat(values), changes, transpose_a=True), tf.reduce_sum(changes, axis=0)


def run_loop(forward, backward, inputs, arguments, training):
    """Calls a loop whose gradient is another loop.

    It runs in float32 if the inputs have 16 bits. Its gradient can be taken once.

    Args:
        forward: callable. `forward(inputs, *arguments, keep)` gives a list of outputs and, if `keep`, a list of what
            `backward` needs.
        backward: callable. `backward(upstream, kept, inputs, *arguments)` gives the gradients of the inputs, or of the
            rows, and of the arguments, from those of the outputs.
        inputs: As of `project`.
        arguments: List of tensors.
        training: bool. In a graph, keeps what the gradient needs; otherwise it is computed again.

    Returns:
        The list of outputs.
    """
    values, *positions = inputs if isinstance(inputs, tuple | list) else (inputs,)
    # With 16 bits the small differences that a state is made of get lost.
    kind = values.dtype
    if kind.size < 4:
        values, *arguments = [tf.cast(x, "float32") for x in (values, *arguments)]
        inputs = (values, *positions) if positions else values
        outputs = run_loop(forward, backward, inputs, arguments, training)
        return [tf.cast(output, kind) for output in outputs]
    # Eagerly an array is changed in place, so that each gradient needs one of its own.
    keep = training and not tf.executing_eagerly()

    @tf.custom_gradient
    def run(values, *arguments):
        inputs = (values, *positions) if positions else values
        outputs, kept = forward(inputs, *arguments, keep)

        def gradient(*upstream):
            needed = kept or forward(inputs, *arguments, True)[1]
            # From a `tf.gather` it comes as slices.
            upstream = [tf.convert_to_tensor(change) for change in upstream]
            changes = backward(upstream, needed, inputs, *arguments)
            return [tf.raw_ops.PreventGradient(input=change, message=NO_SECOND) for change in changes]

        return outputs, gradient

    return run(values, *arguments)


def over_time(step, steps, backwards, *start, maximum_iterations=None):
    """Runs `step(time, *values)`, which gives the next values, over the steps in either direction.

    Args:
        step: callable.
        steps: int32 scalar tensor.
        backwards: bool. From the last step to the first.
        start: Values before the first step that is run.
        maximum_iterations: int32 scalar tensor, the steps again, where TensorFlow finds the gradient: XLA asks for it.
            Defaults to `None`.

    Returns:
        List of the values after the last step.
    """
    first, onward = (steps - 1, -1) if backwards else (0, 1)

    def more(time, *_):
        return time >= 0 if backwards else time < steps

    def run(time, *values):
        return time + onward, *step(time, *values)

    return tf.while_loop(more, run, (first, *start), maximum_iterations=maximum_iterations)[1:]


def span(inputs):
    """The number of steps and of rows of a sequence.

    Args:
        inputs: As of `project`.

    Returns:
        Pair of int32 scalar tensors.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.recurrent_loop import span
        >>> steps, batch = span(tf.ones((2, 5, 3)))
        >>> int(steps), int(batch)
        (5, 2)
    """
    shape = tf.shape(inputs[1] if isinstance(inputs, tuple | list) else inputs)
    return shape[1], shape[0]


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
        `tf.TensorArray`, or a `DenseArray` of zeros within `dense_arrays`.
    """
    if arrays_are_dense():
        return DenseArray(tf.zeros((size, tf.shape(like)[0], features), like.dtype))
    shape = (like.shape[0], features)
    return tf.TensorArray(like.dtype, size=size, element_shape=shape, clear_after_read=False)


def flat(sequence):
    """Joins time and batch into one axis."""
    return tf.reshape(sequence, (-1, sequence.shape[-1]))
