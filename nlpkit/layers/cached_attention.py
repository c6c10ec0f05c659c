"""Multi-head attention, over the sequence itself or over another one, that also runs step by step."""

import keras
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.layers.attention_cache import add_step, empty_cache
from nlpkit.layers.attention_heads import AttentionHeads, hide_unless
from nlpkit.layers.joined_weights import joined_of
from nlpkit.layers.padding import zero_padding
from nlpkit.layers.rotary_positions import rotate, waves
from nlpkit.layers.steps import check_built

POSITIONS = (None, "rotary", "relative")


@keras.saving.register_keras_serializable(package="nlpkit")
class CachedAttention(AttentionHeads):
    """Scaled dot-product attention in several heads, which keeps keys and values when it runs step by step.

    Without `context` each step attends to the steps of its own sequence; with it, to the steps of that other one.
    `initial_state` and `step` give the same outputs one step at a time, with a cache of a fixed size, so that every
    step is the same graph. Apart from relative positions, the weights are those of `keras.layers.MultiHeadAttention`,
    in its order. Padding may hold anything; outputs at padded steps are zero, and so are those of a row whose context
    holds no real token. The softmax is taken in float32.

    Positions are distances within one sequence: `"rotary"` turns queries and keys by an angle that grows with their
    position, so that a score depends on the distance alone; `"relative"` adds a learned bias for each head and
    distance, all distances beyond `max_distance` sharing one. Padding before a row's first real step or after its last
    one leaves its distances as they are; in its midst it counts.

    Args:
        num_heads: int. Attention heads.
        key_dim: int. Size of a head; `None` takes `features // num_heads` when the layer is built.
        causal: bool. Whether a step sees only itself and the steps before it. Defaults to `False`.
        positions: `None`, `"rotary"` or `"relative"`. Defaults to `None`.
        max_distance: int. The longest distance with a bias of its own, for `"relative"`. Defaults to 128.
        window: int. Steps that a step sees to each side, itself among them; `None` sets no limit, the default.
        dropout: float between 0 and 1. Fraction of the attention weights to drop. Defaults to 0.

    Call arguments:
        inputs: Float tensor of shape `(batch, time, features)`.
        context: Float tensor of shape `(batch, context_time, context_features)`, or `None`.
        mask: Bool tensor of shape `(batch, time)`.
        context_mask: Bool tensor of shape `(batch, context_time)`.
        return_attention_scores: bool. Also returns the weights, float32 `(batch, heads, time, context_time)`.
        training: bool. Whether dropout is active.

    Returns:
        Float tensor of shape `(batch, time, features)`.

    Raises:
        InputError: If `positions` is unknown, there are no heads or more than features, rotary heads have an odd size,
            `window` is below 1, or a `context` meets `causal`, `positions` or `window`, which order one sequence. In
            steps: if the layer is not built or not causal, or the cache is full.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import CachedAttention
        >>> attention = CachedAttention(2, causal=True, positions="rotary")
        >>> attention(np.ones((3, 5, 8))).shape
        TensorShape([3, 5, 8])
        >>> output, state = attention.step(np.ones((3, 8)), attention.initial_state(3, max_length=5))
        >>> output.shape, state["keys"].shape, state["position"].numpy().tolist()
        (TensorShape([3, 8]), TensorShape([3, 2, 5, 4]), [1, 1, 1])

    Reference:
        [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762); rotary positions
        [Su et al., 2021](https://arxiv.org/abs/2104.09864); relative positions as a bias
        [Raffel et al., 2020](https://arxiv.org/abs/1910.10683), distances clipped as in
        [Shaw et al., 2018](https://arxiv.org/abs/1803.02155)
    """

    def __init__(
        self,
        num_heads,
        key_dim=None,
        *,
        causal=False,
        positions=None,
        max_distance=128,
        window=None,
        dropout=0.0,
        **kwargs,
    ):
        super().__init__(num_heads, key_dim, dropout=dropout, **kwargs)
        if positions not in POSITIONS:
            raise InputError(
                f"`positions` must be one of {list(POSITIONS)}. Received: positions={positions!r}"
            )
        if window is not None and window < 1:
            raise InputError(f"`window` must be at least 1, or None. Received: window={window!r}")
        self.causal, self.positions, self.max_distance, self.window = causal, positions, max_distance, window

    def build(self, inputs_shape, context_shape=None):
        super().build(inputs_shape, context_shape)
        if self.positions == "relative":
            distances = self.max_distance + 1 if self.causal else 2 * self.max_distance + 1
            # Not cast to half precision, since it is added to scores in float32.
            self.distance_bias = self.add_weight(
                name="distance_bias",
                shape=(distances, self.num_heads),
                initializer="random_normal",
                autocast=False,
            )

    def _check_heads(self, features):
        super()._check_heads(features)
        if self.positions == "rotary" and self._head_size % 2:
            raise InputError(
                "Rotary positions turn pairs of features, so that the size of a head must be even. "
                f"Received: key_dim={self._head_size}. Give an even `key_dim`, or another `num_heads`."
            )

    def call(
        self,
        inputs,
        context=None,
        mask=None,
        context_mask=None,
        return_attention_scores=False,
        training=False,
    ):
        if mask is None:  # Keras hands it over by itself only where `inputs` is the only tensor.
            mask = getattr(inputs, "_keras_mask", None)
        inputs = zero_padding(inputs, mask)
        if context is None:
            context, context_mask, real = inputs, mask, mask
        else:
            self._check_context()
            context, real = zero_padding(context, context_mask), _with_context(mask, context_mask)
        now = tf.range(tf.shape(inputs)[1])[None]
        turn = self._turn(now)
        query = self._project(self.query_dense, inputs, turn, training)
        keys, values = self._keys_and_values(context, turn, training)
        penalty = self._penalty(now, tf.shape(context)[1], context_mask)
        outputs, weights = self._attend(query, keys, values, penalty, real, training)
        return (outputs, weights) if return_attention_scores else outputs

    def _check_context(self):
        if self.causal or self.positions is not None or self.window is not None:
            raise InputError(
                "`causal`, `positions` and `window` order the steps of one sequence; with a `context` there are two. "
                f"Received: causal={self.causal}, positions={self.positions!r}, window={self.window}. Leave them out."
            )

    def _turn(self, positions):
        """What turns queries and keys at positions, if anything does."""
        return waves(positions, self._head_size) if self.positions == "rotary" else None

    def _keys_and_values(self, context, turn=None, training=False):
        keys = self._project(self.key_dense, context, turn, training)
        return keys, self._split(self.value_dense, context, training)

    def _project(self, dense, x, turn=None, training=False):
        """Queries or keys `(batch, heads, time, key_dim)`."""
        heads = self._split(dense, x, training)
        return heads if turn is None else rotate(heads, turn)

    def _penalty(self, now, steps, mask):
        """What is subtracted from the scores `(batch, heads, time, steps)` of queries at `now`, if anything."""
        distances, parts = now[:, :, None] - tf.range(steps), []
        if self.causal:
            parts.append(hide_unless(distances >= 0)[:, None])
        if self.window is not None:
            parts.append(hide_unless(tf.abs(distances) < self.window)[:, None])
        if mask is not None:
            parts.append(hide_unless(mask)[:, None, None])
        if self.positions == "relative":
            nearest = 0 if self.causal else -self.max_distance
            index = tf.clip_by_value(distances, nearest, self.max_distance) - nearest
            parts.append(-tf.transpose(tf.gather(self.distance_bias, index), (0, 3, 1, 2)))
        return sum(parts) if parts else None

    def initial_state(self, batch_size, max_length):
        """The empty cache of causal attention.

        Args:
            batch_size: int or scalar tensor.
            max_length: int. Steps that there is room for.

        Returns:
            dict of `keys` and `values` `(batch, heads, max_length, key_dim)`, and the next `position` `(batch,)`.
        """
        check_built(self)
        if not self.causal:
            raise InputError(
                "Only causal attention runs step by step. Received: causal=False. Set `causal=True`."
            )
        return empty_cache(batch_size, self.num_heads, max_length, self._head_size, self.compute_dtype)

    def context_state(self, context, context_mask=None):
        """The keys and values of a context, projected once for all steps.

        Args:
            context: Float tensor of shape `(batch, context_time, context_features)`.
            context_mask: Bool tensor of shape `(batch, context_time)`. Defaults to `None`, all real.

        Returns:
            dict of `keys` and `values` `(batch, heads, context_time, key_dim)`, and `mask` `(batch, context_time)`.
        """
        check_built(self)
        self._check_context()
        keys, values = self._keys_and_values(zero_padding(context, context_mask))
        if context_mask is None:
            context_mask = tf.ones(tf.shape(context)[:2], "bool")
        return {"keys": keys, "values": values, "mask": tf.cast(context_mask, "bool")}

    def step(self, x, state, return_attention_scores=False):
        """Attention of one step.

        Args:
            x: Float tensor of shape `(batch, features)`.
            state: As from `initial_state`, to which the step is added, or from `context_state`, which stays.
            return_attention_scores: bool. Also returns the weights, float32 `(batch, heads, steps)`. Defaults to
                `False`.

        Returns:
            Float tensor `(batch, features)`, the new state, and the weights if they are asked for.
        """
        x = tf.cast(x, self.compute_dtype)[:, None]
        if "mask" in state:
            outputs, weights = self.attend(x, state["keys"], state["values"], state["mask"])
        else:
            now = state["position"][:, None]
            turn = self._turn(now)
            query, keys, values = self._of_step(x, turn)
            state = add_step(state, keys, values)
            penalty = self._penalty(now, tf.shape(state["keys"])[2], None)
            outputs, weights = self._attend(query, state["keys"], state["values"], penalty)
        return (outputs[:, 0], state, weights[:, :, 0]) if return_attention_scores else (outputs[:, 0], state)

    def join_weights(self):
        """Kernel and bias of queries, keys and values side by side; see `nlpkit.layers.joined_weights`.

        Returns:
            Tuple of float tensors `(features, 3 * num_heads * key_dim)` and `(3 * num_heads * key_dim,)`; `None` where
            nothing runs step by step, and in half precision, which rounds a joined product in another way.
        """
        if not self.causal or self.compute_dtype != "float32":
            return None
        parts, size = (self.query_dense, self.key_dense, self.value_dense), self.num_heads * self._head_size
        kernels = [tf.reshape(part.kernel, (-1, size)) for part in parts]
        return tf.concat(kernels, axis=1), tf.concat(
            [tf.reshape(part.bias, (size,)) for part in parts], axis=0
        )

    def _of_step(self, x, turn):
        """Query, key and value of one step, each `(batch, heads, 1, key_dim)`."""
        joined = joined_of(self)
        if joined is None:
            return self._project(self.query_dense, x, turn), *self._keys_and_values(x, turn)
        kernel, bias = joined
        heads = tf.nn.bias_add(tf.matmul(tf.reshape(x, (-1, kernel.shape[0])), kernel), bias)
        heads = tf.reshape(heads, (-1, 3 * self.num_heads, 1, self._head_size))
        turned, values = tf.split(heads, [2 * self.num_heads, self.num_heads], axis=1)
        return *tf.split(turned if turn is None else rotate(turned, turn), 2, axis=1), values

    def attend(self, x, keys, values, mask=None):
        """Attention to keys and values that were projected before.

        Args:
            x: Float tensor of shape `(batch, time, features)`.
            keys: Float tensor of shape `(batch, heads, context_time, key_dim)`, as `context_state` has it.
            values: The same.
            mask: Bool tensor of shape `(batch, context_time)`. Defaults to `None`, all real.

        Returns:
            Float tensor `(batch, time, features)`, and the weights, float32 `(batch, heads, time, context_time)`.
        """
        self._check_context()
        penalty = None if mask is None else hide_unless(mask)[:, None, None]
        query = self._project(self.query_dense, x)
        return self._attend(query, keys, values, penalty, _with_context(None, mask))

    def get_config(self):
        own = {name: getattr(self, name) for name in ("causal", "positions", "max_distance", "window")}
        return {**super().get_config(), **own}


def _with_context(mask, context_mask):
    """Which steps are real and have something real to attend to; `None` if all are."""
    if context_mask is None:
        return mask
    real = tf.reduce_any(tf.cast(context_mask, "bool"), axis=1)[:, None]
    return real if mask is None else tf.cast(mask, "bool") & real
