"""The hidden layer of the neural probabilistic language model: one look at the last few tokens."""

import keras
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.layers.steps import check_built


@keras.saving.register_keras_serializable(package="nlpkit")
class WindowNetwork(keras.layers.Layer):
    """Joins the vectors of the last tokens and maps them through one hidden layer: tanh(x H + d).

    What stands before the first step is zero, or the last steps of the segment before, given as `initial_state`; of a
    row with padding at its end these are zeros, as the padding is.

    Args:
        units: int. Size of the hidden layer.
        window: int, at least 1. Steps that are seen, the present one among them; `window + 1` is the order of the
            n-gram model that it takes the place of.
        direct: bool. Also hands on the joined vectors themselves, beside the hidden layer, so that the output has
            direct connections to them. Defaults to `False`.
        return_state: bool. Also returns the state after the last step. Defaults to `False`.

    Call arguments:
        inputs: Float tensor of shape `(batch, time, features)`.
        mask: Bool tensor of shape `(batch, time)`.
        initial_state: List of the tensor that `initial_state()` gives. Defaults to `None`, zeros.

    Returns:
        Float tensor of shape `(batch, time, units)`, `(batch, time, units + window * features)` if `direct`; with
        `return_state` a list of it and the last steps' vectors `(batch, window - 1, features)`.

    Raises:
        InputError: If `window` is below 1, or a step is asked for before the layer is built.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import WindowNetwork
        >>> network = WindowNetwork(8, window=4)
        >>> network(np.ones((2, 5, 3))).shape
        TensorShape([2, 5, 8])
        >>> output, state = network.step(np.ones((2, 3)), network.initial_state(2))
        >>> output.shape, state[0].shape
        (TensorShape([2, 8]), TensorShape([2, 3, 3]))

    Reference:
        [Bengio et al., 2003](https://www.jmlr.org/papers/v3/bengio03a.html)
    """

    def __init__(self, units, window=4, *, direct=False, return_state=False, **kwargs):
        super().__init__(**kwargs)
        if window < 1:
            raise InputError(f"`window` must be at least 1. Received: window={window!r}")
        self.units, self.window, self.direct, self.return_state = units, window, direct, return_state
        self.supports_masking = True
        self.hidden = keras.layers.Dense(units, "tanh", dtype=self.dtype_policy, name="hidden")

    def build(self, input_shape):
        self.features = input_shape[-1]
        self.hidden.build((None, self.window * self.features))

    def call(self, inputs, mask=None, initial_state=None):
        if mask is not None:
            inputs = tf.where(tf.cast(mask, "bool")[..., None], inputs, 0.0)
        steps, (before,) = tf.shape(inputs)[1], initial_state or self.initial_state(tf.shape(inputs)[0])
        vectors = tf.concat([tf.cast(before, inputs.dtype), inputs], axis=1)
        joined = tf.concat([vectors[:, shift : shift + steps] for shift in range(self.window)], axis=-1)
        outputs = self._outputs(joined)
        if mask is not None:
            outputs *= tf.cast(mask, outputs.dtype)[..., None]
        return [outputs, vectors[:, steps:]] if self.return_state else outputs

    def _outputs(self, joined):
        hidden = self.hidden(joined)
        return tf.concat([hidden, joined], axis=-1) if self.direct else hidden

    def initial_state(self, batch_size):
        """The vectors before the first step: zeros.

        Args:
            batch_size: int or scalar tensor.

        Returns:
            List of one float tensor of shape `(batch_size, window - 1, features)`.
        """
        check_built(self)
        return [tf.zeros((batch_size, self.window - 1, self.features), self.compute_dtype)]

    def step(self, x, state):
        """Outputs of one step.

        Args:
            x: Float tensor of shape `(batch, features)`.
            state: List of one tensor, as `initial_state` gives it.

        Returns:
            Tuple of the output `(batch, units)` and the next state.
        """
        check_built(self)
        x = tf.cast(x, self.compute_dtype)
        vectors = tf.concat([state[0], x[:, None]], axis=1)
        joined = tf.reshape(vectors, (-1, self.window * self.features))
        return self._outputs(joined), [vectors[:, 1:]]

    def compute_mask(self, inputs, mask=None):
        return [mask, None] if self.return_state else mask

    def compute_output_shape(self, input_shape, initial_state_shape=None):
        batch, time, features = input_shape
        outputs = (batch, time, self.units + self.direct * self.window * features)
        return [outputs, (batch, self.window - 1, features)] if self.return_state else outputs

    def compute_output_spec(self, inputs, mask=None, initial_state=None):
        shapes = self.compute_output_shape(inputs.shape)
        if not self.return_state:
            return keras.KerasTensor(shapes, self.compute_dtype)
        return [keras.KerasTensor(shape, self.compute_dtype) for shape in shapes]

    def get_config(self):
        own = {
            "units": self.units,
            "window": self.window,
            "direct": self.direct,
            "return_state": self.return_state,
        }
        return {**super().get_config(), **own}
