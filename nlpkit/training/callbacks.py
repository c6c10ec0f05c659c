"""What happens between the epochs: the best epoch kept, the learning rate lowered, the clock watched."""

import time

import keras


class BestEpoch(keras.callbacks.Callback):
    """Keeps the weights of the best epoch, puts them back at the end, and stops when nothing improves.

    The best epoch has the highest validation accuracy, among equals the lowest loss; without an accuracy, the
    lowest loss. Without validation data the training loss decides. Training goes on while either the accuracy or
    the loss still improves: on a small validation part the accuracy alone stands still by chance.

    Args:
        patience: int. Epochs without a better accuracy or loss before training stops; `None` never stops.

    Example:
        >>> from nlpkit.training.callbacks import BestEpoch
        >>> BestEpoch(patience=2).best_epoch
        -1
    """

    def __init__(self, patience=None):
        super().__init__()
        self.patience = patience
        self.best_epoch, self.best_score, self.best_weights = -1, None, None
        self.improved_epoch, self.lowest_loss = -1, float("inf")

    @staticmethod
    def score(logs):
        """Sort key of an epoch's results: the higher, the better."""
        return [logs.get("val_accuracy", 0.0), -logs.get("val_loss", logs["loss"])]

    def on_epoch_end(self, epoch, logs=None):
        score = self.score(logs)
        if self.best_score is None or score > self.best_score:
            self.best_epoch, self.best_score, self.best_weights = epoch, score, self.model.get_weights()
        if self.best_epoch == epoch or -score[1] < self.lowest_loss:
            self.improved_epoch = epoch
        self.lowest_loss = min(self.lowest_loss, -score[1])
        if self.patience is not None and epoch - self.improved_epoch >= self.patience:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        if self.best_weights is not None:
            self.model.set_weights(self.best_weights)

    def state(self):
        """What a checkpoint must keep, apart from the weights."""
        names = ("best_epoch", "best_score", "improved_epoch", "lowest_loss")
        return {name: getattr(self, name) for name in names}

    def set_state(self, state):
        for name, value in state.items():
            setattr(self, name, value)


class WarmUp(keras.callbacks.Callback):
    """Raises a constant learning rate from zero to its peak in the first steps, and then leaves it alone.

    A Keras schedule could warm up too, but would not let `PlateauSchedule` lower the rate afterwards. The rate
    follows from the number of the step alone, so a checkpoint need not keep anything of it.

    Args:
        peak: float. Learning rate after the warm-up.
        warmup_steps: int. Steps of the warm-up, at least 1.
        steps_per_epoch: int. Steps per epoch.

    Example:
        >>> from nlpkit.training.callbacks import WarmUp
        >>> [WarmUp(0.1, warmup_steps=4, steps_per_epoch=10).rate(step) for step in (0, 2, 4)]
        [0.0, 0.05, 0.1]
    """

    def __init__(self, peak, warmup_steps, steps_per_epoch):
        super().__init__()
        self.peak, self.warmup_steps, self.steps_per_epoch = peak, warmup_steps, steps_per_epoch
        self.first_step = 0

    def rate(self, step):
        """Learning rate of a step of the warm-up, counted from 0 over all epochs."""
        return self.peak * step / self.warmup_steps

    def on_epoch_begin(self, epoch, logs=None):
        self.first_step = epoch * self.steps_per_epoch

    def on_train_batch_begin(self, batch, logs=None):
        step = self.first_step + batch
        if step <= self.warmup_steps:
            self.model.optimizer.learning_rate = self.rate(step)


class PlateauSchedule(keras.callbacks.Callback):
    """Multiplies the learning rate by a factor when the validation loss has hardly fallen.

    Args:
        factor: float. Defaults to 0.5.
        patience: int. Epochs without a lower loss. Defaults to 1.
        first_epoch: int. Earlier epochs, counted from 0, do not count: those of the warm-up. Defaults to 0.
        least: float. Part of itself by which the loss has to fall. Defaults to 0.003.

    Example:
        >>> from nlpkit.training.callbacks import PlateauSchedule
        >>> PlateauSchedule(factor=0.25).state()
        {'lowest': inf, 'waited': 0}

    Reference:
        [Mikolov et al., 2010](https://www.isca-archive.org/interspeech_2010/mikolov10_interspeech.html), whose toolkit
        has this `least`
    """

    def __init__(self, factor=0.5, patience=1, first_epoch=0, least=0.003):
        super().__init__()
        self.factor, self.patience, self.first_epoch, self.least = factor, patience, first_epoch, least
        self.lowest, self.waited = float("inf"), 0

    def on_epoch_end(self, epoch, logs=None):
        if epoch < self.first_epoch:
            return
        loss = logs.get("val_loss", logs["loss"])
        self.waited = 0 if loss < (1 - self.least) * self.lowest else self.waited + 1
        self.lowest = min(self.lowest, loss)
        if self.waited >= self.patience:
            self.model.optimizer.learning_rate = float(self.model.optimizer.learning_rate) * self.factor
            self.waited = 0

    def state(self):
        """What a checkpoint must keep."""
        return {"lowest": self.lowest, "waited": self.waited}

    def set_state(self, state):
        self.lowest, self.waited = state["lowest"], state["waited"]


class TimeLimit(keras.callbacks.Callback):
    """Ends training when its time is over, in the middle of an epoch if need be.

    Args:
        deadline: float. Time at which to stop, in seconds on `time.monotonic`'s clock.

    Example:
        >>> import time
        >>> from nlpkit.training.callbacks import TimeLimit
        >>> TimeLimit(time.monotonic() + 60).reached
        False
    """

    def __init__(self, deadline):
        super().__init__()
        self.deadline, self.reached = deadline, False

    def on_train_batch_end(self, batch, logs=None):
        if time.monotonic() > self.deadline:
            self.reached = self.model.stop_training = True


class LearningRateLog(keras.callbacks.Callback):
    """Adds the learning rate to each epoch's results.

    Example:
        >>> import keras
        >>> from nlpkit.training.callbacks import LearningRateLog
        >>> isinstance(LearningRateLog(), keras.callbacks.Callback)
        True
    """

    def on_epoch_end(self, epoch, logs=None):
        logs["learning_rate"] = float(self.model.optimizer.learning_rate)
