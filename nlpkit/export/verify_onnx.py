"""The graphs of an ONNX model, run by another process that knows neither nlpkit nor TensorFlow, against the model."""

import json
from pathlib import Path

from nlpkit.export.verify import TOLERANCE
from nlpkit.export.verify_calls import Found, call_apart, compare_calls, median_ms
from nlpkit.lite.onnx_interpreter import RENAMED

# Runs in a process of its own: ONNX Runtime and NumPy.
_READER = """
import json, sys, time
import numpy as np
import onnxruntime
paths, renamed, source, output = sys.argv[1:]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
options.log_severity_level = 4
sessions = {name: onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
            for name, path in json.loads(paths).items()}
given, found, seconds = np.load(source), {}, []
assert not {"nlpkit", "tensorflow", "tf2onnx"} & set(sys.modules)
calls = {}
for key in given.files:
    number, signature, name = key.split("|")
    calls.setdefault((int(number), signature), {})[name] = given[key]
for (number, signature), inputs in sorted(calls.items()):
    session = sessions[signature]
    names = [each.name for each in session.get_outputs()]
    inputs = {each.name: inputs[each.name] for each in session.get_inputs()}
    start = time.perf_counter()
    outputs = session.run(names, inputs)
    seconds.append(time.perf_counter() - start)
    found.update({f"{number}|{name.removeprefix(renamed)}": value for name, value in zip(names, outputs)})
found["seconds"] = seconds
np.savez(output, **found)
"""


def verify_onnx(paths, task):
    """Runs ONNX graphs in a separate process without nlpkit and TensorFlow, and compares what they give.

    Args:
        paths: dict from the name of each signature to the path of its graph.
        task: `LiteTask` of which the graphs were made.

    Returns:
        `Found`.

    Raises:
        VerificationError: If one cannot be run, or differs by more than 1e-5.
    """
    failed = "The ONNX model could not be run by ONNX Runtime"
    given = [json.dumps({name: str(Path(path).absolute()) for name, path in paths.items()}), RENAMED]
    found = call_apart(failed, _READER, given, task.calls)
    difference = compare_calls("ONNX", task.calls, found, TOLERANCE, task.rescore)
    return Found(difference, median_ms(task.calls, found["seconds"]))
