"""An exported ONNX model: a graph for each signature, and a JSON that says what it takes to use them."""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from nlpkit.errors import InputError
from nlpkit.lite.onnx_interpreter import OnnxInterpreter

FORMAT_VERSION = 1
EXPORT_AGAIN = (
    "Copy all files of the model again from where they are whole, or export it again: "
    "nlpkit export MODEL --to onnx"
)


@dataclass
class OnnxFiles:
    """A description beside `model.onnx`, the file `model.onnx.json`, and the graphs that it names.

    Args:
        folder: Path. Where all files of the model lie.
        spec: dict. What the model is for: its task, the settings of its texts, its labels; `signatures`, a dict from
            names to the files of their graphs; `sha256`, a dict from the files of the model to their checksums.
        files: dict from file name to bytes: vocabularies and labels.

    Example:
        >>> from nlpkit.lite.onnx_files import OnnxFiles
        >>> OnnxFiles("saved_models/x", {"task": "classifier"}).spec["task"]
        'classifier'
    """

    folder: Path
    spec: dict
    files: dict = field(default_factory=dict)

    def to_json(self):
        """The description as it is written.

        Returns:
            bytes.
        """
        files = {name: _to_json(content) for name, content in self.files.items()}
        described = {"format_version": FORMAT_VERSION, **self.spec, "files": files}
        described["checksum"] = _checksum(described)
        return (json.dumps(described, indent=2, ensure_ascii=False) + "\n").encode()

    @classmethod
    def read(cls, path):
        """Reads the description beside a model, and checks that all files are whole.

        Args:
            path: Path of `model.onnx`.

        Returns:
            `OnnxFiles`.

        Raises:
            InputError: If a file is missing, damaged or cut short, or nlpkit did not write it.
        """
        path = Path(path)
        beside = described_by(path)
        _content(path)  # the model itself is missed first
        spec = _described(beside)
        for name, checksum in spec["sha256"].items():
            if sha256(_content(path.parent / name)) != checksum:
                raise InputError(
                    f"{path.parent / name} is damaged, or of another export than {beside.name}: it does not have the "
                    f"checksum that stands there. {EXPORT_AGAIN}"
                )
        files = {name: _from_json(content) for name, content in spec.pop("files").items()}
        return cls(path.parent, spec, files)

    def interpreter(self, num_threads=1):
        """What runs the graphs.

        Args:
            num_threads: int. Processor threads. Defaults to 1.

        Returns:
            `OnnxInterpreter`.

        Raises:
            InputError: If onnxruntime is not installed.
        """
        paths = {name: self.folder / file for name, file in self.spec["signatures"].items()}
        return OnnxInterpreter(paths, num_threads)


def described_by(path):
    """Path of the description beside a model.

    Args:
        path: Path of `model.onnx`.

    Returns:
        Path.

    Example:
        >>> from pathlib import Path
        >>> from nlpkit.lite.onnx_files import described_by
        >>> described_by(Path("model.onnx")).name
        'model.onnx.json'
    """
    return path.with_name(path.name + ".json")


def sha256(content):
    """Checksum of a file's bytes, as the description has it.

    Args:
        content: bytes.

    Returns:
        str.

    Example:
        >>> from nlpkit.lite.onnx_files import sha256
        >>> sha256(b"")[:8]
        'e3b0c442'
    """
    return hashlib.sha256(content).hexdigest()


def _described(path):
    try:
        spec = json.loads(_content(path))
        checksum = spec.pop("checksum")
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} does not hold what nlpkit writes beside an ONNX model ({error!r}): it was cut short, damaged, or "
            f"written by another program. {EXPORT_AGAIN}"
        ) from None
    if spec.get("format_version") != FORMAT_VERSION:
        raise InputError(
            f"{path} must have format_version {FORMAT_VERSION}. Received: {spec.get('format_version')!r}. "
            "Use the nlpkit version that wrote it, or export the model again."
        )
    if checksum != _checksum(spec):
        raise InputError(f"{path} is damaged: it does not have the checksum it had. {EXPORT_AGAIN}")
    return spec


def _content(path):
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"The model file {path} cannot be read: {error.strerror or error}. {EXPORT_AGAIN}"
        ) from None


def _checksum(described):
    return sha256(json.dumps(described, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def _to_json(content):
    """Text as it is, other bytes in base64."""
    try:
        return {"text": content.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}


def _from_json(content):
    return content["text"].encode() if "text" in content else base64.b64decode(content["base64"])
