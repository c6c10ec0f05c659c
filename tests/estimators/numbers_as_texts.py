"""Lets scikit-learn's checks, which make tables of numbers, run on a classifier of texts."""

import numpy as np
from sklearn.utils.validation import validate_data

from nlpkit import TextClassifier


class NumbersAsTexts(TextClassifier):
    """Writes each row of numbers as a text: one word per column, which says how high its value is."""

    def fit(self, X, y=None):
        if y is not None:
            X, y = validate_data(self, X, y)
        else:
            X = validate_data(self, X)
        columns = self.n_features_in_
        super().fit(as_texts(X), y)
        self.n_features_in_ = columns
        return self

    def _logits(self, X):
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        return super()._logits(as_texts(validate_data(self, X, reset=False)))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.one_d_array, tags.input_tags.string = True, False, False
        return tags


def as_texts(X):
    return [" ".join(f"c{i}v{int(np.clip(v, -9, 9) * 2)}" for i, v in enumerate(row)) for row in X]
