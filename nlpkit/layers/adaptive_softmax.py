"""Softmax over a large vocabulary in clusters, the rare tokens behind the frequent ones."""

from itertools import pairwise

import keras
import tensorflow as tf

from nlpkit.errors import InputError


@keras.saving.register_keras_serializable(package="nlpkit")
class AdaptiveSoftmax(keras.layers.Layer):
    """Log-probabilities of all tokens, trained without scoring all tokens.

    The ids must go from frequent to rare, as those of a `Vocabulary` do. The head scores the most frequent ones, and
    for the rest the cluster that a token belongs to; each cluster scores its own tokens, with fewer features the rarer
    they are. Training computes a cluster only at the steps whose target lies in it. The log-probabilities are exact,
    in training too, and float32.

    Args:
        vocabulary_size: int. Number of ids.
        cutoffs: list of ints, increasing. The first id of each cluster; ids below the first cutoff are in the head.
        div_value: float, at least 1. A cluster has this many times fewer features than the one before it; the first
            that many times fewer than the input. Defaults to 4.

    Call arguments:
        inputs: Float tensor of shape `(batch, time, features)` or `(batch, features)`.

    Returns:
        Float32 tensor of shape `(batch, time, vocabulary_size)` or `(batch, vocabulary_size)`: log-probabilities.

    Raises:
        InputError: If the cutoffs do not increase between 0 and the size of the vocabulary, or `div_value` is below 1.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import AdaptiveSoftmax
        >>> softmax = AdaptiveSoftmax(1000, cutoffs=[100, 400])
        >>> states = np.ones((2, 5, 16), "float32")
        >>> softmax(states).shape
        TensorShape([2, 5, 1000])
        >>> softmax.loss(states, np.full((2, 5), 700)).shape
        TensorShape([])

    Reference:
        [Grave et al., 2017](https://arxiv.org/abs/1609.04309)
    """

    def __init__(self, vocabulary_size, cutoffs, div_value=4.0, **kwargs):
        super().__init__(**kwargs)
        bounds = [0, *cutoffs, vocabulary_size]
        if not cutoffs or any(first >= end for first, end in pairwise(bounds)):
            raise InputError(
                f"`cutoffs` must increase, between 0 and the size of the vocabulary ({vocabulary_size}), as "
                f"[2000, 10000] does. Received: cutoffs={cutoffs!r}"
            )
        if div_value < 1:
            raise InputError(f"`div_value` must be at least 1. Received: div_value={div_value!r}")
        self.vocabulary_size, self.cutoffs, self.div_value = vocabulary_size, list(cutoffs), div_value
        self.supports_masking = True
        self.supports_jit = False  # how many steps fall into a cluster is known at run time only

    def build(self, input_shape):
        features, clusters = input_shape[-1], len(self.cutoffs)
        self.head = self.add_weight(shape=(features, self.cutoffs[0] + clusters), name="head")
        self.projections, self.outputs = [], []
        for number, (first, end) in enumerate(pairwise([*self.cutoffs, self.vocabulary_size]), 1):
            size = max(1, int(features // self.div_value**number))
            self.projections.append(self.add_weight(shape=(features, size), name=f"projection_{number}"))
            self.outputs.append(self.add_weight(shape=(size, end - first), name=f"output_{number}"))

    def call(self, inputs):
        return self.log_probabilities(inputs)

    def log_probabilities(self, x):
        """The exact log-probability of every token, as a call gives it.

        Args:
            x: Float tensor of shape `(batch, time, features)` or `(batch, features)`.

        Returns:
            Float32 tensor of shape `(batch, time, vocabulary_size)` or `(batch, vocabulary_size)`.
        """
        rows = tf.reshape(self._ready(x), (-1, x.shape[-1]))
        head = tf.nn.log_softmax(self._logits(rows, self.head))
        frequent = self.cutoffs[0]
        parts = [head[:, :frequent]]
        for cluster in range(len(self.cutoffs)):
            within = tf.nn.log_softmax(self._cluster_logits(rows, cluster))
            parts.append(head[:, frequent + cluster, None] + within)
        shape = tf.concat([tf.shape(x)[:-1], [self.vocabulary_size]], axis=0)
        return tf.reshape(tf.concat(parts, axis=-1), shape)

    def target_log_probabilities(self, x, targets, mask=None):
        """The log-probability of one token per step; computes only the clusters in which the tokens lie.

        Args:
            x: Float tensor of shape `(batch, time, features)` or `(batch, features)`.
            targets: Int tensor of shape `(batch, time)` or `(batch,)`: ids.
            mask: Bool tensor of the same shape, `False` at padded steps. Defaults to `None`, no padding.

        Returns:
            Float32 tensor of the targets' shape, 0 at padded steps.
        """
        x, targets = self._ready(x), tf.cast(targets, "int32")
        real = tf.where(tf.ones_like(targets, "bool") if mask is None else mask)
        rows, wanted = tf.gather_nd(x, real), tf.gather_nd(targets, real)
        # 0 is the head, 1 the first cluster.
        place = tf.searchsorted(tf.constant(list(self.cutoffs)), wanted, side="right")
        in_head = tf.where(place == 0, wanted, self.cutoffs[0] + place - 1)
        values = _pick(self._logits(rows, self.head), in_head)
        for cluster, first in enumerate(self.cutoffs):
            inside = tf.where(place == cluster + 1)
            logits = self._cluster_logits(tf.gather_nd(rows, inside), cluster)
            within = _pick(logits, tf.gather_nd(wanted, inside) - first)
            values = tf.tensor_scatter_nd_add(values, inside, within)
        return tf.scatter_nd(real, values, tf.shape(targets, out_type="int64"))

    def loss(self, x, targets, mask=None):
        """Mean negative log-probability of the targets at the real steps; see `target_log_probabilities`.

        Args:
            x: Float tensor of shape `(batch, time, features)` or `(batch, features)`.
            targets: Int tensor of shape `(batch, time)` or `(batch,)`: ids.
            mask: Bool tensor of the same shape, `False` at padded steps. Defaults to `None`, no padding.

        Returns:
            Float32 scalar; 0 where every step is padding.
        """
        values = self.target_log_probabilities(x, targets, mask)
        steps = tf.size(values) if mask is None else tf.math.count_nonzero(mask)
        return -tf.math.divide_no_nan(tf.reduce_sum(values), tf.cast(steps, values.dtype))

    def _ready(self, x):
        """The states in the layer's dtype, which Keras sees to in `call` only, as it does to building."""
        if not self.built:
            self.build(x.shape)
        return tf.cast(x, self.compute_dtype)

    def _logits(self, rows, weight):
        return tf.cast(_matmul(rows, weight), self._logits_dtype())

    def _cluster_logits(self, rows, cluster):
        return self._logits(_matmul(rows, self.projections[cluster]), self.outputs[cluster])

    def _logits_dtype(self):
        return keras.backend.result_type(self.compute_dtype, "float32")

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.vocabulary_size)

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), self._logits_dtype())

    def get_config(self):
        own = {
            "vocabulary_size": self.vocabulary_size,
            "cutoffs": list(self.cutoffs),
            "div_value": self.div_value,
        }
        return {**super().get_config(), **own}


def _matmul(rows, weight):
    return tf.matmul(rows, tf.cast(weight, rows.dtype))


def _pick(logits, ids):
    """Log-probability of one id per row."""
    return -tf.nn.sparse_softmax_cross_entropy_with_logits(labels=ids, logits=logits)
