"""An exported classifier: texts in, labels out."""

import numpy as np

from nlpkit.lite.text_to_ids import TextToIds
from nlpkit.lite.texts import as_list, fit_steps


class LiteClassifier:
    """Predicts as the `TextClassifier` that was exported.

    Args:
        file: `ModelFile` or `OnnxFiles` of a classifier.
        num_threads: int. Processor threads. Defaults to 1.

    Attributes:
        classes_: array. The labels, in the order of the probabilities.
        multi_label: bool. Whether a text has any number of labels.

    Example:
        ```python
        import tempfile
        import nlpkit.lite
        from nlpkit import TextClassifier

        folder = tempfile.mkdtemp()
        TextClassifier(epochs=1).fit(["good", "bad"] * 4, ["yes", "no"] * 4).export(folder, to="tflite")
        classifier = nlpkit.lite.load(folder + "/model.tflite")
        print(classifier.predict(["good", "bad"]))
        ```
    """

    def __init__(self, file, num_threads=1):
        spec = file.spec
        self.classes_, self.multi_label = np.array(spec["labels"]), spec["multi_label"]
        self.text_to_ids = TextToIds(spec["text"], file.files)
        self._run = file.interpreter(num_threads)
        self._steps = spec["steps"]

    def predict_proba(self, X):
        """Calibrated probabilities.

        Args:
            X: List of str.

        Returns:
            Float array `(n, classes)`, in the order of `classes_`.

        Raises:
            InputError: If `X` is no list of str.
        """
        rows = [self._probabilities(row) for row in self.text_to_ids.rows(as_list(X))]
        return np.array(rows, "float32").reshape(-1, len(self.classes_))

    def predict(self, X):
        """The most probable label of each text, or all labels above one half if `multi_label`.

        Args:
            X: List of str.

        Returns:
            Array of labels, or list of lists of labels.

        Raises:
            InputError: If `X` is no list of str.
        """
        probabilities = self.predict_proba(X)
        if self.multi_label:
            return [self.classes_[row >= 0.5].tolist() for row in probabilities]
        return self.classes_[probabilities.argmax(axis=1)]

    def _probabilities(self, row):
        return self._run("classify", token_ids=[fit_steps(row, self._steps)])["probabilities"][0]
