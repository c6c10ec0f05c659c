"""Settings of a classifier by which the layers of its pretrained encoder learn later, and less."""

import keras
import numpy as np
import pytest
from estimators.small_texts import labels, texts

from nlpkit import TextClassifier, TextGenerator
from nlpkit.training.unfreezing import layer_groups

X, Y = texts(), labels()


@pytest.fixture(scope="module")
def generator():
    training = {"batch_size": 4, "sequence_length": 14}
    options = {"training": training, "network": {"dropout": 0.1}}
    return TextGenerator(units=8, num_layers=1, epochs=1, random_state=0, options=options).fit(X)


@pytest.fixture
def moves(generator, monkeypatch):
    """Trains a classifier from the generator; how far embedding, layer and the top went in each epoch."""
    fit, seen = keras.Model.fit, []

    class Watch(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.groups = layer_groups(self.model)
            self.before = [[np.array(weight) for weight in group] for group in self.groups]

        def on_epoch_end(self, epoch, logs=None):
            pairs = zip(self.groups, self.before, strict=True)
            seen.append([
                max(np.abs(np.array(weight) - old).max() for weight, old in zip(group, before, strict=True))
                for group, before in pairs
            ])  # fmt: skip

    def watched(model, *args, callbacks, **options):
        return fit(model, *args, callbacks=[*callbacks, Watch()], **options)

    def train(epochs=3, **training):
        monkeypatch.setattr(keras.Model, "fit", watched)
        options = {"training": {"learning_rate": 0.03, "batch_size": 8, "warmup": 0.0, **training}}
        TextClassifier(encoder_from=generator, epochs=epochs, random_state=0, options=options).fit(X, Y)
        return np.array(seen)

    return train


def test_with_gradual_unfreezing_one_more_layer_learns_in_each_epoch(moves):
    assert (moves(gradual_unfreezing=True) > 0).tolist() == [[0, 0, 1], [0, 1, 1], [1, 1, 1]]


def test_without_it_all_learn_from_the_first(moves):
    assert (moves(epochs=1) > 0).tolist() == [[1, 1, 1]]


def test_with_layer_decay_each_learns_less_than_the_one_above(moves):
    found = moves(gradual_unfreezing=True, layer_decay=0.01)
    assert (found > 0).tolist() == [[0, 0, 1], [0, 1, 1], [1, 1, 1]]
    assert found[1, 1] < found[1, 2] / 10 and found[2, 0] < found[2, 1] / 10 < found[2, 2] / 100
