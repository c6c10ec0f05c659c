"""What lies in a model folder's exports: signatures, operations and weights, read from the files."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from nlpkit.errors import InputError

WHOLE = "float32"


@dataclass
class Signature:
    """What one signature takes and gives.

    Args:
        name: str.
        inputs: dict from names to their type and shape, such as `"int32 (1, any)"`.
        outputs: dict, as the inputs.
        kernels: List of str. What it needs that not each machine has: `"cuDNN"`, `"XLA"`. Defaults to none.
    """

    name: str
    inputs: dict
    outputs: dict
    kernels: list = field(default_factory=list)


@dataclass
class Explained:
    """One exported artefact, as its files tell of it.

    Args:
        format: str. `"saved_model"`, `"tflite"` or `"onnx"`.
        path: str.
        size: int. Bytes of the file, or of all files of the folder.
        signatures: List of `Signature`.
        operations: `Counter` of operations, those of each inner graph counted once.
        fused: `Counter` of those among them that do the work of several, with what they do beside their own.
        foreign: `Counter` of those that the format's runtime lacks, such as TensorFlow's in a TFLite file.
        weights: `Counter` of the numbers that were trained or are constants of the graph, by their type.

    Example:
        >>> from collections import Counter
        >>> from nlpkit.export.explained import Explained
        >>> weights = Counter(int8=300, float32=100)
        >>> Explained("tflite", "model.tflite", 900, [], Counter(), Counter(), Counter(), weights).quantized
        0.75
    """

    format: str
    path: str
    size: int
    signatures: list
    operations: Counter
    fused: Counter
    foreign: Counter
    weights: Counter

    @property
    def quantized(self):
        """float. Share of the weights in less than 32 bits."""
        total = self.weights.total()
        return (total - self.weights[WHOLE] - self.weights["float64"]) / total if total else 0.0


def explain(folder):
    """Reads the exports of a model folder: the newest SavedModel, and each TFLite and ONNX file.

    Args:
        folder: Path of the model folder.

    Returns:
        List of `Explained`.

    Raises:
        InputError: If nothing was exported, or a file is damaged.

    Example:
        ```python
        import tempfile
        from nlpkit import TextClassifier
        from nlpkit.export import explain

        classifier = TextClassifier(epochs=1).fit(["good", "bad"] * 20, ["yes", "no"] * 20)
        folder = tempfile.mkdtemp()
        classifier.export(folder, to="tflite")
        (tflite,) = explain(folder)
        print(tflite.size, [signature.name for signature in tflite.signatures], tflite.operations)
        ```
    """
    folder = Path(folder)
    versions = sorted(
        (path for path in folder.glob("*") if path.name.isdigit()), key=lambda path: int(path.name)
    )
    files = [*sorted(folder.glob("model*.tflite")), *folder.glob("model.onnx")]
    found = [_explained(path) for path in [*versions[-1:], *files]]
    if not found:
        raise InputError(
            f"{folder} holds no export yet. Make one first: nlpkit export {folder} --to saved_model,tflite"
        )
    return found


def typed(kind, shape):
    """A type and a shape in words.

    Args:
        kind: str. Name of the type.
        shape: Iterable of int, below 0 or `None` where the size is open; `None` where even the rank is.

    Returns:
        str.

    Example:
        >>> from nlpkit.export.explained import typed
        >>> typed("int32", [1, -1]), typed("float32", [])
        ('int32 (1, any)', 'float32 ()')
    """
    if shape is None:
        return f"{kind} of any shape"
    sizes = ["any" if size is None or size < 0 else str(size) for size in shape]
    return f"{kind} ({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


def _explained(path):
    if path.suffix == ".tflite":
        from nlpkit.export.explain_tflite import explain_tflite

        return explain_tflite(path)
    if path.suffix == ".onnx":
        from nlpkit.export.explain_onnx import explain_onnx

        return explain_onnx(path)
    from nlpkit.export.explain_saved_model import explain_saved_model

    return explain_saved_model(path)
