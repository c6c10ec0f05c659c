"""Texts to labels as a scikit-learn classifier."""

import json
from pathlib import Path

import numpy as np
import scipy.special
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

import nlpkit
from nlpkit.errors import InputError
from nlpkit.estimators.fitting import fit_classifier
from nlpkit.estimators.labelled_texts import LabelledTexts, check_texts
from nlpkit.estimators.measuring import measure
from nlpkit.estimators.report import write_report
from nlpkit.estimators.saving import (
    MODEL_FILE,
    SPEC_FILE,
    check_parts,
    files_of,
    load_files,
    load_network,
    read_report,
    save_folder,
)
from nlpkit.export import export_saved_model
from nlpkit.spec import FORMAT_VERSION, ModelSpec
from nlpkit.text import TextToIds
from nlpkit.training import Predictor

EXPORTERS = {"saved_model": export_saved_model}
# A network cannot be pickled; the files of its folder can.
NOT_PICKLED = ("network_", "text_to_ids_", "_predictor")


class TextClassifier(ClassifierMixin, BaseEstimator):
    """Trains, measures, saves and exports a classifier of texts.

    What is left `None` is chosen from the data; `report_["choices"]` says what and why. Probabilities are
    calibrated on the validation part by temperature scaling.

    Args:
        encoder: `"auto"`, `"bag"`, `"lstm"`, `"gru"`, `"rnn"`, `"cnn"`, `"transformer"`, a Keras layer or a list
            of layers. Defaults to `"auto"`.
        units: int. Size of the encoder.
        num_layers: int. Blocks on top of each other.
        bidirectional: bool. Whether a recurrent encoder reads both ways.
        tokenizer: `"word"`, `"char"`, `"byte"`, `"wordpiece"` or `"sentencepiece"`. Defaults to `"word"`.
        max_length: int. Longest text, in tokens.
        epochs: int. Largest number of passes over the data.
        minutes: float. Time that training may take; `None` sets no limit.
        multi_label: bool. Whether a text has a list of labels. Defaults to `False`.
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
        [Guo et al., 2017](https://arxiv.org/abs/1706.04599) for the calibration
    """

    def __init__(
        self,
        encoder="auto",
        *,
        units=None,
        num_layers=None,
        bidirectional=None,
        tokenizer="word",
        max_length=None,
        epochs=None,
        minutes=None,
        multi_label=False,
        options=None,
        random_state=None,
        verbose=0,
    ):
        self.encoder = encoder
        self.units = units
        self.num_layers = num_layers
        self.bidirectional = bidirectional
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.epochs = epochs
        self.minutes = minutes
        self.multi_label = multi_label
        self.options = options
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y=None, *, validation_data=None, checkpoint=None, resume=False):
        """Trains on texts and labels.

        Args:
            X: List of str, or a `TableReader`, which is read in chunks.
            y: List of labels, or of lists of labels; `None` with a reader.
            validation_data: Tuple of texts and labels, or a `TableReader`. Defaults to a stratified tenth of `X`.
            checkpoint: Path of a folder for the state after each epoch, removed at the end. Defaults to `None`.
            resume: bool. Continues the run whose state `checkpoint` holds. Defaults to `False`.

        Returns:
            The fitted classifier itself.
        """
        fit_classifier(self, X, y, validation_data, checkpoint, resume)
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
        return measure(self, LabelledTexts(X, y, "texts to evaluate", self._classes()))

    def add_test(self, X, y=None, name="test"):
        """Evaluates on labelled texts and adds the result to the report.

        Args:
            X: List of str, or a `TableReader`.
            y: List of labels; `None` with a reader.
            name: str. Name of the part in the report. Defaults to `"test"`.

        Returns:
            dict, as `evaluate`.
        """
        stream = LabelledTexts(X, y, f"{name} texts", self._classes())
        evaluation = measure(self, stream)
        self.report_["data"][name] = stream.facts()
        self.report_["evaluation"][name] = evaluation
        return evaluation

    def save(self, folder):
        """Writes the model folder: network, spec, vocabulary and report; atomically.

        Args:
            folder: Path. An earlier model there is replaced, its exported versions are kept.
        """
        check_is_fitted(self)
        save_folder(folder, lambda path: self._write(path, Path(folder).name))

    @classmethod
    def from_folder(cls, folder, spec):
        """Loads what `save` wrote; see `nlpkit.load`.

        Args:
            folder: Path of the model folder.
            spec: `ModelSpec` read from it.

        Returns:
            A fitted `TextClassifier`.
        """
        self = cls(**spec.estimator)
        self.classes_ = np.array(spec.labels)
        self.temperature_ = spec.temperature
        self.n_features_in_ = 1
        self._network_settings, self._training = spec.network, spec.training
        self.text_to_ids_ = TextToIds.from_settings(spec.text, folder)
        self.network_ = load_network(folder)
        check_parts(folder, spec, self.text_to_ids_.vocabulary_size, self.network_.output_shape[-1])
        self.report_ = read_report(folder)
        self._predictor = Predictor(self.network_)
        return self

    def export(self, folder, to=("saved_model",)):
        """Exports the classifier, compared with the model by another process before the call returns.

        Args:
            folder: Path of the model folder; a SavedModel goes to its next free version folder.
            to: List of formats. `"saved_model"` is one.

        Returns:
            List of `ExportResult`.

        Raises:
            InputError: If a format is unknown.
            VerificationError: If an artefact differs from the model.
        """
        check_is_fitted(self)
        formats = [to] if isinstance(to, str) else list(to)
        for name in formats:
            if name not in EXPORTERS:
                raise InputError(f"`to` must be among {sorted(EXPORTERS)}. Received: {name!r}")
        return [
            EXPORTERS[name](
                folder,
                self.text_to_ids_,
                self.network_,
                self.classes_.tolist(),
                temperature=self.temperature_,
                multi_label=self.multi_label,
            )
            for name in formats
        ]

    def spec(self):
        """What rebuilds this classifier beside its weights and vocabulary.

        Returns:
            `ModelSpec`.
        """
        own = isinstance(self.encoder, str)
        parameters = {**self.get_params(deep=False), **({} if own else {"encoder": "auto"})}
        network = self._network_settings if own else {**self._network_settings, "encoder": "custom"}
        return ModelSpec(
            format_version=FORMAT_VERSION,
            task="classifier",
            nlpkit=nlpkit.__version__,
            labels=self.classes_.tolist(),
            multi_label=self.multi_label,
            temperature=self.temperature_,
            text=self.text_to_ids_.settings(),
            vocabulary_size=self.text_to_ids_.vocabulary_size,
            network=_plain(network),
            training=self._training,
            estimator=_plain(parameters),
        )

    def _classes(self):
        check_is_fitted(self)
        return self.classes_

    def _write(self, path, name):
        self.network_.save(path / MODEL_FILE)
        self.text_to_ids_.save_vocabulary(path)
        (path / SPEC_FILE).write_text(self.spec().model_dump_json(indent=2) + "\n", encoding="utf-8")
        write_report(path, {**self.report_, "name": name})

    def _logits(self, X):
        check_is_fitted(self)
        return self._predictor.logits(self.text_to_ids_.encode(check_texts(X)))

    def _probabilities(self, logits):
        logits = logits.astype(np.float64) / self.temperature_
        return scipy.special.expit(logits) if self.multi_label else scipy.special.softmax(logits, axis=1)

    def __getstate__(self):
        state = super().__getstate__()
        if "network_" not in state:
            return state
        kept = {name: value for name, value in state.items() if name not in NOT_PICKLED}
        return {**kept, "_files": files_of(lambda path: self._write(path, self.report_.get("name")))}

    def __setstate__(self, state):
        files = state.pop("_files", None)
        super().__setstate__(state)
        if files is not None:
            loaded = load_files(files)
            for name in NOT_PICKLED:
                setattr(self, name, getattr(loaded, name))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.input_tags.one_d_array = True
        tags.classifier_tags.multi_label = False
        return tags


def _plain(settings):
    """Settings as JSON has them: numbers of NumPy become Python's, and a generator of random numbers `None`."""
    return json.loads(json.dumps(settings, default=lambda value: getattr(value, "tolist", lambda: None)()))
