"""Settings make the optimizer that they name."""

from itertools import pairwise

import keras
import numpy as np
import pytest

from nlpkit.spec import TrainingSettings
from nlpkit.training.averaging import AveragedSGD
from nlpkit.training.optimizer import InverseSqrt, learning_rate_schedule, optimizer_of
from nlpkit.training.optimizers import SGD, Adam


@pytest.mark.parametrize(("name", "kind"), [("adamw", Adam), ("sgd", SGD), ("averaged_sgd", AveragedSGD)])
def test_each_optimizer_by_its_name(name, kind):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    settings = TrainingSettings(optimizer=name, clip_norm=0.5, weight_decay=0.1, schedule="constant")
    found = optimizer_of(settings, model, total_steps=10)
    assert type(found) is kind and (found.clip_norm, found.decay) == (0.5, 0.1)


def test_gradients_in_float16_are_scaled():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, dtype="mixed_float16")])
    found = optimizer_of(TrainingSettings(), model, total_steps=10)
    assert isinstance(found, keras.optimizers.LossScaleOptimizer) and type(found.inner_optimizer) is Adam


@pytest.mark.parametrize("warmup", [0.0, 0.1])
def test_the_inverse_square_root_schedule(warmup):
    settings = TrainingSettings(schedule="inverse_sqrt", learning_rate=0.3, warmup=warmup)
    schedule = learning_rate_schedule(settings, 200)
    for step in range(201):
        if warmup:
            expected = 0.3 * step / 20 if step < 20 else 0.3 * (20 / step) ** 0.5
        else:
            expected = 0.3 / max(step, 1) ** 0.5
        assert float(schedule(step)) == pytest.approx(expected, rel=1e-5)


def test_the_inverse_square_root_is_that_of_the_transformer():
    """Vaswani et al. 2017, formula 3, whose peak is (units * warm-up) ** -0.5."""
    schedule = InverseSqrt(peak=(512 * 4000) ** -0.5, warmup=4000)
    for step in (1, 100, 4000, 4001, 100_000):
        expected = 512**-0.5 * min(step**-0.5, step * 4000**-1.5)
        assert float(schedule(step)) == pytest.approx(expected, rel=1e-5)


def test_the_inverse_square_root_schedule_is_saved_with_its_optimizer():
    schedule = InverseSqrt(0.3, 20)
    again = type(schedule).from_config(schedule.get_config())
    assert float(again(45)) == float(schedule(45)) == pytest.approx(0.2)
    optimizer = keras.optimizers.deserialize(keras.optimizers.serialize(SGD(schedule)))
    assert optimizer.get_config()["learning_rate"]["config"] == {"peak": 0.3, "warmup": 20}


def test_training_follows_the_inverse_square_root():
    """Gradient descent on a loss whose gradient is 1 moves the weight by the rate of each step."""
    settings = TrainingSettings(
        schedule="inverse_sqrt", learning_rate=0.3, warmup=0.25, optimizer="sgd", clip_norm=9.0
    )
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    optimizer = optimizer_of(settings, model, total_steps=8)
    model.compile(optimizer, loss=lambda y_true, y_pred: y_pred, jit_compile=False)
    places = [model.get_weights()[0].item()]
    for _ in range(4):
        model.train_on_batch(np.ones((1, 1)), np.zeros((1, 1)))
        places.append(model.get_weights()[0].item())
    moved = [before - after for before, after in pairwise(places)]
    assert moved == pytest.approx([0.0, 0.15, 0.3, 0.3 * (2 / 3) ** 0.5], abs=1e-5)
