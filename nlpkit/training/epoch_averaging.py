"""Checkpoint averaging: the mean of the weights of the last epochs is often better than those of any epoch."""

import keras
import numpy as np
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.training.optimizers import unwrapped


class AverageEpochs(keras.callbacks.Callback):
    """Puts the mean of the weights of the last epochs into the model where it is better than the best epoch.

    Better means a lower validation loss. Only weights that are trained are averaged. The weights of the last epochs are
    variables of the optimizer, in the main memory, so that a checkpoint keeps them. Place it after `BestEpoch`, whose
    weights stay where the mean is not better.

    Args:
        count: int. Number of last epochs, the one in which training stops among them.
        validation: `tf.data.Dataset` on which the epochs are measured.
        best: `nlpkit.training.callbacks.BestEpoch` of the same training.

    Raises:
        InputError: If there is no validation data.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.training.callbacks import BestEpoch
        >>> from nlpkit.training.epoch_averaging import AverageEpochs
        >>> AverageEpochs(5, tf.data.Dataset.range(3), BestEpoch()).state()
        {'epochs': 0}

    Reference:
        [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762)
    """

    def __init__(self, count, validation, best):
        super().__init__()
        if validation is None:
            raise InputError(
                f"`average_epochs={count}` keeps a mean only where its validation loss is lower. Received: no "
                "validation data. Give some, or set `average_epochs=1`."
            )
        self.count, self.validation, self.best = count, validation, best
        self.epochs, self.averaged, self.loss, self.kept = 0, 0, None, None

    def set_model(self, model):
        """Makes room for the weights; a checkpoint can only restore what is there already."""
        super().set_model(model)
        if self.kept is None:
            optimizer, weights = unwrapped(model.optimizer), model.trainable_variables
            with tf.device("CPU:0"):
                self.kept = [
                    optimizer.add_optimizer_variables(weights, f"kept_{number}")
                    for number in range(self.count)
                ]

    def on_epoch_end(self, epoch, logs=None):
        _assign(self.kept[epoch % self.count], self.model.trainable_variables)
        self.epochs = epoch + 1

    def on_train_end(self, logs=None):
        available = min(self.count, self.epochs)
        if available < 2:
            return
        weights = self.model.trainable_variables
        before = [weight.numpy() for weight in weights]
        rings = zip(*self.kept[:available], strict=True)
        _assign(weights, [np.mean([kept.numpy() for kept in ring], axis=0) for ring in rings])
        loss = self.model.evaluate(self.validation, verbose=0, return_dict=True)["loss"]
        if loss < -self.best.best_score[1]:
            self.averaged, self.loss = available, loss
        else:
            _assign(weights, before)

    def state(self):
        """What a checkpoint must keep; the weights are variables of the optimizer."""
        return {"epochs": self.epochs}

    def set_state(self, state):
        self.epochs = state["epochs"]


def _assign(variables, values):
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
