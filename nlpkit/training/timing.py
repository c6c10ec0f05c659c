"""How many epochs fit into a given time, found by a short trial."""

import time

import keras

from nlpkit.data.batching import training_batches
from nlpkit.training.fit import compile_model

TRIAL_BATCHES = 8
# Left for calibration, evaluation and saving.
USABLE = 0.9


def epochs_that_fit(model, rows, targets, settings, seconds):
    """Times a few steps on a copy of the model and counts the epochs that the time allows.

    Args:
        model: `keras.Model` from ids to logits; it is left as it is.
        rows: `IdRows` of the training texts.
        targets: Array of targets.
        settings: `nlpkit.spec.TrainingSettings`; its `epochs` is the most that is returned.
        seconds: float. Time left.

    Returns:
        int; 0 if not even one fits.

    Example:
        >>> import numpy as np
        >>> from nlpkit.data import IdRows
        >>> from nlpkit.models import build_classifier
        >>> from nlpkit.spec import TrainingSettings
        >>> from nlpkit.training.timing import epochs_that_fit
        >>> model = build_classifier(9, 2, encoder="bag", embedding_dim=4)
        >>> rows, targets = IdRows.from_lists([[4, 5], [6, 7]] * 8), np.array([0, 1] * 8)
        >>> epochs_that_fit(model, rows, targets, TrainingSettings(epochs=5), seconds=0.0)
        0
    """
    started = time.monotonic()
    trial = keras.models.clone_model(model)
    compile_model(trial, settings, total_steps=1000, multi_label=targets.ndim == 2)
    batches, steps = training_batches(rows, targets, batch_size=settings.batch_size, seed=0, epochs=1)
    count = min(TRIAL_BATCHES, steps)
    trial.fit(batches.take(count), verbose=0, shuffle=False)
    timed = time.monotonic()
    trial.fit(batches.take(count), verbose=0, shuffle=False)
    epoch_seconds = (time.monotonic() - timed) / count * steps
    left = USABLE * (seconds - (time.monotonic() - started))
    return max(0, min(settings.epochs, int(left / epoch_seconds)))
