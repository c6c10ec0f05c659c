"""Keys and values of the steps so far, in tensors of a fixed size."""

import tensorflow as tf

from nlpkit.errors import InputError


def empty_cache(batch_size, num_heads, max_length, key_dim, dtype):
    """A cache without any step.

    Args:
        batch_size: int or scalar tensor.
        num_heads: int.
        max_length: int. Steps that there is room for.
        key_dim: int. Size of a head.
        dtype: Name of the dtype of keys and values.

    Returns:
        dict of `keys` and `values` `(batch, heads, max_length, key_dim)`, and the next `position` `(batch,)`.

    Example:
        >>> from nlpkit.layers.attention_cache import empty_cache
        >>> empty_cache(3, num_heads=2, max_length=5, key_dim=4, dtype="float32")["keys"].shape
        TensorShape([3, 2, 5, 4])
    """
    empty = tf.zeros((batch_size, num_heads, max_length, key_dim), dtype)
    return {"keys": empty, "values": empty, "position": tf.zeros((batch_size,), "int32")}


def add_step(cache, key, value):
    """The cache with one more step in each row.

    Args:
        cache: As from `empty_cache`.
        key: Float tensor of shape `(batch, heads, 1, key_dim)`.
        value: Float tensor of the same shape.

    Returns:
        dict as the cache.

    Raises:
        InputError: If there is no room; in a graph that is TensorFlow's `InvalidArgumentError`.
    """
    room = cache["keys"].shape[2] or tf.shape(cache["keys"])[2]
    position = _checked(cache["position"], room)
    heads, size = key.shape[1], key.shape[3]
    rows = tf.reshape(tf.range(tf.size(position) * heads) * room, (-1, heads))
    places = tf.reshape(rows + position[:, None], (-1, 1))

    def put(cache, step):
        # In a loop that needs the old cache no more, it is changed where it lies.
        steps = tf.tensor_scatter_nd_update(
            tf.reshape(cache, (-1, size)), places, tf.reshape(step, (-1, size))
        )
        return tf.reshape(steps, (-1, heads, room, size))

    return {
        "keys": put(cache["keys"], key),
        "values": put(cache["values"], value),
        "position": position + 1,
    }


def _checked(position, room):
    message = f"The cache is full: it has room for {room} steps. Give `initial_state` a larger `max_length`."
    if not tf.executing_eagerly():
        # Before the step is put in its place, which would fail with a message of its own.
        with tf.control_dependencies([tf.debugging.assert_less(position, room, message)]):
            return tf.identity(position)
    if tf.reduce_any(position >= room):
        raise InputError(f"{message} Received: position={int(tf.reduce_max(position))}")
    return position
