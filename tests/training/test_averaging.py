"""The averages equal a mean that NumPy takes of the weights; the callback begins when Merity's rule says so."""

import keras
import numpy as np
import pytest

from nlpkit.errors import InputError
from nlpkit.models import build_generator
from nlpkit.spec import LanguageModelSettings
from nlpkit.training.averaging import AveragedSGD, AverageWeights
from nlpkit.training.language_model import mean_loss, train_language_model
from nlpkit.training.optimizers import unwrapped


def descend(optimizer, weight, gradients):
    """The weight after each step."""
    steps = []
    for gradient in gradients:
        optimizer.apply([np.float32([gradient])])
        steps.append(float(weight.numpy()[0]))
    return steps


def test_averages_are_the_mean_of_the_steps_since_it_began():
    optimizer, weight = AveragedSGD(0.5), keras.Variable([1.0])
    optimizer.build([weight])
    descend(optimizer, weight, [1.0, -2.0])
    optimizer.begin()
    steps = descend(optimizer, weight, [0.5, 3.0, -1.0])
    np.testing.assert_allclose(optimizer.averages[0].numpy(), [np.mean(steps)], rtol=1e-6)


def test_exchanging_twice_changes_nothing():
    optimizer, weight = AveragedSGD(0.5), keras.Variable([1.0])
    optimizer.build([weight])
    optimizer.begin()
    steps = descend(optimizer, weight, [1.0, 2.0])
    optimizer.exchange([weight])
    np.testing.assert_allclose(weight.numpy(), [np.mean(steps)], rtol=1e-6)
    optimizer.exchange([weight])
    np.testing.assert_allclose(weight.numpy(), [steps[-1]])


class OneWeight(keras.Model):
    """A weight that the loss pulls towards the targets."""

    def build(self, input_shape):
        self.place = self.add_weight(shape=(1,), initializer="zeros", name="place")

    def call(self, inputs):
        return inputs * 0.0 + self.place


def prepared(patience, wrap=lambda optimizer: optimizer):
    model = OneWeight()
    model.build((None, 1))
    model.compile(wrap(AveragedSGD(0.1)), "mse", jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    callback = AverageWeights(patience)
    callback.set_model(model)
    return model, callback


@pytest.mark.parametrize(
    ("losses", "begins_after"),
    [
        ([5.0, 4.0, 3.0, 2.0], None),
        ([5.0, 4.0, 4.5, 4.6, 4.7], 4),  # 4.6 is only compared with 5.0, 4.7 with 4.0 too
        ([5.0, 4.0, 3.0, 6.0], 3),
    ],
)
def test_averaging_begins_when_the_loss_is_above_the_lowest_of_long_ago(losses, begins_after):
    model, callback = prepared(patience=2)
    begun = None
    for epoch, loss in enumerate(losses):
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, {"loss": 9.0, "val_loss": loss})
        if begun is None and model.optimizer.averaging.numpy():
            begun = epoch
    assert begun == begins_after


@pytest.mark.parametrize("wrap", [lambda optimizer: optimizer, keras.optimizers.LossScaleOptimizer])
def test_averages_are_measured_and_training_goes_on_from_the_weights(wrap):
    model, callback = prepared(1, wrap)
    unwrapped(model.optimizer).begin()
    weights = []
    for epoch in range(2):
        callback.on_epoch_begin(epoch)
        model.train_on_batch(np.ones((1, 1)), np.ones((1, 1)))
        weights.append(float(model.place.numpy()[0]))
        callback.on_test_begin()
        np.testing.assert_allclose(model.place.numpy(), [np.mean(weights)], rtol=1e-5)
        callback.on_epoch_end(epoch, {"val_loss": 1.0})
        np.testing.assert_allclose(model.place.numpy(), [np.mean(weights)], rtol=1e-5)
    assert weights[1] == pytest.approx(weights[0] + 0.1 * 2 * (1 - weights[0]))


def test_the_state_comes_back():
    _, callback = prepared(patience=1)
    callback.losses, callback.exchanged = [2.0, 3.0], True
    again = AverageWeights()
    again.set_state(callback.state())
    assert (again.losses, again.exchanged) == ([2.0, 3.0], True)


IDS = np.random.default_rng(0).integers(4, 9, 400).astype("int32")
SETTINGS = {
    "optimizer": "averaged_sgd", "schedule": "constant", "warmup": 0.0, "patience": None, "learning_rate": 8.0,
    "batch_size": 4, "sequence_length": 10,
}  # fmt: skip


def trained(epochs, **options):
    """A network that learns noise by heart, so that its validation loss soon rises."""
    keras.utils.set_random_seed(0)
    network = build_generator(9, units=8, num_layers=1)
    settings = LanguageModelSettings(**SETTINGS, epochs=epochs)
    validation = IDS[::-1][:100].copy()
    result = train_language_model(network, IDS, settings, validation=validation, **options)
    return network, result, validation


def test_a_language_model_ends_with_the_average_that_was_measured(monkeypatch):
    begun = []
    monkeypatch.setattr(
        AveragedSGD, "begin", lambda self, own=AveragedSGD.begin: (begun.append(1), own(self))
    )
    network, result, validation = trained(epochs=16)
    assert begun == [1]
    best = min(result.history["val_loss"])
    assert best == result.history["val_loss"][result.best_epoch - 1]
    assert mean_loss(network, validation) == pytest.approx(best, rel=1e-4)


def test_a_run_that_is_resumed_ends_as_an_uninterrupted_one(tmp_path):
    whole, result, _ = trained(epochs=12)

    class Stopped(Exception):
        pass

    def stop(self, epoch, logs=None, own=AverageWeights.on_epoch_begin):
        if epoch == 10:
            raise Stopped
        own(self, epoch, logs)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(AverageWeights, "on_epoch_begin", stop)
        trained(epochs=12, checkpoint=tmp_path)
    resumed, again, _ = trained(epochs=12, checkpoint=tmp_path, resume=True)
    assert again.history["val_loss"] == pytest.approx(result.history["val_loss"])
    for a, b in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_an_average_needs_validation_data():
    settings = LanguageModelSettings(**SETTINGS, epochs=2)
    with pytest.raises(
        InputError, match="begins to average when the validation loss no longer falls. Received: no"
    ):
        train_language_model(build_generator(9, units=8, num_layers=1), IDS, settings)
