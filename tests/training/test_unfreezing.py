"""Layers learn from their epoch on, at their rate; frozen ones are untouched."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.spec import TrainingSettings
from nlpkit.training.fit import compile_model, run_epochs
from nlpkit.training.unfreezing import Unfreezing, layer_groups


class Encoder(keras.layers.Layer):
    """Two layers that were pretrained, so to speak."""

    def __init__(self):
        super().__init__(name="encoder")
        self.low, self.high = keras.layers.Dense(3, name="low"), keras.layers.Dense(3, name="high")

    @property
    def layer_groups(self):
        return [self.low, self.high]

    def build(self, input_shape):
        self.low.build(input_shape)
        self.high.build((None, 3))

    def call(self, inputs):
        return self.high(self.low(inputs))


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((2,)), Encoder(), keras.layers.Dense(2, name="scores")])


def test_groups_go_from_the_bottom_up(model):
    groups = [[variable.path for variable in group] for group in layer_groups(model)]
    assert [group[0].split("/")[-2] for group in groups] == ["low", "high", "scores"]


def test_a_model_without_a_pretrained_encoder_is_refused():
    plain = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    with pytest.raises(
        InputError, match="need a layer with `layer_groups`. Received: .*dense.* Take a language"
    ):
        layer_groups(plain)


@pytest.mark.parametrize(
    ("gradual", "expected"),
    [(True, [[0, 0, 1], [0, 0.5, 1], [0.25, 0.5, 1], [0.25, 0.5, 1]]), (False, [[0.25, 0.5, 1]] * 4)],
)
def test_rates_by_epoch(gradual, expected):
    callback = Unfreezing([[], [], []], gradual=gradual, decay=0.5, epochs=4)
    assert [callback.rates(epoch) for epoch in range(4)] == expected


@pytest.mark.parametrize(("epochs", "expected"), [(1, [[1, 1, 1]]), (2, [[0, 0, 1], [1, 1, 1]])])
def test_with_few_epochs_several_layers_join_at_once(epochs, expected):
    callback = Unfreezing([[], [], []], gradual=True, decay=1.0, epochs=epochs)
    assert [callback.rates(epoch) for epoch in range(epochs)] == expected


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_one_more_layer_moves_in_each_epoch(model, precision):
    if precision == "mixed_float16":
        model.layers[-1].dtype_policy = keras.DTypePolicy(precision)
    settings = TrainingSettings(epochs=3, gradual_unfreezing=True, layer_decay=0.5, warmup=0.0, patience=None)
    compile_model(model, settings, total_steps=6)
    moved, before = [], model.get_weights()

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            nonlocal before
            after = model.get_weights()
            moved.append([bool((a != b).any()) for a, b in zip(after, before, strict=True)][::2])
            before = after

    inputs, targets = np.random.default_rng(0).normal(size=(2, 4, 2)).astype("float32"), np.zeros((2, 4), int)
    targets[:, :2] = 1
    batches = tf.data.Dataset.from_tensor_slices((inputs, targets))
    groups = layer_groups(model)
    callbacks = [Unfreezing(groups, gradual=True, decay=0.5, epochs=3), Watch()]
    run_epochs(model, lambda first: batches.repeat(), 2, settings, started=0.0, callbacks=callbacks)
    assert moved == [[False, False, True], [False, True, True], [True, True, True]]
