"""What has been written so far, as penalties and constraints look at it."""

from typing import NamedTuple

import tensorflow as tf

from nlpkit.text.vocabulary import END


class SoFar(NamedTuple):
    """The texts that a search has come to: prompts and what was added to them.

    Right behind its prompt each row goes on, so all rows have the same number of tokens.

    Args:
        token_ids: int32 tensor of shape `(batch, room)`; what stands at `length` and behind it counts for nothing.
        length: int32 scalar tensor. Tokens in each row.
        prompt_lengths: int32 tensor of shape `(batch,)`. How many of them are the prompt.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.generation import SoFar
        >>> so_far = SoFar(tf.constant([[3, 7, 8, 0]]), tf.constant(3), tf.constant([2]))
        >>> int(so_far.length - so_far.prompt_lengths[0])
        1
    """

    token_ids: tf.Tensor
    length: tf.Tensor
    prompt_lengths: tf.Tensor


def last_tokens(so_far, count):
    """The last tokens of each row.

    Args:
        so_far: `SoFar`.
        count: int. How many.

    Returns:
        int32 tensor of shape `(batch, count)`; -1 where a row does not reach back so far.
    """
    places = so_far.length - count + tf.range(count)
    found = tf.gather(so_far.token_ids, tf.maximum(places, 0), axis=1)
    return tf.where(places >= 0, found, -1)


def counts(token_ids, counted, size):
    """How often each id of the vocabulary is there.

    Args:
        token_ids: int32 tensor of shape `(batch, n)`.
        counted: bool tensor that broadcasts with it. Which of them count.
        size: int or int32 scalar tensor. Size of the vocabulary.

    Returns:
        float32 tensor of shape `(batch, size)`.
    """
    shape = tf.shape(token_ids)
    rows = tf.repeat(tf.range(shape[0]), shape[1])
    places = tf.stack([rows, tf.reshape(tf.maximum(token_ids, 0), [-1])], axis=1)
    ones = tf.cast(tf.broadcast_to(counted, shape), "float32")
    return tf.scatter_nd(places, tf.reshape(ones, [-1]), [shape[0], size])


def occurrences(logits, so_far, with_prompt):
    """How often each id has been written; the four special ids, which are no words, always 0 times.

    Args:
        logits: Float tensor of shape `(batch, vocabulary)`.
        so_far: `SoFar`.
        with_prompt: bool. Whether the prompt counts.

    Returns:
        float32 tensor of shape `(batch, vocabulary)`.
    """
    ids = so_far.token_ids
    places = tf.range(tf.shape(ids)[1])
    counted = (places < so_far.length) & (ids > END)
    if not with_prompt:
        counted &= places >= so_far.prompt_lengths[:, None]
    return counts(ids, counted, tf.shape(logits)[1])
