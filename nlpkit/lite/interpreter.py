"""The signatures of a TFLite model, run by LiteRT."""

import numpy as np

from nlpkit.errors import InputError


class Interpreter:
    """Calls the signatures of a TFLite model with NumPy arrays.

    Args:
        file: `ModelFile`. Its spec says whether operations keep a state from call to call (`stateful`), which is
            forgotten before each one.
        num_threads: int. Processor threads. Defaults to 1.

    Raises:
        InputError: If ai-edge-litert is not installed, or cannot read the model.
    """

    def __init__(self, file, num_threads=1):
        self._interpreter = _open(file.model, num_threads)
        self._stateful = file.spec["stateful"]
        if self._stateful:
            self._interpreter.allocate_tensors()  # before it no state can be reset
        self._runners = {}

    def __call__(self, signature, **inputs):
        """Runs a signature.

        Args:
            signature: str. Its name.
            **inputs: Arrays by the names of the signature.

        Returns:
            dict from the names of its outputs to arrays.
        """
        if signature not in self._runners:
            self._runners[signature] = self._interpreter.get_signature_runner(signature)
        runner = self._runners[signature]
        if self._stateful:
            self._interpreter.reset_all_variables()
        kinds = runner.get_input_details()
        return runner(**{name: np.asarray(value, kinds[name]["dtype"]) for name, value in inputs.items()})

    def inputs(self, signature):
        """Names of the inputs of a signature.

        Args:
            signature: str. Name of the signature.

        Returns:
            List of str.
        """
        return self._interpreter.get_signature_list()[signature]["inputs"]

    def shape(self, signature, name):
        """Shape of an input, -1 where it may have any size.

        Args:
            signature: str. Name of the signature.
            name: str. Name of the input.

        Returns:
            Tuple of int.
        """
        details = self._interpreter.get_signature_runner(signature).get_input_details()[name]
        return tuple(details["shape_signature"])


def _open(model, num_threads):
    try:
        from ai_edge_litert.interpreter import Interpreter as LiteRT
    except ImportError as error:
        raise InputError(
            "A TFLite model is run by LiteRT, which is not installed. Install it: pip install ai-edge-litert"
        ) from error
    try:
        return LiteRT(model_content=model, num_threads=num_threads)
    except (ValueError, RuntimeError) as error:
        raise InputError(
            f"LiteRT cannot run this model: {str(error).splitlines()[0]}. Update it (pip install -U ai-edge-litert), "
            "or export the model again."
        ) from error
