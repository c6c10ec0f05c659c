"""What goes into a decoder that reads whole targets, and what comes out of it."""

from typing import Any, NamedTuple

import tensorflow as tf

from nlpkit.text.vocabulary import START


class Decoded(NamedTuple):
    """What the decoder gives at each step, from which the scores of the tokens come.

    Args:
        hidden: Float tensor of shape `(batch, time, features)`.
        vectors: Float tensor of shape `(batch, time, embedding_dim)`. The decoder's inputs.
        attention_scores: Float32 tensor of shape `(batch, time, source_time)`, or `None`.

    Example:
        >>> from nlpkit.models.decoded import Decoded
        >>> Decoded(None, None, None)._fields
        ('hidden', 'vectors', 'attention_scores')
    """

    hidden: tf.Tensor
    vectors: tf.Tensor
    attention_scores: Any


def inputs_for(targets):
    """What the decoder reads to predict targets: the start, and all of them but the last.

    Args:
        targets: Int tensor of shape `(batch, time)`.

    Returns:
        Int tensor of the same shape.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.models.decoded import inputs_for
        >>> inputs_for(tf.constant([[7, 8, 3]])).numpy().tolist()
        [[2, 7, 8]]
    """
    return tf.pad(targets[:, :-1], [[0, 0], [1, 0]], constant_values=START)
