"""Facts about data and machine for the report."""

import platform

import keras
import numpy as np
import sklearn
import tensorflow as tf

import nlpkit
from nlpkit.data.readers import TableReader


def label_counts(classifier, targets):
    """Number of texts of each label.

    Args:
        classifier: `TextClassifier` with its classes.
        targets: Int array `(n,)`, or zeros and ones `(n, classes)`.

    Returns:
        dict of label to number.

    Example:
        >>> from types import SimpleNamespace
        >>> import numpy as np
        >>> from nlpkit.estimators.facts import label_counts
        >>> label_counts(SimpleNamespace(classes_=["no", "yes"], multi_label=False), np.array([1, 1, 0]))
        {'no': 1, 'yes': 2}
    """
    counts = targets.sum(axis=0) if classifier.multi_label else np.bincount(targets)
    return {str(label): int(count) for label, count in zip(classifier.classes_, counts, strict=False)}


def token_facts(rows):
    """Lengths of the texts in tokens, and the share of unknown ones.

    Args:
        rows: `IdRows`.

    Returns:
        dict with `"tokens"` and `"unknown_rate"`.

    Example:
        >>> from nlpkit.data import IdRows
        >>> from nlpkit.estimators.facts import token_facts
        >>> token_facts(IdRows.from_lists([[4, 1], [5, 6]]))["unknown_rate"]
        0.25
    """
    lengths = rows.lengths
    return {
        "tokens": {
            "mean": float(np.mean(lengths)),
            "median": float(np.median(lengths)),
            "p95": float(np.percentile(lengths, 95)),
            "max": int(lengths.max()),
        },
        "unknown_rate": float(np.mean(rows.ids == 1)),
    }


def versions():
    """Versions of what computes the result.

    Returns:
        dict of package to version.

    Example:
        >>> from nlpkit.estimators.facts import versions
        >>> sorted(versions())
        ['keras', 'nlpkit', 'numpy', 'python', 'scikit-learn', 'tensorflow']
    """
    return {
        "python": platform.python_version(),
        "nlpkit": nlpkit.__version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "scikit-learn": sklearn.__version__,
        "numpy": np.__version__,
    }


class TextsOfRows:
    """The text of a row: as it was given where it is in memory, else put together again from its ids.

    Args:
        source: `LabelledTexts`, or a tuple of it and the numbers of the rows in it.
        layer: `TextToIds`.
        rows: `IdRows` of the texts.

    Example:
        >>> from nlpkit.data import IdRows
        >>> from nlpkit.estimators.facts import TextsOfRows
        >>> from nlpkit.estimators.labelled_texts import LabelledTexts
        >>> TextsOfRows(LabelledTexts(["a", "b"], [0, 1]), None, IdRows.from_lists([[4], [5]]))[1]
        'b'
    """

    def __init__(self, source, layer, rows):
        stream, indices = source if isinstance(source, tuple) else (source, None)
        self.texts = None if isinstance(stream.source, TableReader) else stream.source
        self.indices, self.layer, self.rows = indices, layer, rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, row):
        if self.texts is not None:
            return self.texts[row if self.indices is None else self.indices[row]]
        return self.layer.detokenize(self.rows[row][None]).numpy()[0].decode("utf-8", "replace")
