"""Beam search: goes on with the best few texts at once, in the graph, until no other can become better."""

from typing import NamedTuple

import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.generation.beam_rules import Rules
from nlpkit.generation.beam_step import first_beams, flat, next_beams
from nlpkit.generation.constraints import without
from nlpkit.generation.filters import NEVER, apply_filters
from nlpkit.generation.history import SoFar
from nlpkit.generation.options import check_number
from nlpkit.generation.prompts import behind_prompts, read_prompts, with_room
from nlpkit.generation.step import take_step, with_shapes_of
from nlpkit.text.vocabulary import END, PAD, START, UNKNOWN


class BeamResult(NamedTuple):
    """The best texts of each prompt, best first.

    Args:
        token_ids: int32 tensor of shape `(batch, n_best, max_new_tokens)`. Without the prompt, with the end where a
            text has come to it, then zeros.
        lengths: int32 tensor of shape `(batch, n_best)`. How many of them are tokens.
        score: float32 tensor of shape `(batch, n_best)`. Log-probability over the length penalty, plus the coverage
            penalty; minus infinity where there is no further text.
        log_probability: float32 tensor of shape `(batch, n_best)`.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.generation import beam_search
        >>> result = beam_search(lambda ids, state: (tf.ones((4, 9)), state), (), [[4]], max_new_tokens=2, n_best=3)
        >>> type(result).__name__, result.token_ids.shape
        ('BeamResult', TensorShape([1, 3, 2]))
    """

    token_ids: tf.Tensor
    lengths: tf.Tensor
    score: tf.Tensor
    log_probability: tf.Tensor


def beam_search(
    step,
    state,
    prompt,
    *,
    max_new_tokens,
    beams=4,
    n_best=1,
    groups=1,
    diversity=0.5,
    length_penalty=0.0,
    coverage_penalty=0.0,
    attention_of=None,
    filters=(),
    stop_ids=(END,),
    allow_unknown=False,
):
    """Finds the texts of the highest score that go on from each prompt.

    The score of a text of n tokens, its end included, is its log-probability over `((5 + n) / 6) ** length_penalty`,
    plus the coverage penalty. A text that has no end by `max_new_tokens` competes as it is. The search of a row is over
    as soon as nothing that is still live could have a higher score than the worst text kept: this changes no result.

    Args:
        step: callable. The model, see `nlpkit.generation.step`.
        state: Nest of tensors. Its first state, one row per prompt.
        prompt: int32 tensor of shape `(batch, time)`, padded with 0 on the right. An empty row begins as a text does,
            behind the end of another.
        max_new_tokens: int or int32 scalar tensor.
        beams: int. Texts that are carried on per prompt. Defaults to 4.
        n_best: int. Texts that are returned per prompt, `beams` at most. Defaults to 1.
        groups: int. The beams are searched in groups, of which the later ones avoid the tokens that the ones before
            have chosen in the same step; each returns an equal share of the best. Defaults to 1.
        diversity: Number or float32 scalar tensor. What a token costs in choosing, not in the score, for each beam of
            the groups before that has chosen it. Defaults to 0.5.
        length_penalty: Number or float32 scalar tensor. The higher, the longer the texts. Defaults to 0, off.
        coverage_penalty: Number or float32 scalar tensor. What it costs not to have attended to all of the source.
            Defaults to 0, off.
        attention_of: callable. From the state after a step to the attention paid in it, of shape `(rows, source)`; 1 at
            padding. Defaults to `None`, needed for the coverage penalty only.
        filters: Sequence of callables `(logits, so_far) -> logits`, applied in this order to log-probabilities, which
            are not made to sum up to 1 again and are at most 0. Defaults to none.
        stop_ids: Sequence of ints. Tokens that end a text. Defaults to `(3,)`, the end.
        allow_unknown: bool. Whether the unknown token may be generated. Defaults to `False`.

    Returns:
        `BeamResult`.

    Raises:
        InputError: If a number is out of its range, `n_best` or `beams` cannot be divided among the groups, or a
            coverage penalty has no attention.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.generation import beam_search
        >>> # After 4 come 5 or 6; after 5 one of many, after 6 surely the end.
        >>> even = [0.125] * 8
        >>> table = tf.math.log([even] * 4 + [[0, 0, 0, 0, 0, 0.6, 0.4, 0], even, [0, 0, 0, 1, 0, 0, 0, 0]])
        >>> def step(token_ids, state):
        ...     return tf.gather(table, token_ids), state
        >>> beam_search(step, (), [[4]], max_new_tokens=2, beams=2).token_ids.numpy().tolist()
        [[[6, 3]]]

    Reference:
        [Wu et al., 2016](https://arxiv.org/abs/1609.08144) for the penalties,
        [Vijayakumar et al., 2018](https://arxiv.org/abs/1610.02424) for the groups.
    """
    _check(beams, n_best, groups, diversity, coverage_penalty, attention_of)
    token_ids, lengths, new = with_room(prompt, max_new_tokens)
    rules = Rules(lengths, new, length_penalty, coverage_penalty, attention_of)
    # With nothing to write nothing has to be read.
    place, state = read_prompts(step, tf.constant(0), state, token_ids, tf.where(new > 0, lengths, 1))
    at = first_beams(place, state, token_ids, (groups, beams // groups, n_best // groups), rules)
    last = tf.reduce_max(lengths) + new - 1
    never = (PAD, START) if allow_unknown else (PAD, START, UNKNOWN)

    def search(at):
        logits, state = take_step(step, tf.gather(flat(at.live_ids), at.place, axis=1), at.state)
        allowed = without(never, tf.nn.log_softmax(logits))
        if filters:
            so_far = SoFar(flat(at.live_ids), at.place + 1, tf.repeat(lengths, beams))
            allowed = tf.minimum(apply_filters(filters, allowed, so_far), 0.0)
        coverage = rules.cover(at.coverage, state, tf.repeat(at.place + 1 < lengths, beams))
        read = at._replace(place=at.place + 1, state=state, coverage=coverage)
        return (with_shapes_of(at, next_beams(read, at.state, allowed, rules, stop_ids, diversity)),)

    (at,) = tf.while_loop(lambda at: (at.place < last) & ~tf.reduce_all(at.done), search, (at,))
    return _result(at, lengths, new)


def _check(beams, n_best, groups, diversity, coverage_penalty, attention_of):
    for name, value in (("beams", beams), ("n_best", n_best), ("groups", groups)):
        check_number(name, value, "an integer, 1 or more", lambda x: x >= 1, whole=True)
    if n_best > beams or beams % groups or n_best % groups:
        raise InputError(
            "`beams` and `n_best` must be multiples of `groups`, and `n_best` at most `beams`. "
            f"Received: beams={beams}, n_best={n_best}, groups={groups}"
        )
    check_number("diversity", diversity, "0 or more", lambda x: x >= 0)
    check_number("coverage_penalty", coverage_penalty, "0 (off) or more", lambda x: x >= 0)
    if attention_of is None and (tf.is_tensor(coverage_penalty) or coverage_penalty):
        raise InputError("`coverage_penalty` needs `attention_of`, a function of the state. Received: None")


def _result(at, lengths, new):
    """The kept texts of all groups, best first."""
    batch, groups, keep, room = tf.unstack(tf.shape(at.kept_ids))
    n_best = at.kept.shape[1] * at.kept.shape[2]
    kept = tf.reshape(at.kept, [batch, n_best, 2])
    order = tf.math.top_k(kept[..., 0], n_best).indices
    kept = tf.gather(kept, order, batch_dims=1)
    ids = tf.gather(tf.reshape(at.kept_ids, [batch, n_best, room]), order, batch_dims=1)
    ids = tf.transpose(behind_prompts(tf.transpose(ids, [0, 2, 1]), lengths, new), [0, 2, 1])
    ids = tf.where(kept[..., :1] > NEVER, ids, PAD)
    return BeamResult(ids, tf.reduce_sum(tf.cast(ids != PAD, tf.int32), axis=-1), kept[..., 0], kept[..., 1])
