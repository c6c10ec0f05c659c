"""The averages equal a mean that NumPy takes of the weights; the callback begins when Merity's rule says so."""

import keras
import numpy as np
import pytest

from nlpkit.training.averaging import AveragedSGD, AverageWeights


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


def prepared(patience):
    model = OneWeight()
    model.build((None, 1))
    model.compile(AveragedSGD(0.1), "mse", jit_compile=False)
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


def test_averages_are_measured_and_training_goes_on_from_the_weights():
    model, callback = prepared(patience=1)
    model.optimizer.begin()
    weights = []
    for epoch in range(2):
        callback.on_epoch_begin(epoch)
        model.train_on_batch(np.ones((1, 1)), np.ones((1, 1)))
        weights.append(float(model.place.numpy()[0]))
        callback.on_test_begin()
        np.testing.assert_allclose(model.place.numpy(), [np.mean(weights)], rtol=1e-5)
        callback.on_epoch_end(epoch, {"loss": 1.0})
        np.testing.assert_allclose(model.place.numpy(), [np.mean(weights)], rtol=1e-5)
    assert weights[1] == pytest.approx(weights[0] + 0.1 * 2 * (1 - weights[0]))


def test_the_state_comes_back():
    _, callback = prepared(patience=1)
    callback.losses, callback.exchanged = [2.0, 3.0], True
    again = AverageWeights()
    again.set_state(callback.state())
    assert (again.losses, again.exchanged) == ([2.0, 3.0], True)
