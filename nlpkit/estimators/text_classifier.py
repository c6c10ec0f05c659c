"""Texts to labels as a scikit-learn classifier."""

import numpy as np
import scipy.special
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from nlpkit.errors import InputError
from nlpkit.estimators.classifier_files import PersistentClassifier
from nlpkit.estimators.fitting import fit_classifier
from nlpkit.estimators.labelled_texts import check_texts
from nlpkit.estimators.measuring import MeasuredClassifier


class TextClassifier(PersistentClassifier, MeasuredClassifier, ClassifierMixin, BaseEstimator):
    """Trains, measures, saves and exports a classifier of texts.

    What is left `None` is chosen from the data; `report_["choices"]` says what and why. Probabilities are
    calibrated on the validation part by temperature scaling.

    Args:
        encoder: `"auto"`, `"bag"`, `"lstm"`, `"gru"`, `"rnn"`, `"cnn"`, `"transformer"`, a Keras layer or a list
            of layers. Defaults to `"auto"`: the bag; if `minutes` is given and leaves the time, also a bidirectional
            LSTM, and the validation part decides between them.
        units: int. Size of the encoder.
        num_layers: int. Blocks on top of each other.
        bidirectional: bool. Whether a recurrent encoder reads both ways.
        tokenizer: `"word"`, `"space"`, `"char"`, `"byte"`, `"wordpiece"` or `"sentencepiece"`. Defaults to `"word"`.
        normalize: bool. Whether texts become lower case, without tags, entities and runs of white space, before they
            are cut into tokens. Defaults to `True`; `options["text"]` has a switch for each.
        max_length: int. Longest text, in tokens.
        epochs: int. Largest number of passes over the data.
        minutes: float. Time that training may take: as many epochs as fit, and a network of a size that fits. `None`
            sets no limit.
        multi_label: bool. Whether a text has a list of labels. Defaults to `False`.
        encoder_from: Fitted `TextGenerator`, or the path of a saved one, whose text layer, embedding and layers the
            network begins with. It learns more from few labels where the generator has read much text of their kind.
            Only `max_length`, and what stands above the encoder, can then be chosen. `clone` keeps the generator as it
            is. Defaults to `None`.
        options: dict. Further settings: `"text"` for `text_to_ids`, `"network"` for `build_classifier`
            and `"vectors"`, a file of pretrained vectors,
            `"training"` for `TrainingSettings`.
        random_state: int. Seed; `None` draws one.
        verbose: int. 1 shows a progress bar. Defaults to 0.

    Attributes:
        classes_: array. The labels, in the order of the probabilities.
        report_: dict. What `report.json` holds.
        temperature_: float. The logits are divided by it.
        text_to_ids_: `TextToIds`.
        network_: `keras.Model` from ids to logits.

    Raises:
        InputError: If texts or labels cannot be used, or a setting is unknown.

    Example:
        ```python
        from nlpkit import TextClassifier
        from nlpkit.data import load_sample_reviews

        reviews = load_sample_reviews("train")
        classifier = TextClassifier(random_state=0).fit(reviews.texts, reviews.labels)
        print(classifier.predict(["I love it.", "A waste of money."]))
        ```

    Reference:
        [Guo et al., 2017](https://arxiv.org/abs/1706.04599) for the calibration,
        [Howard & Ruder, 2018](https://arxiv.org/abs/1801.06146) for encoders from language models
    """

    def __init__(
        self,
        encoder="auto",
        *,
        units=None,
        num_layers=None,
        bidirectional=None,
        tokenizer="word",
        normalize=True,
        max_length=None,
        epochs=None,
        minutes=None,
        multi_label=False,
        encoder_from=None,
        options=None,
        random_state=None,
        verbose=0,
    ):
        self.encoder = encoder
        self.units = units
        self.num_layers = num_layers
        self.bidirectional = bidirectional
        self.tokenizer = tokenizer
        self.normalize = normalize
        self.max_length = max_length
        self.epochs = epochs
        self.minutes = minutes
        self.multi_label = multi_label
        self.encoder_from = encoder_from
        self.options = options
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y=None, *, validation_data=None, test_labels=None, checkpoint=None, resume=False):
        """Trains on texts and labels.

        Args:
            X: List of str, or a `TableReader`, which is read in chunks.
            y: List of labels, or of lists of labels; `None` with a reader.
            validation_data: Tuple of texts and labels, or a `TableReader`. Defaults to a stratified tenth of `X`.
            test_labels: dict. Labels of data to be tested on later, and where each stands (file and line). One that
                the training texts lack is told before the network is trained. Defaults to `None`.
            checkpoint: Path of a folder for the state after each epoch. It stays when `fit` is done, so that nothing
                is lost before the model is saved; a new run deletes it first. Defaults to `None`.
            resume: bool. Continues the run whose state `checkpoint` holds. Defaults to `False`.

        Returns:
            The fitted classifier itself.

        Raises:
            InputError: If texts, labels or a setting cannot be used, a file has a bad row, or there is no checkpoint to
                resume from, or one of another run.
        """
        fit_classifier(self, X, y, validation_data, test_labels, checkpoint, resume)
        return self

    def decision_function(self, X):
        """Calibrated logits.

        Args:
            X: List of str.

        Returns:
            Float array `(n, classes)`; `(n,)` for two classes, above zero for the second.
        """
        logits = self._logits(X) / self.temperature_
        if len(self.classes_) == 2 and not self.multi_label:
            return logits[:, 1] - logits[:, 0]
        return logits

    def predict_proba(self, X):
        """Calibrated probabilities.

        Args:
            X: List of str.

        Returns:
            Float array `(n, classes)`, in the order of `classes_`.
        """
        return self._probabilities(self._logits(X))

    def predict(self, X):
        """The most probable label of each text, or all labels above one half if `multi_label`.

        Args:
            X: List of str.

        Returns:
            Array of labels, or list of lists of labels.
        """
        return self.labels_of(self.predict_proba(X))

    def labels_of(self, probabilities):
        """Labels that probabilities stand for.

        Args:
            probabilities: Float array `(n, classes)`.

        Returns:
            Array of labels, or list of lists of labels if `multi_label`.
        """
        if self.multi_label:
            return [self.classes_[row >= 0.5].tolist() for row in probabilities]
        return self.classes_[probabilities.argmax(axis=1)]

    def _logits(self, X):
        check_is_fitted(self)
        return self._predictor.logits(self.text_to_ids_.encode(check_texts(X)))

    def _probabilities(self, logits):
        logits = logits.astype(np.float64) / self.temperature_
        return scipy.special.expit(logits) if self.multi_label else scipy.special.softmax(logits, axis=1)

    def get_params(self, deep=True):
        """Settings, without those of the generator in `encoder_from`: it is fitted, and none of them can be set.

        Args:
            deep: bool. Makes no difference. Defaults to `True`.

        Returns:
            dict from names to values.
        """
        return super().get_params(deep=False)

    def set_params(self, **params):
        """Changes settings.

        Args:
            **params: Names and values.

        Returns:
            The classifier itself.

        Raises:
            InputError: If one is a setting of the generator in `encoder_from`.
            ValueError: If there is no such setting.
        """
        for name, value in params.items():
            if name.startswith("encoder_from__"):  # which scikit-learn would set, whatever `get_params` gives
                raise InputError(
                    f"Invalid parameter {name!r} for estimator {type(self).__name__}: the generator is fitted and "
                    f"stays as it is. Received: {name}={value!r}. Give `encoder_from` another generator."
                )
        return super().set_params(**params)

    def __sklearn_clone__(self):
        copy = super().__sklearn_clone__()
        copy.encoder_from = self.encoder_from  # not a copy, which would not be fitted
        return copy

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.input_tags.one_d_array = True
        tags.classifier_tags.multi_label = False
        return tags
