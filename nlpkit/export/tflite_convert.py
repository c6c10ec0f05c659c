"""A SavedModel of one row at a time to TFLite's own operations."""

import contextlib
import logging
import os
import re
import sys
import tempfile

import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.export.canonical import make_canonical


def convert(network, signatures, optimize=None, text_ops=None):
    """Converts traced functions to a TFLite model without any operation of TensorFlow's.

    The way leads through a SavedModel, since the converter leaves variables of bare functions without values.

    Args:
        network: `keras.Model` that they run.
        signatures: dict from names to traced functions of a known batch size.
        optimize: callable. Gets the `tf.lite.TFLiteConverter`, to set what the weights become. Defaults to `None`,
            they stay as they are.
        text_ops: `TextOps` that they read a string by. Defaults to `None`.

    Returns:
        bytes. The model.

    Raises:
        InputError: If an operation has no counterpart in TFLite.

    Example:
        >>> import keras
        >>> import tensorflow as tf
        >>> from nlpkit.export.lite_graphs import traced
        >>> from nlpkit.export.tflite_convert import convert
        >>> network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> convert(network, {"run": traced(lambda x: {"y": network(x)}, x=tf.TensorSpec([1, 3]))})[4:8]
        b'TFL3'
    """
    with tempfile.TemporaryDirectory(prefix="nlpkit-") as folder, _quiet(folder):
        options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
        # Of a Keras model's own variables the converter makes variables without values; of these, constants.
        module = tf.Module()
        module.weights = [variable.value for variable in network.variables]
        module.text_ops = text_ops
        tf.saved_model.save(module, folder, signatures=signatures, options=options)
        make_canonical(folder)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=sorted(signatures))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        converter.allow_custom_ops = text_ops is not None
        if optimize is not None:
            optimize(converter)
        try:
            return converter.convert()
        except Exception as error:  # of a class that TensorFlow does not name
            raise InputError(
                f"This model cannot be converted to TFLite: {_reason(str(error))}. "
                "Export it as a SavedModel: --to saved_model"
            ) from None  # thousands of lines


def _reason(message):
    """The operations that TFLite lacks, or the first line of what the converter said."""
    lacking = re.search(r"(?:TF Select|Custom) ops: (.*)", message)
    return f"TFLite has no {lacking.group(1).strip()}" if lacking else message.strip().split("\n")[0][:300]


@contextlib.contextmanager
def _quiet(folder):
    """Keeps away what the converter says, by Python's logging and past it."""
    sys.stderr.flush()
    kept, disabled = os.dup(2), logging.root.manager.disable
    logging.disable(logging.WARNING)
    log = os.open(os.path.join(folder, "converter.log"), os.O_WRONLY | os.O_CREAT)
    os.dup2(log, 2)
    try:
        yield
    finally:
        logging.disable(disabled)
        os.dup2(kept, 2)
        os.close(kept)
        os.close(log)
