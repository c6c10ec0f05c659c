"""Logits of many rows, in their order."""

import numpy as np
import tensorflow as tf

from nlpkit.data.batching import inference_batches, restore_order

BATCH_SIZE = 256


class Predictor:
    """Computes the logits of rows of ids in batches of similar length.

    Args:
        model: `keras.Model` from ids to logits.

    Example:
        >>> from nlpkit.data import IdRows
        >>> from nlpkit.models import build_classifier
        >>> from nlpkit.training.predict import Predictor
        >>> model = build_classifier(10, 2, encoder="bag", embedding_dim=4)
        >>> Predictor(model).logits(IdRows.from_lists([[4], [5, 6]])).shape
        (2, 2)
    """

    def __init__(self, model):
        self._function = tf.function(
            lambda ids: model(ids, training=False), input_signature=[tf.TensorSpec((None, None), tf.int32)]
        )

    def logits(self, rows):
        """Logits of rows.

        Args:
            rows: `IdRows`.

        Returns:
            Float32 array of shape `(rows, classes)`.
        """
        batches, order = inference_batches(rows, batch_size=BATCH_SIZE)
        return restore_order(np.concatenate([self._function(ids).numpy() for ids in batches]), order)
