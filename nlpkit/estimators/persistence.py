"""How a fitted estimator leaves its process and comes back: as a folder, and as a pickle."""

import json
import tempfile
from pathlib import Path

from sklearn.utils.validation import check_is_fitted

from nlpkit.checks import check_number
from nlpkit.data import TableReader
from nlpkit.errors import InputError
from nlpkit.estimators.report import write_report
from nlpkit.estimators.saving import MODEL_FILE, SPEC_FILE, load, save_folder
from nlpkit.export.quality import Quality
from nlpkit.lite.loading import load as load_lite

# A network and its graphs cannot be pickled; the files of its folder can.
NOT_PICKLED = ("network_", "text_to_ids_", "source_", "target_", "_predictor", "_own_writer")


class PersistentEstimator:
    """Saves and pickles the estimator that it is mixed into, which has a `spec`, a network, a text layer, a report.

    Attributes:
        measure: Tuple of what an export is measured by, and the function of `nlpkit.export.quality` that says how much
            of it is lost.
        measured_on: str. The two parts of the data that it takes; `None` if it takes texts alone.

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

    def _write(self, path, name):
        self.network_.save(path / MODEL_FILE)
        self._save_vocabularies(path)
        (path / SPEC_FILE).write_text(self.spec().model_dump_json(indent=2) + "\n", encoding="utf-8")
        write_report(path, {**self.report_, "name": name})

    def _save_vocabularies(self, path):
        self.text_to_ids_.save_vocabulary(path)

    def _quality(self, data, max_loss):
        """What a file of this model must be worth: the class' `measure`, as `_measured(predictor, X, y)` finds it."""
        check_number("max_loss", max_loss, "a number, 0 or more", lambda x: x >= 0)
        if data is None:
            return None
        name, loss = self.measure
        given = (data, None) if isinstance(data, TableReader) or self.measured_on is None else data
        if not isinstance(given, (list, tuple)) or len(given) != 2:
            raise InputError(
                f"`validation_data` must be a tuple of {self.measured_on}, or a TableReader. "
                f"Received: {type(data).__name__}"
            )

        def measured(predictor):
            return self._measured(predictor, *given)[name]

        return Quality(name, measured(self), lambda path: measured(load_lite(path)), max_loss, loss)

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
            loaded = vars(load_files(files))
            vars(self).update({name: loaded[name] for name in NOT_PICKLED if name in loaded})


def plain_settings(settings):
    """Settings as JSON has them: numbers of NumPy become Python's, and a generator of random numbers `None`.

    Args:
        settings: dict.

    Returns:
        dict.

    Example:
        >>> import numpy as np
        >>> from nlpkit.estimators.persistence import plain_settings
        >>> plain_settings({"units": np.int64(3)})
        {'units': 3}
    """
    return json.loads(json.dumps(settings, default=lambda value: getattr(value, "tolist", lambda: None)()))


def files_of(write):
    """The files of a model folder as bytes, for pickling.

    Args:
        write: Function of a path; fills a folder.

    Returns:
        dict of file name, with its folder, to bytes.

    Example:
        >>> from nlpkit.estimators.persistence import files_of
        >>> files_of(lambda path: (path / "spec.json").write_text("{}"))
        {'spec.json': b'{}'}
    """
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        files = (path for path in Path(folder).rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def load_files(files):
    """Loads a model from what `files_of` returned.

    Args:
        files: dict of file name to bytes.

    Returns:
        The fitted estimator.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).parent.mkdir(exist_ok=True)
            (Path(folder) / name).write_bytes(content)
        return load(folder)
