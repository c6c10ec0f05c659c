"""Padded steps of a sequence, wherever in a row they stand."""

import tensorflow as tf


def zero_padding(inputs, mask):
    """Makes the padded steps zero, whatever they hold: NaN times zero, in a product or a gradient, would be NaN.

    Args:
        inputs: Float tensor of shape `(batch, time, features)`.
        mask: Bool tensor of shape `(batch, time)`, or `None` where all steps are real.

    Returns:
        The same with zeros.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.padding import zero_padding
        >>> steps = tf.constant([[[float("nan")], [1.0], [2.0]]])
        >>> zero_padding(steps, tf.constant([[False, True, True]]))[0, :, 0].numpy().tolist()
        [0.0, 1.0, 2.0]
    """
    if mask is None:
        return inputs
    inputs = tf.convert_to_tensor(inputs)
    return tf.where(tf.cast(mask, "bool")[..., None], inputs, tf.zeros((), inputs.dtype))


def real_positions(mask):
    """Which real step of its row each step is, so that padding before a row leaves its positions as they are.

    Args:
        mask: Bool tensor of shape `(batch, time)`.

    Returns:
        Int32 tensor of shape `(batch, time)`, counted from 0; a padded step has the position of the real one before.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.padding import real_positions
        >>> real_positions(tf.constant([[False, True, True, False, True]])).numpy().tolist()
        [[0, 0, 1, 1, 2]]
    """
    return tf.maximum(tf.cumsum(tf.cast(mask, "int32"), axis=1) - 1, 0)
