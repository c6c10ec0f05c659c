"""How a fitted text-to-text model comes back from a folder, and leaves as an export."""

from sklearn.utils.validation import check_is_fitted

import nlpkit
from nlpkit.estimators.persistence import PersistentEstimator, export_formats, plain_settings
from nlpkit.estimators.saving import check_parts, load_network, read_report
from nlpkit.export import export_text_to_text, export_text_to_text_tflite
from nlpkit.export.quantization import quantizations
from nlpkit.spec import FORMAT_VERSION, SPECS
from nlpkit.text import TextToIds

FORMATS = ("saved_model", "tflite")


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

    def export(self, folder, to=("saved_model",), *, beam_size=5, quantize=()):
        """Exports the model, compared with itself by another process before the call returns.

        Args:
            folder: Path of the model folder; a SavedModel goes to its next free version folder, a TFLite model to
                `model.tflite`.
            to: List of formats, `"saved_model"` and `"tflite"`; see `nlpkit.export.export_text_to_text` and
                `export_text_to_text_tflite` for what they can do.
            beam_size: int. Targets that are carried on side by side in what is exported. Defaults to 5.
            quantize: List of str. Of TFLite: smaller files beside it, `"float16"`, `"dynamic"` (weights of 8 bits) and
                `"int8"` (weights and results of 8 bits). Defaults to none.

        Returns:
            List of `ExportResult`.

        Raises:
            InputError: If a format or a quantisation is unknown, or `beam_size` is less than 1.
            VerificationError: If an artefact differs from the model.
        """
        check_is_fitted(self)
        results = []
        for name in export_formats(to, FORMATS):
            if name == "saved_model":
                results.append(export_text_to_text(folder, self, beam_size))
                continue
            for each in quantizations(quantize):
                results.append(export_text_to_text_tflite(folder, self, beam_size, each))
        return results

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
