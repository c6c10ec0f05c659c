"""What another process, in which there is neither nlpkit nor TensorFlow, finds with an exported model."""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nlpkit.errors import VerificationError
from nlpkit.export.verify import TOLERANCE


@dataclass
class Found:
    """What a comparison found.

    Args:
        difference: float. The largest difference, over one where the number is larger than one.
        milliseconds: float. Median time of a call of the first signature, on one processor core.
    """

    difference: float
    milliseconds: float


def call_apart(what, program, arguments, calls):
    """Runs a program in a process of its own, which is given the inputs of calls, and says what it finds.

    Args:
        what: str. What is run and by what, for the message.
        program: str. Python that finds in `sys.argv` the arguments and the paths of two `.npz` files: one with an array
            for each input, named `number|signature|input`, and one to write.
        arguments: List of str.
        calls: As of `LiteTask`.

    Returns:
        dict of arrays. What the program wrote.

    Raises:
        VerificationError: If it fails.
    """
    with tempfile.TemporaryDirectory(prefix="nlpkit-") as folder:
        source, output = Path(folder) / "given.npz", Path(folder) / "found.npz"
        given = {f"{n}|{signature}|{name}": _plain(value) for n, (signature, inputs, _) in enumerate(calls)
                 for name, value in inputs.items()}  # fmt: skip
        np.savez(source, **given)
        command = [sys.executable, "-c", program, *arguments, str(source), str(output)]
        # In another folder, so that no file of this one is imported.
        process = subprocess.run(command, capture_output=True, text=True, cwd=folder)
        if process.returncode:
            raise VerificationError(f"{what} and was removed:\n{process.stderr[-2000:]}")
        with np.load(output) as found:
            return dict(found)


def _plain(value):
    """Strings as NumPy saves them without a pickle."""
    return value.astype("S") if value.dtype == object else value


def compare_calls(what, calls, found, limit, rescore=None):
    """Compares what calls gave with what they should; written tokens must be the same, or have the same score.

    Of two targets that are equally likely, rounding decides which a search finds first.

    Args:
        what: str. Name of the format, for the message.
        calls: As of `LiteTask`.
        found: dict of arrays, named `number|output`.
        limit: float. Largest difference of a number, over one where that is larger than one. Above 1e-5, of a model of
            smaller numbers, which may choose otherwise, what has ids is not compared.
        rescore: callable. As of `LiteTask`. Defaults to `None`: tokens must be the same.

    Returns:
        float. The largest difference.

    Raises:
        VerificationError: If one differs by more.

    Example:
        >>> import numpy as np
        >>> from nlpkit.export.verify_calls import compare_calls
        >>> calls = [("double", {"x": np.ones(1)}, {"y": np.array([2.0])})]
        >>> compare_calls("ONNX", calls, {"0|y": np.array([2.0])}, 1e-5)
        0.0
    """
    worst = 0.0
    for number, (signature, inputs, expected) in enumerate(calls):
        if limit > TOLERANCE and any(value.dtype.kind != "f" for value in expected.values()):
            continue
        for name, value in expected.items():
            given = found[f"{number}|{name}"]
            difference = _difference(name, given, np.asarray(value))
            if name == "token_ids" and 0 < difference < np.inf and rescore is not None:
                score = rescore(signature, inputs, given)
                difference = (
                    np.inf if score is None else _difference("score", score, np.asarray(expected["score"]))
                )
            if not difference <= limit:
                raise VerificationError(
                    f"The {what} model differs from the Keras model by {difference:.2e} in `{name}` of `{signature}`, "
                    f"more than {limit:.0e}, for {_shown(inputs)}. It was removed."
                )
            worst = max(worst, difference)
    return worst


def median_ms(calls, seconds):
    """Median time of the calls of the first signature, which answers or writes.

    Args:
        calls: As of `LiteTask`.
        seconds: Float array. The time of each.

    Returns:
        float. Milliseconds.

    Example:
        >>> from nlpkit.export.verify_calls import median_ms
        >>> median_ms([("write", {}, {}), ("score", {}, {}), ("write", {}, {})], [0.001, 5.0, 0.003])
        2.0
    """
    of_first = [took for (name, *_), took in zip(calls, seconds, strict=True) if name == calls[0][0]]
    return 1000 * float(np.median(of_first))


def _difference(name, found, expected):
    """The largest difference of a number, over one where it is large; infinite if there are more or fewer numbers."""
    if found.shape != expected.shape:
        return float("inf")
    if not expected.size:
        return 0.0
    found, expected = found.astype("float64"), expected.astype("float64")
    # Of logits the largest counts: of a pointer they are logarithms of next to nothing. So it does of a state, whose
    # numbers are added up before anything is seen of them.
    as_a_whole = name == "logits" or name.startswith("state_")
    size = np.abs(expected).max() if as_a_whole else np.abs(expected)
    return float((np.abs(found - expected) / np.maximum(1, size)).max())


def _shown(inputs):
    return json.dumps({name: value.tolist() for name, value in inputs.items()})[:200]
