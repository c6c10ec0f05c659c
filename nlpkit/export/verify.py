"""The artefact, loaded by another process that knows nothing of nlpkit, against the model."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from nlpkit.data.samples import load_sample_reviews
from nlpkit.errors import VerificationError
from nlpkit.export.saved_graph import reached, read_saved_model_file

TOLERANCE = 1e-5
# What the names of signatures begin with that not each machine, or not each server, runs.
GPU, JIT = "gpu_", "jit_"

# Runs in a process of its own: plain TensorFlow, and tensorflow-text where the graph needs its ops.
_READER = """
import json, sys
import tensorflow as tf
folder, source, output, needs_text, prefix = sys.argv[1:]
if needs_text == "yes":
    import tensorflow_text
assert "nlpkit" not in sys.modules
signatures = tf.saved_model.load(folder).signatures
given, found = json.load(open(source, encoding="utf-8")), {}
def ask(name, **inputs):
    name = prefix + name if prefix + name in signatures else name
    specs = signatures[name].structured_input_signature[1]
    return signatures[name](**{key: tf.constant(value, specs[key].dtype) for key, value in inputs.items()})
{run}
with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:  # the way of a server
    saved = tf.compat.v1.saved_model.load(session, ["serve"], folder).saver_def
    session.run(saved.restore_op_name, {saved.filename_tensor_name: folder + "/variables/variables"})
    variables = [operation for operation in graph.get_operations() if operation.type == "VarHandleOp"]
    full = session.run([tf.raw_ops.VarIsInitializedOp(resource=each.outputs[0]) for each in variables])
empty = [each.name for each, is_full in zip(variables, full) if not is_full]
assert not empty, f"a server gives no values to the variables {empty}"
json.dump(found, open(output, "w"))
"""

_CLASSIFY = """
def example(text):
    feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[text.encode()]))
    return tf.train.Example(features=tf.train.Features(feature={"text": feature})).SerializeToString()
def decoded(label):
    return [decoded(each) for each in label] if isinstance(label, list) else label.decode("utf-8")
found |= {"serving_default": [], "ids": [], "classify": [], "label": []}
for start in range(0, len(given["texts"]), 16):
    texts, token_ids = (given[key][start:start + 16] for key in ("texts", "token_ids"))
    answer = ask("serving_default", text=texts)
    found["serving_default"] += answer["probabilities"].numpy().tolist()
    found["label"] += decoded(answer["label"].numpy().tolist())
    found["ids"] += ask("ids", token_ids=token_ids)["probabilities"].numpy().tolist()
    ranked = ask("classify", inputs=[example(text) for text in texts])
    classes, scores = ranked["classes"].numpy().tolist(), ranked["scores"].numpy().tolist()
    found["classify"] += [
        dict(zip((name.decode("utf-8") for name in names), numbers)) for names, numbers in zip(classes, scores)
    ]
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


def verify_saved_model(folder, expected, texts, token_ids, labels, needs_tensorflow_text, prefix=""):
    """Loads a SavedModel in a separate process without nlpkit and compares the probabilities of each signature.

    Args:
        folder: Path of the SavedModel.
        expected: Float array `(texts, classes)`: the Keras model's probabilities.
        texts: List of str.
        token_ids: int32 array of shape `(texts, time)`: their ids.
        labels: List of labels.
        needs_tensorflow_text: bool. Whether that process must import tensorflow-text.
        prefix: str. What the names of the signatures begin with. Defaults to nothing.

    Returns:
        float. The largest difference.

    Raises:
        VerificationError: If it cannot be loaded, holds an op of one device or of XLA where it must not, or differs by
            more than 1e-5.
    """
    given = {"texts": texts, "token_ids": np.asarray(token_ids).tolist()}
    answer, worst = read_saved_model(folder, _CLASSIFY, given, needs_tensorflow_text, prefix), 0.0
    _check_labels(texts, answer.pop("label"), expected, [str(label) for label in labels])
    for name, found in answer.items():
        if name == "classify":
            found = [[scores[str(label)] for label in labels] for scores in found]
        difference = np.abs(np.array(found) - expected)
        if not difference.max() <= TOLERANCE:
            text = texts[int(difference.max(axis=1).argmax())]
            raise VerificationError(
                f"The signature `{prefix}{name}` of the SavedModel differs from the Keras model by "
                f"{difference.max():.2e}, more than {TOLERANCE:.0e}, most for the text {text[:80]!r}. It was removed."
            )
        worst = max(worst, float(difference.max()))
    return worst


def _check_labels(texts, found, expected, labels):
    """Raises unless each label is the likeliest one, or with several labels each likely one is there."""
    for text, label, probabilities in zip(texts, found, expected, strict=True):
        if isinstance(label, list):
            clear = np.abs(probabilities - 0.5) > TOLERANCE
            likely = np.where(probabilities >= 0.5, labels, "")
            right = np.all((likely == label) | ~clear)
        else:
            likely = labels[probabilities.argmax()]
            right = label in labels and probabilities[labels.index(label)] >= probabilities.max() - TOLERANCE
        if not right:
            raise VerificationError(
                f"The SavedModel calls the text {text[:80]!r} {label!r}, the Keras model "
                f"{np.array(likely).tolist()!r}. It was removed."
            )


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


def read_saved_model(folder, run, given, needs_tensorflow_text, prefix=""):
    """Runs a SavedModel in a separate process without nlpkit.

    Args:
        folder: Path of the SavedModel.
        run: str. What that process does: Python that finds `tf`, `signatures`, `given` and `ask(name, **inputs)`, which
            calls a signature, and fills the dict `found`.
        given: What it works on, as JSON has it.
        needs_tensorflow_text: bool. Whether that process must import tensorflow-text.
        prefix: str. `ask` calls the signature with this before its name where there is one. Defaults to nothing.

    Returns:
        dict. What was found.

    Raises:
        VerificationError: If it cannot be loaded or run, or holds an op of one device or of XLA.
    """
    answer = _read(folder, run, given, needs_tensorflow_text, prefix)
    check_portable(folder)
    return answer


def check_portable(folder):
    """Raises if a signature that any machine should run needs a GPU or XLA.

    Args:
        folder: Path of the SavedModel.

    Raises:
        VerificationError: If it does.
    """
    meta_graph = read_saved_model_file(folder).meta_graphs[0]
    for name, signature in meta_graph.signature_def.items():
        found = reached(meta_graph.graph_def, [each.name for each in signature.outputs.values()])
        cudnn = sorted(operation for operation in found.operations if operation.startswith("Cudnn"))
        if cudnn and not name.startswith(GPU):
            raise VerificationError(
                f"The signature `{name}` of the SavedModel holds ops that run on a GPU only: {cudnn}. It was removed."
            )
        if found.compiled and not name.startswith(JIT):
            raise VerificationError(
                f"The signature `{name}` of the SavedModel holds functions that must be compiled by XLA. "
                "It was removed."
            )


def _read(folder, run, given, needs_tensorflow_text, prefix):
    with tempfile.TemporaryDirectory() as scratch:
        source, output = Path(scratch) / "given.json", Path(scratch) / "answer.json"
        source.write_text(json.dumps(given), encoding="utf-8")
        needs_text = "yes" if needs_tensorflow_text else "no"
        program = _READER.replace("{run}", run)
        command = [
            sys.executable,
            "-c",
            program,
            str(Path(folder).absolute()),
            str(source),
            str(output),
            needs_text,
            prefix,
        ]
        # In another folder, so that no file of this one is imported.
        process = subprocess.run(command, capture_output=True, text=True, cwd=scratch)
        if process.returncode:
            raise VerificationError(
                f"The SavedModel could not be used by plain TensorFlow and was removed:\n{process.stderr[-2000:]}"
            )
        return json.loads(output.read_text())
