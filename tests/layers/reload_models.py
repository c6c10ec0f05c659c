"""Loads the models whose paths come in, one per line, and prints what of each differs from what was saved with it.

Run by `test_fresh_process.py` as a process of its own, which knows nlpkit's layers and nothing of the table.
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np

import nlpkit.layers  # noqa: F401, registers the layers

TOLERANCE = 1e-5


def differences(path):
    """What is wrong with a model from its file, and with one from its JSON and weights; empty if nothing is."""
    with np.load(path.with_suffix(".npz")) as saved:
        arrays = [saved[f"arr_{number}"] for number in range(len(saved.files))]
    count = json.loads(path.with_suffix(".count").read_text())
    loaded = keras.saving.load_model(path)
    rebuilt = keras.models.model_from_json(path.with_suffix(".json").read_text())
    rebuilt.set_weights(loaded.get_weights())
    return [
        f"{source}: {problem}"
        for source, model in {"file": loaded, "JSON": rebuilt}.items()
        for problem in compare(model(arrays[:count]), arrays[count:])
    ]


def compare(outputs, expected):
    outputs = [np.asarray(output) for output in keras.tree.flatten(outputs)]
    if len(outputs) != len(expected):
        return [f"{len(outputs)} outputs in place of {len(expected)}"]
    return [
        f"output {number} is {one.shape} {one.dtype}, off by {distance(one, other)}, {other.shape} {other.dtype} saved"
        for number, (one, other) in enumerate(zip(outputs, expected, strict=True))
        if one.dtype != other.dtype or not distance(one, other) <= TOLERANCE
    ]


def distance(one, other):
    return float(np.abs(one - other).max()) if one.shape == other.shape else float("nan")


def main():
    found = {}
    for line in sys.stdin:
        path = Path(line.rstrip("\n"))
        try:
            found[path.stem] = differences(path)
        except (
            Exception
        ) as error:  # whatever it is, it is this model's, and the next one is still to be loaded
            found[path.stem] = [f"{type(error).__name__}: {error}"]
    print(json.dumps(found))


if __name__ == "__main__":
    main()
