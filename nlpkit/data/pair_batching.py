"""Batches of pairs of similar lengths: a source and its target, such as a sentence and its translation."""

import numpy as np

from nlpkit.data.batching import FULL_BATCH_LENGTH, POOL_BATCHES, check_epochs, gatherer, prefetched
from nlpkit.data.id_rows import IdRows
from nlpkit.data.repeated_rows import RepeatedRows
from nlpkit.errors import InputError

POOLS = 4  # at least


def pair_batches(sources, targets, *, batch_size, batch_tokens=None, seed, epochs, first_epoch=0):
    """Builds one dataset that runs over several epochs, each pair once per epoch in an order of its own.

    Pairs are shuffled, sorted by the length of the target, then of the source, inside pools of 100 batches, or a
    quarter of all, and cut into batches, and the batches shuffled. With `batch_tokens` all are one pool. The order of
    an epoch depends on `seed` and its number only, so training resumed at `first_epoch` sees the batches that the
    uninterrupted one would have seen.

    Args:
        sources: IdRows, float array of shape `(pairs, regions, features)`, or images, a uint8 array of shape `(pairs,
            height, width, channels)`; or `RepeatedRows` of such an array. Arrays are not padded.
        targets: IdRows. The target of each source.
        batch_size: int. Pairs per batch; the batch of the longest pairs may be smaller.
        batch_tokens: int. As many pairs per batch as have pairs × longest (source or target) within it, at least one.
            Takes the place of `batch_size`. Defaults to `None`.
        seed: int. At least 0.
        epochs: int. The number of the last epoch plus one.
        first_epoch: int. The number of the first epoch to run. Defaults to `0`.

    Returns:
        Tuple of a `tf.data.Dataset` of `(sources, targets)`, where ids are int32 of shape `(batch, longest in the
        batch)`, and the number of batches per epoch, which is the same in every epoch.

    Raises:
        InputError: If there are no pairs, a number is out of range, or the two sides do not fit together.

    Example:
        >>> from nlpkit.data import IdRows
        >>> from nlpkit.data.pair_batching import pair_batches
        >>> sources = IdRows.from_lists([[4, 5, 3], [6, 3], [7, 3]])
        >>> targets = IdRows.from_lists([[8, 9, 3], [8, 3], [9, 3]])
        >>> dataset, steps = pair_batches(sources, targets, batch_size=2, seed=1, epochs=3)
        >>> steps, sorted(len(ids) for ids, _ in dataset.take(steps))
        (2, [1, 2])

    Reference:
        [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762) for batches by tokens
    """
    import tensorflow as tf

    lengths = _lengths_of(sources, targets)
    _check_sizes(batch_size, batch_tokens)
    check_epochs(seed, epochs, first_epoch)
    # The lengths of the sorted pairs, and with them the cuts, are the same however ties are broken.
    longest = lengths[:, np.lexsort(lengths)].max(axis=0)
    bounds = cut_pairs(longest, batch_size if batch_tokens is None else len(longest), batch_tokens)
    steps = len(bounds) - 1
    # Where there are few batches each would else be all of one kind, such as short answers only.
    pool = None if batch_tokens else batch_size * min(max(steps // POOLS, 1), POOL_BATCHES)
    with tf.device("CPU:0"):
        starts, ends = tf.constant(bounds[:-1]), tf.constant(bounds[1:])

    def batches_of(epoch):
        orders = tf.numpy_function(
            lambda e: pair_order(lengths, steps, seed, int(e), pool), [epoch], [tf.int64, tf.int64]
        )
        order, batches = (tf.ensure_shape(numbers, (None,)) for numbers in orders)
        cuts = tf.data.Dataset.from_tensor_slices((tf.gather(starts, batches), tf.gather(ends, batches)))
        return cuts.map(lambda start, end: order[start:end])

    dataset = (
        tf.data.Dataset.range(first_epoch, epochs)
        .flat_map(batches_of)
        .apply(tf.data.experimental.assert_cardinality(steps * (epochs - first_epoch)))
    )
    return prefetched(dataset, _gatherer(sources, targets)), steps


def pair_batches_once(sources, targets, *, batch_size):
    """Builds a dataset over all pairs from the longest targets to the shortest, for evaluation.

    A batch has `batch_size` pairs, or fewer where they are longer than 128 ids. `restore_order` puts outputs back in
    the order of the pairs.

    Args:
        sources: As of `pair_batches`.
        targets: IdRows. The target of each source.
        batch_size: int. Pairs per batch, at most.

    Returns:
        Tuple of a `tf.data.Dataset` as of `pair_batches`, and the int64 array of shape `(pairs,)` of the numbers of the
        pairs in the dataset's order.

    Raises:
        InputError: If there are no pairs, `batch_size` is below 1, or the two sides do not fit together.

    Example:
        >>> import numpy as np
        >>> from nlpkit.data import IdRows, restore_order
        >>> from nlpkit.data.pair_batching import pair_batches_once
        >>> rows = IdRows.from_lists([[7, 3], [4, 5, 6, 3], [8, 9, 3]])
        >>> dataset, order = pair_batches_once(rows, rows, batch_size=2)
        >>> sums = np.concatenate([targets.numpy().sum(axis=1) for _, targets in dataset])
        >>> restore_order(sums, order).tolist()
        [10, 18, 20]
    """
    import tensorflow as tf

    lengths = _lengths_of(sources, targets)
    _check_sizes(batch_size)
    order = np.lexsort(-lengths)
    bounds = cut_pairs(lengths[:, order].max(axis=0), batch_size, batch_size * FULL_BATCH_LENGTH)
    gather = _gatherer(sources, targets)
    with tf.device("CPU:0"):
        slices = tf.data.Dataset.from_tensor_slices((bounds[:-1], bounds[1:]))
        indices = tf.constant(order)
    return prefetched(slices, lambda start, end: gather(indices[start:end])), order


def pair_order(lengths, batches, seed, epoch, pool=None):
    """The order of one epoch.

    Args:
        lengths: int array of shape `(2, pairs)`. Lengths of the sources and of the targets.
        batches: int. Batches in an epoch.
        seed: int. At least 0.
        epoch: int. The epoch's number.
        pool: int. Pairs that are sorted together. Defaults to `None`, all.

    Returns:
        Tuple of two int64 arrays: the numbers of the pairs, sorted by length with ties broken by chance, and the
        numbers of the batches by chance.

    Example:
        >>> import numpy as np
        >>> from nlpkit.data.pair_batching import pair_order
        >>> pairs, batches = pair_order(np.array([[5, 1, 3], [2, 2, 1]]), 2, seed=0, epoch=0)
        >>> pairs.tolist(), sorted(batches.tolist())
        ([2, 1, 0], [0, 1])
    """
    random = np.random.default_rng([seed, epoch])
    order = random.permutation(lengths.shape[1])
    pools = np.arange(len(order)) // (pool or len(order))
    return order[np.lexsort([*lengths[:, order], pools])], random.permutation(batches)


def cut_pairs(longest, most_pairs, batch_tokens=None):
    """Where sorted pairs are cut into batches.

    Args:
        longest: int array of shape `(pairs,)`. Length of the longer side of each pair, in the order of the pairs.
        most_pairs: int. Pairs per batch, at most.
        batch_tokens: int. Pairs × longest of a batch, at most, unless it has one pair. Defaults to `None`: no limit.

    Returns:
        int64 array of shape `(batches + 1,)`. The first pair of each batch, and the number of pairs.

    Example:
        >>> import numpy as np
        >>> from nlpkit.data.pair_batching import cut_pairs
        >>> cut_pairs(np.array([2, 2, 3, 9, 4, 4]), most_pairs=6, batch_tokens=8).tolist()
        [0, 2, 3, 4, 6]
    """
    if batch_tokens is None:
        return np.append(np.arange(0, len(longest), most_pairs), len(longest))
    bounds = [0]
    while (start := bounds[-1]) < len(longest):
        # A batch cannot hold more pairs than are as long as its first one.
        size = min(most_pairs, max(batch_tokens // max(int(longest[start]), 1), 1))
        widths = np.maximum.accumulate(longest[start : start + size])
        fitting = np.searchsorted(widths * np.arange(1, len(widths) + 1), batch_tokens, side="right")
        bounds.append(start + max(int(fitting), 1))
    return np.array(bounds, dtype=np.int64)


def _gatherer(sources, targets):
    """What picks pairs by their numbers; a repeated row is looked up in the array that holds it once."""
    if not isinstance(sources, RepeatedRows):
        return gatherer(sources, targets)
    rows, numbers_and_targets = gatherer(sources.array), gatherer(sources.numbers, targets)

    def gather(indices):
        numbers, ids = numbers_and_targets(indices)
        return rows(numbers), ids

    return gather


def _lengths_of(sources, targets):
    """int64 array of shape `(2, pairs)`: the lengths of both sides, 0 for images."""
    array = sources.array if isinstance(sources, RepeatedRows) else sources
    shape = None if isinstance(array, IdRows) else np.shape(array)
    if shape is not None and len(shape) not in (3, 4):
        raise InputError(
            "`sources` must be IdRows, or an array of shape (pairs, regions, features) or (pairs, height, width, "
            f"channels). Received: {type(array).__name__} of shape {shape}"
        )
    if not len(sources) or len(sources) != len(targets):
        raise InputError(
            "`sources` and `targets` must hold one or more pairs, a target for each source. "
            f"Received: {len(sources)} sources and {len(targets)} targets. Check the data that was read."
        )
    regions = 0 if shape is None or len(shape) == 4 else shape[1]
    own = sources.lengths if shape is None else np.full(len(sources), regions)
    return np.stack([own, targets.lengths]).astype(np.int64)


def _check_sizes(batch_size, batch_tokens=None):
    for name, value in (("batch_size", batch_size), ("batch_tokens", batch_tokens)):
        if value is not None and value < 1:
            raise InputError(f"`{name}` must be at least 1. Received: {name}={value}")
