"""The one loop that writes a text: token by token, in the graph, for prompts of any length side by side.

The text is the same in however many parts it is written.
"""

import tensorflow as tf

from nlpkit.generation.carry import begin, finish
from nlpkit.generation.constraints import is_one_of, without
from nlpkit.generation.filters import apply_filters
from nlpkit.generation.history import SoFar
from nlpkit.generation.options import check_number
from nlpkit.generation.prompts import read_prompts
from nlpkit.generation.randomness import draw, uniform
from nlpkit.generation.step import take_step, with_shapes_of
from nlpkit.text.vocabulary import END, PAD, START, UNKNOWN


def advance(
    step, generation, *, steps=None, filters=(), seed=None, first_row=0, stop_ids=(END,), allow_unknown=False
):
    """Writes the next tokens of each row, until all rows are done.

    Args:
        step: callable. The model, see `nlpkit.generation.step`.
        generation: `Generation`.
        steps: int or int32 scalar tensor. Largest number of tokens per row, 1 or more. Defaults to `None`, all that
            are left.
        filters: Sequence of callables `(logits, so_far) -> logits`, applied in this order. Defaults to none.
        seed: int or int32 scalar tensor. Tokens are drawn; the same seed draws the same. Defaults to `None`: each time
            the most likely token is taken.
        first_row: int or int32 scalar tensor. Number of the first row, from which with the seed chance comes: rows in
            batches of their own draw what they would draw in one. Defaults to 0.
        stop_ids: Sequence of ints. Tokens that end a row. Defaults to `(3,)`, the end.
        allow_unknown: bool. Whether the unknown token may be generated. Defaults to `False`.

    Returns:
        `Generation`.

    Raises:
        InputError: If `steps` is less than 1 or no integer.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.generation import advance, begin, finish
        >>> def step(token_ids, state):  # counts
        ...     return tf.one_hot(token_ids + 1, 9), state
        >>> generation = advance(step, begin((), [[4]], max_new_tokens=4), steps=2)
        >>> finish(generation).token_ids.numpy().tolist()
        [[5, 6, 0, 0]]
        >>> finish(advance(step, generation)).token_ids.numpy().tolist()
        [[5, 6, 7, 8]]
    """
    if steps is not None:
        check_number("steps", steps, "an integer, 1 or more", lambda x: x >= 1, whole=True)
    never = (PAD, START) if allow_unknown else (PAD, START, UNKNOWN)
    # With nothing to write nothing has to be read.
    common = tf.where(generation.max_new_tokens > 0, generation.prompt_lengths, 1)
    place, state = read_prompts(step, generation.place, generation.state, generation.token_ids, common)
    generation = generation._replace(place=place, state=state)
    numbers = None if seed is None else _numbers(seed, first_row, generation)
    last = tf.reduce_max(generation.prompt_lengths) + generation.max_new_tokens - 1
    last = last if steps is None else tf.minimum(last, generation.place + steps)

    def more(at):
        return (at.place < last) & ~tf.reduce_all(at.done)

    def write(at):
        logits, state = take_step(step, tf.gather(at.token_ids, at.place, axis=1), at.state)
        place = at.place + 1
        allowed = apply_filters(
            filters, without(never, logits), SoFar(at.token_ids, place, at.prompt_lengths)
        )
        token = tf.argmax(allowed, -1, tf.int32) if seed is None else draw(allowed, numbers[place])
        written = write_token(at._replace(place=place, state=state), token, logits, stop_ids)
        return (with_shapes_of(at, written),)

    return tf.while_loop(more, write, (generation,))[0]


def _numbers(seed, first_row, generation):
    """The chance for each column and row, float32 `(room, batch)`."""
    rows, room = tf.unstack(tf.shape(generation.token_ids))
    token = tf.range(room)[:, None] - generation.prompt_lengths
    return uniform(seed, first_row + tf.range(rows), token)


def write_token(at, token, logits, stop_ids):
    """Writes a token into the rows that are neither done nor in their prompt.

    Args:
        at: `Generation`, its place the column to write.
        token: int32 tensor of shape `(batch,)`; 0 where there is none to take, which ends the row.
        logits: float32 tensor of shape `(batch, vocabulary)`. The model's own.
        stop_ids: Sequence of ints. Tokens that end a row.

    Returns:
        `Generation`.
    """
    here = (at.place >= at.prompt_lengths) & ~at.done
    column = (tf.range(tf.shape(at.token_ids)[1]) == at.place) & here[:, None]
    # Where everything was excluded the choice has fallen on the padding, and the row ends without a word.
    empty = token == PAD
    # The sum alone: TensorFlow's own log-softmax takes longer than the model.
    total = tf.reduce_logsumexp(logits, axis=-1)
    chosen = tf.where(here & ~empty, tf.gather(logits, token, batch_dims=1) - total, 0.0)
    full = at.place - at.prompt_lengths + 1 >= at.max_new_tokens
    return at._replace(
        token_ids=tf.where(column, token[:, None], at.token_ids),
        done=at.done | (here & (empty | is_one_of(token, stop_ids))) | full,
        score=at.score + chosen,
        logprobs=at.logprobs and _kept(at.logprobs, column, chosen, logits - total[:, None]),
    )


def _kept(logprobs, column, chosen, log_probabilities):
    old, old_ids, old_best = logprobs
    best, ids = tf.math.top_k(log_probabilities, old_ids.shape[-1])
    there = column[:, :, None]
    return (
        tf.where(column, chosen[:, None], old),
        tf.where(there, ids[:, None], old_ids),
        tf.where(there, best[:, None], old_best),
    )


def generate(
    step,
    state,
    prompt,
    *,
    max_new_tokens,
    filters=(),
    seed=None,
    first_row=0,
    stop_ids=(END,),
    allow_unknown=False,
    logprobs=None,
):
    """Goes on with each prompt until it comes to an end.

    Padding and start are never generated.

    Args:
        step: callable. The model, see `nlpkit.generation.step`.
        state: Nest of tensors. Its first state.
        prompt: int32 tensor of shape `(batch, time)`, padded with 0 on the right. An empty row begins as a text does,
            behind the end of another.
        max_new_tokens: int or int32 scalar tensor.
        filters: Sequence of callables `(logits, so_far) -> logits`, applied in this order. Defaults to none.
        seed: int or int32 scalar tensor. Tokens are drawn; the same seed draws the same. Defaults to `None`: each time
            the most likely token is taken.
        first_row: int or int32 scalar tensor. Number of the first row, from which with the seed chance comes: rows in
            batches of their own draw what they would draw in one. Defaults to 0.
        stop_ids: Sequence of ints. Tokens that end a row. Defaults to `(3,)`, the end.
        allow_unknown: bool. Whether the unknown token may be generated. Defaults to `False`.
        logprobs: int. Of how many of the most likely tokens the log-probabilities are kept besides those of the chosen
            ones. Defaults to `None`, of none and not of those.

    Returns:
        `Generated`. A row for which filters leave no token ends there.

    Raises:
        InputError: If `max_new_tokens` or `logprobs` is negative or no integer.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.generation import generate
        >>> def step(token_ids, state):  # counts
        ...     return tf.one_hot(token_ids + 1, 8), state
        >>> result = generate(step, (), [[5, 0], [3, 4]], max_new_tokens=2)
        >>> result.token_ids.numpy().tolist()
        [[6, 7], [5, 6]]
    """
    generation = begin(state, prompt, max_new_tokens=max_new_tokens, logprobs=logprobs)
    generation = advance(
        step,
        generation,
        filters=filters,
        seed=seed,
        first_row=first_row,
        stop_ids=stop_ids,
        allow_unknown=allow_unknown,
    )
    return finish(generation)
