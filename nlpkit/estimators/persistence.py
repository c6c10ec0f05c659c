"""How a fitted classifier leaves its process and comes back: as a folder, as a pickle, as an export."""

import json
from pathlib import Path

import numpy as np
from sklearn.utils.validation import check_is_fitted

import nlpkit
from nlpkit.errors import InputError
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


class PersistentClassifier:
    """Saves, loads, pickles and exports the classifier that it is mixed into.

    Example:
        ```python
        import pickle
        from nlpkit import TextClassifier

        classifier = TextClassifier(epochs=1).fit(["good", "bad"] * 4, ["yes", "no"] * 4)
        print(pickle.loads(pickle.dumps(classifier)).predict(["good"]))
        ```
    """

    def save(self, folder):
        """Writes the model folder: network, spec, vocabulary and report; atomically.

        Args:
            folder: Path. An earlier model there is replaced, its exported versions are kept.

        Raises:
            InputError: If a file lies there, or a folder with something else than a model.
            OSError: If it cannot be written; an earlier model is left as it was.
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
        self._label_separator = spec.label_separator
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
            label_separator=self._label_separator,
            temperature=self.temperature_,
            text=self.text_to_ids_.settings(),
            vocabulary_size=self.text_to_ids_.vocabulary_size,
            network=_plain(network),
            training=self._training,
            estimator=_plain(parameters),
        )

    def _write(self, path, name):
        self.network_.save(path / MODEL_FILE)
        self.text_to_ids_.save_vocabulary(path)
        (path / SPEC_FILE).write_text(self.spec().model_dump_json(indent=2) + "\n", encoding="utf-8")
        write_report(path, {**self.report_, "name": name})

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


def _plain(settings):
    """Settings as JSON has them: numbers of NumPy become Python's, and a generator of random numbers `None`."""
    return json.loads(json.dumps(settings, default=lambda value: getattr(value, "tolist", lambda: None)()))
