"""A row of the table that the contract is run over: a layer, its options, and how it is called."""

import contextlib
import dataclasses
import inspect
from collections.abc import Callable

import keras
import numpy as np
import pytest
from layer_calls import PADDING, LayerCall


@dataclasses.dataclass(frozen=True)
class Case:
    """One layer with one set of options, and how it is called.

    Args:
        layer_class: The Keras layer.
        arguments: dict. Constructor arguments. A function is called with the dtype policy, for layers among them.
        call: `LayerCall`.
        trains: bool. Whether the layer has weights to train.
        prepare: Called with each new layer, for layers that give zeros before they are adapted.
        around: Gives the layer that a new one is checked as part of, such as `keras.layers.RNN` for a cell.
        unreached: Ends of the paths of trainable weights that no gradient can reach, for a reason stated there.
        loss: Gives a scalar for the outputs, where a sum of squares will not do.
        view: Gives what of the outputs depends on each row alone and not on the padding; by default all.
        padding: Places of `PADDING` where a row may have padding. All, but for layers that count steps, or whose
            rows have to be right-padded.
        full_precision: bool. Whether the first output is float32 in half precision too.
        exceptions: dict of the rules that the layer breaks, each with the reason. It must break them.
    """

    layer_class: type
    arguments: dict
    call: LayerCall
    trains: bool = True
    prepare: Callable | None = None
    around: Callable | None = None
    unreached: tuple = ()
    loss: Callable | None = None
    view: Callable | None = None
    padding: tuple = tuple(PADDING)
    full_precision: bool = False
    exceptions: dict = dataclasses.field(default_factory=dict)

    @property
    def name(self):
        """For the report of a test."""
        options = {**self.arguments, **self.call.options}
        text = ", ".join(f"{key}={_short(value)}" for key, value in options.items())
        others = ", ".join(list(self.call.inputs)[1:]) if isinstance(self.call.inputs, dict) else ""
        return f"{self.layer_class.__name__}({text})" + (f" with {others}" if others else "")

    def make(self, dtype=None):
        """A new layer."""
        layer = self.make_alone(dtype)
        return self.around(layer) if self.around else layer

    def make_alone(self, dtype=None):
        """A new layer by itself."""
        made = {
            key: value(dtype) if inspect.isfunction(value) else value for key, value in self.arguments.items()
        }
        layer = self.layer_class(**made, dtype=dtype)
        if self.prepare is not None:
            self.prepare(layer)
        return layer

    def rule(self, name):
        """What a rule runs in: nothing, or that it is broken for the reason given."""
        return pytest.raises(AssertionError) if name in self.exceptions else contextlib.nullcontext()


def _short(value):
    """An option as text; a layer by its class."""
    if inspect.isfunction(value):
        value = value(None)
    if isinstance(value, keras.layers.Layer):
        return type(value).__name__
    if isinstance(value, list):
        return f"[{', '.join(map(_short, value))}]"
    return f"shape {value.shape}" if isinstance(value, np.ndarray) else repr(value).replace("'", "")


def constructor_arguments(layer_class):
    """The arguments of a layer's own constructor, with their defaults."""
    if layer_class.__init__ is keras.layers.Layer.__init__:
        return {}
    parameters = inspect.signature(layer_class.__init__).parameters.values()
    return {
        p.name: p.default
        for p in parameters
        if p.name != "self" and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    }


def differ(value, default):
    """Whether a value is another one than the default; `0` is another one than `False`."""
    return (
        type(value) is not type(default)
        or np.shape(value) != np.shape(default)
        or bool(np.any(value != default))
    )
