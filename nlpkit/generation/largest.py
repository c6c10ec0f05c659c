"""The largest of many numbers, or those that hold a mass, without sorting a vocabulary."""

import tensorflow as tf

# Of rows shorter than this `tf.math.top_k` finds them as fast.
SHORT = 1024
PARTS = 16
# Into so many buckets of so small a height a ranking is divided, from its top down; in one of them there are hardly
# ever more tokens than so many.
BUCKETS = 2048
HEIGHT = 2.0**-7
FEW = 64


def largest(values, k):
    """The k largest numbers of each row, largest first.

    The numbers are put into columns of 16. The k columns with the largest maxima hold the k largest numbers, so that
    all others need not be looked at. Of equal numbers any may come first.

    Args:
        values: float32 tensor of shape `(batch, size)`.
        k: int or int32 scalar tensor, at most `size`.

    Returns:
        Pair of tensors of shape `(batch, k)`: float32 values and int32 places.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.generation.largest import largest
        >>> [part.numpy().tolist() for part in largest(tf.constant([[1.0, 3.0, 2.0]]), 2)]
        [[[3.0, 2.0]], [[1, 2]]]
    """
    size = values.shape[-1] or tf.shape(values)[-1]
    if isinstance(size, int) and size < SHORT:
        return tuple(tf.math.top_k(values, k))
    if not isinstance(size, int) or size % PARTS:
        values = tf.pad(values, [[0, 0], [0, -size % PARTS]], constant_values=-float("inf"))
    count = -(-size // PARTS)
    columns = tf.reshape(values, [-1, PARTS, count])
    chosen = tf.math.top_k(tf.reduce_max(columns, axis=1), tf.minimum(k, count), sorted=False).indices
    candidates = tf.gather(columns, chosen, axis=2, batch_dims=1)
    width = tf.shape(chosen)[1]
    found, places = tf.math.top_k(tf.reshape(candidates, [-1, PARTS * width]), k)
    return found, places // width * count + tf.gather(chosen, places % width, batch_dims=1)


def least_with_mass(ranking, probabilities, mass):
    """Down to where one has to go in a ranking to have a probability mass.

    Mostly a few tokens have it. If not, a histogram shows in which bucket it is reached, and only what lies there is
    sorted.

    Args:
        ranking: float32 tensor of shape `(batch, size)`.
        probabilities: float32 tensor of the same shape.
        mass: Number or float32 scalar tensor, below 1.

    Returns:
        float32 tensor of shape `(batch, 1)`, the lowest rank among the fewest that together have the mass.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.generation.largest import least_with_mass
        >>> least_with_mass(tf.constant([[9.0, 7.0, 8.0]]), tf.constant([[0.5, 0.2, 0.3]]), 0.6).numpy().tolist()
        [[8.0]]
    """
    size = ranking.shape[-1] or tf.shape(ranking)[-1]
    mass = tf.cast(mass, "float32")
    if isinstance(size, int) and size < SHORT:
        return _least_sorted(ranking, probabilities, mass, size)[0]
    least, enough = _least_sorted(ranking, probabilities, mass, tf.minimum(FEW, size))
    return tf.cond(enough, lambda: least, lambda: _least_by_histogram(ranking, probabilities, mass, size))


def _least_by_histogram(ranking, probabilities, mass, size):
    # In a row in which everything is excluded the top is, too, and the distance to it no number.
    top = tf.maximum(tf.reduce_max(ranking, axis=-1, keepdims=True), ranking.dtype.min)
    bucket = tf.cast(tf.minimum((top - ranking) / HEIGHT, BUCKETS - 1.0), "int32")
    sums = tf.cumsum(_histogram(probabilities, bucket), axis=-1)
    # Rounded, all together may have a little less than the mass.
    reached = tf.minimum(tf.reduce_sum(tf.cast(sums < mass, "int32"), axis=-1, keepdims=True), BUCKETS - 1)
    before = tf.where(reached > 0, tf.gather(sums, tf.maximum(reached - 1, 0), batch_dims=1), 0.0)
    # With `==`, which also compares shapes that do not fit, TFLite asks for a known number of axes.
    inside = tf.where(tf.equal(bucket, reached), ranking, -float("inf"))
    least, enough = _least_sorted(inside, probabilities, mass - before, tf.minimum(FEW, size))
    return tf.cond(
        enough, lambda: least, lambda: _least_sorted(inside, probabilities, mass - before, size)[0]
    )


def _histogram(probabilities, bucket):
    batch = tf.shape(bucket)[0]
    bucket += tf.range(batch)[:, None] * BUCKETS
    sums = tf.math.unsorted_segment_sum(
        tf.reshape(probabilities, [-1]), tf.reshape(bucket, [-1]), batch * BUCKETS
    )
    return tf.reshape(sums, [batch, BUCKETS])


def _least_sorted(ranking, probabilities, mass, count):
    """The lowest rank that is needed for a mass, and whether so many of the highest were enough to find it."""
    values, ids = largest(ranking, count)
    there = values > -float("inf")
    sums = tf.cumsum(tf.gather(probabilities, ids, batch_dims=1), axis=-1)
    # Those before it have too little mass.
    last = tf.reduce_sum(tf.cast((sums < mass) & there, "int32"), axis=-1, keepdims=True)
    held = tf.reduce_sum(tf.cast(there, "int32"), axis=-1, keepdims=True)
    least = tf.gather(values, tf.maximum(tf.minimum(last, held - 1), 0), batch_dims=1)
    return least, tf.reduce_all((last < count) | (held < count))
