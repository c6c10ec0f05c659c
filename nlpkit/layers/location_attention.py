"""Luong's attention that knows where to look: by the query alone, or around a predicted position."""

import keras
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.layers.attention_weights import EncoderAttention, check_shapes, for_each_query, masked_softmax
from nlpkit.layers.multiplicative_attention import MultiplicativeAttention


@keras.saving.register_keras_serializable(package="nlpkit")
class LocationAttention(EncoderAttention):
    """Context of a query over a sequence, with weights softmax(W q) that do not look at the sequence.

    W has a row for each position. Of a shorter sequence only the first ones are used; of a longer one, the positions
    from `max_length` on get no weight. A row without any real value gives zero weights and a zero context.

    Args:
        max_length: int. Positions that can get a weight.

    Call arguments:
        inputs: List of the query, float tensor of shape `(batch, query_time, features)` or `(batch, features)`, and
            the values, float tensor of shape `(batch, time, value_features)`.
        mask: Bool tensor of shape `(batch, time)` of the values, or a pair of the masks of query and values. A padded
            step before a real one counts as a position.
        return_attention_scores: bool. Also returns the weights, float32 of shape `(batch, query_time, time)` or
            `(batch, time)`.

    Returns:
        Float tensor of shape `(batch, query_time, value_features)` or `(batch, value_features)`.

    Raises:
        InputError: If `max_length` is less than 1, or if `inputs` is not a pair.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers.location_attention import LocationAttention
        >>> LocationAttention(max_length=50)([np.ones((2, 3, 4)), np.ones((2, 5, 6))]).shape
        TensorShape([2, 3, 6])

    Reference:
        [Luong et al., 2015](https://arxiv.org/abs/1508.04025), equation 8
    """

    def __init__(self, max_length, **kwargs):
        super().__init__(**kwargs)
        if max_length < 1:
            raise InputError(f"`max_length` must be at least 1. Received: max_length={max_length!r}")
        self.max_length = max_length
        self.location = keras.layers.Dense(
            max_length, use_bias=False, name="location", dtype=self.dtype_policy
        )

    def build(self, input_shape):
        query, _ = check_shapes(input_shape, ["query", "values"])
        self.location.build(query)

    def _weights(self, query, memory):
        time = tf.shape(memory["value"])[1]
        beyond = tf.maximum(time - self.max_length, 0)
        scores = self.location(query)[..., :time]
        scores = tf.pad(scores, [[0, 0]] * (scores.shape.rank - 1) + [[0, beyond]])
        mask = _mask(memory) & (tf.range(time) < self.max_length)
        return masked_softmax(scores, for_each_query(mask, query))

    def get_config(self):
        return {**super().get_config(), "max_length": self.max_length}


@keras.saving.register_keras_serializable(package="nlpkit")
class LocalAttention(MultiplicativeAttention):
    """Context of a query over a window of a sequence, around a position predicted from the query (local-p).

    The position is p = S sigmoid(vᵀ tanh(W q)) for a row of S real steps, counted from 0. The steps at most `window`
    away from it get the weights of `MultiplicativeAttention` among themselves, each multiplied by the Gaussian
    exp(-(s - p)² / 2σ²) with σ = window / 2. As in the paper, these weights sum to less than one. A row without any
    real value gives zero weights and a zero context.

    Args:
        window: int. How far to look to either side, D in the paper.
        score: `"dot"`, `"general"` or `"concat"`. Defaults to `"general"`.
        units: int. Size of the hidden layer of `"concat"`; `None` takes that of the query. Defaults to `None`.

    Call arguments:
        inputs: List of the query, float tensor of shape `(batch, query_time, features)` or `(batch, features)`, and
            the values, float tensor of shape `(batch, time, value_features)`.
        mask: Bool tensor of shape `(batch, time)` of the values, or a pair of the masks of query and values. A padded
            step before a real one counts as a position.
        return_attention_scores: bool. Also returns the weights, float32 of shape `(batch, query_time, time)` or
            `(batch, time)`.

    Returns:
        Float tensor of shape `(batch, query_time, value_features)` or `(batch, value_features)`.

    Raises:
        InputError: If `window` is less than 1, and as `MultiplicativeAttention` does.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers.location_attention import LocalAttention
        >>> LocalAttention(window=2)([np.ones((2, 3, 4)), np.ones((2, 9, 6))]).shape
        TensorShape([2, 3, 6])

    Reference:
        [Luong et al., 2015](https://arxiv.org/abs/1508.04025), section 3.2
    """

    def __init__(self, window, score="general", units=None, **kwargs):
        super().__init__(score, units, **kwargs)
        if window < 1:
            # A window of one step to either side always holds a real one, as the position is at most S.
            raise InputError(f"`window` must be at least 1. Received: window={window!r}")
        self.window = window

    def build(self, input_shape):
        super().build(input_shape)
        query = input_shape[0]
        part = {"use_bias": False, "dtype": self.dtype_policy}
        self.hidden = keras.layers.Dense(query[-1], activation="tanh", name="position_hidden", **part)
        self.position = keras.layers.Dense(1, name="position", **part)
        self.hidden.build(query)
        self.position.build(query)

    def _weights(self, query, memory):
        mask = _mask(memory)
        distance = self._distance(query, mask)
        near = tf.abs(distance) <= self.window
        weights = masked_softmax(self._scores(query, memory), for_each_query(mask, query) & near)
        return weights * tf.exp(-2.0 * tf.square(distance / self.window))

    def _distance(self, query, mask):
        """How far each step is from the position that a query predicts, in float32."""
        lengths = tf.reduce_sum(tf.cast(mask, "float32"), axis=1, keepdims=True)
        position = tf.sigmoid(tf.cast(self.position(self.hidden(query)), "float32"))
        steps = tf.cast(tf.range(tf.shape(mask)[1]), "float32")
        return steps - position * for_each_query(lengths, query)

    def get_config(self):
        return {**super().get_config(), "window": self.window}


def _mask(memory):
    """Which values are real."""
    return memory["mask"] if "mask" in memory else tf.ones(tf.shape(memory["value"])[:2], "bool")
