"""The counting that a naive-Bayes bag needs before training."""

import keras
import tensorflow as tf

from nlpkit.data.batching import inference_batches
from nlpkit.layers import CharacterNgrams, WeightedBag


def adapt_bag(model, rows, targets, tokens):
    """Hashes the spelling of the words and counts the naive-Bayes ratios of a classifier's bag.

    Args:
        model: `keras.Model` of `build_classifier`. One without a `WeightedBag` is left as it is.
        rows: `IdRows` of the training texts.
        targets: Int array `(n,)`, or zeros and ones `(n, classes)`.
        tokens: List of str. The vocabulary in the order of its ids; read only if the bag has character n-grams.

    Example:
        ```python
        import numpy as np
        from nlpkit.data import IdRows
        from nlpkit.models import adapt_bag, build_classifier

        model = build_classifier(9, 2, encoder="bag", naive_bayes=True, ngrams=2, embedding_dim=0)
        adapt_bag(model, IdRows.from_lists([[4, 5], [6, 7]]), np.array([0, 1]), tokens=[])
        ```
    """
    bag = next((layer for layer in model.layers if isinstance(layer, WeightedBag)), None)
    if bag is None:
        return
    for layer in model.layers:
        if isinstance(layer, CharacterNgrams):
            layer.adapt(tokens)
    features = keras.Model(model.inputs, bag.input)
    to_features = tf.function(features, input_signature=[tf.TensorSpec((None, None), "int32")])
    batches, _ = inference_batches(rows, batch_size=1024, targets=targets)
    bag.adapt(((to_features(ids), labels) for ids, labels in batches))
