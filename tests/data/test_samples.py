import collections
import re
from importlib import resources

import numpy as np
import pytest

from nlpkit.data import TableReader, load_sample_reviews
from nlpkit.data.samples import SPLITS
from nlpkit.errors import InputError

SIZES = {"train": 1600, "test": 400}


def test_both_splits_together_are_the_splits():
    train, test, both = (load_sample_reviews(split) for split in ("train", "test", None))
    assert both.texts == train.texts + test.texts
    assert both.labels == train.labels + test.labels
    assert both.domains == train.domains + test.domains


@pytest.mark.parametrize("split", SPLITS)
def test_split_is_balanced_and_covers_every_domain(split):
    reviews = load_sample_reviews(split)
    assert len(reviews.texts) == len(reviews.labels) == len(reviews.domains) == SIZES[split]
    labels = collections.Counter(reviews.labels)
    assert set(labels) == {"negative", "positive"}
    assert abs(labels["positive"] / len(reviews.labels) - 0.5) <= 0.02
    assert set(reviews.domains) == set(load_sample_reviews().domains)
    assert len(set(reviews.domains)) >= 8
    assert all(text == text.strip() and text for text in reviews.texts)


def test_reviews_differ_from_each_other():
    texts = load_sample_reviews().texts
    assert len(set(texts)) == len(texts) >= 1200
    words = [set(re.findall(r"\w+", text.lower())) for text in texts]
    index = {word: number for number, word in enumerate(sorted(set().union(*words)))}
    present = np.zeros((len(texts), len(index)), np.float32)
    for row, own in enumerate(words):
        present[row, [index[word] for word in own]] = 1
    shared, sizes = present @ present.T, present.sum(axis=1)
    similarity = shared / (sizes[:, None] + sizes - shared)
    np.fill_diagonal(similarity, 0)
    first, second = np.unravel_index(similarity.argmax(), similarity.shape)
    assert similarity.max() <= 0.7, (texts[first], texts[second])


def test_the_files_are_ordinary_tables():
    path = resources.files("nlpkit.data") / "sample_reviews" / "test.tsv"
    chunks = list(TableReader(path, columns=["label", "domain", "text"]))
    assert [text for chunk in chunks for text in chunk.texts] == load_sample_reviews("test").texts


def test_unknown_split():
    with pytest.raises(InputError, match="`split` must be one of .* Received: split='dev'"):
        load_sample_reviews("dev")
