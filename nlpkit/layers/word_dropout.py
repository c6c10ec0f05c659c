"""Dropout of whole tokens: some words are read as unknown."""

import keras
import tensorflow as tf

from nlpkit.errors import InputError

# As in `nlpkit.text.vocabulary`, on which layers do not depend: ids below the first word are special tokens.
UNKNOWN, FIRST_WORD = 1, 4


@keras.saving.register_keras_serializable(package="nlpkit")
class WordDropout(keras.layers.Layer):
    """Replaces random tokens by the unknown one during training.

    A model then learns not to rely on single words, and what to do with unknown ones; a decoder learns to rely on
    what it decodes rather than on the words before. Only words are replaced: padding, start and end stay what they
    are, so that masks and lengths do not change.

    Args:
        rate: float between 0 and 1. Fraction of the words to replace.
        seed: int or `None`. Makes the choice repeatable. Defaults to `None`.

    Call arguments:
        inputs: Int tensor of any shape: ids, those below 4 of special tokens.
        training: bool. Whether words are replaced.

    Returns:
        Int tensor of the same shape and type.

    Raises:
        InputError: If `rate` is not between 0 and 1.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import WordDropout
        >>> WordDropout(1.0)(np.array([[2, 8, 9, 3, 0]]), training=True).numpy().tolist()
        [[2, 1, 1, 3, 0]]

    Reference:
        [Iyyer et al., 2015](https://aclanthology.org/P15-1162), in decoders
        [Bowman et al., 2016](https://arxiv.org/abs/1511.06349)
    """

    def __init__(self, rate, *, seed=None, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= rate <= 1:
            raise InputError(
                f"`rate` must be between 0 and 1, a fraction of the words. Received: rate={rate!r}"
            )
        self.rate, self.seed = rate, seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True

    def build(self, input_shape):
        pass

    def call(self, inputs, training=False):
        if not training or not self.rate:
            return inputs
        chances = keras.random.uniform(keras.ops.shape(inputs), dtype="float32", seed=self.seed_generator)
        replaced = (inputs >= FIRST_WORD) & (chances < self.rate)
        return tf.where(replaced, tf.cast(UNKNOWN, inputs.dtype), inputs)

    def compute_output_shape(self, input_shape):
        return input_shape

    def compute_output_spec(self, inputs, training=False):
        return keras.KerasTensor(inputs.shape, inputs.dtype)

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
