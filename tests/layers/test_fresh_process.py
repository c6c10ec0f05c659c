"""A model with each layer, from its file and from its JSON, gives in another process what it gave in this one."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from checks import apply, as_model, shake
from contract_calls import MASKED
from contract_table import CASES

from nlpkit import layers

RELOAD = Path(__file__).parent / "reload_models.py"


class UnknownLayer(keras.layers.Layer):
    """A layer that is not registered, so that no other process knows it."""

    def call(self, inputs):
        return 2.0 * inputs


def save(folder, name, layer, call, change=0.0):
    """Saves a model with a layer, its inputs, and its outputs plus a change."""
    call.on(layer)
    shake(layer)
    model, expected = as_model(layer, call), keras.tree.flatten(apply(layer, call))
    path = folder / f"{name}.keras"
    model.save(path)
    path.with_suffix(".json").write_text(model.to_json())
    path.with_suffix(".count").write_text(str(len(call.flat())))
    np.savez(path.with_suffix(".npz"), *call.flat(), *(x + x.dtype.type(change) for x in expected))
    return path


def start(log):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": log, "text": True}
    return subprocess.Popen([sys.executable, str(RELOAD)], **pipes)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What differs in the other process, by the number of the case; it starts while the models are being saved."""
    folder, unsaved = tmp_path_factory.mktemp("models"), {}
    errors = folder / "errors.txt"  # no pipe, which is full before anybody reads it
    with errors.open("w") as log, start(log) as process:
        models = [(str(number), case.make, case.call, 0.0) for number, case in enumerate(CASES)]
        models.append(("changed outputs", lambda: layers.FeedForward(8), MASKED, 1e-3))
        models.append(("unknown layer", UnknownLayer, MASKED, 0.0))
        for name, make, call, change in models:
            keras.utils.set_random_seed(1)
            try:
                path = save(folder, name, make(), call, change)
            except Exception as error:  # the case's own, to be reported as that
                unsaved[name] = [f"not saved: {type(error).__name__}: {error}"]
            else:
                with contextlib.suppress(BrokenPipeError):  # it ended, with what is said below
                    print(path, file=process.stdin, flush=True)
        output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, errors.read_text()[-3000:]
    return unsaved | json.loads(output.splitlines()[-1])


def test_every_model_is_the_same_in_another_process(found):
    problems = {case.name: found[str(number)] for number, case in enumerate(CASES)}
    assert {name: problem for name, problem in problems.items() if problem} == {}


def test_the_other_process_notices_what_differs(found):
    assert [problem.partition(":")[0] for problem in found["changed outputs"]] == ["file", "JSON"]
    assert "UnknownLayer" in found["unknown layer"][0]
