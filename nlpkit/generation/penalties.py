"""Penalties: what has been written becomes less likely, or more. Special tokens such as the end are left alone."""

import tensorflow as tf

from nlpkit.generation.history import occurrences
from nlpkit.generation.options import check_option


def repetition_penalty(logits, so_far, *, factor):
    """Makes tokens of the prompt and of the text so far less likely, by dividing positive logits, multiplying others.

    Args:
        logits: float32 tensor of shape `(batch, vocabulary)`.
        so_far: `SoFar`.
        factor: Number or float32 scalar tensor, above 0. 1 changes nothing, below 1 makes them more likely.

    Returns:
        float32 tensor of shape `(batch, vocabulary)`.

    Raises:
        InputError: If `factor` is 0 or less.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.generation import SoFar, repetition_penalty
        >>> so_far = SoFar(tf.constant([[4, 5, 0]]), 2, tf.constant([1]))
        >>> logits = tf.constant([[0.0, 0.0, 0.0, 0.0, 2.0, -2.0, 2.0]])
        >>> repetition_penalty(logits, so_far, factor=2.0).numpy()[0, 4:].tolist()
        [1.0, -4.0, 2.0]

    Reference:
        [Keskar et al., 2019](https://arxiv.org/abs/1909.05858)
    """
    check_option("repetition_penalty", factor)
    factor = tf.cast(factor, "float32")
    changed = tf.where(logits > 0, logits / factor, logits * factor)
    return tf.where(occurrences(logits, so_far, with_prompt=True) > 0, changed, logits)


def presence_penalty(logits, so_far, *, penalty):
    """Takes something from the logits of all tokens that have been generated.

    Args:
        logits: float32 tensor of shape `(batch, vocabulary)`.
        so_far: `SoFar`.
        penalty: Number or float32 scalar tensor. 0 changes nothing, below 0 makes them more likely.

    Returns:
        float32 tensor of shape `(batch, vocabulary)`.

    Raises:
        InputError: If `penalty` is no number.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.generation import SoFar, presence_penalty
        >>> so_far = SoFar(tf.constant([[3, 5, 5, 0]]), 3, tf.constant([1]))
        >>> presence_penalty(tf.zeros((1, 7)), so_far, penalty=0.5).numpy()[0, 4:].tolist()
        [0.0, -0.5, 0.0]
    """
    check_option("presence_penalty", penalty)
    present = occurrences(logits, so_far, with_prompt=False) > 0
    return logits - tf.cast(penalty, "float32") * tf.cast(present, "float32")


def frequency_penalty(logits, so_far, *, penalty):
    """Takes something from the logits of tokens for each time that they have been generated.

    Args:
        logits: float32 tensor of shape `(batch, vocabulary)`.
        so_far: `SoFar`.
        penalty: Number or float32 scalar tensor. 0 changes nothing, below 0 makes them more likely.

    Returns:
        float32 tensor of shape `(batch, vocabulary)`.

    Raises:
        InputError: If `penalty` is no number.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.generation import SoFar, frequency_penalty
        >>> so_far = SoFar(tf.constant([[3, 5, 5, 0]]), 3, tf.constant([1]))
        >>> frequency_penalty(tf.zeros((1, 7)), so_far, penalty=0.5).numpy()[0, 4:].tolist()
        [0.0, -1.0, 0.0]
    """
    check_option("frequency_penalty", penalty)
    return logits - tf.cast(penalty, "float32") * occurrences(logits, so_far, with_prompt=False)
