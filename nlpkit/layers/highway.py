"""Highway connection: a gate mixes what a layer gives with what it was given."""

import keras

from nlpkit.errors import InputError


@keras.saving.register_keras_serializable(package="nlpkit")
class Highway(keras.layers.Layer):
    """Gives t * y + (1 - t) * x, where the gate t = sigmoid(x W + b) depends on the input x of the layer that gave y.

    The gate starts mostly shut, so that a deep stack first hands its input through and then learns which layers to use.

    Args:
        gate_bias: float. Initial bias of the gate. Defaults to -1.

    Call arguments:
        inputs: List of x and y, float tensors of the same shape `(..., features)`.

    Returns:
        Float tensor of that shape.

    Raises:
        InputError: If x and y do not have equally many features.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import Highway
        >>> Highway()([np.ones((2, 5, 4)), np.zeros((2, 5, 4))]).shape
        TensorShape([2, 5, 4])

    Reference:
        [Srivastava et al., 2015](https://arxiv.org/abs/1505.00387), between recurrent layers
        [Zhang et al., 2016](https://arxiv.org/abs/1510.08983)
    """

    def __init__(self, gate_bias=-1.0, **kwargs):
        super().__init__(**kwargs)
        self.gate_bias = gate_bias
        self.supports_masking = True

    def build(self, input_shape):
        features, *others = [shape[-1] for shape in input_shape]
        if others != [features]:
            raise InputError(
                "Highway mixes two inputs of the same size. "
                f"Received: shapes {[tuple(shape) for shape in input_shape]}. Bring them to one size first."
            )
        self.gate = keras.layers.Dense(
            features,
            activation="sigmoid",
            bias_initializer=keras.initializers.Constant(self.gate_bias),
            dtype=self.dtype_policy,
            name="gate",
        )
        self.gate.build((None, features))

    def call(self, inputs):
        x, y = inputs
        return x + self.gate(x) * (y - x)

    def compute_mask(self, inputs, mask=None):
        return mask[0] if isinstance(mask, list | tuple) else mask

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return {**super().get_config(), "gate_bias": self.gate_bias}
