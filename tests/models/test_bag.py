import keras
import numpy as np
import pytest

from nlpkit.data import IdRows
from nlpkit.models import adapt_bag, build_classifier

TEXTS = [[4, 5, 4], [4, 6], [7, 5], [7, 7, 8], [6, 8, 9]]


def counted(features_of_texts, member, size, smoothing=1.0):
    """Log-count ratios by plain loops: in how many texts of a class, and outside it, a feature occurs."""
    inside, outside = np.full(size, smoothing), np.full(size, smoothing)
    seen = set()
    for features, is_member in zip(features_of_texts, member, strict=True):
        for feature in set(features) - {0}:
            seen.add(feature)
            (inside if is_member else outside)[feature] += 1
    used = sorted(seen)
    ratios = np.zeros(size)
    for feature in used:
        p = inside[feature] / inside[used].sum()
        q = outside[feature] / outside[used].sum()
        ratios[feature] = np.log(p / q)
    return ratios


@pytest.mark.parametrize("ngrams", [1, 3])
def test_ratios_equal_a_count_by_hand(ngrams):
    model = build_classifier(
        10, 2, encoder="bag", naive_bayes=True, ngrams=ngrams, buckets=50, embedding_dim=0
    )
    labels = np.array([0, 0, 1, 1, 1])
    adapt_bag(model, IdRows.from_lists(TEXTS), labels, tokens=[])
    features = TEXTS
    if ngrams > 1:
        to_features = keras.Model(model.inputs, model.get_layer("bag").input)
        features = [to_features(np.array([text])).numpy()[0].tolist() for text in TEXTS]
    expected = counted(features, labels == 1, 10 + (50 if ngrams > 1 else 0))
    np.testing.assert_allclose(model.get_layer("bag").ratios.numpy()[:, 0], expected, atol=1e-5)


def test_ratios_of_several_labels_are_one_against_the_rest():
    targets = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1]], "float32")
    model = build_classifier(
        10, 3, encoder="bag", naive_bayes=True, ngrams=1, embedding_dim=0, multi_label=True
    )
    adapt_bag(model, IdRows.from_lists(TEXTS), targets, tokens=[])
    for label in range(3):
        expected = counted(TEXTS, targets[:, label] == 1, 10)
        np.testing.assert_allclose(model.get_layer("bag").ratios.numpy()[:, label], expected, atol=1e-5)


def test_a_model_without_a_bag_is_left_as_it_is():
    model = build_classifier(10, 2, encoder="cnn", units=2, embedding_dim=4)
    before = model.get_weights()
    adapt_bag(model, IdRows.from_lists(TEXTS), np.array([0, 0, 1, 1, 1]), tokens=[])
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
