"""How beam search scores a complete text, and how high a text that is still live could come."""

from typing import Any, NamedTuple

import tensorflow as tf

# Of what has got no attention at all the logarithm would be minus infinity.
LEAST_ATTENTION = 1e-9


class Rules(NamedTuple):
    """Penalties of a beam search, and the lengths that they ask for.

    Args:
        lengths: int32 tensor of shape `(batch,)`. Of the prompts.
        max_new_tokens: int32 scalar tensor.
        length_penalty: Number or float32 scalar tensor.
        coverage_penalty: Number or float32 scalar tensor.
        attention_of: callable, from the state to float attention of shape `(rows, source)`, or `None`.

    Reference:
        [Wu et al., 2016](https://arxiv.org/abs/1609.08144)
    """

    lengths: tf.Tensor
    max_new_tokens: tf.Tensor
    length_penalty: Any
    coverage_penalty: Any
    attention_of: Any

    def length_score(self, tokens):
        """What log-probabilities of texts of so many tokens, an int32 tensor, are divided by."""
        tokens = tf.cast(tf.maximum(tokens, 1), "float32")
        return ((5.0 + tokens) / 6.0) ** tf.cast(self.length_penalty, "float32")

    def bound(self, live, written):
        """The highest score that any continuation of live texts could have.

        Log-probabilities only fall and a coverage penalty is at most 0, so that what a live text could gain is in its
        length; the extremes of that are the next one and the last one.

        Args:
            live: float32 tensor of shape `(batch, groups, width)`. Log-probabilities.
            written: int32 tensor of shape `(batch,)`. Tokens of the live texts.

        Returns:
            float32 tensor of shape `(batch, groups)`.
        """
        best = tf.reduce_max(live, axis=-1)
        next_, last = written + 1, tf.zeros_like(written) + self.max_new_tokens
        return tf.maximum(best / self.length_score(next_)[:, None], best / self.length_score(last)[:, None])

    def no_coverage(self, state):
        """The attention summed up before the first step, of shape `(rows, source)`, or an empty tuple."""
        return () if self.attention_of is None else tf.zeros_like(self.attention_of(state))

    def cover(self, coverage, state, reading):
        """The attention summed up after a step.

        Args:
            coverage: float32 tensor of shape `(rows, source)`, or an empty tuple.
            state: Nest of tensors, after the step.
            reading: bool tensor of shape `(rows,)`. Rows that are within their prompts, where nothing is counted.

        Returns:
            As `coverage`.
        """
        if self.attention_of is None:
            return ()
        return tf.where(reading[:, None], 0.0, coverage + self.attention_of(state))

    def coverage_scores(self, coverage, shape):
        """The coverage penalty of live texts.

        Args:
            coverage: float32 tensor of shape `(rows, source)`, or an empty tuple.
            shape: int32 tensor, `(batch, groups, width)`.

        Returns:
            float32 tensor of that shape, 0 or less.
        """
        if self.attention_of is None:
            return tf.zeros(shape)
        covered = tf.math.log(tf.clip_by_value(coverage, LEAST_ATTENTION, 1.0))
        scores = tf.cast(self.coverage_penalty, "float32") * tf.reduce_sum(covered, axis=-1)
        return tf.reshape(scores, shape)
