"""Graphs whose numbers become 8 bits, which reach no further than the numbers that a model really has."""

import contextlib
from contextvars import ContextVar

# Of its own in each thread: another one may run a model meanwhile.
_small_numbers = ContextVar("small_numbers", default=False)


@contextlib.contextmanager
def small_numbers():
    """Within it the graphs that are traced hide padding by numbers of the size of the others.

    8 bits that reach down to -3e38 or to -1e9 tell nothing else apart.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers import SequencePool
        >>> from nlpkit.layers.small_numbers import small_numbers
        >>> with small_numbers():
        ...     SequencePool("max")(tf.constant([[[1.0], [3.0], [9.0]]]), mask=[[True, True, False]]).numpy().tolist()
        [[3.0]]
    """
    before = _small_numbers.set(True)
    try:
        yield
    finally:
        _small_numbers.reset(before)


def has_small_numbers():
    """bool. Whether `small_numbers` is in force."""
    return _small_numbers.get()
