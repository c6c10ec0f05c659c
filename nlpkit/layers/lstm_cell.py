"""What the variants of the LSTM cell share: the weights of an LSTM, its two states, and the way they are run."""

from numbers import Integral

import keras
import tensorflow as tf

from nlpkit.errors import InputError


class LSTMCellBase(keras.layers.Layer):
    """A cell with the weights and states of an LSTM, for `keras.layers.RNN`.

    A variant has two methods: `_drive(inputs, weights)`, what the inputs contribute to the gates, and
    `_step(drive, states, weights, remembered)`, the new states; its `build` adds further weights.

    Args:
        units: int. Units of the cell.

    Raises:
        InputError: If `units` is no integer or below 1.
    """

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(units, Integral) or units < 1:
            raise InputError(f"`units` must be an integer of at least 1. Received: units={units!r}")
        self.units = units

    @property
    def state_size(self):
        """Numbers in each tensor of the state."""
        return [self.units, self.units]

    @property
    def output_size(self):
        """Numbers in the output."""
        return self.units

    def build(self, input_shape):
        gates = 4 * self.units
        self.kernel = self.add_weight((input_shape[-1], gates), initializer="glorot_uniform", name="kernel")
        self.recurrent_kernel = self.add_weight(
            (self.units, gates), initializer="orthogonal", name="recurrent_kernel"
        )
        self.bias = self.add_weight((gates,), initializer=_open_forget_gate, name="bias")

    def call(self, inputs, states):
        weights = [tf.cast(weight, self.compute_dtype) for weight in self.weights]
        states = self._step(self._drive(inputs, weights), states, weights, states[0])
        return states[0], states

    def get_initial_state(self, batch_size=None):
        """The state before the first step; Keras calls it."""
        return [tf.zeros((batch_size, size), self.compute_dtype) for size in self.state_size]

    def initial_state(self, batch_size):
        """The state before the first step: zeros."""
        return self.get_initial_state(batch_size)

    def step(self, x, state):
        """Runs one step.

        Args:
            x: Float tensor of shape `(batch, features)`.
            state: List of float tensors, from `initial_state` or the last step.

        Returns:
            Float tensor of shape `(batch, units)` and the new state.
        """
        return self(x, state)

    def compute_output_shape(self, inputs_shape, states_shape=None):
        batch = inputs_shape[0]
        return (batch, self.output_size), [(batch, size) for size in self.state_size]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def _open_forget_gate(shape, dtype=None):
    """The bias at the start: 1 for the forget gate, 0 for the others."""
    return tf.repeat(tf.constant([0.0, 1.0, 0.0, 0.0], dtype), shape[0] // 4)
