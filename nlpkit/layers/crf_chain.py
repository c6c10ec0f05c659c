"""A conditional random field over a sentence, as the Markov chain of tags that it is.

Given the sentence, the tags of a linear-chain CRF are a Markov chain: what a tag is depends on the tag before alone,
with probabilities that differ from step to step. One pass backwards finds them; likelihood, best path and marginals
are then read off the chain, which needs no transitions any more.
"""

import tensorflow as tf

FORBIDDEN = -1e9


def tag_chain(emissions, transitions, start, end, mask=None):
    """Log-probabilities of every tag given the tag before and the whole sentence.

    The backward pass adds up, for each tag, everything that may follow it. Its sums are kept up to a constant a step
    and normalised at once, so that long sentences lose no precision.

    Args:
        emissions: Float tensor of shape `(batch, time, num_tags)`.
        transitions: Float tensor of shape `(num_tags, num_tags)`, from the tag of the row to that of the column;
            `FORBIDDEN` where that may not be.
        start: Float tensor of shape `(num_tags,)`, likewise.
        end: Float tensor of shape `(num_tags,)`, likewise.
        mask: Bool tensor of shape `(batch, time)` of right-padded rows. Defaults to `None`, no padding.

    Returns:
        Float tensor of shape `(batch, time, num_tags, num_tags)`: the tag before, the tag. Nothing is before the
        first step, where all rows are equal. Zero at padded steps.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.crf_chain import tag_chain
        >>> chain = tag_chain(tf.zeros((1, 3, 2)), tf.zeros((2, 2)), tf.zeros(2), tf.zeros(2))
        >>> tf.exp(chain)[0, 2].numpy().tolist()
        [[0.5, 0.5], [0.5, 0.5]]

    Reference:
        [Lafferty et al., 2001](https://dl.acm.org/doi/10.5555/645530.655813); the backward pass as in
        [Rabiner, 1989](https://doi.org/10.1109/5.18626)
    """
    ahead = emissions + _weights_of_what_follows(emissions, transitions, end, mask)
    is_first = tf.range(tf.shape(emissions)[1])[:, None, None] == 0
    chain = tf.nn.log_softmax(tf.where(is_first, start, transitions) + ahead[:, :, None, :])
    return chain if mask is None else tf.where(mask[:, :, None, None], chain, tf.zeros_like(chain))


def tag_log_probabilities(chain, tags):
    """Log-probability of each step's tag given the one before; their sum is the log-likelihood of the tags.

    Args:
        chain: Float tensor of shape `(batch, time, num_tags, num_tags)`, of `tag_chain`.
        tags: Int tensor of shape `(batch, time)`. What stands at padded steps, also -1, does not matter.

    Returns:
        Float tensor of shape `(batch, time)`, zero at padded steps.
    """
    tags = tf.maximum(tags, 0)
    from_before = tf.gather(chain, _shifted(tags), axis=2, batch_dims=2)
    return tf.gather(from_before, tags, axis=2, batch_dims=2)


def best_path(chain):
    """The most probable tags, by the Viterbi algorithm.

    Args:
        chain: Float tensor of shape `(batch, time, num_tags, num_tags)`, of `tag_chain`.

    Returns:
        Tuple of the tags, int32 tensor of shape `(batch, time)` with 0 at padded steps, and their log-probability,
        float tensor of shape `(batch,)`.

    Reference:
        [Viterbi, 1967](https://doi.org/10.1109/TIT.1967.1054010)
    """
    links = tf.transpose(chain, (1, 0, 2, 3))
    steps, nothing = tf.shape(links)[0], tf.zeros_like(links[0, :, 0])

    def choose(time, best, choices):
        totals = links[time] + best[:, None, :]
        choice = tf.argmax(totals, axis=-1, output_type="int32")
        return time - 1, tf.reduce_max(totals, axis=-1), choices.write(time, choice)

    _, best, choices = _backwards(choose, steps, nothing, _array("int32", steps, nothing.shape))
    choices = choices.stack()

    def follow(time, tag, tags):
        tag = tf.gather(choices[time], tag, axis=1, batch_dims=1)
        return time + 1, tag, tags.write(time, tag)

    any_tag = tf.zeros_like(choices[0, :, 0])
    _, _, tags = _forwards(follow, steps, any_tag, _array("int32", steps, any_tag.shape))
    return tf.transpose(tags.stack()), best[:, 0]


def tag_marginals(chain, mask=None):
    """Probability of every tag at every step.

    Args:
        chain: Float tensor of shape `(batch, time, num_tags, num_tags)`, of `tag_chain`.
        mask: Bool tensor of shape `(batch, time)`, or `None`.

    Returns:
        Float tensor of shape `(batch, time, num_tags)`, zero at padded steps.
    """
    links = tf.transpose(_probabilities(chain, mask), (1, 0, 2, 3))
    steps, num_tags = tf.shape(links)[0], links.shape[-1]

    def step(time, before, marginals):
        now = tf.reduce_sum(before[:, :, None] * links[time], axis=1)
        return time + 1, now, marginals.write(time, now)

    # The first step does not look at the tag before, whichever it is.
    any_tag = tf.zeros_like(links[0, :, 0]) + tf.one_hot(0, num_tags, dtype=links.dtype)
    _, _, marginals = _forwards(step, steps, any_tag, _array(links.dtype, steps, any_tag.shape))
    return tf.transpose(marginals.stack(), (1, 0, 2))


def span_probabilities(chain, starts, ends, tags, mask=None):
    """Probability that whole labelled spans occur, whatever the tags around them.

    Args:
        chain: Float tensor of shape `(batch, time, num_tags, num_tags)`, of `tag_chain`.
        starts: Int tensor of shape `(batch, spans)`, the first step of each span.
        ends: Int tensor of shape `(batch, spans)`, the step after the last.
        tags: Int tensor of shape `(batch, spans, longest)`, the tags of each span, right-padded.
        mask: Bool tensor of shape `(batch, time)`, or `None`.

    Returns:
        Float tensor of shape `(batch, spans)`; 0 for a span that runs into the padding, 1 for an empty one.
    """
    steps, num_tags = tf.shape(chain)[1], chain.shape[-1]
    tags = tf.maximum(tags, 0)
    positions = starts[:, :, None] + tf.range(tf.shape(tags)[2])
    # Any step after the last one is one more of padding.
    where = tf.minimum(positions, steps)
    alone = _look_up(tag_marginals(chain, mask), where * num_tags + tags)
    linked = _look_up(_probabilities(chain, mask), (where * num_tags + _shifted(tags)) * num_tags + tags)
    factors = tf.where(positions == starts[:, :, None], alone, linked)
    return tf.reduce_prod(tf.where(positions < ends[:, :, None], factors, tf.ones_like(factors)), axis=-1)


def _weights_of_what_follows(emissions, transitions, end, mask):
    """Log of the summed weights `(batch, time, num_tags)` of all that may follow a tag, up to a constant a step."""
    emissions = tf.transpose(emissions, (1, 0, 2))
    steps, last = tf.shape(emissions)[0], tf.zeros_like(emissions[0]) + end
    # Read from an array, not sliced: the gradient of a slice is as large as the whole.
    rows = _array(emissions.dtype, steps, last.shape).unstack(emissions)
    real = None if mask is None else tf.transpose(mask)[:, :, None]

    def step(time, after, weights):
        weights = weights.write(time, after)
        before = _log_sum_exp(transitions + (rows.read(time) + after)[:, None, :])
        before -= tf.stop_gradient(tf.reduce_max(before, axis=-1, keepdims=True))
        before = before if real is None else tf.where(real[time], before, last)
        return time - 1, before, weights

    _, _, weights = _backwards(step, steps, last, _array(emissions.dtype, steps, last.shape))
    return tf.transpose(weights.stack(), (1, 0, 2))


def _log_sum_exp(scores):
    # TensorFlow's own looks for infinite numbers, which there are none of here, with an op that TFLite does not have.
    largest = tf.stop_gradient(tf.reduce_max(scores, axis=-1, keepdims=True))
    return tf.math.log(tf.reduce_sum(tf.exp(scores - largest), axis=-1)) + largest[..., 0]


def _probabilities(chain, mask):
    """The chain's probabilities, zero at padded steps."""
    chain = tf.exp(chain)
    return chain if mask is None else chain * tf.cast(mask, chain.dtype)[:, :, None, None]


def _shifted(tags):
    """Moves the last axis one step to the right."""
    first = tf.zeros_like(tags[..., :1])
    return tf.concat([first, tags[..., :-1]], axis=-1)


def _look_up(table, places):
    """Entries of `(batch, time, …)`, all but the batch in one row, with a step of zeros added at the end."""
    table = tf.concat([table, tf.zeros_like(table[:, :1])], axis=1)
    return tf.gather(tf.reshape(table, (tf.shape(table)[0], -1)), places, batch_dims=1)


def _array(dtype, steps, shape):
    return tf.TensorArray(dtype, size=steps, element_shape=shape)


def _forwards(step, steps, *start):
    return tf.while_loop(lambda time, *_: time < steps, step, (0, *start), maximum_iterations=steps)


def _backwards(step, steps, *start):
    # XLA differentiates a loop only where it knows how often it runs at most.
    return tf.while_loop(lambda time, *_: time >= 0, step, (steps - 1, *start), maximum_iterations=steps)
