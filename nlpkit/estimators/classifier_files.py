"""How a fitted classifier comes back from a folder, and leaves as an export."""

import math
import os

import numpy as np
from sklearn.utils.validation import check_is_fitted

import nlpkit
from nlpkit.errors import InputError
from nlpkit.estimators.persistence import PersistentEstimator, plain_settings
from nlpkit.estimators.plain_texts import PlainTexts
from nlpkit.estimators.saving import check_parts, load_network, read_report
from nlpkit.export import (
    export_classifier_onnx,
    export_classifier_text_tflite,
    export_classifier_tflite,
    export_saved_model,
)
from nlpkit.export.formats import check_formats, write_all
from nlpkit.export.quality import lower
from nlpkit.export.quantization import quantizations
from nlpkit.export.text_ops import check_text_ops
from nlpkit.spec import FORMAT_VERSION, ClassifierSpec
from nlpkit.text import TextToIds
from nlpkit.training import Predictor

EXAMPLES = 200  # texts that show the range of each number


class PersistentClassifier(PersistentEstimator):
    """Loads and exports the classifier that it is mixed into; see `PersistentEstimator`.

    Example:
        ```python
        from nlpkit import TextClassifier

        classifier = TextClassifier(epochs=1).fit(["good", "bad"] * 4, ["yes", "no"] * 4)
        print(classifier.spec().labels)
        ```
    """

    measure, measured_on = ("accuracy", lower), "texts and labels"

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
        self,
        folder,
        to=("saved_model",),
        *,
        device=None,
        jit=False,
        steps=None,
        fused_lstm=False,
        text_ops=False,
        quantize=(),
        representative_data=None,
        validation_data=None,
        max_loss=0.005,
    ):
        """Exports the classifier, compared with the model by another process before the call returns.

        Args:
            folder: Path of the model folder; a SavedModel goes to its next free version folder, a TFLite model to
                `model.tflite`, ONNX graphs to `model.onnx` and files beside it.
            to: List of formats, `"saved_model"`, `"tflite"` and `"onnx"`.
            device: str. Of a SavedModel: `"gpu"` adds signatures with kernels of cuDNN, named `gpu_…`. Defaults to
                `None`.
            jit: bool. Of a SavedModel: whether to add signatures of which XLA compiles the network, named `jit_…`,
                where they are measured to be faster. Defaults to `False`.
            steps: int. Of TFLite: time steps that the model always reads, shorter texts padded. Defaults to `None`, as
                many as the text has.
            fused_lstm: bool. Of TFLite: whether each LSTM becomes one operation, which microcontrollers and
                accelerators know and whose state must be reset before each call, as `nlpkit.lite` does. Defaults to
                `False`, a loop.
            text_ops: bool. Of TFLite: whether to add a file that reads strings, by operations of tensorflow-text; see
                `nlpkit.export.export_classifier_text_tflite`. Defaults to `False`.
            quantize: List of str. Of TFLite: smaller files beside it, `"float16"`, `"dynamic"` (weights of 8 bits) and
                `"int8"` (weights and results of 8 bits). Defaults to none.
            representative_data: List of str, or a `TableReader`. With `"int8"`: texts of the training, which show the
                range of each number; at most 200 of them are taken. Defaults to `None`.
            validation_data: Tuple of texts and labels, or a `TableReader`, on which the accuracy of each TFLite file is
                measured. Defaults to `None`: it is not.
            max_loss: float. How much less accurate than the model a TFLite file may be. Defaults to 0.005.

        Returns:
            List of `ExportResult`.

        Raises:
            InputError: If a format, a device or a quantisation is unknown, an option is about another format, `"int8"`
                lacks its texts, or the model has no layer for what is asked.
            VerificationError: If an artefact differs from the model, or is less accurate.
        """
        check_is_fitted(self)
        model = self.text_to_ids_, self.network_, self.classes_.tolist(), self.temperature_, self.multi_label
        about_tflite = {"quantize": quantize, "steps": steps, "fused_lstm": fused_lstm, "text_ops": text_ops,
                        "representative_data": representative_data, "validation_data": validation_data}  # fmt: skip
        formats, smaller = check_formats(to, device=device, jit=jit, **about_tflite), quantizations(quantize)
        examples = self._examples(representative_data, smaller)
        quality = self._quality(validation_data, max_loss)
        if text_ops:
            check_text_ops(self.text_to_ids_)
        write = {
            "saved_model": lambda: [export_saved_model(folder, *model, device=device, jit=jit)],
            "tflite": lambda: [
                *(
                    export_classifier_tflite(folder, *model, steps, each, quality, fused_lstm, examples)
                    for each in smaller
                ),
                *([export_classifier_text_tflite(folder, *model)] if text_ops else []),
            ],
            "onnx": lambda: [export_classifier_onnx(folder, *model)],
        }
        return write_all(formats, write)

    def _examples(self, data, smaller):
        """Texts that show the range of each number."""
        calibrated = any(each.calibrated for each in smaller)
        if data is None or (isinstance(data, list) and not data):
            if calibrated:
                raise InputError(
                    "`quantize='int8'` needs texts of the training, which show the range of each number. "
                    "Received: none. Give some: `representative_data` (--representative train.tsv)"
                )
            return []
        if not calibrated:
            raise InputError(
                "`representative_data` (--representative) shows the range of each number to `quantize='int8'`. "
                f"Received: {[each.name for each in smaller if each.name]}. Add 'int8', or leave the texts out."
            )
        texts = [text for part in PlainTexts(data, "representative texts") for text in part]
        return texts[:: math.ceil(len(texts) / EXAMPLES)]

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
