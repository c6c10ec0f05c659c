"""Contrastive search: likely tokens whose hidden vectors are unlike those of all tokens before."""

import tensorflow as tf

from nlpkit.generation.carry import begin, finish
from nlpkit.generation.constraints import without
from nlpkit.generation.decoding import write_token
from nlpkit.generation.filters import NEVER, apply_filters
from nlpkit.generation.history import SoFar
from nlpkit.generation.options import check_number
from nlpkit.generation.step import reorder, take_step, with_shapes_of
from nlpkit.text.vocabulary import END, PAD, START, UNKNOWN


def contrastive_search(
    step,
    state,
    prompt,
    *,
    max_new_tokens,
    hidden_of,
    candidates=5,
    penalty=0.6,
    filters=(),
    stop_ids=(END,),
    allow_unknown=False,
):
    """Goes on with each prompt by the candidate of the highest probability, less its likeness to what was there.

    Of the most likely tokens each is read for a trial. It counts `(1 - penalty)` times its probability, less `penalty`
    times the cosine between its hidden vector and the most similar one of the tokens before it. Prompts of different
    lengths, too, are read as often as there are candidates, from the length of the shortest on.

    Args:
        step: callable. The model, see `nlpkit.generation.step`.
        state: Nest of tensors. Its first state, one row per prompt.
        prompt: int32 tensor of shape `(batch, time)`, padded with 0 on the right. An empty row begins as a text does,
            behind the end of another.
        max_new_tokens: int or int32 scalar tensor.
        hidden_of: callable. From the state after a step to the hidden vector of the token that was read, a float32
            tensor of shape `(rows, features)`.
        candidates: int or int32 scalar tensor. How many tokens are tried. Defaults to 5.
        penalty: Number or float32 scalar tensor, from 0 (greedy) to 1 (only what is unlike counts). Defaults to 0.6.
        filters: Sequence of callables `(logits, so_far) -> logits`, applied in this order; they decide which tokens are
            candidates. Defaults to none.
        stop_ids: Sequence of ints. Tokens that end a row. Defaults to `(3,)`, the end.
        allow_unknown: bool. Whether the unknown token may be generated. Defaults to `False`.

    Returns:
        `Generated`. A row for which filters leave no token ends there.

    Raises:
        InputError: If a number is out of its range.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.generation import contrastive_search
        >>> # After each token 5 is most likely, and then 6; hidden vectors are one-hot, so 5 is tried once.
        >>> logits = tf.math.log([[0.1, 0.0, 0.0, 0.0, 0.1, 0.4, 0.3, 0.1]])
        >>> def step(token_ids, state):
        ...     return tf.repeat(logits, tf.size(token_ids), axis=0), tf.one_hot(token_ids, 8)
        >>> def search(penalty):
        ...     return contrastive_search(
        ...         step, tf.zeros((1, 8)), [[4]], max_new_tokens=3, hidden_of=lambda state: state, penalty=penalty)
        >>> search(0.0).token_ids.numpy().tolist(), search(0.5).token_ids.numpy().tolist()
        ([[5, 5, 5]], [[5, 6, 7]])

    Reference:
        [Su et al., 2022](https://arxiv.org/abs/2202.06417)
    """
    check_number("candidates", candidates, "an integer, 1 or more", lambda x: x >= 1, whole=True)
    check_number("penalty", penalty, "from 0 to 1", lambda x: 0 <= x <= 1)
    never = (PAD, START) if allow_unknown else (PAD, START, UNKNOWN)
    at = _read_prompts(step, begin(state, prompt, max_new_tokens=max_new_tokens), hidden_of)
    last = tf.reduce_max(at.prompt_lengths) + at.max_new_tokens

    def write(at):
        logits, state, seen = at.state
        so_far = SoFar(at.token_ids, at.place, at.prompt_lengths)
        allowed = apply_filters(filters, without(never, logits), so_far)
        tokens, possible = _candidates(at, allowed, candidates)
        rows = tf.range(tf.size(tokens)) // tf.shape(tokens)[1]
        tried = _read(step, tf.reshape(tokens, [-1]), reorder(state, rows), hidden_of)
        likely = tf.gather(tf.nn.softmax(logits), tokens, batch_dims=1)
        score = (1.0 - penalty) * likely - penalty * _likeness(tried[2], seen, at.place, tf.shape(tokens))
        # The first of equals: in a prompt, where all candidates are its token, or where none is possible.
        best = tf.argmax(tf.where(possible, score, NEVER), axis=-1, output_type="int32")
        chosen = tf.range(tf.shape(tokens)[0]) * tf.shape(tokens)[1] + best
        after, state, hidden = reorder(tried, chosen)
        written = write_token(at, tf.gather(tokens, best, batch_dims=1), logits, stop_ids)
        state = (after, state, _remember(seen, hidden, at.place))
        return (with_shapes_of(at, written._replace(place=at.place + 1, state=state)),)

    (at,) = tf.while_loop(lambda at: (at.place < last) & ~tf.reduce_all(at.done), write, (at,))
    return finish(at)


def _read(step, token_ids, state, hidden_of):
    """Logits, state and hidden vectors of length 1 after a step."""
    logits, state = take_step(step, token_ids, state)
    return logits, state, tf.math.l2_normalize(hidden_of(state), axis=-1)


def _read_prompts(step, at, hidden_of):
    """Reads what is prompt in all rows; from then on the state is logits, state and the hidden vectors seen."""
    logits, state, hidden = _read(step, at.token_ids[:, 0], at.state, hidden_of)
    room = tf.shape(at.token_ids)[1]
    seen = _remember(tf.repeat(tf.zeros_like(hidden)[:, None], room, axis=1), hidden, 0)

    def read(place, logits, state, seen):
        logits, state, hidden = _read(step, tf.gather(at.token_ids, place, axis=1), state, hidden_of)
        return place + 1, logits, state, _remember(seen, hidden, place)

    common = tf.reduce_min(at.prompt_lengths)
    start = (tf.constant(1), logits, state, seen)
    place, *state = tf.while_loop(lambda place, *_: place < common, read, start)
    return at._replace(place=place, state=tuple(state))


def _candidates(at, allowed, count):
    """The tokens to try, int32 `(batch, candidates)`, and whether they may be taken."""
    values, tokens = tf.math.top_k(allowed, tf.minimum(count, tf.shape(allowed)[-1]))
    reading = (at.place < at.prompt_lengths)[:, None]
    given = tf.gather(at.token_ids, tf.minimum(at.place, tf.shape(at.token_ids)[1] - 1), axis=1)
    return tf.where(reading, given[:, None], tokens), reading | (values > NEVER)


def _likeness(hidden, seen, place, shape):
    """The largest cosine of each candidate with what was there, float32 `(batch, candidates)`."""
    hidden = tf.reshape(hidden, [shape[0], shape[1], seen.shape[-1] or tf.shape(seen)[-1]])
    cosines = tf.matmul(hidden, seen, transpose_b=True)
    return tf.reduce_max(tf.where(tf.range(tf.shape(seen)[1]) < place, cosines, -1.0), axis=-1)


def _remember(seen, hidden, place):
    column = tf.range(tf.shape(seen)[1]) == place
    return tf.where(column[:, None], hidden[:, None], seen)
