"""That a step runs on a phone: with the built-in operations of TFLite, and the same results."""

import inspect

import numpy as np
import tensorflow as tf


def check_tflite(step, inputs, tolerance=1e-5):
    """Converts a function of arrays to TFLite's own operations, runs it there and compares.

    Args:
        step: Function of tensors that gives a tuple of tensors.
        inputs: List of arrays.
        tolerance: float. Largest difference. Defaults to 1e-5.
    """
    traced = tf.function(step, input_signature=[tf.TensorSpec(x.shape, x.dtype) for x in inputs])
    # Weights become constants. With a Keras layer as its second argument the converter may lose them, and give NaN.
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced.get_concrete_function()])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    interpreter = tf.lite.Interpreter(model_content=converter.convert())
    interpreter.allocate_tensors()
    # The converter orders inputs and outputs as it likes; outputs are called `Identity`, `Identity_1`, …
    places = {place["name"]: place["index"] for place in interpreter.get_input_details()}
    for name, value in zip(inspect.signature(step).parameters, inputs, strict=True):
        interpreter.set_tensor(places[name], value)
    interpreter.invoke()
    outputs = sorted(interpreter.get_output_details(), key=lambda place: place["name"])
    for expected, place in zip(traced(*inputs), outputs, strict=True):
        np.testing.assert_allclose(interpreter.get_tensor(place["index"]), expected, atol=tolerance)
