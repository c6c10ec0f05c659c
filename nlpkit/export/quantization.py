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
        settings: callable. Gets a `tf.lite.TFLiteConverter`, and a callable that gives the calls whose values show the
            range of each number.
    """

    name: str
    limit: float
    settings: Callable


def _smaller(converter, examples):
    converter.optimizations = [tf.lite.Optimize.DEFAULT]


def _half(converter, examples):
    _smaller(converter, examples)
    converter.target_spec.supported_types = [tf.float16]


def _whole(converter, examples):
    _smaller(converter, examples)
    converter.representative_dataset = examples
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
        tf.lite.OpsSet.TFLITE_BUILTINS,
    ]


NONE = Quantization("", TOLERANCE, lambda converter, examples: None)
QUANTIZATIONS = {
    "float16": Quantization("float16", 0.01, _half),
    "dynamic": Quantization("dynamic", 0.1, _smaller),
    "int8": Quantization("int8", 0.25, _whole),
}


def quantizations(names):
    """The quantisations of these names, after the model as it is.

    Args:
        names: str or list of str: `"float16"`, weights of 16 bits; `"dynamic"`, weights of 8 bits, computed in float;
            `"int8"`, weights and results of 8 bits.

    Returns:
        List of `Quantization`.

    Raises:
        InputError: If a name is unknown.

    Example:
        >>> from nlpkit.export.quantization import quantizations
        >>> [each.name for each in quantizations(["dynamic"])]
        ['', 'dynamic']
    """
    names = [names] if isinstance(names, str) else list(names)
    for name in names:
        if name not in QUANTIZATIONS:
            raise InputError(f"`quantize` must be among {sorted(QUANTIZATIONS)}. Received: {name!r}")
    return [NONE, *(QUANTIZATIONS[name] for name in dict.fromkeys(names))]
