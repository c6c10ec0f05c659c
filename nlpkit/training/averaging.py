"""Averaged gradient descent: the mean of the weights of many steps is better than those of the last one."""

import keras
import tensorflow as tf

from nlpkit.training.optimizers import SGD, unwrapped


@keras.saving.register_keras_serializable(package="nlpkit")
class AveragedSGD(SGD):
    """Gradient descent that, once it is told to begin, also keeps the mean of the weights of all steps since.

    Args:
        learning_rate: float or Keras schedule. Defaults to 0.01.
        clip_norm: float. Limit of the norm of the gradient of all weights together. Defaults to `None`.
        decay: float. Decoupled weight decay; biases are left out. Defaults to 0.
        **kwargs: As of `keras.optimizers.Optimizer`.

    Example:
        >>> import keras
        >>> from nlpkit.training.averaging import AveragedSGD
        >>> optimizer, weight = AveragedSGD(1.0), keras.Variable([8.0])
        >>> optimizer.build([weight])
        >>> optimizer.begin()
        >>> for _ in range(3):
        ...     optimizer.apply([keras.ops.ones(1)])
        >>> weight.numpy().tolist(), optimizer.averages[0].numpy().tolist()  # of 7, 6 and 5
        ([5.0], [6.0])

    Reference:
        [Polyak & Juditsky, 1992](https://doi.org/10.1137/0330046)
    """

    def build(self, variables):
        """Makes the optimizer's variables; see `FusedUpdates.build`."""
        if self.built:
            return
        super().build(variables)
        self.averages = self.add_optimizer_variables(variables, "average")
        self.averaged_steps = self.add_variable((), dtype="int64", initializer="zeros", name="averaged_steps")
        self.averaging = self.add_variable((), dtype="bool", initializer="zeros", name="averaging")

    def begin(self):
        """Averages from the next step on."""
        self.averaging.assign(True)

    def apply(self, grads, trainable_variables=None):
        """Changes the variables by their gradients, and then their averages.

        Args:
            grads: As of `FusedUpdates.apply`.
            trainable_variables: As of `FusedUpdates.apply`.
        """
        self.averaged_steps.assign_add(tf.cast(self.averaging.value, "int64"))
        super().apply(grads, trainable_variables)

    def update_step(self, gradient, variable, learning_rate):
        """Changes one variable and its average.

        Args:
            gradient: Tensor or `tf.IndexedSlices`.
            variable: `tf.Variable`.
            learning_rate: Scalar tensor.
        """
        super().update_step(gradient, variable, learning_rate)
        average = self.averages[self._get_variable_index(variable)].value

        def move():
            steps = tf.cast(self.averaged_steps.value, variable.dtype)
            average.assign_add((variable - average) / steps)
            return True

        tf.cond(self.averaging.value, move, lambda: False)

    def exchange(self, variables):
        """Puts the averages in place of the weights, and the weights in place of the averages."""
        for variable, average in zip(variables, self.averages, strict=True):
            weights = variable.numpy()
            variable.assign(average.value)
            average.assign(weights)


class AverageWeights(keras.callbacks.Callback):
    """Begins to average when the validation loss no longer falls, and from then on measures and keeps the averages.

    Averaging begins after an epoch whose loss is above the lowest one of those that lie more than `patience` epochs
    behind (non-monotonically triggered averaging). Place it before callbacks that keep weights.

    Args:
        patience: int. Defaults to 5.

    Example:
        >>> from nlpkit.training.averaging import AverageWeights
        >>> AverageWeights(patience=2).state()
        {'losses': [], 'exchanged': False}

    Reference:
        [Merity et al., 2018](https://arxiv.org/abs/1708.02182)
    """

    def __init__(self, patience=5):
        super().__init__()
        self.patience, self.losses, self.exchanged = patience, [], False

    def on_epoch_begin(self, epoch, logs=None):
        self._show_averages(False)

    def on_test_begin(self, logs=None):
        self._show_averages(True)

    def on_epoch_end(self, epoch, logs=None):
        self._show_averages(True)
        loss, old = logs["val_loss"], self.losses[: -self.patience]
        if old and loss > min(old) and not self._averaging():
            unwrapped(self.model.optimizer).begin()
        self.losses.append(loss)

    def state(self):
        """What a checkpoint must keep; the averages are variables of the optimizer."""
        return {"losses": self.losses, "exchanged": self.exchanged}

    def set_state(self, state):
        self.losses, self.exchanged = list(state["losses"]), state["exchanged"]

    def _averaging(self):
        return bool(unwrapped(self.model.optimizer).averaging.numpy())

    def _show_averages(self, show):
        """Has the averages in the model, or the weights that are trained."""
        if self.exchanged != show and self._averaging():
            unwrapped(self.model.optimizer).exchange(self.model.trainable_variables)
            self.exchanged = show
