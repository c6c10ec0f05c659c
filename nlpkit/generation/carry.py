"""A generation on its way: its nest of tensors, where it begins, and what it comes to.

`begin` makes it, `nlpkit.generation.advance` carries it on by some tokens, and `finish` turns it into a result;
`nlpkit.generation.generate` is the three in one.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from nlpkit.generation.options import check_number
from nlpkit.generation.prompts import behind_prompts, with_room
from nlpkit.text.vocabulary import PAD


class Generation(NamedTuple):
    """A generation on its way.

    Args:
        token_ids: int32 tensor of shape `(batch, room)`. Prompts, what was generated right behind them, zeros.
        prompt_lengths: int32 tensor of shape `(batch,)`.
        place: int32 scalar tensor. The column of the token that the model reads next.
        done: bool tensor of shape `(batch,)`. Rows that have come to their end.
        state: Nest of tensors. The model's state before it reads that token.
        score: float32 tensor of shape `(batch,)`. Log-probability of what was generated.
        max_new_tokens: int32 scalar tensor.
        logprobs: An empty tuple, or three tensors of shape `(batch, room)` and `(batch, room, best)`: as those
            of `Generated`.

    Example:
        >>> from nlpkit.generation import begin
        >>> generation = begin((), [[5, 6]], max_new_tokens=3)
        >>> generation.token_ids.numpy().tolist(), int(generation.place), bool(generation.done[0])
        ([[5, 6, 0, 0, 0]], 0, False)
    """

    token_ids: tf.Tensor
    prompt_lengths: tf.Tensor
    place: tf.Tensor
    done: tf.Tensor
    state: Any
    score: tf.Tensor
    max_new_tokens: tf.Tensor
    logprobs: Any


class Generated(NamedTuple):
    """What a generation has come to.

    Args:
        token_ids: int32 tensor of shape `(batch, max_new_tokens)`. Without the prompt, with the end where a row has
            come to it, then zeros.
        lengths: int32 tensor of shape `(batch,)`. How many of them are tokens.
        score: float32 tensor of shape `(batch,)`. The sum of the model's own log-probabilities of them, whatever
            filters made of these.
        logprobs: `None`, or three tensors: float32 `(batch, max_new_tokens)`, the log-probability of each token; int32
            `(batch, max_new_tokens, best)`, the most likely ids in its place; float32, their log-probabilities.

    Example:
        >>> from nlpkit.generation import begin, finish
        >>> finish(begin((), [[5, 6]], max_new_tokens=3)).lengths.numpy().tolist()
        [0]
    """

    token_ids: tf.Tensor
    lengths: tf.Tensor
    score: tf.Tensor
    logprobs: Any


def begin(state, prompt, *, max_new_tokens, logprobs=None):
    """Makes room for the tokens to come.

    Args:
        state: Nest of tensors. The model's first state.
        prompt: int32 tensor of shape `(batch, time)`, padded with 0 on the right. An empty row begins as a text does,
            behind the end of another.
        max_new_tokens: int or int32 scalar tensor.
        logprobs: int. Of how many of the most likely tokens the log-probabilities are kept besides those of the chosen
            ones. Defaults to `None`, of none and not of those.

    Returns:
        `Generation`.

    Raises:
        InputError: If `max_new_tokens` or `logprobs` is negative or no integer.

    Example:
        >>> from nlpkit.generation import begin
        >>> begin((), [[5, 6], [0, 0]], max_new_tokens=2).prompt_lengths.numpy().tolist()
        [2, 1]
    """
    token_ids, lengths, new = with_room(prompt, max_new_tokens)
    done = tf.broadcast_to(new == 0, tf.shape(lengths))
    score = tf.zeros_like(lengths, tf.float32)
    kept = () if logprobs is None else _room_for_logprobs(token_ids, logprobs)
    return Generation(token_ids, lengths, tf.constant(0), done, state, score, new, kept)


def _room_for_logprobs(token_ids, best):
    check_number("logprobs", best, "an integer, 0 or more", lambda x: x >= 0, whole=True)
    zeros = tf.repeat(token_ids[:, :, None] * 0, best, axis=2)
    return tf.zeros_like(token_ids, tf.float32), zeros, tf.cast(zeros, tf.float32)


def finish(generation):
    """What was generated, without the prompts.

    Args:
        generation: `Generation`, at its end or not.

    Returns:
        `Generated`.

    Example:
        >>> from nlpkit.generation import begin, finish
        >>> finish(begin((), [[5, 6]], max_new_tokens=2)).token_ids.numpy().tolist()
        [[0, 0]]
    """

    def behind_prompt(rows):
        return behind_prompts(rows, generation.prompt_lengths, generation.max_new_tokens)

    token_ids = behind_prompt(generation.token_ids)
    # What a row has not come to yet is still zero.
    lengths = tf.reduce_sum(tf.cast(token_ids != PAD, tf.int32), axis=1)
    logprobs = tuple(map(behind_prompt, generation.logprobs)) or None
    return Generated(token_ids, lengths, generation.score, logprobs)
