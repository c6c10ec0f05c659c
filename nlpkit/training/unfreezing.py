"""Fine-tuning layer by layer: lower layers learn later, and less."""

import keras

from nlpkit.errors import InputError


def layer_groups(model):
    """The weights of a network with a pretrained encoder, by layer.

    Args:
        model: `keras.Model` with a layer `"encoder"` that has `layer_groups`, layers from the bottom up.

    Returns:
        List of lists of variables, the lowest layer first; the last one holds all that stands above the encoder.

    Raises:
        InputError: If the model has no such layer.
    """
    layers = [layer for layer in model.layers if hasattr(layer, "layer_groups")]
    if not layers:
        raise InputError(
            "`gradual_unfreezing` and `layer_decay` need a pretrained encoder: give `encoder_from`, or leave them out."
        )
    groups = [list(layer.trainable_variables) for layer in layers[0].layer_groups]
    below = {id(variable) for group in groups for variable in group}
    return [*groups, [variable for variable in model.trainable_variables if id(variable) not in below]]


class Unfreezing(keras.callbacks.Callback):
    """Sets the part of the learning rate that each layer gets, from epoch to epoch.

    In the first epoch only the top group learns, in each further epoch one more below it (gradual unfreezing). Each
    group learns at a fixed fraction of the rate of the one above it (discriminative rates). Both follow from the
    number of the epoch alone, so that a checkpoint need not keep anything of them.

    Args:
        groups: List of lists of variables, the lowest layer first; see `layer_groups`.
        gradual: bool. Whether layers wait for their epoch.
        decay: float. Rate of a group over that of the group above it.

    Example:
        >>> from nlpkit.training.unfreezing import Unfreezing
        >>> callback = Unfreezing([[], [], []], gradual=True, decay=0.5)
        >>> [callback.rates(epoch) for epoch in (0, 1, 2)]
        [[0.0, 0.0, 1.0], [0.0, 0.5, 1.0], [0.25, 0.5, 1.0]]

    Reference:
        [Howard & Ruder, 2018](https://arxiv.org/abs/1801.06146)
    """

    def __init__(self, groups, *, gradual, decay):
        super().__init__()
        self.groups, self.gradual, self.decay = groups, gradual, decay

    def rates(self, epoch):
        """Part of the learning rate of each group in an epoch, counted from 0."""
        depths = reversed(range(len(self.groups)))
        return [0.0 if self.gradual and depth > epoch else self.decay**depth for depth in depths]

    def on_epoch_begin(self, epoch, logs=None):
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        pairs = zip(self.groups, self.rates(epoch), strict=True)
        optimizer.set_rates({variable.path: rate for group, rate in pairs for variable in group})
