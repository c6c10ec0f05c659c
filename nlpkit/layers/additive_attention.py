"""Bahdanau's attention, with See's coverage."""

import keras
import tensorflow as tf

from nlpkit.layers.attention_weights import EncoderAttention, check_shapes, for_each_query, masked_softmax


def coverage_loss(attention_scores):
    """How much each step attends to what earlier steps have attended to already.

    The loss of step t is the sum over the positions i of min(a_ti, c_ti), where the coverage c_t is the sum of the
    weights of the steps before t. Add it to the loss of the words with a factor, 1 in the paper.

    Args:
        attention_scores: Float tensor of shape `(batch, query_time, time)`, the weights that an attention layer
            returns.

    Returns:
        Float tensor of shape `(batch, query_time)`.

    Example:
        >>> from nlpkit.layers.additive_attention import coverage_loss
        >>> coverage_loss([[[0.5, 0.5, 0.0], [0.25, 0.25, 0.5]]]).numpy().tolist()
        [[0.0, 0.5]]

    Reference:
        [See et al., 2017](https://arxiv.org/abs/1704.04368), equation 12
    """
    weights = tf.convert_to_tensor(attention_scores)
    coverage = tf.cumsum(weights, axis=1, exclusive=True)
    return tf.reduce_sum(tf.minimum(weights, coverage), axis=-1)


@keras.saving.register_keras_serializable(package="nlpkit")
class AdditiveAttention(EncoderAttention):
    """Context of a query over a sequence, scored by a hidden layer over both.

    The score of position i is vᵀ tanh(W q + U hᵢ + b), and with coverage vᵀ tanh(W q + U hᵢ + w cᵢ + b), where cᵢ is
    the sum of the weights that earlier queries gave to i. Softmax makes weights of the scores, and the context is the
    weighted sum of the values. A row without any real value gives zero weights and a zero context.

    Args:
        units: int. Size of the hidden layer.
        coverage: bool. Whether the score knows what earlier queries have attended to. Defaults to `False`.

    Call arguments:
        inputs: List of the query, float tensor of shape `(batch, query_time, features)` or `(batch, features)`, and
            the values, float tensor of shape `(batch, time, value_features)`.
        mask: Bool tensor of shape `(batch, time)` of the values, or a pair of the masks of query and values. With
            coverage, padded queries stand after the real ones, since what they attend to is counted.
        return_attention_scores: bool. Also returns the weights, float32 of shape `(batch, query_time, time)` or
            `(batch, time)`.

    Returns:
        Float tensor of shape `(batch, query_time, value_features)` or `(batch, value_features)`.

    Raises:
        InputError: If `inputs` is not a pair.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers.additive_attention import AdditiveAttention
        >>> AdditiveAttention(8)([np.ones((2, 3, 4)), np.ones((2, 5, 6))]).shape
        TensorShape([2, 3, 6])

    Reference:
        [Bahdanau et al., 2015](https://arxiv.org/abs/1409.0473), coverage as in
        [See et al., 2017](https://arxiv.org/abs/1704.04368)
    """

    def __init__(self, units, coverage=False, **kwargs):
        super().__init__(**kwargs)
        self.units, self.coverage = units, coverage
        self.supports_jit = not coverage  # XLA compiles no gradient of the scan over the queries
        part = {"dtype": self.dtype_policy}
        self.query = keras.layers.Dense(units, use_bias=False, name="query", **part)
        self.key = keras.layers.Dense(units, name="key", **part)
        self.vector = keras.layers.Dense(1, use_bias=False, name="vector", **part)
        self.covered = (
            keras.layers.Dense(units, use_bias=False, name="coverage", **part) if coverage else None
        )

    def build(self, input_shape):
        query, value = check_shapes(input_shape, ["query", "values"])
        self.query.build(query)
        self.key.build(value)
        self.vector.build((None, None, self.units))
        if self.coverage:
            self.covered.build((None, None, 1))

    def precompute(self, value, mask=None):
        """What depends on the encoder alone, the projected keys among it; see `EncoderAttention`.

        Args:
            value: Float tensor of shape `(batch, time, value_features)`.
            mask: Bool tensor of shape `(batch, time)`. Defaults to `None`, no padding.

        Returns:
            dict of tensors with a leading batch axis.
        """
        memory = super().precompute(value, mask)
        return {**memory, "keys": self.key(memory["value"])}

    def _weights(self, query, memory, coverage=None):
        if self.coverage and query.shape.rank == 3:
            return self._weights_in_turn(query, memory, coverage)
        hidden = self.query(query)[..., None, :] + for_each_query(memory["keys"], query)
        if coverage is not None:
            hidden += self.covered(coverage[..., None])
        scores = self.vector(tf.tanh(hidden))[..., 0]
        return masked_softmax(scores, for_each_query(memory.get("mask"), query))

    def _weights_in_turn(self, query, memory, coverage):
        """The weights of one query after the other, since each adds to the coverage that the next one sees."""

        def step(before, query):
            weights, coverage = before
            coverage += weights
            return self._weights(query, memory, coverage), coverage

        nothing = tf.zeros(tf.shape(memory["value"])[:2])
        start = (nothing, nothing if coverage is None else coverage)
        weights, _ = tf.scan(step, tf.transpose(query, (1, 0, 2)), start)
        return tf.transpose(weights, (1, 0, 2))

    def get_config(self):
        return {**super().get_config(), "units": self.units, "coverage": self.coverage}
