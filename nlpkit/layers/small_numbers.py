"""Graphs whose numbers become 8 bits, which reach no further than the numbers that a model really has."""

from contextvars import ContextVar

from nlpkit.layers.held import held

_small_numbers = ContextVar("small_numbers", default=False)


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
    return held(_small_numbers, True)


def has_small_numbers():
    """bool. Whether `small_numbers` is in force."""
    return _small_numbers.get()
