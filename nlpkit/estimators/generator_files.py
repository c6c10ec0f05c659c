"""How a fitted text generator comes back from a folder, and leaves as an export."""

from sklearn.utils.validation import check_is_fitted

import nlpkit
from nlpkit.estimators.persistence import PersistentEstimator, plain_settings
from nlpkit.estimators.saving import check_parts, load_network, read_report
from nlpkit.export import export_generator, export_generator_onnx, export_generator_tflite
from nlpkit.export.formats import check_formats, write_all
from nlpkit.export.quality import higher
from nlpkit.export.quantization import OF_WRITERS, quantizations
from nlpkit.spec import FORMAT_VERSION, GeneratorSpec
from nlpkit.text import TextToIds


class PersistentGenerator(PersistentEstimator):
    """Loads and exports the text generator that it is mixed into; see `PersistentEstimator`.

    Example:
        ```python
        from nlpkit import TextGenerator

        generator = TextGenerator(units=8, epochs=1).fit(["a small text", "another one"] * 20)
        print(generator.spec().task)
        ```
    """

    measure, measured_on = ("perplexity", higher), None

    @classmethod
    def from_folder(cls, folder, spec):
        """Loads what `save` wrote; see `nlpkit.load`.

        Args:
            folder: Path of the model folder.
            spec: `GeneratorSpec` read from it.

        Returns:
            A fitted `TextGenerator`.

        Raises:
            InputError: If vocabulary and network do not belong together.
        """
        self = cls(**spec.estimator)
        self._network_settings, self._training = spec.network, spec.training
        self._whole_files = spec.whole_files
        self.text_to_ids_ = TextToIds.from_settings(spec.text, folder)
        self.network_ = load_network(folder)
        check_parts(folder, {
            "tokens in the vocabulary": (spec.vocabulary_size, self.text_to_ids_.vocabulary_size),
            "tokens of the network": (spec.vocabulary_size, self.network_.vocabulary_size),
        })  # fmt: skip
        self.report_ = read_report(folder)
        return self

    def export(
        self, folder, to=("saved_model",), *, device=None, quantize=(), validation_data=None, max_loss=0.005
    ):
        """Exports the generator, compared with the model by another process before the call returns.

        Args:
            folder: Path of the model folder; a SavedModel goes to its next free version folder, a TFLite model to
                `model.tflite`, ONNX graphs to `model.onnx` and files beside it.
            to: List of formats, `"saved_model"`, `"tflite"` and `"onnx"`; see `nlpkit.export.export_generator` and
                `export_generator_tflite` for what they can do.
            device: str. Of a SavedModel: `"gpu"` adds signatures with kernels of cuDNN, named `gpu_…`. Defaults to
                `None`.
            quantize: List of str. Of TFLite: smaller files beside it, `"float16"` and `"dynamic"` (weights of 8 bits).
                Defaults to none.
            validation_data: List of str, or a `TableReader`, on which the perplexity of each TFLite file is measured,
                every text by itself. Defaults to `None`: it is not.
            max_loss: float. By what part the perplexity of a TFLite file may be higher than the model's. Defaults to
                0.005.

        Returns:
            List of `ExportResult`.

        Raises:
            InputError: If a format, a device or a quantisation is unknown, an option is about another format, or no
                layer runs on the device.
            VerificationError: If an artefact differs from the model, or is worth less.
        """
        check_is_fitted(self)
        given = {"device": device, "quantize": quantize, "validation_data": validation_data}
        formats, smaller = check_formats(to, **given), quantizations(quantize, OF_WRITERS)
        model, quality = (self.text_to_ids_, self.network_), self._quality(validation_data, max_loss)
        write = {
            "saved_model": lambda: [export_generator(folder, *model, device=device)],
            "tflite": lambda: [export_generator_tflite(folder, *model, each, quality) for each in smaller],
            "onnx": lambda: [export_generator_onnx(folder, *model)],
        }
        return write_all(formats, write)

    def spec(self):
        """What rebuilds this generator beside its weights and vocabulary.

        Returns:
            `GeneratorSpec`.
        """
        return GeneratorSpec(
            format_version=FORMAT_VERSION,
            task="generator",
            nlpkit=nlpkit.__version__,
            text=self.text_to_ids_.settings(),
            vocabulary_size=self.text_to_ids_.vocabulary_size,
            network=plain_settings(self._network_settings),
            training=self._training,
            whole_files=self._whole_files,
            estimator=plain_settings(self.get_params(deep=False)),
        )
