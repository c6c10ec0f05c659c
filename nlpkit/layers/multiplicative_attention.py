"""Luong's global attention."""

import keras
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.layers.attention_weights import EncoderAttention, check_shapes, for_each_query, masked_softmax

SCORES = ("dot", "general", "concat")


@keras.saving.register_keras_serializable(package="nlpkit")
class MultiplicativeAttention(EncoderAttention):
    """Context of a query over a sequence, scored by a product of both.

    The score of position i is qᵀ hᵢ (`"dot"`), qᵀ W hᵢ (`"general"`) or vᵀ tanh(W [q; hᵢ]) (`"concat"`, where W is kept
    in two parts, so that the one of the values is applied once). Softmax makes weights of the scores, and the context
    is the weighted sum of the values. A row without any real value gives zero weights and a zero context.

    Args:
        score: `"dot"`, `"general"` or `"concat"`. Defaults to `"general"`.
        units: int. Size of the hidden layer of `"concat"`; `None` takes that of the query. Defaults to `None`.

    Call arguments:
        inputs: List of the query, float tensor of shape `(batch, query_time, features)` or `(batch, features)`, and
            the values, float tensor of shape `(batch, time, value_features)`.
        mask: Bool tensor of shape `(batch, time)` of the values, or a pair of the masks of query and values.
        return_attention_scores: bool. Also returns the weights, float32 of shape `(batch, query_time, time)` or
            `(batch, time)`.

    Returns:
        Float tensor of shape `(batch, query_time, value_features)` or `(batch, value_features)`.

    Raises:
        InputError: If `score` is unknown, if `units` is given for another score than `"concat"`, if `inputs` is not a
            pair, or if its sizes differ with `"dot"`.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers.multiplicative_attention import MultiplicativeAttention
        >>> MultiplicativeAttention("general")([np.ones((2, 3, 4)), np.ones((2, 5, 6))]).shape
        TensorShape([2, 3, 6])

    Reference:
        [Luong et al., 2015](https://arxiv.org/abs/1508.04025), section 3.1
    """

    def __init__(self, score="general", units=None, **kwargs):
        super().__init__(**kwargs)
        if score not in SCORES:
            raise InputError(f"`score` must be one of {list(SCORES)}. Received: score={score!r}")
        if units is not None and score != "concat":
            raise InputError(
                f"`units` is the size of the hidden layer of score='concat'. Received: units={units!r} with "
                f"score={score!r}, which has none. Leave it out."
            )
        self.score, self.units = score, units

    def build(self, input_shape):
        query, value = check_shapes(input_shape, ["query", "values"])
        if self.score == "dot" and query[-1] != value[-1]:
            raise InputError(
                f"score='dot' needs a query as wide as the values. Received: {query[-1]} and {value[-1]} features. "
                "Take score='general'."
            )
        if self.score == "dot":
            return
        units = self.units or query[-1]
        part = {"use_bias": False, "dtype": self.dtype_policy}
        self.key = keras.layers.Dense(units, name="key", **part)
        self.key.build(value)
        if self.score == "concat":
            self.query = keras.layers.Dense(units, name="query", **part)
            self.query.build(query)
            self.vector = keras.layers.Dense(1, name="vector", **part)
            self.vector.build((None, None, units))

    def precompute(self, value, mask=None):
        """What depends on the encoder alone, the projected keys among it; see `EncoderAttention`.

        Args:
            value: Float tensor of shape `(batch, time, value_features)`.
            mask: Bool tensor of shape `(batch, time)`. Defaults to `None`, no padding.

        Returns:
            dict of tensors with a leading batch axis.
        """
        memory = super().precompute(value, mask)
        return memory if self.score == "dot" else {**memory, "keys": self.key(memory["value"])}

    def _weights(self, query, memory):
        return masked_softmax(self._scores(query, memory), for_each_query(memory.get("mask"), query))

    def _scores(self, query, memory):
        keys = memory["value"] if self.score == "dot" else memory["keys"]
        if self.score == "concat":
            hidden = self.query(query)[..., None, :] + for_each_query(keys, query)
            return self.vector(tf.tanh(hidden))[..., 0]
        query = tf.cast(query, keys.dtype)
        if query.shape.rank == 2:
            return tf.linalg.matvec(keys, query)
        return tf.matmul(query, keys, transpose_b=True)

    def get_config(self):
        return {**super().get_config(), "score": self.score, "units": self.units}
