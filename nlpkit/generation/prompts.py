"""Prompts of different lengths in one batch: room for what is to come, and the part that all rows only read."""

import tensorflow as tf

from nlpkit.generation.options import check_option
from nlpkit.generation.step import take_step
from nlpkit.text.vocabulary import END, PAD


def with_room(prompt, max_new_tokens):
    """Prompts with room behind them.

    Args:
        prompt: int32 tensor of shape `(batch, time)`, padded with 0 on the right. An empty row begins as a text does,
            behind the end of another.
        max_new_tokens: int or int32 scalar tensor.

    Returns:
        int32 tensors: ids of shape `(batch, room)`, lengths of the prompts `(batch,)`, all at least 1, and
        `max_new_tokens` as a scalar.

    Raises:
        InputError: If `max_new_tokens` is negative or no integer. As a tensor, less than 0 is 0.

    Example:
        >>> from nlpkit.generation.prompts import with_room
        >>> [part.numpy().tolist() for part in with_room([[5, 6], [0, 0]], 1)]
        [[[5, 6, 0], [3, 0, 0]], [2, 1], 1]
    """
    check_option("max_new_tokens", max_new_tokens)
    prompt = tf.convert_to_tensor(prompt, tf.int32)
    new = tf.maximum(tf.convert_to_tensor(max_new_tokens, tf.int32), 0)
    lengths = tf.reduce_sum(tf.cast(prompt != PAD, tf.int32), axis=1)
    # Prompts that are all empty need room for the end that they begin with.
    missing = tf.cast(tf.shape(prompt)[1] == 0, tf.int32)
    # Joined, not padded: so the batch stays known where it is, as TFLite asks.
    room = tf.zeros([prompt.shape[0] or tf.shape(prompt)[0], missing + new], tf.int32)
    token_ids = tf.concat([prompt, room], axis=1)
    first = tf.range(tf.shape(token_ids)[1]) == 0
    token_ids = tf.where(first & (lengths == 0)[:, None], END, token_ids)
    return token_ids, tf.maximum(lengths, 1), new


def read_prompts(step, place, state, token_ids, lengths):
    """Reads the tokens that are prompt in all rows, except for the last one; nothing is chosen there.

    Args:
        step: callable. The model.
        place: int32 scalar tensor. The column to read first.
        state: Nest of tensors.
        token_ids: int32 tensor of shape `(batch, room)`.
        lengths: int32 tensor of shape `(batch,)`. Of the prompts.

    Returns:
        The column to read next, and the state.
    """
    # Of no rows at all the least length is the largest integer.
    common = tf.minimum(tf.reduce_min(lengths), tf.shape(token_ids)[1]) - 1

    def read(place, state):
        return place + 1, take_step(step, tf.gather(token_ids, place, axis=1), state)[1]

    return tf.while_loop(lambda place, state: place < common, read, (place, state))


def behind_prompts(rows, lengths, max_new_tokens):
    """What stands behind the prompts.

    Args:
        rows: Tensor of shape `(batch, room, …)`.
        lengths: int32 tensor of shape `(batch,)`. Of the prompts.
        max_new_tokens: int32 scalar tensor.

    Returns:
        Tensor of shape `(batch, max_new_tokens, …)`.
    """
    return tf.gather(rows, lengths[:, None] + tf.range(max_new_tokens), batch_dims=1)
