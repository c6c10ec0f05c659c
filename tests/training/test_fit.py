import math
import time
from itertools import pairwise

import keras
import numpy as np
import pytest
from training.small_runs import data, model

from nlpkit.data import IdRows
from nlpkit.spec import TrainingSettings
from nlpkit.training import SmoothedCrossentropy, train
from nlpkit.training.callbacks import TimeLimit
from nlpkit.training.fit import compile_model
from nlpkit.training.optimizer import learning_rate_schedule

ROWS, TARGETS = data(64)


def fit(settings=None, network=None, rows=ROWS, targets=TARGETS, **more):
    network = network or model()
    return network, train(
        network, rows, targets, TrainingSettings(**{"epochs": 2, **(settings or {})}), **more
    )


def weights_equal(first, second):
    pairs = zip(first.get_weights(), second.get_weights(), strict=True)
    return all(np.array_equal(one, other) for one, other in pairs)


@pytest.fixture(scope="module")
def plain():
    return fit(seed=1)


def test_one_seed_gives_the_same_weights_bit_for_bit(plain):
    network, result = fit(seed=1)
    assert weights_equal(network, plain[0]) and result.history == plain[1].history
    assert not weights_equal(fit(seed=2)[0], plain[0])


def test_training_learns_and_reports_every_epoch():
    network, result = fit(
        {"epochs": 8, "learning_rate": 0.05, "batch_size": 8, "patience": None}, validation=data(32, 5)
    )
    assert set(result.history) == {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"}
    assert all(len(values) == 8 for values in result.history.values())
    assert result.history["loss"][-1] < result.history["loss"][0]
    assert not result.out_of_time and result.seconds > 0
    best = result.best_epoch - 1
    assert result.history["val_accuracy"][best] == max(result.history["val_accuracy"])
    rows, targets = data(32, 5)
    found = network(rows.padded(), training=False).numpy().argmax(axis=1)
    assert np.mean(found == targets) == pytest.approx(result.history["val_accuracy"][best])


def cosine(step, peak, warmup, total):
    if step < warmup:
        return peak * step / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))


@pytest.mark.parametrize("warmup", [0.0, 0.1])
def test_the_cosine_schedule(warmup):
    settings = TrainingSettings(learning_rate=0.3, warmup=warmup)
    schedule = learning_rate_schedule(settings, 50)
    for step in range(51):
        assert float(schedule(step)) == pytest.approx(cosine(step, 0.3, 50 * warmup, 50), abs=1e-6)


def test_other_schedules_start_from_a_constant():
    for name in ("constant", "plateau"):
        assert learning_rate_schedule(TrainingSettings(learning_rate=0.3, schedule=name), 50) == 0.3


@pytest.mark.parametrize("schedule", ["constant", "plateau"])
def test_other_schedules_warm_up_step_by_step(schedule, monkeypatch):
    rates, weights = [], [model().get_weights()]

    class Recorder(TimeLimit):
        def on_train_batch_end(self, batch, logs=None):
            rates.append(float(self.model.optimizer.learning_rate))
            weights.append(self.model.get_weights())

    monkeypatch.setattr("nlpkit.training.fit.TimeLimit", Recorder)
    settings = {"schedule": schedule, "warmup": 0.5, "epochs": 5, "batch_size": 16, "patience": None}
    fit({**settings, "learning_rate": 0.3})
    assert len(rates) == 20
    # The plateau schedule may lower the rate from the fifth epoch on: the third is the first to count.
    assert rates[:16] == pytest.approx([0.3 * min(step / 10, 1.0) for step in range(16)])
    moved = [any((a != b).any() for a, b in zip(*pair, strict=True)) for pair in pairwise(weights[:3])]
    assert moved == [False, True], "the first step has the rate 0, the second has not"


@pytest.mark.parametrize("warmup", [0.05, 0.4])
def test_the_plateau_schedule_lowers_the_rate_of_the_optimizer(warmup):
    settings = {"schedule": "plateau", "epochs": 6, "learning_rate": 0.5, "batch_size": 8, "patience": None}
    network, result = fit({**settings, "warmup": warmup}, validation=data(16, 9))
    rate, lowest, expected, warmup_steps = 0.5, math.inf, [], int(warmup * 48)
    for epoch, loss in enumerate(result.history["val_loss"]):
        expected.append(rate * min((8 * epoch + 7) / warmup_steps, 1.0))
        if epoch >= warmup_steps // 8:  # the first epoch that has a step after the warm-up
            rate = rate if loss < lowest else rate / 2
            lowest = min(lowest, loss)
    assert result.history["learning_rate"] == pytest.approx(expected)
    assert rate < 0.5, "the loss never rose, so nothing was tested"


def test_patience_ends_training():
    settings = {"epochs": 50, "learning_rate": 1e-12, "patience": 2, "schedule": "constant"}
    result = fit(settings, validation=data(16, 9))[1]
    assert len(result.history["loss"]) < 50


def test_the_deadline_ends_training_within_an_epoch():
    network, result = fit({"epochs": 5, "batch_size": 4}, deadline=time.monotonic() - 1)
    assert result.out_of_time
    assert len(result.history["loss"]) == 1
    assert int(network.optimizer.iterations) == 1


def first_moment_norm(clip_norm):
    """Adam's first moment after one step is a tenth of the gradient that it was given."""
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, kernel_initializer="ones")])
    compile_model(network, TrainingSettings(clip_norm=clip_norm), total_steps=10)
    network.train_on_batch(np.arange(12.0).reshape(4, 3), np.array([0, 1, 1, 1]))
    moments = [v.numpy() for v in network.optimizer.variables if "momentum" in v.path]
    assert moments
    return 10 * np.sqrt(sum(np.sum(np.square(moment)) for moment in moments))


def test_the_gradient_is_clipped_by_its_global_norm():
    free = first_moment_norm(clip_norm=1e6)
    assert first_moment_norm(clip_norm=free / 4) == pytest.approx(free / 4, rel=1e-3)


def test_weight_decay_leaves_the_biases_out():
    network = model()
    before = {v.path: v.numpy() + 1.0 for v in network.trainable_variables}
    for variable in network.trainable_variables:
        variable.assign(before[variable.path])
    settings = TrainingSettings(weight_decay=0.5, learning_rate=0.1, schedule="constant", epochs=1)
    train(network, ROWS, TARGETS, settings, sample_weight=np.zeros(len(ROWS), "float32"))
    for variable in network.trainable_variables:
        shrunk = 1.0 if variable.name == "bias" else 1.0 - 0.1 * 0.5
        np.testing.assert_allclose(variable.numpy(), before[variable.path] * shrunk, rtol=1e-4)


def test_label_smoothing_and_sample_weights_reach_the_loss():
    weights = np.linspace(0.1, 2.0, len(ROWS)).astype("float32")
    network = model(dropout=0.0)
    logits = network(ROWS.padded(), training=False)
    expected = float(SmoothedCrossentropy(0.3)(TARGETS, logits, sample_weight=weights))
    settings = {"epochs": 1, "batch_size": len(ROWS), "label_smoothing": 0.3}
    result = fit(settings, network, sample_weight=weights)[1]
    assert result.history["loss"] == pytest.approx([expected], rel=1e-5)


def test_several_labels_use_the_binary_loss():
    targets = np.stack([TARGETS, 1 - TARGETS], axis=1).astype("float32")
    network = model(dropout=0.0, multi_label=True)
    logits = network(ROWS.padded(), training=False)
    expected = float(keras.losses.BinaryCrossentropy(from_logits=True)(targets, logits))
    result = fit({"epochs": 1, "batch_size": len(ROWS)}, network, targets=targets)[1]
    assert result.history["loss"] == pytest.approx([expected], rel=1e-5)
    assert "accuracy" not in result.history


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_trains(policy):
    network, result = fit({"epochs": 6, "learning_rate": 0.05, "batch_size": 8}, model(dtype=policy))
    assert result.history["loss"][-1] < result.history["loss"][0]
    assert all(v.dtype == "float32" and np.isfinite(v.numpy()).all() for v in network.trainable_variables)
    scaled = isinstance(network.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (policy == "mixed_float16")


def test_a_tensorboard_log_is_written(tmp_path):
    fit({"epochs": 1, "tensorboard": str(tmp_path / "log")}, validation=data(16, 9))
    events = list((tmp_path / "log").rglob("events.out.tfevents.*"))
    assert {path.parent.name for path in events} == {"train", "validation"}


def test_the_progress_bar_shows_each_epoch(capsys):
    fit(verbose=1)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "epoch 1/2  accuracy" in shown.err and "epoch 2/2  accuracy" in shown.err


def test_one_row_is_enough():
    network, result = fit(rows=IdRows.from_lists([[4]]), targets=np.array([1]))
    assert np.isfinite(result.history["loss"]).all()
