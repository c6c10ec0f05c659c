"""The stacks between embedded ids and pooled vector, by name."""

import keras

from nlpkit.errors import InputError
from nlpkit.layers import EncoderBlock, NgramConvolution, RecurrentBlock, SinePositions

ENCODERS = ("bag", "cnn", "gru", "lstm", "rnn", "transformer")
RECURRENT = ("gru", "lstm", "rnn")


def encode(
    x,
    encoder,
    *,
    units,
    num_layers,
    bidirectional,
    dropout,
    residual=False,
    layer_norm=False,
    return_sequences=True,
    use_cudnn="auto",
):
    """Applies an encoder to embedded ids; the sequence keeps its length and its mask.

    Args:
        x: Keras tensor of shape `(batch, time, features)`; for a recurrent encoder also a pair of distinct rows and
            positions, as `RecurrentBlock` takes.
        encoder: Name of the encoder, a Keras layer, or a list of Keras layers.
        units: int. Units per direction, filters per width, or the size of the Transformer's steps.
        num_layers: int. Blocks on top of each other.
        bidirectional: bool. For recurrent encoders.
        dropout: float between 0 and 1. After each block.
        residual: bool. Adds its input to each recurrent block's output, from the second block on. Defaults to `False`.
        layer_norm: bool. Layer normalisation of each recurrent block's output. Defaults to `False`.
        return_sequences: bool. `False` gives the last state of each direction, for recurrent encoders only, and leaves
            its dropout to the caller. Defaults to `True`.
        use_cudnn: `"auto"`, `True` or `False`. For recurrent encoders.

    Returns:
        Keras tensor of shape `(batch, time, features)`; `(batch, features)` without `return_sequences`.

    Raises:
        InputError: If `encoder` is neither a known name nor Keras layers, or `residual` or `layer_norm` is set for one
            that is not recurrent.

    Example:
        >>> import keras
        >>> from nlpkit.models.encoders import encode
        >>> x = keras.Input((None, 8))
        >>> encode(x, "gru", units=4, num_layers=2, bidirectional=True, dropout=0.1).shape
        (None, None, 8)
    """
    check_encoder(encoder, residual=residual, layer_norm=layer_norm)
    layers = encoder if isinstance(encoder, list | tuple) else [encoder]
    if all(isinstance(layer, keras.layers.Layer) for layer in layers):
        for layer in layers:
            x = layer(x)
        return x
    if encoder in RECURRENT:
        for number in range(num_layers):
            last = number == num_layers - 1
            x = RecurrentBlock(
                units,
                encoder,
                bidirectional=bidirectional,
                return_sequences=return_sequences or not last,
                dropout=dropout if return_sequences or not last else 0.0,
                use_cudnn=use_cudnn,
                residual=residual
                and number > 0,  # the first block's input, the embedding, has a size of its own
                layer_norm=layer_norm,
                name=f"block_{number}",
            )(x)
        return x
    if encoder == "cnn":
        for number in range(num_layers):
            x = NgramConvolution(units, name=f"block_{number}")(x)
        return x
    if encoder == "transformer":
        x = keras.layers.Dense(units, name="project")(x)
        x = SinePositions(name="positions")(x)
        for number in range(num_layers):
            x = EncoderBlock(max(units // 32, 1), 4 * units, dropout=dropout, name=f"block_{number}")(x)
        return keras.layers.LayerNormalization(name="norm")(x)
    return x  # a bag


def check_encoder(encoder, *, residual=False, layer_norm=False):
    """Raises unless an encoder is a known name or Keras layers, and has the options that are set.

    Args:
        encoder: What a user gave.
        residual: bool. As in `encode`. Defaults to `False`.
        layer_norm: bool. As in `encode`. Defaults to `False`.

    Raises:
        InputError: If it is anything else, or not recurrent although an option of recurrent encoders is set.

    Example:
        >>> from nlpkit.models.encoders import check_encoder
        >>> check_encoder("gru", residual=True)
    """
    layers = encoder if isinstance(encoder, list | tuple) else [encoder]
    known = isinstance(encoder, str) and encoder in ENCODERS
    if not known and not (layers and all(isinstance(layer, keras.layers.Layer) for layer in layers)):
        raise InputError(
            f"`encoder` must be one of {list(ENCODERS)}, a Keras layer or a list of Keras layers. "
            f"Received: {encoder!r}"
        )
    if (residual or layer_norm) and encoder not in RECURRENT:
        raise InputError(
            f"`residual` and `layer_norm` are options of the recurrent encoders {list(RECURRENT)}. Received: "
            f"encoder={encoder!r}, residual={residual}, layer_norm={layer_norm}. Leave them out, or take one of these."
        )
