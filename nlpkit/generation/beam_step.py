"""One step of beam search: which of the live texts go on, and which complete ones are kept."""

from typing import Any, NamedTuple

import tensorflow as tf

from nlpkit.generation.constraints import without
from nlpkit.generation.filters import NEVER
from nlpkit.generation.largest import largest
from nlpkit.generation.step import reorder


class Beams(NamedTuple):
    """A beam search on its way; `live` texts go on, `kept` ones are complete.

    Args:
        place: int32 scalar tensor. The column of the tokens that the model reads next.
        done: bool tensor of shape `(batch,)`.
        state: Nest of tensors with one row for each live text.
        coverage: float32 tensor of shape `(live texts, source)`, or an empty tuple.
        live_ids: int32 tensor of shape `(batch, groups, width, room)`.
        live: float32 tensor of shape `(batch, groups, width)`. Log-probabilities.
        kept_ids: int32 tensor of shape `(batch, groups, keep, room)`.
        kept: float32 tensor of shape `(batch, groups, keep, 2)`. Scores and log-probabilities.
    """

    place: tf.Tensor
    done: tf.Tensor
    state: Any
    coverage: Any
    live_ids: tf.Tensor
    live: tf.Tensor
    kept_ids: tf.Tensor
    kept: tf.Tensor


def flat(rows):
    """Live texts as one batch: `(batch, groups, width, …)` to `(live texts, …)`."""
    return tf.reshape(rows, tf.concat([[-1], tf.shape(rows)[3:]], axis=0))


def first_beams(place, state, token_ids, shape, rules):
    """Beams before the first step: all are the prompt, and one counts.

    Args:
        place: int32 scalar tensor. The column to read first.
        state: Nest of tensors with one row for each prompt.
        token_ids: int32 tensor of shape `(batch, room)`.
        shape: Tuple of ints. Groups, beams in each, and texts that each keeps.
        rules: `Rules`.

    Returns:
        `Beams`.
    """
    groups, width, keep = shape
    batch, room = tf.unstack(tf.shape(token_ids))
    state = reorder(state, tf.repeat(tf.range(batch), groups * width))
    live = tf.broadcast_to([0.0] + [NEVER] * (width - 1), [batch, groups, width])
    # With nothing to write the one text there is has been found.
    kept = tf.fill([batch, groups, keep, 2], NEVER)
    found = tf.reshape(tf.range(groups * keep) == 0, [1, groups, keep, 1]) & (rules.max_new_tokens == 0)
    return Beams(
        place=place,
        done=tf.broadcast_to(rules.max_new_tokens == 0, [batch]),
        state=state,
        coverage=rules.no_coverage(state),
        live_ids=tf.broadcast_to(tf.reshape(token_ids, [batch, 1, 1, room]), [batch, groups, width, room]),
        live=live,
        kept_ids=tf.zeros([batch, groups, keep, room], tf.int32),
        kept=tf.where(found, 0.0, kept),
    )


def next_beams(at, before, log_probabilities, rules, stop_ids, diversity):
    """The beams after one more token: those that end may be kept, the best others live on.

    Args:
        at: `Beams`, with state and coverage after the step, and with the column to write as its place.
        before: Nest of tensors. The state before the step.
        log_probabilities: float32 tensor of shape `(live texts, vocabulary)`.
        rules: `Rules`.
        stop_ids: Sequence of ints.
        diversity: Number or float32 scalar tensor.

    Returns:
        `Beams`.
    """
    shape = tf.shape(at.live)
    written = at.place - rules.lengths + 1
    reading, full = (test[:, None, None] for test in (written < 1, written >= rules.max_new_tokens))
    column = tf.range(tf.shape(at.live_ids)[-1]) == at.place
    live, parents, tokens = _best_by_group(at.live, without(stop_ids, log_probabilities), diversity)
    # Within its prompt a row stays as it is.
    live = tf.where(reading, at.live, live)
    parents = tf.where(reading, tf.range(shape[2]), parents)
    live_ids = tf.gather(at.live_ids, parents, batch_dims=2)
    live_ids = tf.where(column & ~reading[..., None], tokens[..., None], live_ids)
    covered = rules.coverage_scores(at.coverage, shape)
    ends = tf.gather(log_probabilities, stop_ids, axis=-1)
    ids, ended = _ended(at, ends, column, stop_ids)
    ended = (ids, tf.where(reading, NEVER, ended), tf.repeat(covered, len(stop_ids), axis=-1))
    # Where there is no room for more, what lives is complete too.
    complete = (live_ids, tf.where(full, live, NEVER), tf.gather(covered, parents, batch_dims=2))
    kept_ids, kept = _keep(at, ended, complete, rules.length_score(written)[:, None, None])
    live = tf.where(full, NEVER, live)
    beaten = rules.bound(live, written) <= tf.reduce_min(kept[..., 0], axis=-1)
    done = at.done | (tf.reduce_all(beaten, axis=1) & ~reading[:, 0, 0])
    rows = tf.reshape(tf.reshape(tf.range(tf.size(live)), shape)[..., :1] + parents, [-1])
    state, coverage = reorder(at.state, rows, before), reorder(at.coverage, rows)
    return Beams(at.place, done, state, coverage, live_ids, live, kept_ids, kept)


def _ended(at, ends, column, stop_ids):
    """All live texts with each of the tokens that end one, of log-probabilities `ends`: ids and log-probabilities."""
    stops = tf.constant(stop_ids, tf.int32)[:, None]
    ids = tf.where(column, stops, tf.expand_dims(at.live_ids, -2))
    batch, groups, width, count, room = tf.unstack(tf.shape(ids))
    totals = at.live[..., None] + tf.reshape(ends, [batch, groups, width, count])
    width = width * count
    return tf.reshape(ids, [batch, groups, width, room]), tf.reshape(totals, [batch, groups, width])


def _best_by_group(live, log_probabilities, diversity):
    """The best continuations within each group: log-probabilities, which text each continues, and its token."""
    groups, width = live.shape[1:3]
    size = log_probabilities.shape[-1] or tf.shape(log_probabilities)[-1]
    by_group = tf.split(tf.reshape(log_probabilities, [-1, groups, width, size]), groups, axis=1)
    found, taken = [], 0.0
    for group, own in enumerate(by_group):
        own = tf.reshape(own, [-1, width, size])
        best = _best(live[:, group], own, own - taken if group else own)
        found.append(best)
        chosen = tf.reduce_sum(tf.one_hot(best[2], size), axis=1, keepdims=True)
        taken += tf.cast(diversity, "float32") * chosen
    return tuple(tf.stack(part, axis=1) for part in zip(*found, strict=True))


def _best(live, log_probabilities, ranking):
    """As many continuations as there are texts, the highest of a ranking `(batch, width, vocabulary)`.

    They are among the highest of each text, so that nothing has to be added to the ranking of a whole vocabulary.
    """
    width, size = live.shape[1], ranking.shape[-1] or tf.shape(ranking)[-1]
    each = tf.minimum(width, size)
    ranked, tokens = (
        tf.reshape(part, [-1, width, each]) for part in largest(tf.reshape(ranking, [-1, size]), each)
    )
    places = tf.math.top_k(tf.reshape(live[..., None] + ranked, [-1, width * each]), width).indices
    totals = live[..., None] + tf.gather(log_probabilities, tokens, batch_dims=2)
    totals, tokens = (
        tf.gather(tf.reshape(part, [-1, width * each]), places, batch_dims=1) for part in (totals, tokens)
    )
    return totals, places // each, tokens


def _keep(at, ended, complete, length_score):
    """The best complete texts, those that were kept before first among equals."""
    ids, log_probabilities, covered = (tf.concat(pair, axis=2) for pair in zip(ended, complete, strict=True))
    scores = log_probabilities / length_score + covered
    candidates = tf.concat([at.kept, tf.stack([scores, log_probabilities], axis=-1)], axis=2)
    best = tf.math.top_k(candidates[..., 0], at.kept.shape[2]).indices
    ids = tf.concat([at.kept_ids, ids], axis=2)
    return tf.gather(ids, best, batch_dims=2), tf.gather(candidates, best, batch_dims=2)
