"""The training loop: Keras' own `fit` with a schedule, the best epoch, a checkpoint and a progress bar."""

import time
from dataclasses import dataclass

import keras
import numpy as np

from nlpkit.data.batching import inference_batches, training_batches
from nlpkit.errors import InputError
from nlpkit.training.averaging import AverageWeights
from nlpkit.training.callbacks import BestEpoch, LearningRateLog, PlateauSchedule, TimeLimit, WarmUp
from nlpkit.training.checkpoint import Checkpoint
from nlpkit.training.epoch_averaging import AverageEpochs
from nlpkit.training.losses import SmoothedCrossentropy
from nlpkit.training.optimizer import BY_STEP, optimizer_of, warmup_steps
from nlpkit.training.progress import ProgressBar
from nlpkit.training.unfreezing import Unfreezing, layer_groups


@dataclass
class TrainingResult:
    """What `train` reports.

    Args:
        history: dict. Name of a measure to its value after each epoch.
        best_epoch: int. The epoch whose weights the model now has, unless it has an average; counted from 1.
        seconds: float. Duration of the training.
        out_of_time: bool. Whether the time limit ended it.
        averaged: int. The number of last epochs the mean of whose weights the model now has. Defaults to 0: none.
        averaged_loss: float. The validation loss with that mean. Defaults to `None`: there is none.

    Example:
        >>> from nlpkit.training import TrainingResult
        >>> TrainingResult({"loss": [0.5]}, 1, 2.0, False).best_epoch
        1
    """

    history: dict
    best_epoch: int
    seconds: float
    out_of_time: bool
    averaged: int = 0
    averaged_loss: float | None = None

    @property
    def validation_loss(self):
        """float. The validation loss with the weights that the model now has; only where there was validation data."""
        return self.averaged_loss if self.averaged else self.history["val_loss"][self.best_epoch - 1]


def train(
    model,
    rows,
    targets,
    settings,
    *,
    validation=None,
    sample_weight=None,
    seed=0,
    deadline=None,
    checkpoint=None,
    resume=False,
    fingerprint="",
    verbose=0,
):
    """Trains a model from ids to logits, in place, and leaves it with the weights of its best epoch.

    Args:
        model: `keras.Model` from ids `(batch, time)` to logits `(batch, classes)`.
        rows: `IdRows` of the training texts.
        targets: Int array `(n,)`, or float array `(n, classes)` of zeros and ones for several labels a text.
        settings: `nlpkit.spec.TrainingSettings`.
        validation: Tuple of rows and targets, or `None`.
        sample_weight: Float array `(n,)`, or `None`.
        seed: int. Seed of the order of the batches.
        deadline: float. `time.monotonic` time at which to stop, or `None`.
        checkpoint: Path of the folder for the checkpoint, or `None`.
        resume: bool. Continues from `checkpoint`, with the result of an uninterrupted run.
        fingerprint: str. Identifies data and settings in the checkpoint.
        verbose: int. 1 shows a progress bar. Defaults to 0.

    Returns:
        `TrainingResult`.

    Raises:
        InputError: If there is no fitting checkpoint to resume from.

    Example:
        ```python
        import numpy as np
        from nlpkit.data import IdRows
        from nlpkit.models import build_classifier
        from nlpkit.spec import TrainingSettings
        from nlpkit.training import train

        rows = IdRows.from_lists([[4, 5], [6, 7, 8]] * 8)
        model = build_classifier(9, 2, encoder="gru", units=4, embedding_dim=4)
        result = train(model, rows, np.array([0, 1] * 8), TrainingSettings(epochs=2))
        ```
    """
    started = time.monotonic()
    steps = -(-len(rows) // settings.batch_size)
    compile_model(model, settings, total_steps=steps * settings.epochs, multi_label=np.ndim(targets) == 2)

    def batches(first_epoch):
        found, _ = training_batches(
            rows,
            targets,
            batch_size=settings.batch_size,
            seed=seed,
            epochs=settings.epochs,
            first_epoch=first_epoch,
            sample_weight=sample_weight,
        )
        return found

    return run_epochs(
        model,
        batches,
        steps,
        settings,
        validation=_validation_batches(validation, settings.batch_size),
        started=started,
        callbacks=_by_layer(model, settings),
        deadline=deadline,
        checkpoint=checkpoint,
        resume=resume,
        fingerprint=fingerprint,
        verbose=verbose,
    )


def run_epochs(
    model,
    batches,
    steps,
    settings,
    *,
    validation=None,
    started,
    callbacks=(),
    average_epochs=1,
    deadline=None,
    checkpoint=None,
    resume=False,
    fingerprint="",
    verbose=0,
):
    """Runs a compiled model through its epochs, and leaves it with the weights of the best one or a better mean.

    Args:
        model: Compiled `keras.Model`.
        batches: callable. `batches(first_epoch)` gives a `tf.data.Dataset` of the epochs from that one on.
        steps: int. Batches in an epoch.
        settings: `nlpkit.spec.FitSettings`, or one with more.
        validation: `tf.data.Dataset`, or `None`.
        started: float. `time.monotonic` time at which the training began.
        callbacks: List of `keras.callbacks.Callback` that need no state in a checkpoint. Defaults to none.
        average_epochs: int. The mean of the weights of so many last epochs is kept if its validation loss is lower than
            that of the best epoch. Defaults to 1: no mean is taken.
        deadline: float. As in `train`. Defaults to `None`.
        checkpoint: As in `train`. Defaults to `None`.
        resume: bool. As in `train`. Defaults to `False`.
        fingerprint: str. As in `train`. Defaults to `""`.
        verbose: int. 1 shows a progress bar. Defaults to 0.

    Returns:
        `TrainingResult`.

    Raises:
        InputError: If there is no fitting checkpoint to resume from, or no validation data for an average.
    """
    warmup = warmup_steps(settings, steps * settings.epochs)
    stateful = _stateful_callbacks(settings, validation, warmup // steps, average_epochs)
    keeper = Checkpoint(checkpoint, fingerprint, stateful)
    for callback in (keeper, *stateful.values()):
        callback.set_model(model)
    first_epoch, finished = keeper.restore() if resume else (0, False)
    limit = TimeLimit(float("inf") if deadline is None else deadline)
    if finished or first_epoch >= settings.epochs:
        for callback in stateful.values():
            callback.on_train_end()
    else:
        callbacks = [LearningRateLog(), *callbacks, *stateful.values(), *_log(settings), limit, keeper]
        if warmup and settings.schedule not in BY_STEP:
            callbacks.append(WarmUp(settings.learning_rate, warmup, steps))
        if verbose:
            callbacks.append(ProgressBar(settings.epochs, steps, first_epoch))
        model.fit(
            batches(first_epoch),
            epochs=settings.epochs,
            initial_epoch=first_epoch,
            steps_per_epoch=steps,
            validation_data=validation,
            callbacks=callbacks,
            shuffle=False,
            verbose=0,
        )
    seconds, best_epoch = time.monotonic() - started, stateful["best"].best_epoch + 1
    mean = (stateful["mean"].averaged, stateful["mean"].loss) if "mean" in stateful else ()
    return TrainingResult(keeper.history, best_epoch, seconds, limit.reached, *mean)


def compile_model(model, settings, *, total_steps, multi_label=False):
    """Gives a model its loss, its metrics and its optimizer with warm-up, schedule and clipping.

    Args:
        model: `keras.Model` to logits.
        settings: `nlpkit.spec.TrainingSettings`.
        total_steps: int. Steps of the whole training, for the schedule.
        multi_label: bool. Whether the targets are zeros and ones per class. Defaults to `False`.

    Example:
        >>> import keras
        >>> from nlpkit.spec import TrainingSettings
        >>> from nlpkit.training.fit import compile_model
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> compile_model(model, TrainingSettings(), total_steps=100)
        >>> model.optimizer.clip_norm
        1.0
    """
    optimizer = optimizer_of(settings, model, total_steps)
    if multi_label:
        loss = keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=settings.label_smoothing)
        metrics = []
    else:
        loss = SmoothedCrossentropy(settings.label_smoothing)
        metrics = [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]
    model.compile(optimizer, loss, weighted_metrics=metrics, jit_compile=False)
    optimizer.build(model.trainable_variables)


def _stateful_callbacks(settings, validation, warmup_epochs, average_epochs):
    """What a checkpoint has to keep beside the weights, by name, in the order in which Keras calls them."""
    if settings.optimizer == "averaged_sgd" and validation is None:
        raise InputError(
            "`optimizer='averaged_sgd'` begins to average when the validation loss no longer falls. Received: no "
            "validation data. Give some, or take another optimizer."
        )
    stateful = {"average": AverageWeights()} if settings.optimizer == "averaged_sgd" else {}
    stateful["best"] = BestEpoch(settings.patience)
    if settings.schedule == "plateau":
        stateful["plateau"] = PlateauSchedule(first_epoch=warmup_epochs)
    if average_epochs > 1:
        stateful["mean"] = AverageEpochs(average_epochs, validation, stateful["best"])
    return stateful


def _by_layer(model, settings):
    if not settings.gradual_unfreezing and settings.layer_decay == 1:
        return []
    options = {
        "gradual": settings.gradual_unfreezing,
        "decay": settings.layer_decay,
        "epochs": settings.epochs,
    }
    return [Unfreezing(layer_groups(model), **options)]


def _log(settings):
    return [keras.callbacks.TensorBoard(settings.tensorboard)] if settings.tensorboard else []


def _validation_batches(validation, batch_size):
    if validation is None:
        return None
    rows, targets = validation
    return inference_batches(rows, batch_size=batch_size, targets=targets)[0]
