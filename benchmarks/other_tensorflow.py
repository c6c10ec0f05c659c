"""SavedModels in another TensorFlow: that of the newest TF Serving, with tensorflow-text and nothing else beside it.

A small model of every task and cell (export_models.py), and of what else a graph can hold, is exported here, and each
of its signatures is asked by plain TensorFlow in this environment and in the other one, which the script sets up in a
folder (some 2 GB). Answers must be equal, numbers to 1e-5: if any is not, the exit code is 1.
Run from the repository root: python benchmarks/other_tensorflow.py --environment FOLDER
"""

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from functools import partial
from pathlib import Path

import export_models
import numpy as np
from common import header, print_table, result_name, write_result

VERSIONS = {"tensorflow": "2.20.0", "tensorflow-text": "2.20.1"}
TOLERANCE = 1e-5
QUICK = [("classifier", "lstm", "both"), ("classifier", "wordpiece")]
MODELS = {
    **export_models.MODELS,
    # Words are not enough for these: their graphs hold operations of tensorflow-text.
    ("classifier", "wordpiece"): partial(export_models.of_pieces, "wordpiece"),
    ("classifier", "sentencepiece"): partial(export_models.of_pieces, "sentencepiece"),
    ("classifier", "folded"): partial(export_models.of_pieces, "word", case="fold", unicode_form="NFKC"),
    ("classifier", "multi-label"): export_models.of_topics,
    ("generator", "byte"): partial(export_models.generator, "lstm", "forward", level="byte"),
    ("generator", "char"): partial(export_models.generator, "lstm", "forward", level="char"),
    ("generator", "nplm"): partial(export_models.generator, "nplm", "forward"),
    ("text_to_text", "copy"): export_models.copying,
    ("chatbot", "attention"): export_models.chatbot,
    ("captioner", "features"): export_models.captioner_of_features,
}
OPTIONS = {
    "max_new_tokens": 6, "max_length": 9, "temperature": 0.8, "top_k": 0, "top_p": 0.9, "seed": 3,
    "length_penalty": 1.0,
}  # fmt: skip
# Calls each signature; what a first state is, `init` says, which comes before `step`.
PROGRAM = """
import json, sys
import numpy as np
import tensorflow as tf
import tensorflow_text
folder, source, output = sys.argv[1:]
assert "nlpkit" not in sys.modules
given, found = dict(np.load(source)), {"tensorflow": np.array(tf.__version__)}
given = {name: value.astype(object) if value.dtype.kind == "S" else value for name, value in given.items()}
signatures = tf.saved_model.load(folder).signatures
for name in sorted(signatures):
    specs = signatures[name].structured_input_signature[1]
    unknown = sorted(set(specs) - set(given))
    if unknown:
        sys.exit(f"The signature `{name}` has inputs that other_tensorflow.py gives nothing for: {', '.join(unknown)}.")
    asked = {key: tf.constant(given[key], spec.dtype) for key, spec in specs.items()}
    answer = {key: value.numpy() for key, value in signatures[name](**asked).items()}
    found.update({f"{name}|{key}": value for key, value in answer.items()})
    if name == "init":
        given.update({key: value for key, value in answer.items() if key.startswith("state")})
        given["token_ids"] = np.array([2] * len(answer[min(answer)]))
found = {name: value.astype(bytes) if value.dtype == object else value for name, value in found.items()}
np.savez(output, **found)
"""


def set_up(folder):
    """Makes the other environment, unless it is there; the path of its Python."""
    python, done = Path(folder) / "bin" / "python", Path(folder) / ".installed"
    if not done.exists():
        print(f"setting up {folder} ...")
        venv.create(folder, with_pip=True)
        wanted = [f"{name}=={version}" for name, version in VERSIONS.items()]
        subprocess.run([python, "-m", "pip", "install", "-q", *wanted], check=True)
        done.touch()
    return str(python)


def asked():
    """Inputs of all signatures by their names, arrays."""
    ids = np.array([[5, 4, 6, 0], [4, 0, 0, 0], [0, 0, 0, 0], [7, 5, 4, 6]])
    texts = np.array([text.encode() for text in export_models.ASKED])
    targets = np.array([text.encode() for text in export_models.TARGETS[: len(texts)]])
    images, _ = export_models.pictures()
    # An empty text would end in a zero, which NumPy takes for the end of a string.
    examples = np.array([_example(text) for text in texts if text])
    return {
        "text": texts, "prompt": texts, "target": targets, "token_ids": ids, "source_ids": ids, "inputs": examples,
        "image": images[: len(texts)], "features": export_models.features()[: len(texts)], "batch_size": len(texts),
        **OPTIONS,
    }  # fmt: skip


def _example(text):
    import tensorflow as tf

    feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[text]))
    return tf.train.Example(features=tf.train.Features(feature={"text": feature})).SerializeToString()


def answers(python, folder, inputs):
    """What every signature of a SavedModel answers in an environment."""
    with tempfile.TemporaryDirectory(prefix="nlpkit-") as scratch:
        source, output = Path(scratch) / "given.npz", Path(scratch) / "found.npz"
        np.savez(source, **inputs)
        process = subprocess.run(
            [python, "-I", "-c", PROGRAM, str(folder), str(source), str(output)],
            capture_output=True,
            text=True,
        )
        if process.returncode:
            raise SystemExit(f"{folder} could not be used:\n{process.stderr[-3000:]}")
        with np.load(output) as found:
            return dict(found)


def compare(one, other):
    """The number of answers, and the largest difference of their numbers; infinite where anything else differs."""
    one, other = ({name: value for name, value in found.items() if "|" in name} for found in (one, other))
    if set(one) != set(other):
        return len(one), float("inf")
    return len(one), float(np.max([_difference(one[name], other[name]) for name in one], initial=0.0))


def _difference(one, other):
    if one.shape != other.shape:
        return float("inf")
    if one.dtype.kind != "f":
        return 0.0 if np.array_equal(one, other) else float("inf")
    return float(np.abs(one.astype("float64") - other).max(initial=0.0))


def tried(key, python):
    """The row of a model: what its answers here and there have in common."""
    with tempfile.TemporaryDirectory(prefix="nlpkit-") as folder:
        path, inputs = MODELS[key]().export(folder)[0].path, asked()
        here, there = answers(sys.executable, path, inputs), answers(python, path, inputs)
    count, difference = compare(here, there)
    equal = "yes" if difference <= TOLERANCE else "no"
    return [" ".join(key), str(here["tensorflow"]), str(there["tensorflow"]), count, difference, equal]


def check(rows):
    """Ends the script if any model is unequal."""
    unequal = [name for name, *_, equal in rows if equal != "yes"]
    if unequal:
        raise SystemExit(f"Other answers in TensorFlow {VERSIONS['tensorflow']}: {', '.join(unequal)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--environment", required=True, help="folder of the other environment")
    parser.add_argument("--quick", action="store_true", help="two models, to see that it works")
    options = parser.parse_args()
    python, rows = set_up(options.environment), []
    for key in QUICK if options.quick else MODELS:
        rows.append(tried(key, python))
        print(json.dumps(rows[-1]), flush=True)
    columns = ["model", "here", "there", "answers", "largest difference", "equal"]
    print_table("SavedModels in another TensorFlow", columns, rows)
    result = {
        **header(),
        "versions": VERSIONS,
        "rows": [dict(zip(columns, row, strict=True)) for row in rows],
    }
    result["command"] = result["command"].replace(options.environment, "FOLDER")
    write_result(result_name("other_tensorflow", options.quick), result)
    check(rows)


if __name__ == "__main__":
    main()
