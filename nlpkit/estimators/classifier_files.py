"""How a fitted classifier comes back from a folder, and leaves as an export."""

import os

import numpy as np
from sklearn.utils.validation import check_is_fitted

import nlpkit
from nlpkit.data.readers import TableReader
from nlpkit.estimators.persistence import PersistentEstimator, export_formats, plain_settings
from nlpkit.estimators.saving import check_parts, load_network, read_report
from nlpkit.export import export_classifier_tflite, export_saved_model
from nlpkit.export.quantization import quantizations
from nlpkit.export.tflite import Quality
from nlpkit.lite import load
from nlpkit.spec import FORMAT_VERSION, ClassifierSpec
from nlpkit.text import TextToIds
from nlpkit.training import Predictor

FORMATS = ("saved_model", "tflite")


class PersistentClassifier(PersistentEstimator):
    """Loads and exports the classifier that it is mixed into; see `PersistentEstimator`.

    Example:
        ```python
        from nlpkit import TextClassifier

        classifier = TextClassifier(epochs=1).fit(["good", "bad"] * 4, ["yes", "no"] * 4)
        print(classifier.spec().labels)
        ```
    """

    @classmethod
    def from_folder(cls, folder, spec):
        """Loads what `save` wrote; see `nlpkit.load`.

        Args:
            folder: Path of the model folder.
            spec: `ClassifierSpec` read from it.

        Returns:
            A fitted `TextClassifier`.
        """
        self = cls(**spec.estimator)
        self.classes_ = np.array(spec.labels)
        self.temperature_ = spec.temperature
        self.n_features_in_ = 1
        self._label_separator = spec.label_separator
        self._network_settings, self._training = spec.network, spec.training
        self.text_to_ids_ = TextToIds.from_settings(spec.text, folder)
        self.network_ = load_network(folder)
        check_parts(folder, {
            "tokens in the vocabulary": (spec.vocabulary_size, self.text_to_ids_.vocabulary_size),
            "outputs of the network": (len(spec.labels), self.network_.output_shape[-1]),
        })  # fmt: skip
        self.report_ = read_report(folder)
        self._predictor = Predictor(self.network_)
        return self

    def export(
        self, folder, to=("saved_model",), *, steps=None, quantize=(), validation_data=None, max_loss=0.005
    ):
        """Exports the classifier, compared with the model by another process before the call returns.

        Args:
            folder: Path of the model folder; a SavedModel goes to its next free version folder, a TFLite model to
                `model.tflite`.
            to: List of formats, `"saved_model"` and `"tflite"`.
            steps: int. Of TFLite: time steps that the model always reads, shorter texts padded. Defaults to `None`, as
                many as the text has.
            quantize: List of str. Of TFLite: smaller files beside it, `"float16"`, `"dynamic"` (weights of 8 bits) and
                `"int8"` (weights and results of 8 bits). Defaults to none.
            validation_data: Tuple of texts and labels, or a `TableReader`, on which the accuracy of each TFLite file is
                measured. Defaults to `None`: it is not.
            max_loss: float. How much less accurate than the model a TFLite file may be. Defaults to 0.005.

        Returns:
            List of `ExportResult`.

        Raises:
            InputError: If a format or a quantisation is unknown.
            VerificationError: If an artefact differs from the model, or is less accurate.
        """
        check_is_fitted(self)
        model = self.text_to_ids_, self.network_, self.classes_.tolist(), self.temperature_, self.multi_label
        results = []
        for name in export_formats(to, FORMATS):
            if name == "saved_model":
                results.append(export_saved_model(folder, *model))
                continue
            quality = None if validation_data is None else self._quality(validation_data, max_loss)
            for each in quantizations(quantize):
                results.append(export_classifier_tflite(folder, *model, steps, each, quality))
        return results

    def _quality(self, data, max_loss):
        """The accuracy that a TFLite file must keep."""
        data = (data, None) if isinstance(data, TableReader) else data

        def of_file(path):
            return self._measured(load(path), *data)["accuracy"]

        return Quality("accuracy", self.evaluate(*data)["accuracy"], of_file, max_loss)

    def spec(self):
        """What rebuilds this classifier beside its weights and vocabulary.

        Returns:
            `ClassifierSpec`.
        """
        own = isinstance(self.encoder, str)
        parameters = {**self.get_params(deep=False), **({} if own else {"encoder": "auto"})}
        if self.encoder_from is not None:
            # An object is not written down; its settings are those of the network.
            path = isinstance(self.encoder_from, str | os.PathLike)
            parameters["encoder_from"] = os.fspath(self.encoder_from) if path else None
        network = self._network_settings if own else {**self._network_settings, "encoder": "custom"}
        return ClassifierSpec(
            format_version=FORMAT_VERSION,
            task="classifier",
            nlpkit=nlpkit.__version__,
            labels=self.classes_.tolist(),
            multi_label=self.multi_label,
            label_separator=self._label_separator,
            temperature=self.temperature_,
            text=self.text_to_ids_.settings(),
            vocabulary_size=self.text_to_ids_.vocabulary_size,
            network=plain_settings(network),
            training=self._training,
            estimator=plain_settings(parameters),
        )
