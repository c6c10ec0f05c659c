"""The artefact, loaded by another process that knows nothing of nlpkit, against the model."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from nlpkit.data.samples import load_sample_reviews
from nlpkit.errors import VerificationError

TOLERANCE = 1e-5

# Runs in a process of its own: plain TensorFlow, and tensorflow-text where the graph needs its ops.
_READER = """
import json, sys
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
folder, source, output, needs_text = sys.argv[1:]
if needs_text == "yes":
    import tensorflow_text
assert "nlpkit" not in sys.modules
signatures = tf.saved_model.load(folder).signatures
given, found = json.load(open(source, encoding="utf-8")), {}
def ask(name, **inputs):
    specs = signatures[name].structured_input_signature[1]
    return signatures[name](**{key: tf.constant(value, specs[key].dtype) for key, value in inputs.items()})
{run}
saved = saved_model_pb2.SavedModel.FromString(open(folder + "/saved_model.pb", "rb").read())
graph = saved.meta_graphs[0].graph_def
nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
found["compiled"] = any(function.attr["_XlaMustCompile"].b for function in graph.library.function)
found["ops"] = sorted({node.op for node in nodes})
json.dump(found, open(output, "w"))
"""

_CLASSIFY = """
found["probabilities"] = []
for start in range(0, len(given), 16):
    found["probabilities"] += ask("serving_default", text=given[start:start + 16])["probabilities"].numpy().tolist()
"""


def verification_texts():
    """Real texts of many lengths, with an empty one, an over-long one and several scripts among them.

    Returns:
        List of str.

    Example:
        >>> from nlpkit.export.verify import verification_texts
        >>> "" in verification_texts()
        True
    """
    reviews = load_sample_reviews("test").texts
    special = [
        "",
        " ",
        "?!",
        "Ünïcode naïve",
        "这家酒店很好",
        "とても良い",
        "<br />a &amp; b",
        " ".join(reviews),
    ]
    return reviews[:120] + special


def verify_saved_model(folder, expected, texts, needs_tensorflow_text):
    """Loads a SavedModel in a separate process without nlpkit and compares its probabilities.

    Args:
        folder: Path of the SavedModel.
        expected: Float array `(texts, classes)`: the Keras model's probabilities.
        texts: List of str.
        needs_tensorflow_text: bool. Whether that process must import tensorflow-text.

    Returns:
        float. The largest difference.

    Raises:
        VerificationError: If it cannot be loaded, holds an op of one device or of XLA, or differs by more than 1e-5.
    """
    answer = read_saved_model(folder, _CLASSIFY, texts, needs_tensorflow_text)
    difference = np.abs(np.array(answer["probabilities"]) - expected)
    if not difference.max() <= TOLERANCE:
        worst = int(difference.max(axis=1).argmax())
        raise VerificationError(
            f"The SavedModel differs from the Keras model by {difference.max():.2e}, more than {TOLERANCE:.0e}, "
            f"most for the text {texts[worst][:80]!r}. It was removed."
        )
    return float(difference.max())


def check_difference(what, found, expected, limit):
    """Raises unless all numbers of a SavedModel are near those of the model.

    Args:
        what: str. What they are, for the message.
        found: Float array.
        expected: Float array.
        limit: float.

    Raises:
        VerificationError: If one differs by more, or is no number.

    Example:
        >>> from nlpkit.export.verify import check_difference
        >>> check_difference("logits", [0.5], [0.5 + 1e-7], 1e-6)
    """
    difference = np.abs(np.array(found) - expected).max()
    if not difference <= limit:
        raise VerificationError(
            f"The SavedModel differs from the Keras model by {difference:.2e} in the {what}, more than {limit:.0e}. "
            "It was removed."
        )


def read_saved_model(folder, run, given, needs_tensorflow_text):
    """Runs a SavedModel in a separate process without nlpkit.

    Args:
        folder: Path of the SavedModel.
        run: str. What that process does: Python that finds `tf`, `signatures`, `given` and `ask(name, **inputs)`, which
            calls a signature, and fills the dict `found`.
        given: What it works on, as JSON has it.
        needs_tensorflow_text: bool. Whether that process must import tensorflow-text.

    Returns:
        dict. What was found.

    Raises:
        VerificationError: If it cannot be loaded or run, or holds an op of one device or of XLA.
    """
    answer = _read(folder, run, given, needs_tensorflow_text)
    cudnn = [name for name in answer["ops"] if "Cudnn" in name]
    if cudnn:
        raise VerificationError(f"The SavedModel holds ops that run on a GPU only: {cudnn}. It was removed.")
    if answer["compiled"]:
        raise VerificationError(
            "The SavedModel holds functions that must be compiled by XLA. It was removed."
        )
    return answer


def _read(folder, run, given, needs_tensorflow_text):
    with tempfile.TemporaryDirectory() as scratch:
        source, output = Path(scratch) / "given.json", Path(scratch) / "answer.json"
        source.write_text(json.dumps(given), encoding="utf-8")
        needs_text = "yes" if needs_tensorflow_text else "no"
        program = _READER.replace("{run}", run)
        command = [sys.executable, "-I", "-c", program, str(folder), str(source), str(output), needs_text]
        process = subprocess.run(command, capture_output=True, text=True)
        if process.returncode:
            raise VerificationError(
                f"The SavedModel could not be used by plain TensorFlow and was removed:\n{process.stderr[-2000:]}"
            )
        return json.loads(output.read_text())
