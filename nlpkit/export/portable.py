"""A copy of a model that holds no kernel of one device, or one of TFLite's."""

import keras

from nlpkit.errors import InputError
from nlpkit.layers.recurrent_block import RecurrentBlock
from nlpkit.layers.recurrent_direction import RecurrentDirection


def portable_model(model, fused_lstm=False):
    """Copies a model with its weights so that no cuDNN kernel is traced, whatever machine does it.

    Args:
        model: `keras.Model` of nlpkit's or Keras' layers, or a `GeneratorNetwork`.
        fused_lstm: bool. Whether TFLite's converter is to make one operation of each LSTM of nlpkit's. The copy then
            takes batches of a known size only. Defaults to `False`.

    Returns:
        `keras.Model` with the same outputs.

    Raises:
        InputError: If `fused_lstm` is set and there is no such LSTM.

    Example:
        >>> from nlpkit.export import portable_model
        >>> from nlpkit.models import build_classifier
        >>> portable = portable_model(build_classifier(10, 2, units=4, embedding_dim=4))
        >>> portable.get_layer("block_0").use_cudnn
        False
    """
    copy = keras.models.clone_model(model)
    if not copy.built:  # a model of a class of its own comes back without weights
        copy.build_from_config(model.get_build_config() or {})
    # Keras' own layers leave `use_cudnn` out of their config, so it is set where it is read: at each call.
    for layer in copy._flatten_layers():
        if hasattr(layer, "use_cudnn"):
            layer.use_cudnn = False
    if fused_lstm:
        _fuse(copy)
    copy.set_weights(model.get_weights())
    return copy


def _fuse(model):
    layers = model._flatten_layers()
    lstms = [layer for layer in layers if isinstance(layer, RecurrentDirection) and layer.can_be_fused]
    if not lstms:
        cells = [layer.cell for layer in model._flatten_layers() if isinstance(layer, RecurrentBlock)]
        raise InputError(
            '`fused_lstm` needs an LSTM of nlpkit\'s without zoneout (`encoder="lstm"`): TFLite has one operation for '
            f"no other cell. Received: a model with the recurrent cells {cells}. Leave it out (--fused-lstm)."
        )
    for layer in lstms:
        layer.fused = True
