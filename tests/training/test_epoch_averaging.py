"""The mean is the one that NumPy takes, and stays only where it is better; an interrupted run takes the same one."""

import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from training.small_runs import data, model

from nlpkit.data import inference_batches, training_batches
from nlpkit.errors import InputError
from nlpkit.spec import TextToTextSettings
from nlpkit.training.callbacks import BestEpoch
from nlpkit.training.checkpoint import Checkpoint
from nlpkit.training.epoch_averaging import AverageEpochs
from nlpkit.training.fit import compile_model, run_epochs
from nlpkit.training.optimizer import optimizer_of
from nlpkit.training.optimizers import SGD


@keras.saving.register_keras_serializable(package="nlpkit_tests")
class OneWeight(keras.Model):
    """A weight that the loss pulls from 0 towards the targets, which are 1."""

    def build(self, input_shape):
        self.place = self.add_weight(shape=(1,), initializer="zeros", name="place")
        self.fixed = self.add_weight(shape=(1,), initializer="ones", name="fixed", trainable=False)

    def call(self, inputs):
        return inputs * 0.0 + self.place * self.fixed


# Half of a step over the difference from 1: at the high rate the weight swings around 1, so that a mean is close to it;
# at the low one it only comes nearer, so that each epoch is better than a mean of it and those before.
SWINGING, APPROACHING = 0.95, 0.1


def places(rate, epochs):
    """The weight after each epoch of one step."""
    return 1 - (1 - 2 * rate) ** np.arange(1, epochs + 1)


def one_weight_run(rate, epochs=4, average=2, checkpoint=None, resume=False, **options):
    settings = TextToTextSettings(
        epochs=epochs, learning_rate=rate, optimizer="sgd", schedule="constant", warmup=0.0,
        clip_norm=99.0, **{"patience": None, **options},
    )  # fmt: skip
    network = OneWeight()
    network.build((None, 1))
    # Without a graph: to trace one takes longer than all the epochs.
    network.compile(optimizer_of(settings, network, epochs), "mse", run_eagerly=True)
    network.optimizer.build(network.trainable_variables)
    batches = tf.data.Dataset.from_tensors((np.ones((2, 1)), np.ones((2, 1))))
    result = run_epochs(
        network, lambda first: batches.repeat(epochs - first), 1, settings, validation=batches,
        started=time.monotonic(), average_epochs=average, checkpoint=checkpoint, resume=resume,
    )  # fmt: skip
    return network, result


@pytest.mark.parametrize(("epochs", "average", "taken"), [(4, 2, 2), (5, 3, 3), (3, 5, 3)])
def test_a_better_mean_of_the_last_epochs_stays(epochs, average, taken):
    network, result = one_weight_run(SWINGING, epochs, average)
    assert (result.averaged, result.best_epoch) == (taken, epochs)
    expected = places(SWINGING, epochs)
    mean = expected[-taken:].mean()
    np.testing.assert_allclose(network.place.numpy(), [mean], rtol=1e-5)
    assert result.validation_loss == pytest.approx((mean - 1) ** 2, rel=1e-3)
    assert result.validation_loss < min(result.history["val_loss"])
    np.testing.assert_allclose(result.history["val_loss"], (expected - 1) ** 2, rtol=1e-4)


def test_the_best_epoch_stays_where_the_mean_is_worse():
    network, result = one_weight_run(APPROACHING)
    assert (result.averaged, result.best_epoch) == (0, 4)
    np.testing.assert_allclose(network.place.numpy(), places(APPROACHING, 4)[-1:], rtol=1e-5)
    assert result.averaged_loss is None and result.validation_loss == result.history["val_loss"][3]


def test_the_last_epochs_are_those_before_patience_ended_training():
    network, result = one_weight_run(
        1.05, epochs=9, patience=2
    )  # the weight swings further and further from 1
    assert (len(result.history["loss"]), result.best_epoch, result.averaged) == (3, 1, 2)
    np.testing.assert_allclose(network.place.numpy(), [places(1.05, 3)[1:].mean()], rtol=1e-5)


def test_one_epoch_is_no_mean():
    network, result = one_weight_run(SWINGING, epochs=1)
    assert result.averaged == 0
    np.testing.assert_allclose(network.place.numpy(), places(SWINGING, 1), rtol=1e-5)


def test_nothing_is_kept_without_an_average():
    network, result = one_weight_run(SWINGING, average=1)
    assert result.averaged == 0 and not [v for v in network.optimizer.variables if "kept" in v.path]
    np.testing.assert_allclose(network.place.numpy(), places(SWINGING, 4)[-1:], rtol=1e-5)


@pytest.mark.parametrize("wrap", [lambda optimizer: optimizer, keras.optimizers.LossScaleOptimizer])
def test_the_weights_of_epochs_are_among_the_variables_that_a_checkpoint_keeps(wrap):
    network = OneWeight()
    network.build((None, 1))
    network.compile(wrap(SGD(0.1)), "mse", jit_compile=False)
    network.optimizer.build(network.trainable_variables)
    callback = AverageEpochs(2, tf.data.Dataset.range(1), BestEpoch())
    for _ in range(2):
        callback.set_model(network)  # Keras does so again when training begins
    for epoch, value in enumerate([5.0, 6.0, 7.0]):
        network.place.assign([value])
        callback.on_epoch_end(epoch)
    kept = [v.numpy().item() for v in network.optimizer.variables if "kept" in v.path]
    assert kept == [7.0, 6.0]


class Cut(BaseException):
    """Stands for the end of the process."""


def cut_after(epochs):
    """`Checkpoint.save`, and the end of the process after so many epochs."""
    save = Checkpoint.save

    def save_and_end(self, epochs_done):
        save(self, epochs_done)
        if epochs_done == epochs:
            raise Cut

    return save_and_end


def assert_resumed_equals_whole(run, epochs, folder, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", cut_after(epochs))
        with pytest.raises(Cut):
            run(checkpoint=folder)
    resumed, result = run(checkpoint=folder, resume=True)
    whole, expected = run()
    names = ("averaged", "best_epoch", "validation_loss", "history")
    assert [getattr(result, name) for name in names] == [getattr(expected, name) for name in names]
    for owner, other in ((resumed, whole), (resumed.optimizer, whole.optimizer)):
        for new, old in zip(owner.variables, other.variables, strict=True):
            np.testing.assert_array_equal(new.numpy(), old.numpy(), err_msg=new.path)
    return expected


@pytest.mark.parametrize("epochs", [1, 3, 4], ids="cut after {}".format)
@pytest.mark.parametrize(("rate", "averaged"), [(SWINGING, 2), (APPROACHING, 0)])
def test_a_run_that_is_resumed_ends_as_an_uninterrupted_one(tmp_path, monkeypatch, rate, averaged, epochs):
    def run(**options):
        return one_weight_run(rate, **options)

    assert assert_resumed_equals_whole(run, epochs, tmp_path, monkeypatch).averaged == averaged


def classifier_run(learning_rate, checkpoint=None, resume=False):
    settings = TextToTextSettings(
        epochs=4,
        batch_size=8,
        learning_rate=learning_rate,
        schedule="inverse_sqrt",
        patience=None,
    )
    network, (rows, targets), validation = model(dropout=0.3), data(64), data(32, seed=2)
    compile_model(network, settings, total_steps=32)
    sizes = {"batch_size": 8, "seed": 7, "epochs": 4}
    result = run_epochs(
        network, lambda first: training_batches(rows, targets, first_epoch=first, **sizes)[0], 8, settings,
        validation=inference_batches(validation[0], batch_size=32, targets=validation[1])[0],
        started=time.monotonic(), average_epochs=2, checkpoint=checkpoint, resume=resume,
    )  # fmt: skip
    return network, result


def test_a_classifier_that_is_resumed_ends_as_an_uninterrupted_one(tmp_path, monkeypatch):
    def run(**options):
        return classifier_run(0.5, **options)

    assert assert_resumed_equals_whole(run, 3, tmp_path, monkeypatch).averaged in (0, 2)


def test_a_mean_needs_validation_data():
    message = (
        "`average_epochs=3` keeps a mean only where its validation loss is lower. Received: no validation"
    )
    with pytest.raises(InputError, match=message):
        AverageEpochs(3, None, BestEpoch())
