"""Dropout of word types: a word is missing wherever it stands."""

import keras
import tensorflow as tf

from nlpkit.errors import InputError


@keras.saving.register_keras_serializable(package="nlpkit")
class EmbeddingDropout(keras.layers.Layer):
    """Drops the vectors of random words during training, in each batch of others.

    One draw for each id of the vocabulary holds for all its occurrences in the batch, as if its row of the embedding
    matrix were zero; so it does not matter whether the ids are those of the text or each of them once, as from
    `DistinctTokens`. The vectors that are kept are scaled up, so that the expectation stays the same.

    Args:
        vocabulary_size: int. Number of ids.
        rate: float from 0 to below 1. Fraction of the words to drop.
        seed: int or `None`. Makes the choice repeatable. Defaults to `None`.

    Call arguments:
        ids: Int tensor of any shape: id 0 is padding and masked.
        embeddings: Float tensor of shape `(…, features)`: the vectors of the ids.
        training: bool. Whether words are dropped.

    Returns:
        Float tensor of the shape of the embeddings.

    Raises:
        InputError: If `rate` is below 0, or 1 and above.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers.embedding_dropout import EmbeddingDropout
        >>> ids = np.array([[4, 5, 4], [6, 5, 0]])
        >>> vectors = EmbeddingDropout(vocabulary_size=7, rate=0.5)(ids, np.ones((2, 3, 8)), training=True).numpy()
        >>> bool((vectors[0, 0] == vectors[0, 2]).all() and (vectors[0, 1] == vectors[1, 1]).all())
        True

    Reference:
        [Gal & Ghahramani, 2016](https://arxiv.org/abs/1512.05287), section 4.2,
        [Merity et al., 2018](https://arxiv.org/abs/1708.02182), section 4.3
    """

    def __init__(self, vocabulary_size, rate, *, seed=None, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise InputError(
                f"`rate` must be at least 0 and below 1, a fraction of the words. Received: rate={rate!r}"
            )
        self.vocabulary_size, self.rate, self.seed = vocabulary_size, rate, seed
        # As in Keras: without a rate there is nothing to draw, and a saved file has no state of a generator.
        self.seed_generator = keras.random.SeedGenerator(seed) if rate else None
        self.supports_masking = True

    def build(self, ids_shape, embeddings_shape):
        pass

    def call(self, ids, embeddings, training=False):
        if not training or not self.rate:
            return embeddings
        rows = keras.random.dropout(tf.ones(self.vocabulary_size), self.rate, seed=self.seed_generator)
        kept = tf.gather(rows, tf.cast(ids, "int32"))
        return embeddings * tf.cast(kept, embeddings.dtype)[..., None]

    def compute_mask(self, ids, mask=None):
        return keras.ops.not_equal(ids, 0)

    def compute_output_shape(self, ids_shape, embeddings_shape):
        return embeddings_shape

    def get_config(self):
        own = {"vocabulary_size": self.vocabulary_size, "rate": self.rate, "seed": self.seed}
        return {**super().get_config(), **own}
