"""The saved-model folder: written whole or not at all, read without executing anything from it."""

import errno
import importlib
import json
import os
import shutil
import tempfile
import zipfile
import zlib
from pathlib import Path

from nlpkit.errors import InputError
from nlpkit.spec import FORMAT_VERSION, SPECS, parse_settings

SPEC_FILE, MODEL_FILE, REPORT_FILE = "spec.json", "model.keras", "report.json"
# Folders of the two vocabularies of a text-to-text model.
SIDES = {"source", "target"}
MODEL_FILES = {
    SPEC_FILE,
    MODEL_FILE,
    REPORT_FILE,
    "report.html",
    "vocabulary.txt",
    "sentencepiece.model",
    *SIDES,
}

# Module and class of each task.
ESTIMATORS = {
    "classifier": ("text_classifier", "TextClassifier"),
    "generator": ("text_generator", "TextGenerator"),
    "text_to_text": ("text_to_text", "TextToText"),
    "captioner": ("image_captioner", "ImageCaptioner"),
    "chatbot": ("chatbot", "Chatbot"),
}


def save_folder(folder, write):
    """Writes a model folder atomically: a temporary sibling is filled, then takes the folder's name.

    An earlier model of that name is replaced; its exported version folders and other files beside it are kept.

    Args:
        folder: Path of the model folder.
        write: Function of a path; fills the temporary folder.

    Raises:
        InputError: If something that is no nlpkit model lies there.
        OSError: If it cannot be written; an earlier model is left as it was.

    Example:
        ```python
        import tempfile
        from pathlib import Path
        from nlpkit.estimators.saving import save_folder

        folder = Path(tempfile.mkdtemp()) / "model"
        save_folder(folder, lambda path: (path / "spec.json").write_text("{}"))
        ```
    """
    folder = Path(folder).absolute()
    check_replaceable(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        content = scratch / "new"
        content.mkdir()
        write(content)
        if folder.exists():
            _carry_over(folder, content)
            os.rename(folder, scratch / "old")
        os.rename(content, folder)
    except BaseException as error:
        if (scratch / "old").exists() and not folder.exists():
            os.rename(scratch / "old", folder)
        if isinstance(error, OSError):  # it may name a file in the temporary folder, which goes away
            raise OSError(error.errno or errno.EIO, error.strerror or str(error), str(folder)) from error
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _carry_over(old, new):
    """Links what is no part of the old model itself into the new folder, so that the swap loses nothing."""
    for path in old.iterdir():
        if path.name in MODEL_FILES:
            continue
        if path.is_dir():
            shutil.copytree(path, new / path.name, copy_function=_link)
        else:
            _link(path, new / path.name)


def _link(source, target):
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        shutil.copy2(source, target)


def check_replaceable(folder):
    """Raises if a path holds something that is no nlpkit model, so that it is never overwritten.

    Args:
        folder: Path of the model folder.

    Raises:
        InputError: If it is a file, or a folder with other content.

    Example:
        >>> from nlpkit.estimators.saving import check_replaceable
        >>> check_replaceable("a/folder/that/is/not/there")
    """
    folder = Path(folder)
    if (
        folder.exists()
        and not (folder / SPEC_FILE).is_file()
        and (not folder.is_dir() or any(folder.iterdir()))
    ):
        raise InputError(
            f"{folder} exists and is no nlpkit model, so it is not replaced. Choose another folder."
        )


def read_spec(folder):
    """Reads and checks `spec.json` of a model folder.

    Args:
        folder: Path of the model folder.

    Returns:
        `ModelSpec` of the model's task.

    Raises:
        InputError: If the folder is missing, foreign, incomplete, or of another format version or an unknown task.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(
            f"There is no model folder {folder}. Train one: nlpkit train TASK --out {folder} … "
            "(classifier, generator, translator or chatbot)."
        )
    missing = [name for name in (SPEC_FILE, MODEL_FILE) if not (folder / name).is_file()]
    if missing:
        raise InputError(
            f"{folder} is no complete nlpkit model folder: {', '.join(missing)} missing. Name a folder that "
            "`save` or `nlpkit train` wrote."
        )
    try:
        values = json.loads((folder / SPEC_FILE).read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(
            f"{folder / SPEC_FILE} is not valid JSON ({error}). Train or copy the model again."
        ) from None
    if not isinstance(values, dict) or values.get("format_version") != FORMAT_VERSION:
        found = values.get("format_version") if isinstance(values, dict) else type(values).__name__
        raise InputError(
            f"{folder / SPEC_FILE} must have format_version {FORMAT_VERSION}. Received: {found!r}. "
            "Use the nlpkit version that wrote it."
        )
    if values.get("task") not in SPECS:
        raise InputError(
            f"{folder / SPEC_FILE} must name a task, one of {sorted(SPECS)}. Received: {values.get('task')!r}. "
            "Use the nlpkit version that wrote it."
        )
    return parse_settings(SPECS[values["task"]], values, str(folder / SPEC_FILE))


def load(folder):
    """Loads a saved model.

    Args:
        folder: Path of a folder that `save` wrote.

    Returns:
        The fitted estimator.

    Raises:
        InputError: If the folder is missing, foreign, incomplete or damaged.

    Example:
        ```python
        import tempfile
        import nlpkit

        classifier = nlpkit.TextClassifier(epochs=1).fit(["good", "bad"] * 4, ["yes", "no"] * 4)
        folder = tempfile.mkdtemp() + "/model"
        classifier.save(folder)
        print(nlpkit.load(folder).predict(["good"]))
        ```
    """
    spec = read_spec(folder)
    module, name = ESTIMATORS[spec.task]
    estimator = getattr(importlib.import_module(f"nlpkit.estimators.{module}"), name)
    return estimator.from_folder(Path(folder), spec)


def load_network(folder):
    """Loads `model.keras` of a model folder, in Keras' safe mode.

    Args:
        folder: Path of the model folder.

    Returns:
        `keras.Model`.

    Raises:
        InputError: If the file is damaged or needs layers that are not registered.
    """
    import keras

    import nlpkit.layers  # noqa: F401  (registers the layers)

    path = Path(folder) / MODEL_FILE
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        if not _is_whole(path):
            raise InputError(
                f"{path} is damaged or was cut short ({path.stat().st_size:,} bytes). Copy the model again from where "
                "it is whole, or train it again."
            ) from error
        raise InputError(
            f"{path} cannot be loaded: {str(error).splitlines()[0]}. If it uses layers of your own, import and "
            "register them first (keras.saving.register_keras_serializable); else train or copy the model again."
        ) from error


def _is_whole(path):
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, zlib.error, EOFError):
        return False


def check_parts(folder, sizes):
    """Raises if vocabularies, network and spec of a folder do not belong together.

    Args:
        folder: Path of the model folder.
        sizes: dict from what is counted to a tuple of two numbers, which must be the same: how many there must be by
            another file, and how many there are.

    Raises:
        InputError: If a number differs.

    Example:
        >>> from nlpkit.estimators.saving import check_parts
        >>> check_parts("saved_models/x", {"tokens in the vocabulary": (300, 300)})
    """
    wrong = [f"{found} {what} in place of {told}" for what, (told, found) in sizes.items() if told != found]
    if wrong:
        raise InputError(
            f"The files in {folder} do not belong together. Received: {', '.join(wrong)}. "
            "A file is damaged or from another model: copy the whole folder again."
        )


def read_report(folder):
    """Reads `report.json` of a model folder.

    Args:
        folder: Path of the model folder.

    Returns:
        dict; empty if there is no report.

    Raises:
        InputError: If it is not valid JSON.
    """
    path = Path(folder) / REPORT_FILE
    if not path.is_file():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is not valid JSON ({error}). Delete it, or copy the model again.") from None
