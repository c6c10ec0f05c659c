"""Dropout with one mask for all steps of a sequence."""

import keras

from nlpkit.errors import InputError


@keras.saving.register_keras_serializable(package="nlpkit")
class VariationalDropout(keras.layers.Layer):
    """Drops the same features at every step of a row during training, and others in the next row.

    A recurrent layer reads the steps one after the other: a mask of its own for each step adds noise that builds up
    along the sequence, and a feature missing at one step still gets through at the next. What is kept is
    scaled up, so that the expectation of each feature stays the same.

    Args:
        rate: float from 0 to below 1. Fraction of the features to drop.
        seed: int or `None`. Makes the choice repeatable. Defaults to `None`.

    Call arguments:
        inputs: Float tensor of shape `(batch, time, features)`.
        training: bool. Whether features are dropped.

    Returns:
        Float tensor of the same shape.

    Raises:
        InputError: If `rate` is below 0, or 1 and above.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import VariationalDropout
        >>> dropped = VariationalDropout(0.5)(np.ones((2, 5, 4)), training=True).numpy()
        >>> bool((dropped == dropped[:, :1]).all())
        True

    Reference:
        [Gal & Ghahramani, 2016](https://arxiv.org/abs/1512.05287)
    """

    def __init__(self, rate, *, seed=None, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise InputError(
                f"`rate` must be at least 0 and below 1, a fraction of the features. Received: rate={rate!r}"
            )
        self.rate, self.seed = rate, seed
        # As in Keras: without a rate there is nothing to draw.
        self.seed_generator = keras.random.SeedGenerator(seed) if rate else None
        self.supports_masking = True

    def build(self, input_shape):
        pass

    def call(self, inputs, training=False):
        if not training or not self.rate:
            return inputs
        return keras.random.dropout(inputs, self.rate, (None, 1, None), seed=self.seed_generator)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
