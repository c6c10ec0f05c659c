"""Neural Turing machine: a recurrent cell with a memory that it addresses itself."""

import keras
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.layers import ntm_memory

CONTROLLERS = ("dense", "lstm")
# A memory that starts as good as empty and the same everywhere is learned with fastest (Collier & Beel).
EMPTY = 1e-6
SIZES = ("units", "memory_slots", "memory_size", "num_read_heads", "num_write_heads", "shift_range")


@keras.saving.register_keras_serializable(package="nlpkit")
class NTMCell(keras.layers.Layer):
    """One step of a neural Turing machine, for `keras.layers.RNN`.

    At each step the controller sees the input and what was read at the last step. It moves the heads over the
    memory, by content and by place; the write heads erase and add where they now point, then the read heads read.
    The memory starts as good as empty, with all heads on the first slot.

    Args:
        units: int. Units of the controller.
        memory_slots: int. Number of slots. Defaults to 128.
        memory_size: int. Numbers in each slot. Defaults to 20.
        controller: `"lstm"`, or `"dense"` for a feed-forward layer whose only memory is the machine's. Defaults to
            `"lstm"`.
        num_read_heads: int. Defaults to 1.
        num_write_heads: int. Defaults to 1.
        shift_range: int. How many slots a head can move in one step, in either direction. Defaults to 1.

    Call arguments:
        inputs: Float tensor of shape `(batch, features)`.
        states: list of float tensors of shape `(batch, n)`: memory, read weightings, write weightings, what was read,
            then the state of the controller. They are flat, as Keras wants states; `unpack` gives their shapes.

    Returns:
        Float tensor of shape `(batch, units + num_read_heads * memory_size)`: the controller's output and what was
        read; and the new states.

    Raises:
        InputError: If `controller` is unknown or a size is out of its range.

    Example:
        >>> import keras, numpy as np
        >>> from nlpkit.layers.ntm_cell import NTMCell
        >>> cell = NTMCell(8, memory_slots=16, memory_size=4)
        >>> keras.layers.RNN(cell, return_sequences=True)(np.ones((2, 5, 3))).shape
        TensorShape([2, 5, 12])

    Reference:
        [Graves et al., 2014](https://arxiv.org/abs/1410.5401), memory at the start as in
        [Collier & Beel, 2018](https://arxiv.org/abs/1807.08518)
    """

    def __init__(
        self,
        units,
        memory_slots=128,
        memory_size=20,
        *,
        controller="lstm",
        num_read_heads=1,
        num_write_heads=1,
        shift_range=1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units, self.memory_slots, self.memory_size = units, memory_slots, memory_size
        self.controller, self.shift_range = controller, shift_range
        self.num_read_heads, self.num_write_heads = num_read_heads, num_write_heads
        self._check()
        part = {"dtype": self.dtype_policy}
        if controller == "lstm":
            self.network = keras.layers.LSTMCell(units, name="controller", **part)
        else:
            self.network = keras.layers.Dense(units, activation="tanh", name="controller", **part)
        heads = num_read_heads + num_write_heads
        self.to_addresses = keras.layers.Dense(heads * sum(self._address_sizes), name="addresses", **part)
        self.to_writing = keras.layers.Dense(num_write_heads * 2 * memory_size, name="writing", **part)

    def _check(self):
        if self.controller not in CONTROLLERS:
            raise InputError(f"`controller` must be one of {CONTROLLERS}. Received: {self.controller!r}")
        for name in SIZES:
            least, value = int(name != "shift_range"), getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise InputError(f"`{name}` must be an int of at least {least}. Received: {name}={value!r}")
        if 2 * self.shift_range >= self.memory_slots:
            raise InputError(
                f"`shift_range` must be less than half of `memory_slots`, so that no shift reaches a slot twice. "
                f"Received: shift_range={self.shift_range}, memory_slots={self.memory_slots}"
            )

    @property
    def _address_sizes(self):
        """Numbers per head: key, strength, gate, shifts, exponent."""
        return [self.memory_size, 1, 1, 2 * self.shift_range + 1, 1]

    @property
    def _shapes(self):
        """Shapes of the parts of the state that `unpack` names."""
        slots, size = self.memory_slots, self.memory_size
        return {
            "memory": (slots, size),
            "read_weights": (self.num_read_heads, slots),
            "write_weights": (self.num_write_heads, slots),
            "read_vectors": (self.num_read_heads, size),
        }

    @property
    def state_size(self):
        """Numbers in each tensor of the state."""
        controller = [self.units] * 2 if self.controller == "lstm" else []
        return [first * second for first, second in self._shapes.values()] + controller

    @property
    def output_size(self):
        """Numbers in the output."""
        return self.units + self.num_read_heads * self.memory_size

    def build(self, input_shape):
        self.network.build((None, input_shape[-1] + self.num_read_heads * self.memory_size))
        self.to_addresses.build((None, self.units))
        self.to_writing.build((None, self.units))

    def call(self, inputs, states):
        memory, read_weights, write_weights, _ = self.unpack(states).values()
        hidden, controller = self._control(tf.concat([inputs, states[3]], axis=-1), states[4:])
        # Half precision would lose what small weights and the first, nearly empty slots tell apart.
        exact = keras.backend.result_type(self.compute_dtype, "float32")
        memory = tf.cast(memory, exact)
        previous = tf.cast(tf.concat([read_weights, write_weights], axis=1), exact)
        addresses = self._addresses(tf.cast(self.to_addresses(hidden), exact))
        weights = ntm_memory.address(memory, previous, *addresses)
        heads = [self.num_read_heads, self.num_write_heads]
        read_weights, write_weights = tf.split(weights, heads, axis=1)
        erase, add = self._writing(tf.cast(self.to_writing(hidden), exact))
        memory = ntm_memory.write(memory, write_weights, erase, add)
        vectors = ntm_memory.read(memory, read_weights)
        states = [self._flat(part) for part in (memory, read_weights, write_weights, vectors)]
        return tf.concat([hidden, states[3]], axis=-1), [*states, *controller]

    def _control(self, inputs, states):
        """Output and new state of the controller."""
        if self.controller == "lstm":
            return self.network(inputs, list(states))
        return self.network(inputs), []

    def _addresses(self, numbers):
        """Parameters of each head's address, each brought into its range."""
        sizes = self._address_sizes
        numbers = tf.reshape(numbers, (-1, self.num_read_heads + self.num_write_heads, sum(sizes)))
        key, strength, gate, shifts, exponent = tf.split(numbers, sizes, axis=-1)
        strength, exponent = tf.nn.softplus(strength), 1.0 + tf.nn.softplus(exponent)
        return tf.tanh(key), strength, tf.sigmoid(gate), tf.nn.softmax(shifts), exponent

    def _writing(self, numbers):
        """What each write head erases and adds."""
        erase, add = tf.split(
            tf.reshape(numbers, (-1, self.num_write_heads, 2 * self.memory_size)), 2, axis=-1
        )
        return tf.sigmoid(erase), tf.tanh(add)

    def _flat(self, part):
        return tf.cast(tf.reshape(part, (-1, part.shape[1] * part.shape[2])), self.compute_dtype)

    def unpack(self, states):
        """Gives the parts of the state their shapes, as for looking at where the heads point.

        Args:
            states: list of float tensors of shape `(batch, n)`, as from `step`.

        Returns:
            dict of float tensors: `"memory"` of shape `(batch, memory_slots, memory_size)`, `"read_weights"` and
            `"write_weights"` of shape `(batch, heads, memory_slots)`, `"read_vectors"` of shape
            `(batch, heads, memory_size)`.
        """
        shapes = self._shapes.items()
        return {name: tf.reshape(x, (-1, *shape)) for (name, shape), x in zip(shapes, states, strict=False)}

    def get_initial_state(self, batch_size=None):
        """The state before the first step; Keras calls it."""
        dtype, sizes = self.compute_dtype, self.state_size
        first = tf.one_hot(0, self.memory_slots, dtype=dtype)
        return [
            tf.fill((batch_size, sizes[0]), tf.constant(EMPTY, dtype)),
            tf.tile(first[None], (batch_size, self.num_read_heads)),
            tf.tile(first[None], (batch_size, self.num_write_heads)),
            tf.fill((batch_size, sizes[3]), tf.constant(EMPTY, dtype)),
            *(tf.zeros((batch_size, size), dtype) for size in sizes[4:]),
        ]

    def initial_state(self, batch_size):
        """The state before the first step."""
        return self.get_initial_state(batch_size)

    def step(self, x, state):
        """Runs one step.

        Args:
            x: Float tensor of shape `(batch, features)`.
            state: list of float tensors, from `initial_state` or the last step.

        Returns:
            Float tensor of shape `(batch, output_size)` and the new state.
        """
        return self(x, state)

    def compute_output_shape(self, inputs_shape, states_shape=None):
        batch = inputs_shape[0]
        return (batch, self.output_size), [(batch, size) for size in self.state_size]

    def get_config(self):
        own = {name: getattr(self, name) for name in (*SIZES, "controller")}
        return {**super().get_config(), **own}
