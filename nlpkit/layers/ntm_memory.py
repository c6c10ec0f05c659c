"""The memory of a neural Turing machine: where its heads point, what they read and what they write.

Plain functions of any float type. Weightings have shape `(batch, heads, slots)`: each head's attention over the
slots, with sum 1. The parameters of a head have shape `(batch, heads, …)`, those with one number a last axis of 1.

Reference: [Graves et al., 2014](https://arxiv.org/abs/1410.5401), sections 3.1 to 3.3.
"""

import tensorflow as tf

# Far below the square of any value that stands in a memory, so that a vector of zeros gives no division by zero.
EPSILON = 1e-16


def address(memory, previous, key, strength, gate, shifts, exponent):
    """Moves the heads: by content, by place, or from what is found by content to a place beside it.

    Args:
        memory: Float tensor of shape `(batch, slots, size)`.
        previous: Weightings of the last step.
        key: Float tensor of shape `(batch, heads, size)`. What each head looks for.
        strength: At least 0. How much more than the others the most similar slot gets.
        gate: Between 0, the place of the last step, and 1, the place found by content.
        shifts: Float tensor of shape `(batch, heads, 2 * shift_range + 1)` with sums of 1; see `shift`.
        exponent: At least 1. How much sharper the weighting is made.

    Returns:
        Weightings.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.ntm_memory import address
        >>> previous = tf.constant([[[1.0, 0.0, 0.0, 0.0]]])
        >>> one_on = tf.constant([[[0.0, 0.0, 1.0]]])
        >>> number = tf.ones((1, 1, 1))
        >>> moved = address(tf.ones((1, 4, 2)), previous, tf.ones((1, 1, 2)), number, 0 * number, one_on, number)
        >>> moved.numpy().round(3).tolist()
        [[[0.0, 1.0, 0.0, 0.0]]]
    """
    found = content_weights(memory, key, strength)
    return sharpen(shift(interpolate(found, previous, gate), shifts), exponent)


def content_weights(memory, key, strength):
    """Weightings by the cosine similarity of each slot to the key (equations 5 and 6).

    Args:
        memory: Float tensor of shape `(batch, slots, size)`.
        key: Float tensor of shape `(batch, heads, size)`.
        strength: Float tensor of shape `(batch, heads, 1)`.

    Returns:
        Weightings.
    """
    return tf.nn.softmax(strength * tf.matmul(_unit(key), _unit(memory), transpose_b=True))


def interpolate(found, previous, gate):
    """Weightings between those found by content and those of the last step (equation 7).

    Args:
        found: Weightings, taken where `gate` is 1.
        previous: Weightings, taken where `gate` is 0.
        gate: Float tensor of shape `(batch, heads, 1)`.

    Returns:
        Weightings.
    """
    return gate * found + (1.0 - gate) * previous


def shift(weights, shifts):
    """Moves weightings along the slots by circular convolution (equation 8).

    Args:
        weights: Weightings.
        shifts: Float tensor of shape `(batch, heads, 2 * shift_range + 1)`. How much to move by `-shift_range` to
            `shift_range` slots, in this order.

    Returns:
        Weightings.
    """
    count = shifts.shape[-1]
    moved = [tf.roll(weights, step - count // 2, axis=-1) for step in range(count)]
    return tf.add_n([shifts[..., step : step + 1] * moved[step] for step in range(count)])


def sharpen(weights, exponent):
    """Weightings to the power of the exponent, with sum 1 again (equation 9)."""
    # Powers of small weights underflow, so that their sum can be zero; multiples of their logarithms do not.
    return tf.nn.softmax(exponent * tf.math.log(weights + EPSILON))


def read(memory, weights):
    """Mean of the slots under each weighting, of shape `(batch, heads, size)` (equation 2)."""
    return tf.matmul(weights, memory)


def write(memory, weights, erase, add):
    """Erases with all heads, then adds with all heads (equations 3 and 4).

    Args:
        memory: Float tensor of shape `(batch, slots, size)`.
        weights: Weightings.
        erase: Float tensor of shape `(batch, heads, size)`. How much of each element to erase, 0 to 1.
        add: Float tensor of shape `(batch, heads, size)`. What to add.

    Returns:
        Float tensor of shape `(batch, slots, size)`.
    """
    for head in range(erase.shape[1]):
        memory *= 1.0 - weights[:, head, :, None] * erase[:, head, None, :]
    return memory + tf.matmul(weights, add, transpose_a=True)


def _unit(vectors):
    """Vectors of length 1 in the same directions."""
    squares = tf.reduce_sum(tf.square(vectors), axis=-1, keepdims=True)
    return vectors * tf.math.rsqrt(squares + EPSILON)
