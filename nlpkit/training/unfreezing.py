"""Fine-tuning layer by layer: lower layers learn later, and less."""

import keras

from nlpkit.errors import InputError
from nlpkit.training.optimizers import unwrapped


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
            "`gradual_unfreezing` and `layer_decay` need a layer with `layer_groups`. Received: "
            f"{', '.join(layer.name for layer in model.layers)}. Take a language model's encoder, or leave them out."
        )
    groups = [list(layer.trainable_variables) for layer in layers[0].layer_groups]
    below = {id(variable) for group in groups for variable in group}
    return [*groups, [variable for variable in model.trainable_variables if id(variable) not in below]]


class Unfreezing(keras.callbacks.Callback):
    """Sets the part of the learning rate that each layer gets, from epoch to epoch.

    In the first epoch only the top group learns, in each further epoch one more below it, or several if there are too
    few epochs (gradual unfreezing). Each group learns at a fixed fraction of the rate of the one above it
    (discriminative rates). Both follow from the number of the epoch alone, so that a checkpoint need not keep anything
    of them. What waits still counts in the norm that limits the gradient.

    Args:
        groups: List of lists of variables, the lowest layer first; see `layer_groups`.
        gradual: bool. Whether layers wait for their epoch.
        decay: float. Rate of a group over that of the group above it.
        epochs: int. Epochs of the training.

    Example:
        >>> from nlpkit.training.unfreezing import Unfreezing
        >>> callback = Unfreezing([[], [], []], gradual=True, decay=0.5, epochs=5)
        >>> [callback.rates(epoch) for epoch in (0, 1, 2)]
        [[0.0, 0.0, 1.0], [0.0, 0.5, 1.0], [0.25, 0.5, 1.0]]

    Reference:
        [Howard & Ruder, 2018](https://arxiv.org/abs/1801.06146)
    """

    def __init__(self, groups, *, gradual, decay, epochs):
        super().__init__()
        self.groups, self.gradual, self.decay = groups, gradual, decay
        self.epochs_each = min(1.0, (epochs - 1) / max(len(groups) - 1, 1))

    def rates(self, epoch):
        """Part of the learning rate of each group in an epoch, counted from 0."""
        depths = reversed(range(len(self.groups)))
        return [
            0.0 if self.gradual and depth * self.epochs_each > epoch else self.decay**depth
            for depth in depths
        ]

    def on_epoch_begin(self, epoch, logs=None):
        pairs = zip(self.groups, self.rates(epoch), strict=True)
        unwrapped(self.model.optimizer).set_rates(
            {variable.path: rate for group, rate in pairs for variable in group}
        )
