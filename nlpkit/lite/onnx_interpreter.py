"""The graphs of an ONNX model, run by ONNX Runtime."""

import numpy as np

from nlpkit.errors import InputError

# What stands before the name of an output that an input has, too: in one graph every name is used once.
RENAMED = "new_"
# NumPy's names of types that have others in ONNX.
TYPES = {"float": "float32", "double": "float64"}


class OnnxInterpreter:
    """Calls the graphs of an ONNX model with NumPy arrays, as `Interpreter` does the signatures of a TFLite file.

    Args:
        paths: dict from the name of each signature to the path of its graph, which is loaded at its first call.
        num_threads: int. Processor threads. Defaults to 1.

    Raises:
        InputError: If onnxruntime is not installed.
    """

    def __init__(self, paths, num_threads=1):
        self._runtime = _runtime()
        self._paths, self._sessions = paths, {}
        self._options = self._runtime.SessionOptions()
        self._options.intra_op_num_threads = num_threads
        self._options.inter_op_num_threads = 1
        self._options.log_severity_level = 3

    def __call__(self, signature, **inputs):
        """Runs a graph.

        Args:
            signature: str. Its name.
            **inputs: Arrays by the names of its inputs.

        Returns:
            dict from the names of its outputs to arrays.

        Raises:
            InputError: If ONNX Runtime cannot read the graph.
        """
        session = self._session(signature)
        given = {each.name: np.asarray(inputs[each.name], _type(each)) for each in session.get_inputs()}
        names = [each.name for each in session.get_outputs()]
        found = session.run(names, given)
        return {name.removeprefix(RENAMED): value for name, value in zip(names, found, strict=True)}

    def inputs(self, signature):
        """Names of the inputs of a signature.

        Args:
            signature: str. Name of the signature.

        Returns:
            List of str.
        """
        return [each.name for each in self._session(signature).get_inputs()]

    def shape(self, signature, name):
        """Shape of an input, -1 where it may have any size.

        Args:
            signature: str. Name of the signature.
            name: str. Name of the input.

        Returns:
            Tuple of int.
        """
        (found,) = (each for each in self._session(signature).get_inputs() if each.name == name)
        return tuple(size if isinstance(size, int) else -1 for size in found.shape)

    def _session(self, signature):
        if signature not in self._sessions:
            self._sessions[signature] = self._opened(self._paths[signature])
        return self._sessions[signature]

    def _opened(self, path):
        providers = ["CPUExecutionProvider"]
        try:
            return self._runtime.InferenceSession(str(path), self._options, providers=providers)
        except Exception as error:  # of classes of ONNX Runtime's own, which derive from none but this
            raise InputError(
                f"ONNX Runtime cannot run {path}: {str(error).splitlines()[0]}. Update it (pip install -U "
                "onnxruntime), or export the model again."
            ) from error


def _runtime():
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError(
            "An ONNX model is run by ONNX Runtime, which is not installed. Install it: pip install onnxruntime"
        ) from error
    return onnxruntime


def _type(node):
    name = node.type.removeprefix("tensor(").removesuffix(")")
    return TYPES.get(name, name)
