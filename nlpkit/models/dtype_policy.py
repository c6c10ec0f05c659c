"""The dtype of all layers that a builder makes."""

from contextlib import contextmanager

import keras


@contextmanager
def dtype_policy(dtype):
    """Gives every layer made inside the block a dtype policy; Keras has no scope for it.

    Args:
        dtype: str. Keras dtype policy such as `"mixed_float16"`; `None` leaves the one there is.

    Yields:
        Nothing.

    Example:
        >>> import keras
        >>> from nlpkit.models.dtype_policy import dtype_policy
        >>> with dtype_policy("mixed_bfloat16"):
        ...     layer = keras.layers.Dense(2)
        >>> layer.compute_dtype, keras.config.dtype_policy().name
        ('bfloat16', 'float32')
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(dtype or before)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
