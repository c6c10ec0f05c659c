"""Batches of rows of similar length, gathered and padded by TensorFlow."""

import numpy as np

from nlpkit.data.id_rows import IdRows
from nlpkit.errors import InputError

# Rows are sorted by length inside pools of so many batches: wide enough for little padding.
POOL_BATCHES = 100
# Up to this many ids per row an inference batch is full; longer rows come in smaller batches.
FULL_BATCH_LENGTH = 128
# Batches that are made at the same time, and batches that are ready before they are asked for.
PARALLEL, READY = 2, 4


def training_batches(rows, targets, *, batch_size, seed, epochs, first_epoch=0, sample_weight=None):
    """Builds one dataset that runs over several epochs, each row once per epoch in an order of its own.

    The order of an epoch depends on `seed` and its number only, so training resumed at `first_epoch` sees
    the batches that the uninterrupted one would have seen. Rows are shuffled, sorted by length inside pools
    of 100 batches, cut into batches, and the batches shuffled; so little of a batch is padding. The last
    batch cut may be smaller.

    Args:
        rows: IdRows. The id sequences.
        targets: array of shape `(rows, …)`. One target per row.
        batch_size: int. Rows per batch.
        seed: int. At least 0.
        epochs: int. The number of the last epoch plus one.
        first_epoch: int. The number of the first epoch to run. Defaults to `0`.
        sample_weight: array of shape `(rows, …)`. Defaults to `None`: no weights in the dataset.

    Returns:
        Tuple of a `tf.data.Dataset` of `(ids, targets)` or `(ids, targets, weights)`, where ids is int32 of
        shape `(batch, longest in the batch)`, and the number of batches per epoch.

    Raises:
        InputError: If there are no rows, a number is out of range, or arrays differ in length.

    Example:
        ```python
        import numpy as np
        from nlpkit.data import IdRows, training_batches

        rows = IdRows.from_lists([[4, 5, 6], [7], [8, 9]])
        dataset, steps = training_batches(rows, np.array([0, 1, 0]), batch_size=2, seed=1, epochs=3)
        print(steps, len(list(dataset)))  # 2 6
        ```
    """
    import tensorflow as tf

    _check_rows(rows, batch_size, targets=targets, sample_weight=sample_weight)
    check_epochs(seed, epochs, first_epoch)
    lengths, steps = rows.lengths, -(-len(rows) // batch_size)

    def batches_of(epoch):
        table = tf.numpy_function(lambda e: epoch_order(lengths, batch_size, seed, int(e)), [epoch], tf.int64)
        return tf.data.Dataset.from_tensor_slices(tf.ensure_shape(table, (steps, batch_size)))

    gather = gatherer(rows, *(array for array in (targets, sample_weight) if array is not None))
    dataset = (
        tf.data.Dataset.range(first_epoch, epochs)
        .flat_map(batches_of)
        .apply(tf.data.experimental.assert_cardinality(steps * (epochs - first_epoch)))
    )
    return prefetched(dataset, lambda indices: gather(tf.boolean_mask(indices, indices >= 0))), steps


def epoch_order(lengths, batch_size, seed, epoch):
    """Row numbers of the batches of one epoch.

    Args:
        lengths: int array of shape `(rows,)`. Ids per row.
        batch_size: int. Rows per batch.
        seed: int. At least 0.
        epoch: int. The epoch's number.

    Returns:
        int64 array of shape `(batches, batch_size)`; -1 fills up the batch that is not full.

    Example:
        >>> import numpy as np
        >>> from nlpkit.data.batching import epoch_order
        >>> sorted(epoch_order(np.array([5, 1, 3]), 2, seed=0, epoch=0).ravel().tolist())
        [-1, 0, 1, 2]
    """
    random = np.random.default_rng([seed, epoch])
    order = random.permutation(len(lengths))
    pools = np.arange(len(order)) // (batch_size * POOL_BATCHES)
    order = order[np.lexsort((lengths[order], pools))]
    batches = np.full((-(-len(order) // batch_size), batch_size), -1, dtype=np.int64)
    batches.ravel()[: len(order)] = order
    return random.permutation(batches)


def inference_batches(rows, *, batch_size, targets=None):
    """Builds a dataset over all rows from the longest to the shortest, so that almost nothing is padding.

    A batch has `batch_size` rows, or fewer where rows are longer than 128 ids: its ids stay below `128 *
    batch_size` (or one row). `restore_order` puts outputs back in the order of the rows.

    Args:
        rows: IdRows. The id sequences.
        batch_size: int. Rows per batch, at most.
        targets: array of shape `(rows, …)`. Defaults to `None`: the dataset has ids only.

    Returns:
        Tuple of a `tf.data.Dataset` of ids or `(ids, targets)`, where ids is int32 of shape
        `(batch, longest in the batch)`, and the int64 array of shape `(rows,)` of row numbers in the
        dataset's order.

    Raises:
        InputError: If there are no rows, `batch_size` is below 1, or the targets differ in length.

    Example:
        ```python
        import numpy as np
        from nlpkit.data import IdRows, inference_batches, restore_order

        dataset, order = inference_batches(IdRows.from_lists([[7], [4, 5, 6], [8, 9]]), batch_size=2)
        sums = np.concatenate([ids.numpy().sum(axis=1) for ids in dataset])
        print(restore_order(sums, order))  # [ 7 15 17]
        ```
    """
    import tensorflow as tf

    _check_rows(rows, batch_size, targets=targets)
    order = np.argsort(-rows.lengths, kind="stable")
    starts = _bounded_starts(rows.lengths[order], batch_size)
    gather = gatherer(rows) if targets is None else gatherer(rows, targets)
    with tf.device("CPU:0"):
        slices = tf.data.Dataset.from_tensor_slices((starts[:-1], starts[1:]))
        indices = tf.constant(order)
    return prefetched(slices, lambda start, end: gather(indices[start:end])), order


def prefetched(dataset, make_batch):
    """The batches that `make_batch` makes of what a dataset holds, a few ahead and always in the same order.

    Args:
        dataset: `tf.data.Dataset`. One element for each batch, such as its row numbers.
        make_batch: callable of tensors. Takes an element, returns a batch.

    Returns:
        `tf.data.Dataset`.
    """
    import tensorflow as tf

    options = tf.data.Options()
    # The tuner of these numbers sleeps ever longer, up to a minute, and the end of the dataset waits until it wakes.
    options.autotune.enabled = False
    return dataset.map(make_batch, PARALLEL, deterministic=True).prefetch(READY).with_options(options)


def restore_order(outputs, order):
    """Puts what was computed from `inference_batches` back in the order of the rows.

    Args:
        outputs: array of shape `(rows, …)`, or a dict, list or tuple of such arrays. In the dataset's order.
        order: int array of shape `(rows,)`. As `inference_batches` returned it.

    Returns:
        The same structure, in the order of the rows.

    Raises:
        InputError: If an array has another number of rows.

    Example:
        >>> from nlpkit.data import restore_order
        >>> restore_order({"score": [0.9, 0.5, 0.1]}, [2, 0, 1])["score"].tolist()
        [0.5, 0.1, 0.9]
    """
    if isinstance(outputs, dict):
        return {name: restore_order(value, order) for name, value in outputs.items()}
    if isinstance(outputs, (list, tuple)) and outputs and np.ndim(outputs[0]):
        return type(outputs)(restore_order(value, order) for value in outputs)
    outputs = np.asarray(outputs)
    if len(outputs) != len(order):
        raise InputError(
            f"`outputs` must have one row per row of `order`, {len(order)}. Received: {len(outputs)} rows"
        )
    restored = np.empty_like(outputs)
    restored[np.asarray(order)] = outputs
    return restored


def gatherer(*columns):
    """What picks rows of several columns by their numbers.

    Args:
        *columns: `IdRows`, which come padded to the longest picked, or arrays, which come as they are.

    Returns:
        Function from an int tensor of row numbers to one tensor per column; of one column to its tensor alone.

    Example:
        >>> from nlpkit.data import IdRows
        >>> from nlpkit.data.batching import gatherer
        >>> ids, labels = gatherer(IdRows.from_lists([[4], [5, 6], [7, 8, 9]]), [10, 11, 12])([0, 1])
        >>> ids.numpy().tolist(), labels.numpy().tolist()
        ([[4, 0], [5, 6]], [10, 11])
    """
    import tensorflow as tf

    with tf.device("CPU:0"):
        tensors = [c.ragged() if isinstance(c, IdRows) else tf.convert_to_tensor(c) for c in columns]

    def gather(indices):
        picked = (tf.gather(tensor, indices) for tensor in tensors)
        dense = [part.to_tensor() if isinstance(part, tf.RaggedTensor) else part for part in picked]
        return tuple(dense) if len(dense) > 1 else dense[0]

    return gather


def _bounded_starts(lengths, batch_size):
    starts = [0]
    while starts[-1] < len(lengths):
        longest = max(int(lengths[starts[-1]]), 1)
        size = max(1, min(batch_size, batch_size * FULL_BATCH_LENGTH // longest))
        starts.append(min(starts[-1] + size, len(lengths)))
    return np.array(starts, dtype=np.int64)


def _check_rows(rows, batch_size, **arrays):
    if not len(rows):
        raise InputError(
            "`rows` must hold at least one row. Received: no rows. Check the data that was read."
        )
    if batch_size < 1:
        raise InputError(f"`batch_size` must be at least 1. Received: batch_size={batch_size}")
    for name, array in arrays.items():
        if array is not None and len(array) != len(rows):
            raise InputError(
                f"`{name}` must have one entry per row, {len(rows)}. Received: {len(array)} entries"
            )


def check_epochs(seed, epochs, first_epoch):
    """Refuses numbers with which there is nothing to train.

    Args:
        seed: int. At least 0.
        epochs: int. The number of the last epoch plus one.
        first_epoch: int. The number of the first epoch to run.

    Raises:
        InputError: If a number is out of range.
    """
    if seed < 0:
        raise InputError(f"`seed` must be at least 0. Received: seed={seed}")
    if not 0 <= first_epoch < epochs:
        raise InputError(
            "`first_epoch` must be at least 0 and below `epochs`, else there is nothing to train. "
            f"Received: first_epoch={first_epoch}, epochs={epochs}"
        )
