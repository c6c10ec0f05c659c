"""The number of epochs that fit into a time."""

import numpy as np

from nlpkit.data import IdRows
from nlpkit.models import build_classifier
from nlpkit.spec import TrainingSettings
from nlpkit.training import epochs_that_fit

ROWS = IdRows.from_lists([[4, 5], [6, 7, 8]] * 32)
TARGETS = np.array([0, 1] * 32)
SETTINGS = TrainingSettings(epochs=7, batch_size=16)


def fitting(seconds):
    model = build_classifier(9, 2, encoder="bag", embedding_dim=4)
    before = model.get_weights()
    epochs = epochs_that_fit(model, ROWS, TARGETS, SETTINGS, seconds)
    for weight, kept in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, kept)
    return epochs


def test_much_time_keeps_all_epochs_and_none_leaves_none():
    assert fitting(3600.0) == 7
    assert fitting(0.0) == 0


def test_epochs_grow_with_the_time(monkeypatch):
    ticks = iter([0.0, 4.0, 6.0, 6.0])
    monkeypatch.setattr("nlpkit.training.timing.time.monotonic", lambda: next(ticks))
    # By this clock the epoch of 4 batches takes 2 s; 6 s have gone when what is left is counted.
    assert fitting(20.0) == int(0.9 * 14 / 2)
