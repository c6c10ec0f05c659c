"""A TFLite file, run by another process that knows neither nlpkit nor TensorFlow, against the model."""

from pathlib import Path

import numpy as np

from nlpkit.errors import VerificationError
from nlpkit.export.verify_calls import Found, call_apart, compare_calls

# Runs in a process of its own: LiteRT and NumPy.
_READER = """
import sys, time
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
path, stateful, source, output = sys.argv[1:]
interpreter = Interpreter(model_path=path)
given, found, seconds = np.load(source), {}, []
assert not {"nlpkit", "tensorflow"} & set(sys.modules)
if stateful == "yes":
    interpreter.allocate_tensors()
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


def verify_tflite(path, calls, limit, stateful=False):
    """Runs a TFLite file in a separate process without nlpkit and TensorFlow, and compares what it gives.

    Args:
        path: Path of the file.
        calls: As of `LiteTask`.
        limit: float. Largest difference of a number, over one where that is larger than one.
        stateful: bool. Whether operations keep a state from call to call. Defaults to `False`.

    Returns:
        `Found`.

    Raises:
        VerificationError: If it cannot be run, holds an operation of TensorFlow's, or differs.
    """
    failed = "The TFLite model could not be run by LiteRT"
    found = call_apart(failed, _READER, [str(Path(path).absolute()), "yes" if stateful else "no"], calls)
    _check_operations(found["ops"])
    difference = compare_calls("TFLite", calls, found, limit)
    return Found(difference, 1000 * float(np.median(found["seconds"])))


def _check_operations(names):
    flex = [str(name) for name in names if name.startswith("Flex")]
    if flex:
        raise VerificationError(f"The TFLite model holds operations of TensorFlow's: {flex}. It was removed.")
