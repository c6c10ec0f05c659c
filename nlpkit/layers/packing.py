"""Real steps first: rows whose padding stands at their start or in their midst are packed to the right-padded form."""

import tensorflow as tf

from nlpkit.layers.distinct_tokens import is_pair
from nlpkit.layers.one_text import reads_one_text


def pack(inputs, mask):
    """Moves the real steps of each row to its start, in their order.

    Args:
        inputs: Tensor of shape `(batch, time, features)`, or a pair of distinct rows and the int positions
            `(batch, time)`, as from `DistinctTokens`.
        mask: Bool tensor of shape `(batch, time)`, `False` at padded steps, wherever they are.

    Returns:
        What was given, if every row has its padding at its end; else the same with the steps moved.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.packing import pack
        >>> packed = pack(tf.constant([[[0.0], [1.0], [0.0], [2.0]]]), tf.constant([[False, True, False, True]]))
        >>> packed[0, :2, 0].numpy().tolist()
        [1.0, 2.0]
    """
    if is_pair(inputs):
        rows, positions = inputs
        return rows, pack(positions, mask)
    return _unless_packed(inputs, mask, lambda order, inverse: _reorder(inputs, order, inverse))


def without_padding(inputs, lengths):
    """Makes the padded steps of right-padded rows zero, whatever they hold: infinity times zero would not be zero.

    Args:
        inputs: Float tensor of shape `(batch, time, features)`, or a pair of distinct rows and positions, which stays.
        lengths: Int tensor of shape `(batch,)`.

    Returns:
        The same with zeros.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.packing import without_padding
        >>> without_padding(tf.constant([[[1.0], [float("inf")]]]), tf.constant([1]))[0, :, 0].numpy().tolist()
        [1.0, 0.0]
    """
    if is_pair(inputs):
        return inputs
    inputs = tf.convert_to_tensor(inputs)
    real = tf.sequence_mask(lengths, tf.shape(inputs)[1])
    return tf.where(real[..., None], inputs, tf.zeros((), inputs.dtype))


def real_steps(mask):
    """The number of real steps of each row.

    Args:
        mask: Bool tensor of shape `(batch, time)`, `False` at padded steps.

    Returns:
        int32 tensor of shape `(batch,)`.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.packing import real_steps
        >>> real_steps(tf.constant([[True, True, False]])).numpy().tolist()
        [2]
    """
    if not reads_one_text():
        return tf.reduce_sum(tf.cast(mask, "int32"), axis=1)
    # Microcontrollers sum no integers, and numbers of 8 bits round a sum: this is where the padding begins.
    return tf.argmin(tf.pad(tf.cast(mask, "float32"), [[0, 0], [0, 1]]), axis=1, output_type="int32")


def unpack(outputs, mask):
    """Moves the steps of a packed sequence back to where they stood.

    Args:
        outputs: Float tensor of shape `(batch, time, features)`, of a packed sequence.
        mask: Bool tensor of shape `(batch, time)`, as it was before packing.

    Returns:
        Float tensor of the same shape.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.packing import unpack
        >>> unpacked = unpack(tf.constant([[[1.0], [2.0], [0.0]]]), tf.constant([[False, True, True]]))
        >>> unpacked[0, :, 0].numpy().tolist()
        [0.0, 1.0, 2.0]
    """
    return _unless_packed(outputs, mask, lambda order, inverse: _reorder(outputs, inverse, order))


def reverse(sequence, lengths):
    """Reverses each right-padded row within its length, leaving the padding where it is.

    Args:
        sequence: Float tensor of shape `(batch, time, features)`.
        lengths: Int tensor of shape `(batch,)`, or `None` where all rows are whole.

    Returns:
        Float tensor of the same shape.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.packing import reverse
        >>> reverse(tf.constant([[[1.0], [2.0], [0.0]]]), tf.constant([2]))[0, :, 0].numpy().tolist()
        [2.0, 1.0, 0.0]
    """
    if lengths is None:
        return tf.reverse(sequence, axis=[1])
    steps = tf.range(tf.shape(sequence)[1])[None]
    if reads_one_text():
        # Of a choice TFLite's converter makes a SELECT, which microcontrollers lack.
        order = steps + tf.cast(steps < lengths[:, None], steps.dtype) * (lengths[:, None] - 1 - 2 * steps)
    else:
        order = tf.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)
    return _reorder(sequence, order, order)


def last_step(sequence, lengths):
    """The last real step of each right-padded row.

    Args:
        sequence: Float tensor of shape `(batch, time, features)`.
        lengths: Int tensor of shape `(batch,)`, or `None` where all rows are whole.

    Returns:
        Float tensor of shape `(batch, features)`, zeros of a row without any real step.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.packing import last_step
        >>> last_step(tf.constant([[[1.0], [2.0], [0.0]]]), tf.constant([2])).numpy().tolist()
        [[2.0]]
    """
    if lengths is None:
        return tf.reduce_sum(sequence[:, -1:], axis=1)  # of no step at all: zeros
    here = tf.range(tf.shape(sequence)[1]) - lengths[:, None] == -1  # no ONE_HOT: see `reverse`
    return tf.reduce_sum(tf.where(here[..., None], sequence, tf.zeros((), sequence.dtype)), axis=1)


def first_step(sequence):
    """The first step of each right-padded row.

    Args:
        sequence: Float tensor of shape `(batch, time, features)`.

    Returns:
        Float tensor of shape `(batch, features)`, zeros if there is no step.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.packing import first_step
        >>> first_step(tf.constant([[[1.0], [2.0], [0.0]]])).numpy().tolist()
        [[1.0]]
    """
    return tf.reduce_sum(sequence[:, :1], axis=1)


def _unless_packed(sequence, mask, move):
    """The sequence, moved only if a row has padding before a real step."""
    if reads_one_text():
        return tf.identity(sequence)
    mask = tf.cast(mask, "bool")

    def moved():
        steps = tf.range(tf.shape(mask)[1])
        order = tf.argsort(tf.where(mask, steps, steps + tf.shape(mask)[1]), axis=1)
        return move(order, tf.argsort(order, axis=1))

    late = tf.reduce_any(mask[:, 1:] & ~mask[:, :-1])
    found = tf.cond(late, moved, lambda: tf.identity(sequence))
    return tf.ensure_shape(found, sequence.shape)


def _reorder(sequence, order, inverse):
    """The steps of each row in another order."""
    if not sequence.dtype.is_floating:
        return tf.gather(sequence, order, axis=1, batch_dims=1)

    @tf.custom_gradient
    def reordered(sequence):
        # `tf.reverse_sequence` and a gather's own gradient move single numbers and take four times as long.
        found = tf.gather(sequence, order, axis=1, batch_dims=1)
        return found, lambda upstream: tf.gather(upstream, inverse, axis=1, batch_dims=1)

    return reordered(sequence)
