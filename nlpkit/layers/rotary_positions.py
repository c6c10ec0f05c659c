"""Rotary positions: queries and keys turned so that their product depends on the distance alone."""

import tensorflow as tf


def waves(positions, size):
    """Cosines and sines of the angles of positions, for all that is turned by them.

    Args:
        positions: int tensor of shape `(batch, time)`, or `(1, time)` where all rows have the same.
        size: int. Features of a head, an even number.

    Returns:
        Tuple of two float32 tensors of shape `(batch, 1, time, size / 2)`.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.rotary_positions import waves
        >>> [wave.numpy().round(2).tolist() for wave in waves(tf.constant([[1]]), 2)]
        [[[[[0.5400000214576721]]]], [[[[0.8399999737739563]]]]]
    """
    rates = tf.constant([10000.0 ** (-2 * pair / size) for pair in range(size // 2)])
    # In float32 until the wave is taken: half precision has too few digits for the angles of late positions.
    angles = tf.cast(positions, "float32")[:, None, :, None] * rates
    return tf.cos(angles), tf.sin(angles)


def rotate(x, turn):
    """Turns each pair of features by an angle that grows with the position.

    The pairs lie half the size apart instead of side by side, which is several times as fast; as the features are
    learned, it is a matter of their order.

    Args:
        x: Float tensor of shape `(batch, heads, time, size)`, of an even size.
        turn: Cosines and sines from `waves`.

    Returns:
        Float tensor of the same shape.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.rotary_positions import rotate, waves
        >>> rotate(tf.constant([[[[1.0, 0.0]]]]), waves(tf.constant([[1]]), 2)).numpy().round(2).tolist()
        [[[[0.5400000214576721, 0.8399999737739563]]]]

    Reference:
        [Su et al., 2021](https://arxiv.org/abs/2104.09864)
    """
    cosine, sine = (tf.cast(wave, x.dtype) for wave in turn)
    first, second = tf.split(x, 2, axis=-1)
    return tf.concat([first * cosine - second * sine, second * cosine + first * sine], axis=-1)
