"""A copy of a model that holds no kernel of one device."""

import keras

from nlpkit.layers import RecurrentBlock


def portable_model(model):
    """Copies a model with its weights so that no cuDNN kernel is traced, whatever machine does it.

    Args:
        model: `keras.Model` of nlpkit's layers.

    Returns:
        `keras.Model` with the same outputs.

    Example:
        >>> from nlpkit.export import portable_model
        >>> from nlpkit.models import build_classifier
        >>> portable = portable_model(build_classifier(10, 2, units=4, embedding_dim=4))
        >>> portable.get_layer("block_0").use_cudnn
        False
    """

    def clone(layer):
        config = layer.get_config()
        if isinstance(layer, RecurrentBlock) or "use_cudnn" in config:
            config["use_cudnn"] = False
        return type(layer).from_config(config)

    copy = keras.models.clone_model(model, clone_function=clone)
    copy.set_weights(model.get_weights())
    return copy
