"""A recurrent decoder that attends to an encoder: after its recurrent layer, or between its time steps."""

import keras
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.layers.additive_attention import AdditiveAttention
from nlpkit.layers.attention_weights import check_shapes
from nlpkit.layers.context_attention import ContextAttention
from nlpkit.layers.multiplicative_attention import SCORES, MultiplicativeAttention
from nlpkit.layers.packing import pack, unpack
from nlpkit.layers.padding import zero_padding
from nlpkit.layers.recurrent_block import RecurrentBlock
from nlpkit.layers.recurrent_cells import CELLS
from nlpkit.layers.recurrent_kernel import STEPS
from nlpkit.layers.steps import check_built

FEEDINGS = (False, True, "context")


@keras.saving.register_keras_serializable(package="nlpkit")
class AttentionDecoder(keras.layers.Layer):
    """Simple RNN, LSTM or GRU with attention to the outputs of an encoder.

    Each step gives the attentional vector tanh(W [c; h]) of its context c and its state h. Where the context comes from
    is said by `input_feeding`:

    - `False`, vertical: the recurrent layer runs over all steps, then all its outputs attend at once.
    - `True`, as Luong: a state attends, and its attentional vector is part of the next step's input, so that the
      decoder knows what it has attended to. The first step is fed zeros.
    - `"context"`, as Bahdanau: the state of the step before attends, and the context is part of the step's input. The
      outputs are those above, without Bahdanau's maxout.

    What depends on the encoder alone is computed once. Padding may stand anywhere in a row and hold anything; outputs
    and weights at padded steps are zero.

    Args:
        units: int. Units of the recurrent layer and size of the attentional vector.
        cell: `"rnn"`, `"lstm"`, `"gru"`, `"peephole_lstm"` or `"layer_norm_lstm"`. Defaults to `"lstm"`.
        attention: `"additive"`, `"dot"`, `"general"`, `"concat"` or `"multi_head"`, or an attention layer of nlpkit
            such as `AdditiveAttention(64, coverage=True)`. Defaults to `"general"`.
        input_feeding: `False`, `True` or `"context"`. Defaults to `False`.
        use_cudnn: `"auto"`, `True` or `False`. Whether the cuDNN kernel may be used, where the recurrent layer runs by
            itself; kept in the config. Defaults to `"auto"`.

    Call arguments:
        inputs: List of the decoder's inputs, float tensor of shape `(batch, time, features)`, the encoder's outputs,
            float tensor of shape `(batch, encoder_time, encoder_features)`, and, if the first state is not zero, its
            tensors of shape `(batch, units)`: hidden state and cell for an LSTM, else the hidden state.
        mask: List of masks of the inputs, in the same order, each `None` or a bool tensor of shape `(batch, time)`.
        return_attention_scores: bool. Also returns the weights, float32 of shape `(batch, time, encoder_time)`.

    Returns:
        Float tensor of shape `(batch, time, units)`.

    Raises:
        InputError: If `cell`, `attention` or `input_feeding` is unknown, if `inputs` is not a list, or if the first
            state does not fit the cell.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers.attention_decoder import AttentionDecoder
        >>> decoder = AttentionDecoder(8, "gru", input_feeding=True)
        >>> decoder([np.ones((2, 3, 4)), np.ones((2, 5, 6))]).shape
        TensorShape([2, 3, 8])
        >>> output, state = decoder.step(np.ones((2, 4)), decoder.initial_state(np.ones((2, 5, 6))))
        >>> state["attention_scores"].shape
        TensorShape([2, 5])

    Reference:
        [Luong et al., 2015](https://arxiv.org/abs/1508.04025), section 3.3,
        [Bahdanau et al., 2015](https://arxiv.org/abs/1409.0473)
    """

    def __init__(
        self, units, cell="lstm", attention="general", *, input_feeding=False, use_cudnn="auto", **kwargs
    ):
        super().__init__(**kwargs)
        if input_feeding not in FEEDINGS:
            raise InputError(
                f"`input_feeding` must be one of {list(FEEDINGS)}. Received: input_feeding={input_feeding!r}"
            )
        self.units, self.cell, self.input_feeding, self.use_cudnn = units, cell, input_feeding, use_cudnn
        self.supports_masking = True
        part = {"dtype": self.dtype_policy}
        self.attention = _make_attention(attention, units, part)
        self.rnn = RecurrentBlock(units, cell, use_cudnn=use_cudnn, name="rnn", **part)
        self.attentional = keras.layers.Dense(
            units, activation="tanh", use_bias=False, name="attentional", **part
        )

    def build(self, input_shape):
        inputs, encoder_outputs, *states = check_shapes(input_shape, ["inputs", "encoder outputs"])
        if states:
            self._check_states(states)
        context = self.attention.compute_output_shape([(None, self.units), encoder_outputs])[-1]
        fed = {False: 0, True: self.units, "context": context}[self.input_feeding]
        self.rnn.build((None, None, inputs[-1] + fed))
        if not self.attention.built:
            self.attention.build([(None, None, self.units), encoder_outputs])
        self.attentional.build((None, None, context + self.units))

    def call(self, inputs, mask=None, return_attention_scores=False):
        inputs, encoder_outputs, *states = inputs
        mask, encoder_mask = (None, None) if mask is None else mask[:2]
        state = self.initial_state(encoder_outputs, encoder_mask, states or None)
        if mask is not None:
            inputs = pack(zero_padding(inputs, mask), mask)
        found = self._in_turn(inputs, state) if self.input_feeding else self._at_once(inputs, state)
        if mask is not None:
            found = [zero_padding(unpack(part, mask), mask) for part in found]
        outputs, weights = found
        return (outputs, weights) if return_attention_scores else outputs

    def initial_state(self, encoder_outputs, encoder_mask=None, states=None):
        """The state before the first step, with all that the steps need of the encoder.

        Args:
            encoder_outputs: Float tensor of shape `(batch, encoder_time, encoder_features)`.
            encoder_mask: Bool tensor of shape `(batch, encoder_time)`. Defaults to `None`, no padding.
            states: Tensor of shape `(batch, units)` or a list of them: hidden state and cell for an LSTM, else the
                hidden state. Defaults to `None`, zeros.

        Returns:
            dict of tensors with a leading batch axis, so that a search can reorder them.

        Raises:
            InputError: If the decoder has not been built, or the states do not fit the cell.
        """
        check_built(self)
        memory = self.attention.precompute(encoder_outputs, encoder_mask)
        zeros = tf.zeros((tf.shape(memory["value"])[0], self.units), self.compute_dtype)
        if states is None:
            states = [zeros] * CELLS[self.cell].states
        states = states if isinstance(states, list | tuple) else [states]
        self._check_states([each.shape for each in states])
        unseen = tf.zeros(tf.shape(memory["value"])[:2])
        state = {"memory": memory, "attention_scores": unseen}
        state["cell"] = [tf.cast(each, self.compute_dtype) for each in states]
        if self.input_feeding and self.input_feeding != "context":
            state["attentional"] = zeros
        if getattr(self.attention, "coverage", False):
            state["coverage"] = unseen
        return state

    def step(self, inputs, state):
        """One time step.

        Args:
            inputs: Float tensor of shape `(batch, features)`.
            state: dict from `initial_state` or from the step before.

        Returns:
            The output of shape `(batch, units)` and the next state, whose `attention_scores` are the weights of this
            step.
        """
        inputs = tf.cast(inputs, self.compute_dtype)
        if self.input_feeding == "context":
            context, state = self._attend(state["cell"][0], state)
            output, cell = self.rnn.step(tf.concat([inputs, context], axis=-1), state["cell"])
        else:
            if self.input_feeding:
                inputs = tf.concat([inputs, state["attentional"]], axis=-1)
            output, cell = self.rnn.step(inputs, state["cell"])
            context, state = self._attend(output, state)
        output = self.attentional(tf.concat([context, output], axis=-1))
        fed = {"attentional": output} if "attentional" in state else {}
        return output, {**state, **fed, "cell": cell}

    def kernel_report(self, training=False):
        """Which kernel runs the recurrent layer on this machine, and why.

        Args:
            training: bool. Whether it is asked about training. Defaults to `False`, prediction.

        Returns:
            dict, as `RecurrentBlock.kernel_report` gives it.
        """
        if not self.input_feeding:
            return self.rnn.kernel_report(training)
        return {"kernel": STEPS, "reason": "`input_feeding`: each step needs what the one before attended to"}

    def _attend(self, query, state):
        """The context, and the state with what has been attended to."""
        coverage = {"coverage": state["coverage"]} if "coverage" in state else {}
        context, weights = self.attention.attend(query, state["memory"], **coverage)
        state = {**state, "attention_scores": weights}
        if coverage:
            state["coverage"] += weights
        return tf.cast(context, self.compute_dtype), state

    def _at_once(self, inputs, state):
        outputs = self.rnn(inputs, initial_state=state["cell"])
        context, weights = self.attention.attend(outputs, state["memory"])
        context = tf.cast(context, self.compute_dtype)
        return self.attentional(tf.concat([context, outputs], axis=-1)), weights

    def _in_turn(self, inputs, state):
        inputs = tf.transpose(inputs, (1, 0, 2))
        steps = tf.shape(inputs)[0]
        memory = state.pop("memory")

        def body(time, state, outputs, weights):
            output, state = self.step(inputs[time], {**state, "memory": memory})
            del state["memory"]
            seen = state["attention_scores"]
            return time + 1, state, outputs.write(time, output), weights.write(time, seen)

        arrays = [tf.TensorArray(dtype, size=steps) for dtype in (self.compute_dtype, "float32")]
        # Without a bound known beforehand, XLA cannot compute the gradient.
        _, _, *arrays = tf.while_loop(
            lambda time, *_: time < steps, body, (0, state, *arrays), maximum_iterations=steps
        )
        return [tf.transpose(array.stack(), (1, 0, 2)) for array in arrays]

    def _check_states(self, shapes):
        count = CELLS[self.cell].states
        if len(shapes) != count or any(shape[-1] != self.units for shape in shapes):
            raise InputError(
                f"The first state of cell={self.cell!r} needs {count} tensor(s) with {self.units} features each. "
                f"Received shapes: {[tuple(shape) for shape in shapes]}. A `StateBridge` makes "
                "it of an encoder of another size or kind."
            )

    def compute_mask(self, inputs, mask=None):
        return None if mask is None else mask[0]

    def compute_output_shape(self, input_shape):
        return (*input_shape[0][:2], self.units)

    def compute_output_spec(self, inputs, mask=None, return_attention_scores=False):
        batch, time, _ = inputs[0].shape
        outputs = keras.KerasTensor((batch, time, self.units), self.compute_dtype)
        weights = keras.KerasTensor((batch, time, inputs[1].shape[1]), "float32")
        return (outputs, weights) if return_attention_scores else outputs

    def get_config(self):
        attention = keras.saving.serialize_keras_object(self.attention)
        attention.pop("build_config", None)  # the decoder builds it
        own = {
            "units": self.units,
            "cell": self.cell,
            "attention": attention,
            "input_feeding": self.input_feeding,
            "use_cudnn": self.use_cudnn,
        }
        return {**super().get_config(), **own}


def _make_attention(attention, units, part):
    if attention == "additive":
        return AdditiveAttention(units, name="attention", **part)
    if attention == "multi_head":
        return ContextAttention(default_heads(units), name="attention", **part)
    if isinstance(attention, str) and attention in SCORES:
        return MultiplicativeAttention(attention, name="attention", **part)
    if isinstance(attention, dict):
        attention = keras.saving.deserialize_keras_object(attention)
    if not hasattr(attention, "attend"):
        raise InputError(
            f"`attention` must be one of {['additive', *SCORES, 'multi_head']} or an attention layer of nlpkit. "
            f"Received: attention={attention!r}"
        )
    return attention


def default_heads(units, even=False):
    """Attention heads of a size of 32 or so, as many as share the units evenly.

    Args:
        units: int. Features of all heads together.
        even: bool. Whether a head has an even size, as rotary positions need it, which turn features in pairs; the
            units must be even then. Defaults to `False`.

    Returns:
        int. Of the numbers that fit the nearest to `units / 32`, the smaller one of two.

    Example:
        >>> from nlpkit.layers.attention_decoder import default_heads
        >>> default_heads(256), default_heads(75), default_heads(250), default_heads(250, even=True)
        (8, 3, 10, 5)
    """
    wanted, step = units / 32, 2 if even else 1
    fitting = [heads for heads in range(1, units + 1) if units % (heads * step) == 0]
    return min(fitting, key=lambda heads: abs(heads - wanted))
