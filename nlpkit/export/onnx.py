"""Any model as ONNX graphs, with a JSON beside them that says what it takes to use them."""

import os
import tempfile
from pathlib import Path

from nlpkit.export.onnx_convert import convert_onnx
from nlpkit.export.onnx_weights import share_weights
from nlpkit.export.verify_onnx import verify_onnx
from nlpkit.export.versions import ExportResult
from nlpkit.lite.onnx_files import OnnxFiles, described_by, sha256

FILE = "model.onnx"
WEIGHTS = "model.onnx.weights"
MAIN = ("classify", "score")  # the signatures of which the graph is `model.onnx`; each model has one of them


def write_onnx(folder, task):
    """Writes `model.onnx` and what belongs to it into a folder, and proves it before it is there.

    Args:
        folder: Path of the model folder.
        task: `LiteTask`, with signatures traced within `dense_arrays`.

    Returns:
        `ExportResult`.

    Raises:
        InputError: If tf2onnx or onnxruntime is not installed, or an operation has no counterpart in ONNX.
        VerificationError: If the graphs differ from the model; earlier files stay.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    models = {_file_of(name): convert_onnx(function) for name, function in sorted(task.signatures.items())}
    signatures = {name: _file_of(name) for name in sorted(task.signatures)}
    with tempfile.TemporaryDirectory(prefix=".export-", dir=folder) as scratch:
        scratch = Path(scratch)
        share_weights(list(models.values()), scratch / WEIGHTS if len(models) > 1 else None)
        for name, model in models.items():
            (scratch / name).write_bytes(model.SerializeToString(deterministic=True))
        found = verify_onnx({name: scratch / file for name, file in signatures.items()}, task)
        checksums = {path.name: sha256(path.read_bytes()) for path in sorted(scratch.iterdir())}
        spec = {**task.spec, "signatures": signatures, "sha256": checksums}
        # Last of all, so that what a broken replacement leaves does not fit what it says.
        described_by(scratch / FILE).write_bytes(OnnxFiles(folder, spec, task.files).to_json())
        size = sum(path.stat().st_size for path in scratch.iterdir())
        for name in [*checksums, described_by(folder / FILE).name]:
            os.replace(scratch / name, folder / name)
    for path in [*folder.glob("model.*.onnx"), folder / WEIGHTS]:
        if path.name not in checksums:  # of an earlier export, which had more files
            path.unlink(missing_ok=True)
    return ExportResult(
        "onnx", str(folder / FILE), found.difference, len(task.calls), size, found.milliseconds
    )


def _file_of(signature):
    return FILE if signature in MAIN else f"model.{signature}.onnx"
