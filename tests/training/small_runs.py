"""Small data and models that the tests of training share; also the program of the run that gets killed."""

import sys

import numpy as np

from nlpkit.data import IdRows
from nlpkit.models import build_classifier
from nlpkit.spec import TrainingSettings
from nlpkit.training import train
from nlpkit.training.seeding import seeded

VOCABULARY = 20


def data(rows, seed=1):
    """Random rows whose label says whether an odd id comes first; a tenth of the labels is wrong."""
    random = np.random.default_rng(seed)
    ids = [random.integers(4, VOCABULARY, random.integers(2, 8)).tolist() for _ in range(rows)]
    labels = np.array([row[0] % 2 for row in ids]) ^ (random.random(rows) < 0.1)
    return IdRows.from_lists(ids), labels.astype("int32")


def model(seed=3, **network):
    with seeded(seed):
        settings = {"encoder": "bag", "embedding_dim": 6, "ngrams": 2, "buckets": 32, **network}
        return build_classifier(VOCABULARY, 2, **settings)


def interrupted_run(checkpoint, schedule, resume):
    """Four epochs over many small batches, with every state there is: dropout, moments, schedule, best epoch."""
    network = model(dropout=0.3, word_dropout=0.1)
    settings = TrainingSettings(
        epochs=4, batch_size=8, schedule=schedule, learning_rate=0.02, weight_decay=0.01
    )
    rows, targets = data(1600)
    result = train(
        network, rows, targets, settings, validation=data(100, seed=2), seed=7, checkpoint=checkpoint,
        resume=resume, fingerprint=schedule,
    )  # fmt: skip
    return network, result


if __name__ == "__main__":
    interrupted_run(sys.argv[1], sys.argv[2], resume=False)
