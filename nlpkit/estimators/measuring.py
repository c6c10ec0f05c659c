"""Measures a classifier on labelled texts, of any number."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from nlpkit.estimators.label_codes import encode_labels
from nlpkit.estimators.labelled_texts import LabelledTexts
from nlpkit.training import evaluate_probabilities

MISTAKES_PER_CHUNK = 10


class MeasuredClassifier:
    """Measures the classifier that it is mixed into, on lists or on readers of labelled texts.

    Example:
        ```python
        from nlpkit import TextClassifier

        classifier = TextClassifier(epochs=1).fit(["good", "bad"] * 4, ["yes", "no"] * 4)
        print(classifier.evaluate(["good", "bad"], ["yes", "no"])["accuracy"])
        ```
    """

    def score(self, X, y=None, sample_weight=None):
        """Accuracy; with several labels a text, the part of the texts whose labels are all right.

        Args:
            X: List of str, or a `TableReader`.
            y: List of labels; `None` with a reader.
            sample_weight: Float array `(n,)`, or `None`.

        Returns:
            float.
        """
        if sample_weight is not None or y is not None and not self.multi_label:
            return super().score(X, y, sample_weight)
        return self.evaluate(X, y)["accuracy"]

    def evaluate(self, X, y=None):
        """Measures the classifier on labelled texts.

        Args:
            X: List of str, or a `TableReader`, which is read in chunks.
            y: List of labels; `None` with a reader.

        Returns:
            dict with accuracy, F1, calibration error, ROC AUC, per-class figures, confusion matrix and mistakes.

        Raises:
            InputError: If a label is unknown to the classifier.
        """
        return self._measured(self, X, y)

    def _measured(self, predictor, X, y):
        """What `evaluate` gives, of the classifier itself or of an export of it."""
        return measure(predictor, LabelledTexts(X, y, "texts to evaluate", self._classes()))

    def add_test(self, X, y=None, name="test"):
        """Evaluates on labelled texts and adds the result to the report.

        Args:
            X: List of str, or a `TableReader`.
            y: List of labels; `None` with a reader.
            name: str. Name of the part in the report. Defaults to `"test"`.

        Returns:
            dict, as `evaluate`.

        Raises:
            InputError: If texts or labels cannot be used, or a label is unknown to the classifier.
        """
        stream = LabelledTexts(X, y, f"{name} texts", self._classes())
        evaluation = measure(self, stream)
        self.report_["data"][name] = stream.facts()
        self.report_["evaluation"][name] = evaluation
        return evaluation

    def _classes(self):
        check_is_fitted(self)
        return self.classes_


def measure(classifier, stream):
    """Evaluates a fitted classifier on a stream.

    Probabilities and labels of all texts are kept, but only the texts of the worst mistakes.

    Args:
        classifier: `TextClassifier`, or another with its `classes_`, `multi_label` and `predict_proba`.
        stream: `LabelledTexts`.

    Returns:
        dict, as `nlpkit.training.evaluate_probabilities`.

    Raises:
        InputError: If a label is unknown to the classifier.
    """
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
