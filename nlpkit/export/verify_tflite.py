"""A TFLite file, run by another process that knows neither nlpkit nor TensorFlow, against the model."""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nlpkit.errors import VerificationError
from nlpkit.export.verify import TOLERANCE

# Runs in a process of its own: LiteRT and NumPy.
_READER = """
import sys, time
import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
path, source, output, stateful, xnnpack = sys.argv[1:]
kernels = OpResolverType.AUTO if xnnpack == "yes" else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
interpreter = Interpreter(model_path=path, experimental_op_resolver_type=kernels)
given, found, seconds = np.load(source), {}, []
assert not {"nlpkit", "tensorflow"} & set(sys.modules)
calls = {}
for key in given.files:
    number, signature, name = key.split("|")
    calls.setdefault((int(number), signature), {})[name] = given[key]
for (number, signature), inputs in sorted(calls.items()):
    run = interpreter.get_signature_runner(signature)
    if stateful == "yes":
        interpreter.reset_all_variables()
    start = time.perf_counter()
    outputs = run(**inputs)
    seconds.append(time.perf_counter() - start)
    found.update({f"{number}|{name}": value for name, value in outputs.items()})
found["ops"] = sorted({op["op_name"] for op in interpreter._get_ops_details()})
found["seconds"] = seconds
np.savez(output, **found)
"""


@dataclass
class Found:
    """What a comparison found.

    Args:
        difference: float. The largest difference, over one where the number is larger than one.
        milliseconds: float. Median time of a call on one processor core.
    """

    difference: float
    milliseconds: float


def verify_tflite(path, calls, limit, stateful=False, xnnpack=True):
    """Runs a TFLite file in a separate process without nlpkit and TensorFlow, and compares what it gives.

    Args:
        path: Path of the file.
        calls: As of `LiteTask`.
        limit: float. Largest difference of a number, over one where that is larger than one.
        stateful: bool. Whether operations keep a state from call to call. Defaults to `False`.
        xnnpack: bool. Whether to use XNNPACK, LiteRT's fast operations. Defaults to `True`.

    Returns:
        `Found`.

    Raises:
        VerificationError: If it cannot be run, holds an operation of TensorFlow's, or differs.
    """
    with tempfile.TemporaryDirectory(prefix="nlpkit-") as folder:
        source, output = Path(folder) / "given.npz", Path(folder) / "found.npz"
        given = {f"{n}|{signature}|{name}": value for n, (signature, inputs, _) in enumerate(calls)
                 for name, value in inputs.items()}  # fmt: skip
        np.savez(source, **given)
        command = [sys.executable, "-I", "-c", _READER, str(path), str(source), str(output)]
        command += ["yes" if each else "no" for each in (stateful, xnnpack)]
        process = subprocess.run(command, capture_output=True, text=True)
        if process.returncode:
            raise VerificationError(
                f"The TFLite model could not be run by LiteRT and was removed:\n{process.stderr[-2000:]}"
            )
        with np.load(output) as found:
            found = dict(found)
    _check_operations(found["ops"])
    return Found(_compare(calls, found, limit), 1000 * float(np.median(found["seconds"])))


def _check_operations(names):
    flex = [str(name) for name in names if name.startswith("Flex")]
    if flex:
        raise VerificationError(f"The TFLite model holds operations of TensorFlow's: {flex}. It was removed.")


def _compare(calls, found, limit):
    """The largest difference; of a model of smaller numbers, which may choose otherwise, ids are not compared."""
    worst = 0.0
    for number, (signature, inputs, expected) in enumerate(calls):
        if limit > TOLERANCE and any(value.dtype.kind != "f" for value in expected.values()):
            continue
        for name, value in expected.items():
            difference = _difference(name, found[f"{number}|{name}"], np.asarray(value))
            if not difference <= limit:
                raise VerificationError(
                    f"The TFLite model differs from the Keras model by {difference:.2e} in `{name}` of `{signature}`, "
                    f"more than {limit:.0e}, for {_shown(inputs)}. It was removed."
                )
            worst = max(worst, difference)
    return worst


def _difference(name, found, expected):
    """The largest difference of a number, over one where it is large; infinite if there are more or fewer numbers."""
    if found.shape != expected.shape:
        return float("inf")
    if not expected.size:
        return 0.0
    found, expected = found.astype("float64"), expected.astype("float64")
    # Of logits the largest counts: of a pointer they are logarithms of next to nothing.
    size = np.abs(expected).max() if name == "logits" else np.abs(expected)
    return float((np.abs(found - expected) / np.maximum(1, size)).max())


def _shown(inputs):
    return json.dumps({name: value.tolist() for name, value in inputs.items()})[:200]
