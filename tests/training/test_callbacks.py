import time
from types import SimpleNamespace

import numpy as np
import pytest

from nlpkit.training.callbacks import BestEpoch, LearningRateLog, PlateauSchedule, TimeLimit, WarmUp


class FakeModel:
    """Weights that say which epoch they are of."""

    def __init__(self, learning_rate=1.0):
        self.weights, self.stop_training = None, False
        self.optimizer = SimpleNamespace(learning_rate=learning_rate)

    def get_weights(self):
        return [np.array(self.weights)]

    def set_weights(self, weights):
        self.weights = int(weights[0])


def run(callback, results, model=None):
    """Plays epochs with these results until the callback stops; returns the model and the epochs played."""
    model = model or FakeModel()
    callback.set_model(model)
    for epoch, logs in enumerate(results):
        model.weights = epoch
        callback.on_epoch_end(epoch, dict(logs))
        if model.stop_training:
            break
    callback.on_train_end()
    return model, epoch + 1


def accuracies(*values):
    return [{"loss": 1.0, "val_loss": 1.0, "val_accuracy": value} for value in values]


def test_best_epoch_puts_back_the_weights_of_the_highest_accuracy():
    callback = BestEpoch()
    model, played = run(callback, accuracies(0.5, 0.9, 0.7, 0.8))
    assert (model.weights, callback.best_epoch, played) == (1, 1, 4)


@pytest.mark.parametrize(
    ("results", "best"),
    [
        ([{"loss": 1, "val_loss": v, "val_accuracy": 0.5} for v in (3.0, 1.0, 2.0)], 1),
        ([{"loss": 1, "val_loss": v} for v in (3.0, 2.0, 1.0)], 2),
        ([{"loss": v} for v in (1.0, 2.0, 3.0)], 0),
    ],
    ids=["equal accuracies: lowest loss", "no accuracy: lowest loss", "no validation: training loss"],
)
def test_what_decides_between_epochs(results, best):
    assert run(BestEpoch(), results)[0].weights == best


def test_patience_counts_epochs_since_the_best():
    assert run(BestEpoch(patience=2), accuracies(0.5, 0.6, 0.4, 0.5, 0.9))[1] == 4
    assert run(BestEpoch(patience=2), accuracies(0.5, 0.4, 0.6, 0.5, 0.7))[1] == 5


def test_best_epoch_goes_on_from_its_state():
    first, second = BestEpoch(patience=2), BestEpoch(patience=2)
    run(first, accuracies(0.9, 0.1))
    second.set_state(first.state())
    second.set_model(FakeModel())
    second.on_epoch_end(2, accuracies(0.2)[0])
    assert second.best_epoch == 0 and second.model.stop_training


def test_plateau_halves_the_rate_when_the_loss_does_not_fall():
    model, _ = run(PlateauSchedule(), [{"loss": 9, "val_loss": v} for v in (3.0, 2.0, 2.0, 2.5, 1.0)])
    assert model.optimizer.learning_rate == 0.25
    model, _ = run(PlateauSchedule(0.1, patience=2), [{"loss": v} for v in (3.0, 4.0, 2.0, 3.0, 3.0)])
    assert model.optimizer.learning_rate == pytest.approx(0.1)


def test_plateau_asks_for_a_part_of_the_loss():
    for losses, rate in (((4.0, 3.96, 3.92), 1.0), ((4.0, 3.99, 3.95), 0.5)):  # 3.99 is 0.25 % below 4
        model, _ = run(PlateauSchedule(), [{"loss": loss} for loss in losses])
        assert model.optimizer.learning_rate == rate


def test_plateau_goes_on_from_its_state():
    first, second = PlateauSchedule(patience=2), PlateauSchedule(patience=2)
    run(first, [{"loss": 1.0}, {"loss": 2.0}])
    second.set_state(first.state())
    model, _ = run(second, [{"loss": 1.5}])
    assert model.optimizer.learning_rate == 0.5


def test_a_plateau_in_the_warm_up_does_not_count():
    model, _ = run(PlateauSchedule(first_epoch=2), [{"loss": v} for v in (1.0, 2.0, 3.0, 3.0)])
    assert model.optimizer.learning_rate == 0.5


def test_the_warm_up_follows_the_step_and_then_leaves_the_rate_alone():
    callback, rates = WarmUp(0.6, warmup_steps=6, steps_per_epoch=4), []
    callback.set_model(FakeModel(learning_rate=0.6))
    for epoch in (1, 2):  # as a run that is resumed after its first epoch
        callback.on_epoch_begin(epoch)
        for batch in range(4):
            callback.on_train_batch_begin(batch)
            rates.append(callback.model.optimizer.learning_rate)
        callback.model.optimizer.learning_rate = 0.1
    assert rates == pytest.approx([0.4, 0.5, 0.6, 0.6, 0.1, 0.1, 0.1, 0.1])


def test_time_limit_stops_after_the_deadline_only():
    for deadline, reached in ((time.monotonic() + 1000, False), (time.monotonic() - 1, True)):
        callback = TimeLimit(deadline)
        callback.set_model(FakeModel())
        callback.on_train_batch_end(0)
        assert (callback.reached, callback.model.stop_training) == (reached, reached)


def test_the_learning_rate_is_logged():
    callback, logs = LearningRateLog(), {}
    callback.set_model(FakeModel(learning_rate=np.float32(0.5)))
    callback.on_epoch_end(0, logs)
    assert logs == {"learning_rate": 0.5}
