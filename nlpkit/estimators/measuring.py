"""Measures a classifier on labelled texts of any number."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from nlpkit.estimators.label_codes import encode_labels
from nlpkit.training import evaluate_probabilities

MISTAKES_PER_CHUNK = 10


def measure(classifier, stream):
    """Evaluates a fitted classifier on a stream.

    Probabilities and labels of all texts are kept, but only the texts of the worst mistakes.

    Args:
        classifier: `TextClassifier`.
        stream: `LabelledTexts`.

    Returns:
        dict, as `nlpkit.training.evaluate_probabilities`.

    Raises:
        InputError: If a label is unknown to the classifier.
    """
    check_is_fitted(classifier)
    classes, several = classifier.classes_, classifier.multi_label
    probabilities, texts, rows = [], {}, 0
    for chunk in stream.chunks():
        probabilities.append(classifier.predict_proba(chunk.texts))
        targets = encode_labels(
            chunk.labels, classes, several, lambda row, first=rows: stream.place(first + row)
        )
        texts |= {rows + row: chunk.texts[row] for row in _worst(probabilities[-1], targets)}
        rows += len(targets)
    targets = encode_labels(stream.labels, classes, several)
    return evaluate_probabilities(targets, np.concatenate(probabilities), classes.tolist(), texts, several)


def _worst(probabilities, targets):
    """Rows with the most confident mistakes of a chunk."""
    if targets.ndim == 2:
        wrong = np.abs(probabilities - targets).max(axis=1)
    else:
        wrong = np.where(probabilities.argmax(axis=1) != targets, probabilities.max(axis=1), 0.0)
    return np.argsort(-wrong, kind="stable")[:MISTAKES_PER_CHUNK].tolist()
