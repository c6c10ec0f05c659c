"""Small texts and a quick classifier that the tests of the estimators and of the export share."""

from nlpkit import TextClassifier

GOOD = ["good", "lovely", "great", "fine"]
BAD = ["bad", "awful", "poor", "dull"]
THINGS = ["food", "film", "room", "song", "book"]
QUICK = {
    "network": {"ngrams": 2, "buckets": 64, "embedding_dim": 0, "naive_bayes": True, "character_ngrams": 0},
    "training": {"learning_rate": 0.05},
}


def texts(rows=60):
    """Texts about things; those with an odd number praise."""
    return [f"a {(GOOD if i % 2 else BAD)[i // 2 % 4]} {THINGS[i % 5]} again" for i in range(rows)]


def labels(rows=60, names=("neg", "pos")):
    return [names[i % 2] for i in range(rows)]


def quick(**more):
    """An unfitted classifier that trains within a second or two."""
    settings = {"encoder": "bag", "epochs": 2, "random_state": 0, "options": QUICK}
    return TextClassifier(**{**settings, **more})


def topics(rows=60):
    """Lists of labels for `texts`: what is praised or not, and a topic."""
    return [["praise"] * (i % 2) + [THINGS[i % 5]] for i in range(rows)]
