"""What every layer that runs step by step asks first."""

from nlpkit.errors import InputError


def check_built(layer):
    """Raises an error unless the layer has its weights, which a step cannot make.

    Args:
        layer: `keras.layers.Layer`.

    Raises:
        InputError: If the layer has not been built.

    Example:
        >>> import keras
        >>> from nlpkit.layers.steps import check_built
        >>> layer = keras.layers.Dense(2)
        >>> layer.build((None, 3))
        >>> check_built(layer)
    """
    if not layer.built:
        raise InputError(
            "The layer has no weights yet. Call it, or its `build`, before it runs step by step."
        )
