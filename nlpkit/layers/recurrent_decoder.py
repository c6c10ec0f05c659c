"""The recurrent layers of a decoder: with attention to the encoder, with its result at every step, deep, residual."""

import keras
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.layers.attention_decoder import AttentionDecoder
from nlpkit.layers.attention_weights import weighted_sum
from nlpkit.layers.padding import zero_padding
from nlpkit.layers.recurrent_block import RecurrentBlock
from nlpkit.layers.recurrent_cells import CELLS

FIRST_RESIDUAL = 2  # counted from 0


@keras.saving.register_keras_serializable(package="nlpkit")
class RecurrentDecoder(keras.layers.Layer):
    """Recurrent layers one after another that go on from what an encoder found.

    One of them may attend to the encoder's outputs, as `AttentionDecoder` does. Without `input_feeding` it is the last
    one: its states attend all at once, between decoder and output. With it, it is the first one, whose next step is
    fed what it attended to, and the context of a step also goes to all layers above.

    Args:
        units: int. Units of each layer.
        num_layers: int, at least 1. Layers on top of each other. Defaults to 1.
        cell: `"rnn"`, `"lstm"`, `"gru"`, `"peephole_lstm"` or `"layer_norm_lstm"`. Defaults to `"lstm"`.
        attention: As in `AttentionDecoder`. Defaults to `None`, no attention.
        input_feeding: `False`, `True` or `"context"`. As in `AttentionDecoder`. Defaults to `False`.
        peeky: bool. Whether the encoder's `result` is part of every layer's input and of the output, at every step.
            Defaults to `False`.
        residual: bool. Whether layers from the third one on add their input to their output. Defaults to `False`.
        dropout: float from 0 to below 1. Of each layer's outputs. Defaults to 0.
        use_cudnn: `"auto"`, `True` or `False`. As in `RecurrentBlock`. Defaults to `"auto"`.

    Call arguments:
        inputs: Float tensor of shape `(batch, time, features)`: the vectors of the tokens before.
        context: Float tensor of shape `(batch, context_time, context_features)`: the encoder's outputs. Needed with
            attention. Defaults to `None`.
        result: Float tensor of shape `(batch, result_features)`. Needed if `peeky`. Defaults to `None`.
        mask: Bool tensor of shape `(batch, time)`. Defaults to `None`.
        context_mask: Bool tensor of shape `(batch, context_time)`. Defaults to `None`.
        states: List with the list of first states of each layer. Defaults to `None`, zeros.
        return_attention_scores: bool. Also returns the weights, float32 of shape `(batch, time, context_time)`; `None`
            without attention. Defaults to `False`.
        training: bool. Whether dropout is active.

    Returns:
        Float tensor of shape `(batch, time, units)`; with `peeky` `result_features` more.

    Raises:
        InputError: If there is no layer, `input_feeding` or `residual` have nothing to work on, or `context` or
            `result` is missing.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import RecurrentDecoder
        >>> decoder = RecurrentDecoder(8, 2, attention="additive", input_feeding=True)
        >>> context = np.ones((2, 5, 6), "float32")
        >>> decoder(np.ones((2, 3, 4)), context).shape
        TensorShape([2, 3, 8])
        >>> output, state = decoder.step(np.ones((2, 4)), decoder.initial_state(2, context))
        >>> output.shape, decoder.attention_scores(state).shape
        (TensorShape([2, 8]), TensorShape([2, 5]))

    Reference:
        [Luong et al., 2015](https://arxiv.org/abs/1508.04025); `peeky`
        [Cho et al., 2014](https://arxiv.org/abs/1406.1078);
        attention in the first layer for all [Wu et al., 2016](https://arxiv.org/abs/1609.08144)
    """

    def __init__(
        self,
        units,
        num_layers=1,
        cell="lstm",
        *,
        attention=None,
        input_feeding=False,
        peeky=False,
        residual=False,
        dropout=0.0,
        use_cudnn="auto",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units, self.num_layers, self.cell = units, num_layers, cell
        self.input_feeding, self.peeky, self.residual = input_feeding, peeky, residual
        self.dropout, self.use_cudnn = dropout, use_cudnn
        _check(num_layers, attention, input_feeding, residual)
        self.supports_masking = True
        self.attending = None if attention is None else 0 if input_feeding else num_layers - 1
        part = {"use_cudnn": use_cudnn, "dtype": self.dtype_policy}
        self.layers = [
            AttentionDecoder(units, cell, attention, input_feeding=input_feeding, name=f"layer_{number}", **part)
            if number == self.attending
            else RecurrentBlock(units, cell, return_state=True, name=f"layer_{number}", **part)
            for number in range(num_layers)
        ]  # fmt: skip
        self.drop = keras.layers.Dropout(dropout, dtype=self.dtype_policy, name="dropout")

    @property
    def state_sizes(self):
        """List of lists of ints. Sizes of the first states of each layer."""
        return [[self.units] * CELLS[self.cell].states for _ in range(self.num_layers)]

    def build(self, inputs_shape, context_shape=None, result_shape=None):
        self._check_given(context_shape, result_shape)
        size, peeked = inputs_shape[-1], result_shape[-1] if self.peeky else 0
        for number, layer in enumerate(self.layers):
            fed = context_shape[-1] if self._reads_context(number) else 0
            shape = (None, None, size + peeked + fed)
            layer.build([shape, (None, None, context_shape[-1])] if number == self.attending else shape)
            size = self.units

    def call(
        self,
        inputs,
        context=None,
        result=None,
        mask=None,
        context_mask=None,
        states=None,
        return_attention_scores=False,
        training=False,
    ):
        self._check_given(context, result)
        if mask is None:  # Keras hands it over by itself only where `inputs` is the only tensor.
            mask = getattr(inputs, "_keras_mask", None)
        inputs, weights = zero_padding(inputs, mask), None
        context = None if context is None else zero_padding(context, context_mask)
        states = [None] * self.num_layers if states is None else states
        result = tf.repeat(result[:, None], tf.shape(inputs)[1], axis=1) if self.peeky else None
        for number, (layer, state) in enumerate(zip(self.layers, states, strict=True)):
            read = self._join(number, inputs, context, weights, result)
            if number == self.attending:
                given, masks = [read, context, *(state or [])], [mask, context_mask]
                outputs, weights = layer(given, mask=masks, return_attention_scores=True)
            else:
                outputs, *_ = layer(read, mask=mask, initial_state=state, training=training)
            outputs = self.drop(outputs, training=training)
            inputs = outputs + inputs if self._is_residual(number) else outputs
        outputs = zero_padding(inputs if result is None else _concat([inputs, result]), mask)
        return (outputs, weights) if return_attention_scores else outputs

    def initial_state(self, batch_size, context=None, result=None, context_mask=None, states=None):
        """The state before the first step, with all that the steps need of the encoder.

        Args:
            batch_size: int or scalar tensor.
            context: As for a call. Defaults to `None`.
            result: As for a call. Defaults to `None`.
            context_mask: As for a call. Defaults to `None`.
            states: As for a call. Defaults to `None`.

        Returns:
            dict of tensors with a leading batch axis, so that a search can reorder them.

        Raises:
            InputError: If `context` or `result` is missing.
        """
        self._check_given(context, result)
        states = [
            own and [tf.cast(each, self.compute_dtype) for each in own]
            for own in states or [None] * self.num_layers
        ]
        first = [
            layer.initial_state(context, context_mask, own)
            if number == self.attending
            else own or layer.initial_state(batch_size)
            for number, (layer, own) in enumerate(zip(self.layers, states, strict=True))
        ]
        return {"layers": first, **({"result": tf.cast(result, self.compute_dtype)} if self.peeky else {})}

    def step(self, x, state):
        """Runs one step through all layers, without dropout.

        Args:
            x: Float tensor of shape `(batch, features)`.
            state: dict from `initial_state` or from the step before.

        Returns:
            Tuple of the output, `(batch, units)` and more with `peeky`, and the next state.
        """
        x, after, weights, context = tf.cast(x, self.compute_dtype), [], None, None
        result = state["result"] if self.peeky else None
        for number, (layer, own) in enumerate(zip(self.layers, state["layers"], strict=True)):
            outputs, own = layer.step(self._join(number, x, context, weights, result), own)
            if number == self.attending:
                context, weights = own["memory"]["value"], own["attention_scores"]
            x = outputs + x if self._is_residual(number) else outputs
            after.append(own)
        return x if result is None else _concat([x, result]), {**state, "layers": after}

    def attention_scores(self, state):
        """What was attended to in the step that a state comes from.

        Args:
            state: dict from `step`.

        Returns:
            Float32 tensor of shape `(batch, context_time)`; `None` without attention.
        """
        return None if self.attending is None else state["layers"][self.attending]["attention_scores"]

    def kernel_report(self, training=False):
        """Which kernel runs each layer on this machine, and why.

        Args:
            training: bool. Whether it is asked about training. Defaults to `False`, prediction.

        Returns:
            List of dicts, as `RecurrentBlock.kernel_report` gives them.
        """
        return [layer.kernel_report(training) for layer in self.layers]

    def _join(self, number, inputs, context, weights, result):
        """A layer's input: what the one below gives, with the context of the step and the encoder's result."""
        parts = [inputs]
        if self._reads_context(number):
            parts.append(weighted_sum(weights, tf.cast(context, inputs.dtype)))
        if result is not None:
            parts.append(result)
        return _concat(parts) if len(parts) > 1 else inputs

    def _reads_context(self, number):
        return bool(self.input_feeding) and number > 0

    def _is_residual(self, number):
        return self.residual and number >= FIRST_RESIDUAL

    def _check_given(self, context, result):
        for name, value, wanted, what in (
            ("context", context, self.attending is not None, "`attention`"),
            ("result", result, self.peeky, "`peeky=True`"),
        ):
            if wanted and value is None:
                raise InputError(f"With {what} a `{name}` of the encoder is needed. Received: {name}=None")

    def compute_mask(self, inputs, mask=None):
        return mask

    def compute_output_shape(self, inputs_shape, context_shape=None, result_shape=None):
        return (*inputs_shape[:-1], self.units + (result_shape[-1] if self.peeky else 0))

    def compute_output_spec(self, inputs, context=None, result=None, return_attention_scores=False, **_):
        size = self.units + (result.shape[-1] if self.peeky else 0)
        outputs = keras.KerasTensor((*inputs.shape[:-1], size), self.compute_dtype)
        if not return_attention_scores:
            return outputs
        attends = self.attending is not None
        shape = (*inputs.shape[:-1], context.shape[1] if attends else None)
        return outputs, keras.KerasTensor(shape, "float32") if attends else None

    def get_config(self):
        names = ("units", "num_layers", "cell", "input_feeding", "peeky", "residual", "dropout", "use_cudnn")
        own = {name: getattr(self, name) for name in names}
        attention = None
        if self.attending is not None:
            attention = self.layers[self.attending].get_config()["attention"]
        return {**super().get_config(), **own, "attention": attention}


def _concat(parts):
    return tf.concat([tf.cast(part, parts[0].dtype) for part in parts], axis=-1)


def _check(num_layers, attention, input_feeding, residual):
    if num_layers < 1:
        raise InputError(f"`num_layers` must be at least 1. Received: num_layers={num_layers!r}")
    if input_feeding and attention is None:
        raise InputError(
            "`input_feeding` feeds what was attended to into the next step. Received: "
            f"input_feeding={input_feeding!r} without `attention`. Give one, or leave it out."
        )
    if residual and num_layers <= FIRST_RESIDUAL:
        raise InputError(
            "`residual` is about the third layer and those above it. Received: "
            f"num_layers={num_layers}. Leave it out, or take more layers."
        )
