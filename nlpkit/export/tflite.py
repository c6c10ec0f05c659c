"""Any model as a TFLite file with what is needed to use it inside."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from nlpkit.errors import VerificationError
from nlpkit.export.quantization import NONE
from nlpkit.export.tflite_convert import convert
from nlpkit.export.verify_tflite import verify_tflite
from nlpkit.export.versions import ExportResult
from nlpkit.lite.model_file import ModelFile

# Calls that show the range of each number to a quantisation that needs it.
EXAMPLES = 200


@dataclass
class Quality:
    """What a model is worth, so that a file which is worth less is refused.

    Args:
        name: str. What is measured, such as `"accuracy"`.
        of_model: float. That of the Keras model.
        of_file: callable. Measures a file by its path.
        max_loss: float. How much less a file may be worth.
    """

    name: str
    of_model: float
    of_file: object
    max_loss: float


def write_tflite(folder, task, quantization=NONE, quality=None):
    """Writes `model.tflite` into a folder, and proves it before it is there.

    Args:
        folder: Path of the model folder.
        task: `LiteTask`.
        quantization: `Quantization`, of which the name becomes a part of the file's. Defaults to none.
        quality: `Quality`. Defaults to `None`: not measured.

    Returns:
        `ExportResult`.

    Raises:
        InputError: If an operation has no counterpart in TFLite.
        VerificationError: If the file differs from the model, or is worth less; an earlier file stays.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    model = _converted(task, quantization)
    target = folder / ".".join(filter(None, ["model", quantization.name, "tflite"]))
    with tempfile.TemporaryDirectory(prefix=".export-", dir=folder) as scratch:
        path = Path(scratch) / target.name
        found = _proved(path, model, task, quantization.limit)
        worth = None if quality is None else _worth(path, target, quality)
        size = path.stat().st_size
        os.replace(path, target)
    return ExportResult(
        "tflite", str(target), found.difference, len(task.calls), size, found.milliseconds, worth
    )


def _proved(path, model, task, limit):
    """Writes and compares a file; XNNPACK, which fails in some loops over tensors of changing size, may be left out."""
    for xnnpack in (True, False):
        path.write_bytes(ModelFile(model, {**task.spec, "xnnpack": xnnpack}, task.files).to_bytes())
        try:
            return verify_tflite(path, task.calls, limit, task.spec["stateful"], xnnpack)
        except VerificationError as error:
            if not xnnpack or "XNNPack" not in str(error):
                raise


def _converted(task, quantization):
    def examples():
        for name, inputs, _ in task.calls[:EXAMPLES]:
            yield name, inputs

    return convert(
        task.network, task.signatures, lambda converter: quantization.settings(converter, examples)
    )


def _worth(path, target, quality):
    found = quality.of_file(path)
    if not found >= quality.of_model - quality.max_loss:
        raise VerificationError(
            f"{target.name} has {found:.4f} {quality.name}, the Keras model {quality.of_model:.4f}: more than "
            f"{quality.max_loss:g} less. It was removed. Allow more with `max_loss`, or leave this quantisation out."
        )
    return {quality.name: found, f"{quality.name}_of_model": quality.of_model}
