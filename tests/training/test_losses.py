import keras
import numpy as np
import pytest

from nlpkit.training import SmoothedCrossentropy

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(scale=4.0, size=(6, 5)).astype("float32")
LABELS = np.array([0, 4, 2, 2, 1, 3])


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_equals_keras_on_one_hot_labels(smoothing):
    reference = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
    expected = float(reference(np.eye(5)[LABELS], LOGITS))
    assert float(SmoothedCrossentropy(smoothing)(LABELS, LOGITS)) == pytest.approx(expected, rel=1e-5)


def test_sample_weights_and_a_column_of_labels():
    weights = np.array([1.0, 0.0, 2.0, 0.5, 1.0, 3.0])
    reference = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2)
    expected = float(reference(np.eye(5)[LABELS], LOGITS, sample_weight=weights))
    found = SmoothedCrossentropy(0.2)(LABELS[:, None], LOGITS, sample_weight=weights)
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_half_precision_logits_lose_nothing():
    large = np.array([[60.0, -60.0]], "float16")
    assert float(SmoothedCrossentropy()([1], large)) == pytest.approx(120.0)


def test_config_gives_a_twin():
    loss = SmoothedCrossentropy(0.3)
    twin = keras.losses.deserialize(keras.losses.serialize(loss))
    assert twin.label_smoothing == 0.3
    assert float(twin(LABELS, LOGITS)) == float(loss(LABELS, LOGITS))
