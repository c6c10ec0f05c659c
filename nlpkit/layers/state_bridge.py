"""From the last states of an encoder to the first states of a decoder."""

import keras
import tensorflow as tf

from nlpkit.errors import InputError

MODES = ("copy", "dense", "zero")


@keras.saving.register_keras_serializable(package="nlpkit")
class StateBridge(keras.layers.Layer):
    """Turns the final states of an encoder into the initial states of a decoder.

    - `"copy"` hands the states over in their order, if there are as many and of the same sizes. Those of a
      bidirectional encoder may also fit joined, forward and backward as one state, or the backward ones alone, which
      read the source's first words last.
    - `"dense"` makes each state by a dense layer of its own from all the encoder's states, whatever their number and
      sizes.
    - `"zero"` starts from zeros; the decoder then knows the source from its attention only.

    Args:
        state_sizes: int or nested list of ints. Sizes of the decoder's states, nested as the decoder takes them: `8`
            for one state, `[[8, 8], [8, 8]]` for two LSTM layers.
        mode: `"copy"`, `"dense"` or `"zero"`. Defaults to `"dense"`.
        activation: Activation of `"dense"`: `"tanh"`, `"linear"` or another one of Keras. Defaults to `"tanh"`.
        bidirectional: bool. The states then are a list with one item per layer of the encoder, and the first half of
            an item's states belong to the forward direction. Defaults to `False`.

    Call arguments:
        states: Float tensor of shape `(batch, size)` or nested list of such: the encoder's final states. For
            bidirectional encoders `[[forward, backward], …]`, or for LSTMs
            `[[forward_h, forward_c, backward_h, backward_c], …]`, further nested or not.

    Returns:
        Float tensors of shape `(batch, size)`, nested as `state_sizes`.

    Raises:
        InputError: If `mode` is unknown, the sizes do not fit for `"copy"`, or a layer of a bidirectional encoder
            gives an odd number of states.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import StateBridge
        >>> forward, backward = np.zeros((2, 4)), np.ones((2, 4))
        >>> StateBridge(8, "copy", bidirectional=True)([[forward, backward]]).numpy()[0].tolist()
        [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]

    Reference:
        [Sutskever et al., 2014](https://arxiv.org/abs/1409.3215),
        [Bahdanau et al., 2015](https://arxiv.org/abs/1409.0473)
    """

    def __init__(self, state_sizes, mode="dense", *, activation="tanh", bidirectional=False, **kwargs):
        super().__init__(**kwargs)
        if mode not in MODES:
            raise InputError(f"`mode` must be one of {list(MODES)}. Received: mode={mode!r}")
        self.state_sizes, self.mode = _nested(state_sizes), mode
        self.activation, self.bidirectional = activation, bidirectional

    def build(self, input_shape):
        sizes = keras.tree.map_shape_structure(lambda shape: shape[-1], input_shape)
        if self.bidirectional and not _has_directions(sizes):
            raise InputError(
                "With `bidirectional=True` each layer of the encoder must give as many forward as backward states, "
                f"`[[forward, backward], …]`. Received: states of the sizes {_nested(sizes)}"
            )
        if self.mode == "copy":
            self.arrangement = self._fitting(sizes)
        elif self.mode == "dense":
            self.dense = [
                keras.layers.Dense(size, self.activation, dtype=self.dtype_policy, name=f"state_{number}")
                for number, size in enumerate(keras.tree.flatten(self.state_sizes))
            ]
            for layer in self.dense:
                layer.build((None, sum(keras.tree.flatten(sizes))))

    def _fitting(self, sizes):
        """Which of the arrangements has the sizes that the decoder wants."""
        wanted = keras.tree.flatten(self.state_sizes)
        arrangements = _arrangements(sizes, sum, self.bidirectional)
        if wanted not in arrangements:
            raise InputError(
                f'`mode="copy"` needs states of the sizes that the decoder takes, {_nested(self.state_sizes)}. '
                f'Received: states of the sizes {_nested(sizes)}. Take `mode="dense"`, or give encoder and decoder '
                "the same layers and units."
            )
        return arrangements.index(wanted)

    def call(self, states):
        flat = keras.tree.flatten(states)
        if self.mode == "copy":
            made = _arrangements(states, lambda pair: tf.concat(pair, axis=-1), self.bidirectional)
            made = made[self.arrangement]
        elif self.mode == "dense":
            everything = tf.concat(flat, axis=-1)
            made = [layer(everything) for layer in self.dense]
        else:
            batch = tf.shape(flat[0])[0]
            made = [tf.zeros((batch, size), flat[0].dtype) for size in keras.tree.flatten(self.state_sizes)]
        return _fill(self.state_sizes, iter(made))

    def compute_output_shape(self, input_shape):
        batch = keras.tree.flatten(input_shape)[0]
        return _fill(self.state_sizes, iter([(batch, n) for n in keras.tree.flatten(self.state_sizes)]))

    def compute_output_spec(self, states):
        batch = keras.tree.flatten(states)[0].shape[0]
        sizes = keras.tree.flatten(self.state_sizes)
        return _fill(
            self.state_sizes, iter([keras.KerasTensor((batch, n), self.compute_dtype) for n in sizes])
        )

    def get_config(self):
        own = {
            "state_sizes": _nested(self.state_sizes),
            "mode": self.mode,
            "activation": self.activation,
            "bidirectional": self.bidirectional,
        }
        return {**super().get_config(), **own}


def _arrangements(states, join, bidirectional):
    """The ways to hand states over, or their sizes: as they are, the two directions joined, the backward one."""
    arrangements = [keras.tree.flatten(states)]
    if bidirectional:
        forward, backward = [], []
        for layer in map(keras.tree.flatten, states):
            forward += layer[: len(layer) // 2]
            backward += layer[len(layer) // 2 :]
        arrangements += [[join(pair) for pair in zip(forward, backward, strict=True)], backward]
    return arrangements


def _has_directions(sizes):
    """Whether the states are a list of layers, with as many forward as backward states in each."""
    return isinstance(sizes, list | tuple) and all(len(keras.tree.flatten(layer)) % 2 == 0 for layer in sizes)


def _nested(sizes):
    """Plain nested lists, also of what Keras keeps as a list of its own kind."""
    return [_nested(part) for part in sizes] if isinstance(sizes, list | tuple) else sizes


def _fill(sizes, values):
    """The values one after the other, nested as the sizes."""
    return [_fill(part, values) for part in sizes] if isinstance(sizes, list | tuple) else next(values)
