"""A copy of a model that holds no kernel of one device."""

import keras


def portable_model(model):
    """Copies a model with its weights so that no cuDNN kernel is traced, whatever machine does it.

    Args:
        model: `keras.Model` of nlpkit's or Keras' layers, or a `GeneratorNetwork`.

    Returns:
        `keras.Model` with the same outputs.

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
    copy.set_weights(model.get_weights())
    return copy
