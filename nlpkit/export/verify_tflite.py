"""A TFLite file, run by another process that knows neither nlpkit nor TensorFlow, against the model."""

from pathlib import Path

from nlpkit.errors import VerificationError
from nlpkit.export.verify_calls import Found, call_apart, compare_calls, median_ms

# Runs in a process of its own: LiteRT and NumPy.
_READER = """
import sys, time
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import InterpreterWithCustomOps
path, stateful, text_ops, source, output = sys.argv[1:]
more = []
if text_ops == "yes":
    from tensorflow_text import tflite_registrar
    more = tflite_registrar.SELECT_TFTEXT_OPS
interpreter = InterpreterWithCustomOps(model_path=path, custom_op_registerers=more)
given, found, seconds = np.load(source), {}, []
assert "nlpkit" not in sys.modules and (more or "tensorflow" not in sys.modules)
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


def verify_tflite(path, task, limit):
    """Runs a TFLite file in a separate process without nlpkit and TensorFlow, and compares what it gives.

    Only a file that reads strings needs tensorflow-text there, which brings TensorFlow with it.

    Args:
        path: Path of the file.
        task: `LiteTask` of which the file was made.
        limit: float. Largest difference of a number, over one where that is larger than one.

    Returns:
        `Found`.

    Raises:
        VerificationError: If it cannot be run, holds an operation of TensorFlow's, or differs.
    """
    failed = "The TFLite model could not be run by LiteRT"
    flags = ["yes" if flag else "no" for flag in (task.spec["stateful"], task.text_ops)]
    found = call_apart(failed, _READER, [str(Path(path).absolute()), *flags], task.calls)
    _check_operations(found["ops"])
    difference = compare_calls("TFLite", task.calls, found, limit, task.rescore)
    return Found(difference, median_ms(task.calls, found["seconds"]))


def _check_operations(names):
    flex = [str(name) for name in names if name.startswith("Flex")]
    if flex:
        raise VerificationError(f"The TFLite model holds operations of TensorFlow's: {flex}. It was removed.")
