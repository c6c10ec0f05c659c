"""Graphs that read one text at a time, for runtimes with few operations."""

from contextvars import ContextVar

from nlpkit.layers.held import held

_one_text = ContextVar("one_text", default=False)


def one_text():
    """Within it the graphs that are traced read one text, with its padding at the end, in its own order.

    They hold neither the branch that packs rows with padding elsewhere nor the search for tokens that occur again.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.distinct_tokens import DistinctTokens
        >>> from nlpkit.layers.one_text import one_text
        >>> with one_text():
        ...     DistinctTokens()(tf.constant([[7, 9, 7, 0]]))[0].numpy().tolist()
        [7, 9, 7, 0]
    """
    return held(_one_text, True)


def reads_one_text():
    """bool. Whether `one_text` is in force."""
    return _one_text.get()
