"""Smaller numbers for the weights of a TFLite model, and how far its results may move."""

from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.export.verify import TOLERANCE


@dataclass
class Quantization:
    """What becomes of the numbers of a model.

    Args:
        name: str. Also part of the file's name; empty for the model as it is.
        limit: float. How far a number that the model gives may be from the Keras model's, over one where it is larger.
        settings: callable. Gets a `tf.lite.TFLiteConverter`, and `LiteTask.examples`, which show the range of each
            number.
        calibrated: bool. Whether it needs them. Defaults to `False`.
    """

    name: str
    limit: float
    settings: Callable
    calibrated: bool = False


def _smaller(converter, examples):
    converter.optimizations = [tf.lite.Optimize.DEFAULT]


def _half(converter, examples):
    _smaller(converter, examples)
    converter.target_spec.supported_types = [tf.float16]


def _whole(converter, examples):
    _smaller(converter, examples)
    converter.representative_dataset = lambda: iter(examples)
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
        tf.lite.OpsSet.TFLITE_BUILTINS,
    ]


# The range of each number is measured in calls, which TFLite cannot do of a loop that writes.
OF_WRITERS = ("float16", "dynamic")
NONE = Quantization("", TOLERANCE, lambda converter, examples: None)
QUANTIZATIONS = {
    "float16": Quantization("float16", 0.01, _half),
    "dynamic": Quantization("dynamic", 0.1, _smaller),
    "int8": Quantization("int8", 0.25, _whole, calibrated=True),
}


def quantizations(names, known=tuple(QUANTIZATIONS)):
    """The quantisations of these names, after the model as it is.

    Args:
        names: str or list of str: `"float16"`, weights of 16 bits; `"dynamic"`, weights of 8 bits, computed in float;
            `"int8"`, weights and results of 8 bits.
        known: Tuple of str. Those that the model can have. Defaults to all.

    Returns:
        List of `Quantization`.

    Raises:
        InputError: If a name is not among the known ones.

    Example:
        >>> from nlpkit.export.quantization import quantizations
        >>> [each.name for each in quantizations(["dynamic"])]
        ['', 'dynamic']
    """
    names = [names] if isinstance(names, str) else list(names)
    for name in names:
        if name not in known:
            raise InputError(f"`quantize` must be among {list(known)}. Received: {name!r}")
    return [NONE, *(QUANTIZATIONS[name] for name in dict.fromkeys(names))]
