"""Chance that repeats: a number for each seed, row and token, and a draw by that number.

TensorFlow's random operations give other numbers in TFLite, or are not there. Plain integer operations give the same
text everywhere.
"""

import tensorflow as tf

# The least biased of the 32-bit mixers with two multiplications that were searched for.
MULTIPLIERS = (0x7FEB352D, 0x846CA68B)
SHIFTS = (16, 15, 16)
BLOCK = 128
BELOW_ONE = 1.0 - 2.0**-24


def uniform(seed, rows, tokens):
    """One number from 0 to below 1 for each row and token, a hash of both and of the seed.

    Args:
        seed: int or int32 scalar tensor.
        rows: int32 tensor, the numbers of the rows.
        tokens: int32 tensor that `rows` broadcasts with, the numbers of the tokens.

    Returns:
        float32 tensor of the shape of both, multiples of 2^-24.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.generation.randomness import uniform
        >>> numbers = uniform(1, tf.range(2)[:, None], tf.range(3))
        >>> numbers.shape, bool(tf.reduce_all(numbers == uniform(1, tf.range(2)[:, None], tf.range(3))))
        (TensorShape([2, 3]), True)

    Reference:
        [Wellons, 2018](https://nullprogram.com/blog/2018/07/31/)
    """
    value = _mix(_bits(seed))
    value = _mix(value + _bits(rows))
    value = _mix(value + _bits(tokens))
    # 24 bits are what a float32 holds.
    return tf.cast(tf.bitwise.right_shift(value, tf.constant(8, tf.uint32)), "float32") * 2.0**-24


def _bits(value):
    if isinstance(value, int):
        return tf.constant(value % 2**32, tf.uint32)
    return tf.bitcast(tf.cast(value, "int32"), tf.uint32)


def _mix(value):
    """A permutation of the 32-bit numbers in which every bit depends on every bit."""
    # An odd constant first: the mixer alone leaves zero where it is.
    value += tf.constant(0x9E3779B9, tf.uint32)
    for shift, factor in zip(SHIFTS, (*MULTIPLIERS, None), strict=True):
        value = tf.bitwise.bitwise_xor(value, tf.bitwise.right_shift(value, tf.constant(shift, tf.uint32)))
        value = value if factor is None else value * tf.constant(factor, tf.uint32)
    return value


def draw(logits, numbers):
    """Draws a token per row: the first whose cumulative probability, in the order of ids, exceeds the row's number.

    Nothing is sorted, and only one block of the vocabulary is cumulated token by token.

    Args:
        logits: Float tensor of shape `(batch, vocabulary)`; minus infinity is never drawn.
        numbers: Float tensor of shape `(batch,)`, from 0 to below 1.

    Returns:
        int32 tensor of shape `(batch,)`; 0 for a row in which all is minus infinity.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.generation.randomness import draw
        >>> draw(tf.math.log([[0.5, 0.25, 0.25], [0.5, 0.25, 0.25]]), [0.49, 0.75]).numpy().tolist()
        [0, 2]
    """
    # From minus infinity in all tokens come numbers that are none, in which the first token is the one to take.
    weights = tf.exp(logits - tf.reduce_max(logits, axis=-1, keepdims=True))
    size = logits.shape[-1] or tf.shape(logits)[-1]
    if not isinstance(size, int) or size % BLOCK:
        weights = tf.pad(weights, [[0, 0], [0, -size % BLOCK]])
    blocks = tf.reshape(weights, [tf.shape(weights)[0], -1, BLOCK])
    sums = tf.cumsum(tf.reduce_sum(blocks, axis=-1), axis=-1)
    target = tf.minimum(numbers, BELOW_ONE) * sums[:, -1]
    block = _first_above(sums, target)
    before = tf.where(block > 0, tf.gather(sums, tf.maximum(block - 1, 0), batch_dims=1), 0.0)
    weights = tf.gather(blocks, block, batch_dims=1)
    sums = tf.cumsum(weights, axis=-1)
    # The sum of a block and its last cumulated sum may differ in the last bit.
    target = tf.minimum(target - before, sums[:, -1] * BELOW_ONE)
    return block * BLOCK + _first_above(tf.where(weights > 0, sums, -1.0), target)


def _first_above(sums, target):
    return tf.argmax(tf.cast(sums > target[:, None], "int32"), axis=-1, output_type="int32")
