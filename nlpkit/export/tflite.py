"""Any model as a TFLite file with what is needed to use it inside."""

import os
import tempfile
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from nlpkit.errors import InputError
from nlpkit.export.quantization import NONE
from nlpkit.export.tflite_convert import convert
from nlpkit.export.verify_tflite import verify_tflite
from nlpkit.export.versions import ExportResult
from nlpkit.lite.model_file import ModelFile


def write_tflite(folder, task, quantization=NONE, quality=None):
    """Writes a TFLite file into a folder, and proves it before it is there.

    Args:
        folder: Path of the model folder.
        task: `LiteTask`.
        quantization: `Quantization`, of which the name becomes a part of the file's. Defaults to none. That of a task
            with `text_ops` is `model.text.tflite`.
        quality: `Quality`. Defaults to `None`: not measured.

    Returns:
        `ExportResult`.

    Raises:
        InputError: If LiteRT is not installed, or an operation has no counterpart in TFLite.
        VerificationError: If the file differs from the model, or is worth less; an earlier file stays.
    """
    if find_spec("ai_edge_litert") is None:
        raise InputError(
            "A TFLite model is compared by LiteRT, which is not installed. Install it: pip install nlpkit[tflite]"
        )
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    optimize = partial(quantization.settings, examples=task.examples)
    model = convert(task.network, task.signatures, optimize, task.text_ops)
    variant = "text" if task.text_ops else quantization.name
    target = folder / ".".join(filter(None, ["model", variant, "tflite"]))
    with tempfile.TemporaryDirectory(prefix=".export-", dir=folder) as scratch:
        path = Path(scratch) / target.name
        path.write_bytes(ModelFile(model, task.spec, task.files).to_bytes())
        found = verify_tflite(path, task, quantization.limit)
        worth = None if quality is None else quality.check(path, target.name)
        size = path.stat().st_size
        os.replace(path, target)
    return ExportResult(
        "tflite", str(target), found.difference, len(task.calls), size, found.milliseconds, worth
    )
