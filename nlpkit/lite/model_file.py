"""The one file that an exported model is: a TFLite model, and behind it a zip with what it takes to use it."""

import io
import json
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from nlpkit.errors import InputError
from nlpkit.lite.interpreter import Interpreter

SPEC_FILE = "nlpkit.json"
FORMAT_VERSION = 1
IDENTIFIER = b"TFL3"  # of TFLite's flatbuffers, from their fifth byte on
EXPORT_AGAIN = (
    "Copy the file again from where it is whole, or export it again: nlpkit export MODEL --to tflite"
)


@dataclass
class ModelFile:
    """A TFLite model and the files that belong to it.

    Args:
        model: bytes. What the interpreter runs.
        spec: dict. What the model is for: its task, the settings of its texts, its labels.
        files: dict from file name to bytes: vocabularies and labels.

    Example:
        >>> from nlpkit.lite.model_file import ModelFile
        >>> ModelFile(b"", {"task": "classifier"}).spec["task"]
        'classifier'
    """

    model: bytes
    spec: dict
    files: dict = field(default_factory=dict)

    def to_bytes(self):
        """The file as it is written.

        Returns:
            bytes. Equal models give equal bytes.
        """
        checksums = {"checksum": zlib.crc32(self.model), "files": _checksums(self.files)}
        spec = {"format_version": FORMAT_VERSION, **checksums, **self.spec}
        files = {SPEC_FILE: (json.dumps(spec, indent=2, ensure_ascii=False) + "\n").encode(), **self.files}
        # Appended, so that its places count from the beginning of the file, as readers of zips expect.
        whole = io.BytesIO(self.model)
        with zipfile.ZipFile(whole, "a", zipfile.ZIP_DEFLATED) as pack:
            for name, content in files.items():
                pack.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)  # of no date
        return whole.getvalue()

    @classmethod
    def read(cls, path):
        """Reads a file, and checks that it is whole.

        Args:
            path: Path of a file that `nlpkit export` wrote.

        Returns:
            `ModelFile`.

        Raises:
            InputError: If there is no such file, it is damaged or cut short, or nlpkit did not write it.
        """
        content = _content(Path(path))
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as pack:
                model = content[: min(entry.header_offset for entry in pack.infolist())]
                files = {name: pack.read(name) for name in pack.namelist()}
                spec = json.loads(files.pop(SPEC_FILE))
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            ValueError,
            KeyError,
            RuntimeError,
            OSError,
        ) as error:
            raise InputError(
                f"{path} does not hold what nlpkit puts behind a TFLite model ({error}): it was cut short, damaged, or "
                f"written by another program. {EXPORT_AGAIN}"
            ) from None
        _check(path, model, spec, files)
        return cls(model, spec, files)

    def interpreter(self, num_threads=1):
        """What runs the model.

        Args:
            num_threads: int. Processor threads. Defaults to 1.

        Returns:
            `Interpreter`.

        Raises:
            InputError: If ai-edge-litert is not installed, or cannot read the model.
        """
        return Interpreter(self, num_threads)


def _content(path):
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"The model file {path} cannot be read: {error.strerror or error}. "
            "Make one: nlpkit export MODEL --to tflite"
        ) from None
    if content[4:8] != IDENTIFIER:
        raise InputError(
            f"{path} is no TFLite file: it should have {IDENTIFIER.decode()!r} at its fifth byte. Received: "
            f"{content[4:8]!r}. Name a file that `nlpkit export --to tflite` wrote."
        )
    return content


def _checksums(files):
    return {name: zlib.crc32(content) for name, content in files.items()}


def _check(path, model, spec, files):
    if not isinstance(spec, dict) or spec.get("format_version") != FORMAT_VERSION:
        found = spec.get("format_version") if isinstance(spec, dict) else type(spec).__name__
        raise InputError(
            f"{path} must have format_version {FORMAT_VERSION} in its {SPEC_FILE}. Received: {found!r}. "
            "Use the nlpkit version that wrote it, or export the model again."
        )
    if zlib.crc32(model) != spec.get("checksum"):
        raise InputError(f"{path} is damaged: its model does not have the checksum it had. {EXPORT_AGAIN}")
    if _checksums(files) != spec.get("files"):
        raise InputError(
            f"{path} is damaged: the files behind the model are not those it had. {EXPORT_AGAIN}"
        )
