"""Settings make the optimizer that they name."""

import keras
import pytest

from nlpkit.spec import TrainingSettings
from nlpkit.training.averaging import AveragedSGD
from nlpkit.training.optimizer import optimizer_of
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
