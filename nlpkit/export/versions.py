"""The next free version folder of a model, which is there whole and proved, or not at all."""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from nlpkit.export.canonical import make_canonical


@dataclass
class ExportResult:
    """One exported artefact.

    Args:
        format: str. `"saved_model"`, `"tflite"` or `"onnx"`.
        path: str. Where it lies: the version folder, the file, or the first of several files.
        max_difference: float. Largest difference from the Keras model: of a probability; of a generator or a
            text-to-text model, of a text's log-probability per token.
        texts_compared: int. Number of texts compared.
        size: int. Bytes of the file, of ONNX of all its files; `None` of a folder. Defaults to `None`.
        milliseconds: float. Median time of a call of the signature that answers or writes, one text on one processor
            core. Defaults to `None`: not measured.
        quality: dict. What was measured on validation data, with that of the model. Defaults to `None`.
        gpu: dict. Of signatures for GPUs: their names, `"signatures"`, and whether they were `"compared"`, which takes
            a GPU. Defaults to `None`: there are none.
        jit: dict. Of signatures that XLA compiles: the median `"milliseconds"` of a text, `"milliseconds_without"` XLA,
            and whether they were `"written"`, since they are faster. Defaults to `None`: they were not asked for.

    Example:
        >>> from nlpkit.export import ExportResult
        >>> ExportResult("saved_model", "saved_models/x/1", 1e-8, 128).format
        'saved_model'
    """

    format: str
    path: str
    max_difference: float
    texts_compared: int
    size: int | None = None
    milliseconds: float | None = None
    quality: dict | None = None
    gpu: dict | None = None
    jit: dict | None = None


def write_version(folder, network, texts, signatures, write_extra, verify):
    """Writes a SavedModel for TF Serving, and proves it before it is there.

    Args:
        folder: Path of the model folder; versions are `folder/1`, `folder/2`, …
        network: `keras.Model` that the graphs run.
        texts: List of `TextToIds` that they run.
        signatures: dict from names to functions, traced or with an input signature.
        write_extra: callable. Gets the path of `assets.extra`, to write small files into.
        verify: callable. Gets the path of what was written, and returns the largest difference from the model, or
            raises an error.

    Returns:
        Tuple of the path of the version, a str, and what `verify` returned.

    Example:
        >>> import tempfile
        >>> import keras
        >>> import tensorflow as tf
        >>> from nlpkit.export.versions import write_version
        >>> network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
        >>> specs = [tf.TensorSpec([None, 2], name="x")]
        >>> signatures = {"run": tf.function(lambda x: {"y": network(x)}, input_signature=specs)}
        >>> folder = tempfile.mkdtemp()
        >>> path, _ = write_version(folder, network, [], signatures, lambda path: None, lambda path: 0.0)
        >>> path.endswith("/1")
        True
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".export-", dir=folder))
    root = tf.Module()
    # A server gives values to these; of a Keras model's own variables it would give them to copies.
    root.weights = [variable.value for variable in network.weights]
    root.texts = texts
    try:
        with tf.device("CPU:0"):
            options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
            tf.saved_model.save(root, str(scratch), signatures=signatures, options=options)
        make_canonical(scratch)
        extra = scratch / "assets.extra"
        extra.mkdir()
        write_extra(extra)
        difference = verify(scratch)
        target = folder / str(_next_version(folder))
        os.chmod(scratch, 0o755)
        os.rename(scratch, target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return str(target), difference


def _next_version(folder):
    versions = [int(path.name) for path in folder.iterdir() if path.name.isdigit()]
    return max(versions, default=0) + 1
