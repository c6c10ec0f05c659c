"""How a fitted text-to-text model comes back from a folder, and leaves as an export."""

from sklearn.utils.validation import check_is_fitted

import nlpkit
from nlpkit.estimators.persistence import PersistentEstimator, plain_settings
from nlpkit.estimators.saving import check_parts, load_network, read_report
from nlpkit.export import export_text_to_text, export_text_to_text_onnx, export_text_to_text_tflite
from nlpkit.export.formats import check_formats, write_all
from nlpkit.export.quality import lower_of_100
from nlpkit.export.quantization import OF_WRITERS, quantizations
from nlpkit.spec import FORMAT_VERSION, SPECS
from nlpkit.text import TextToIds


class PersistentTextToText(PersistentEstimator):
    """Loads and exports the text-to-text model that it is mixed into; see `PersistentEstimator`.

    Example:
        ```python
        from nlpkit import TextToText

        model = TextToText(level="char", units=8, epochs=1).fit(["ab", "cd"] * 10, ["ba", "dc"] * 10)
        print(model.spec().task)
        ```
    """

    task = "text_to_text"

    def sides(self):
        """Tuple of str. The text layers of its own that the model has; a shared one is that of the target."""
        return ("target",) if self.shared else ("source", "target")

    def _save_vocabularies(self, path):
        for side in self.sides():
            (path / side).mkdir()
            getattr(self, f"{side}_").save_vocabulary(path / side)

    measure, measured_on = ("chrf", lower_of_100), "sources and targets"

    @classmethod
    def from_folder(cls, folder, spec):
        """Loads what `save` wrote; see `nlpkit.load`.

        Args:
            folder: Path of the model folder.
            spec: `TextToTextSpec` read from it.

        Returns:
            A fitted model.

        Raises:
            InputError: If vocabularies and network do not belong together.
        """
        self = cls(**spec.estimator)
        self._network_settings, self._training = spec.network, spec.training
        self._copy, self._longest = spec.network.get("copy", 0), spec.max_new_tokens
        for side in self.sides():
            setattr(self, f"{side}_", TextToIds.from_settings(spec.text[side], folder / side))
        if self.shared:
            self.source_ = self.target_
        self.network_ = load_network(folder)
        sizes = {
            "target tokens in the vocabulary": (spec.vocabulary_size, self.target_.vocabulary_size),
            "target tokens of the network": (spec.vocabulary_size, self.network_.embedding.vocabulary_size),
        }
        if not self.network_.reader.takes_features:
            sources = self.network_.reader.source.vocabulary_size
            sizes["source tokens in the vocabulary"] = sources, self.source_.vocabulary_size
        check_parts(folder, sizes)
        self.report_ = read_report(folder)
        return self

    def export(
        self,
        folder,
        to=("saved_model",),
        *,
        beam_size=5,
        device=None,
        quantize=(),
        validation_data=None,
        max_loss=0.005,
    ):
        """Exports the model, compared with itself by another process before the call returns.

        Args:
            folder: Path of the model folder; a SavedModel goes to its next free version folder, a TFLite model to
                `model.tflite`, ONNX graphs to `model.onnx` and files beside it.
            to: List of formats, `"saved_model"`, `"tflite"` and `"onnx"`; see `nlpkit.export.export_text_to_text` and
                `export_text_to_text_tflite` for what they can do.
            beam_size: int. Targets that are carried on side by side in what is exported. Defaults to 5.
            device: str. Of a SavedModel: `"gpu"` adds signatures with kernels of cuDNN, named `gpu_…`. Defaults to
                `None`.
            quantize: List of str. Of TFLite: smaller files beside it, `"float16"` and `"dynamic"` (weights of 8 bits).
                Defaults to none.
            validation_data: Tuple of sources and targets, or a `TableReader`, on which the chrF of each TFLite file is
                measured, without beams. Defaults to `None`: it is not.
            max_loss: float. How much less chrF a TFLite file may have, as a part of 100. Defaults to 0.005.

        Returns:
            List of `ExportResult`.

        Raises:
            InputError: If a format, a device or a quantisation is unknown, an option is about another format,
                `beam_size` is less than 1, or no layer runs on the device.
            VerificationError: If an artefact differs from the model, or is worth less.
        """
        check_is_fitted(self)
        given = {"device": device, "quantize": quantize, "validation_data": validation_data}
        formats, smaller = check_formats(to, **given), quantizations(quantize, OF_WRITERS)
        quality = self._quality(validation_data, max_loss)
        write = {
            "saved_model": lambda: [export_text_to_text(folder, self, beam_size, device)],
            "tflite": lambda: [
                export_text_to_text_tflite(folder, self, beam_size, each, quality) for each in smaller
            ],
            "onnx": lambda: [export_text_to_text_onnx(folder, self, beam_size)],
        }
        return write_all(formats, write)

    def text_settings(self):
        """dict. What rebuilds the text layers of both sides, but for the vocabularies."""
        return {side: getattr(self, f"{side}_").settings() for side in self.sides()}

    def spec(self):
        """What rebuilds this model beside its weights and vocabularies.

        Returns:
            `TextToTextSpec`.
        """
        return SPECS[self.task](
            format_version=FORMAT_VERSION,
            task=self.task,
            nlpkit=nlpkit.__version__,
            text=self.text_settings(),
            vocabulary_size=self.target_.vocabulary_size,
            max_new_tokens=self._longest,
            network=plain_settings(self._network_settings),
            training=self._training,
            estimator=plain_settings(self.get_params(deep=False)),
        )
