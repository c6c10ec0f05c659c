"""Weights that each step of a loop multiplies with, joined or turned once before the loop."""

from contextvars import ContextVar

from nlpkit.layers.held import held

_joined = ContextVar("joined_weights", default=None)


def joined_weights(model):
    """Within it the steps that are traced take fewer and faster products of matrices.

    Attention makes queries, keys and values by one product, and the table of the output layer lies as its product reads
    it fastest. To prepare these weights takes longer than a step, so that it pays for a loop, which is traced within.

    Args:
        model: `keras.Model` or layer whose step is traced. Those of its layers that have a `join_weights()` are asked.

    Returns:
        Context manager.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers import CachedAttention
        >>> from nlpkit.layers.joined_weights import joined_weights
        >>> layer = CachedAttention(2, causal=True)
        >>> layer.build((None, None, 4))
        >>> state = layer.initial_state(1, max_length=3)
        >>> with joined_weights(layer):
        ...     layer.step(tf.ones((1, 4)), state)[0].shape
        TensorShape([1, 4])
    """
    layers = [layer for layer in model._flatten_layers() if hasattr(layer, "join_weights")]
    return held(_joined, {id(layer): layer.join_weights() for layer in layers})


def joined_of(layer):
    """The weights of a layer that were prepared, as its `join_weights()` gave them; `None` outside `joined_weights`."""
    return (_joined.get() or {}).get(id(layer))
