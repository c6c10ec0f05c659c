"""What an estimator hands over for formats without strings: its graphs over ids, and what is needed around them."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class LiteTask:
    """The part of a model that reads ids, and what a runtime has to know beside it.

    Args:
        network: `keras.Model` that the graphs run.
        signatures: dict from names to traced functions of one row, by keyword, to a dict of tensors.
        spec: dict. What a runtime reads first: the task, the settings of its texts, its labels; JSON.
        files: dict from file name to bytes: vocabularies and labels.
        calls: List of tuples: name of a signature, its inputs as a dict of arrays, and the outputs of the model that is
            exported, as a dict of arrays. The first is of the signature that answers or writes, whose time is told.
        examples: List of tuples: name of a signature and its inputs, as in training; they show the range of each number
            to a quantisation that needs it.
        text_ops: `TextOps` that the signatures read a string by, which takes a runtime with operations of
            tensorflow-text. Defaults to `None`: they read ids.
        rescore: callable. Gets the name of a signature, its inputs and other `token_ids` than the model writes, and
            gives the score that the model has for them, or `None` where they cannot be right. Defaults to `None`: they
            never are.

    Example:
        >>> from nlpkit.export.lite_task import LiteTask
        >>> LiteTask(None, {}, {"task": "classifier"}).files
        {}
    """

    network: Any
    signatures: dict
    spec: dict
    files: dict = field(default_factory=dict)
    calls: list = field(default_factory=list)
    examples: list = field(default_factory=list)
    text_ops: Any = None
    rescore: Any = None


def vocabulary_files(text_to_ids):
    """The files of a text layer's vocabulary.

    Args:
        text_to_ids: `TextToIds`.

    Returns:
        dict from file name to bytes; empty for bytes.

    Example:
        >>> from nlpkit.export.lite_task import vocabulary_files
        >>> from nlpkit.text import text_to_ids
        >>> vocabulary_files(text_to_ids("byte"))
        {}
    """
    with tempfile.TemporaryDirectory(prefix="nlpkit-") as folder:
        text_to_ids.save_vocabulary(folder)
        return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}
