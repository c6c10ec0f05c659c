"""Texts as documents: each begins without a state, beside others of similar length, and is read in segments."""

import numpy as np
import tensorflow as tf

from nlpkit.data.batching import POOL_BATCHES
from nlpkit.text.vocabulary import END, PAD
from nlpkit.training.streams import cut_table


def document_segments(rows, *, batch_size, sequence_length, seed, epochs, first_epoch=0):
    """One dataset that runs over several epochs, each text once per epoch, in an order of its own.

    The order of an epoch depends on `seed` and its number only. A batch of texts comes as so many segments as its
    longest text has, one after the other; where the others have ended there is padding.

    Args:
        rows: `IdRows`. The texts, each with its end.
        batch_size: int. Texts side by side.
        sequence_length: int. Steps of a segment.
        seed: int. At least 0.
        epochs: int. The number of the last epoch plus one.
        first_epoch: int. The number of the first epoch to run. Defaults to 0.

    Returns:
        Tuple of a `tf.data.Dataset` as from `nlpkit.training.streams.segments`, always of `batch_size` rows, and the
        number of segments in an epoch; `first` is 1.0 where the texts of a batch begin.

    Example:
        >>> from nlpkit.data import IdRows
        >>> from nlpkit.training.documents import document_segments
        >>> rows = IdRows.from_lists([[5, 6, 7, 3], [8, 3], [9, 3]])
        >>> batches, count = document_segments(rows, batch_size=2, sequence_length=3, seed=0, epochs=2)
        >>> sorted((inputs.shape[1], float(first)) for inputs, _, first in batches.take(count))
        [(1, 0.0), (2, 1.0), (3, 1.0)]
    """
    lengths = rows.lengths
    steps = segments_in(lengths, batch_size, sequence_length)

    def batches_of(epoch):
        order = tf.numpy_function(
            lambda number: document_order(lengths, batch_size, sequence_length, seed, int(number)),
            [epoch],
            tf.int64,
        )
        return tf.data.Dataset.from_tensor_slices(tf.ensure_shape(order, (None, batch_size)))

    batches = tf.data.Dataset.range(first_epoch, epochs).flat_map(batches_of)
    dataset = _read(rows, batches, batch_size, sequence_length)
    return dataset.apply(tf.data.experimental.assert_cardinality(steps * (epochs - first_epoch))), steps


def documents_once(rows, *, batch_size, sequence_length, overlap=0):
    """All texts once, from the longest to the shortest.

    Args:
        rows: As of `document_segments`.
        batch_size: int. Texts side by side.
        sequence_length: int. Steps of a segment.
        overlap: int. Steps before it that are read again, without targets. Defaults to 0.

    Returns:
        `tf.data.Dataset` as of `document_segments`.
    """
    order = np.argsort(-rows.lengths, kind="stable")
    batches = tf.data.Dataset.from_tensor_slices(_in_batches(order, batch_size))
    longest = rows.lengths[order[::batch_size]]
    dataset = _read(rows, batches, batch_size, sequence_length, overlap)
    # Without it Keras takes the end of the data for an accident.
    return dataset.apply(tf.data.experimental.assert_cardinality(int((-(-longest // sequence_length)).sum())))


def document_order(lengths, batch_size, sequence_length, seed, epoch):
    """Row numbers of the batches of one epoch: texts of equally many segments together, else by chance.

    Every epoch has the same number of segments. Of equally many segments texts are sorted by length inside pools, so
    that little of a batch is padding.

    Args:
        lengths: int array of shape `(rows,)`. Tokens of each text.
        batch_size: int. Texts per batch.
        sequence_length: int. Steps of a segment.
        seed: int. At least 0.
        epoch: int. The epoch's number.

    Returns:
        int64 array of shape `(batches, batch_size)`; -1 fills up the batch that is not full.

    Example:
        >>> import numpy as np
        >>> from nlpkit.training.documents import document_order
        >>> order = document_order(np.array([9, 2, 8, 3]), 2, sequence_length=4, seed=0, epoch=0)
        >>> sorted(sorted(batch) for batch in order.tolist())
        [[0, 2], [1, 3]]
    """
    random = np.random.default_rng([seed, epoch])
    order = random.permutation(len(lengths))
    pools = np.arange(len(order)) // (batch_size * POOL_BATCHES)
    counts = -(-lengths // sequence_length)
    order = order[np.lexsort((lengths[order], pools, counts[order]))]
    return random.permutation(_in_batches(order, batch_size))


def segments_in(lengths, batch_size, sequence_length):
    """The number of segments in an epoch.

    Args:
        lengths: As of `document_order`.
        batch_size: int. Texts per batch.
        sequence_length: int. Steps of a segment.

    Returns:
        int.

    Example:
        >>> import numpy as np
        >>> from nlpkit.training.documents import segments_in
        >>> segments_in(np.array([9, 2, 8, 3]), batch_size=2, sequence_length=4)
        4
    """
    counts = np.sort(-(-np.asarray(lengths) // sequence_length))
    longest = np.arange(batch_size - 1, len(counts) + batch_size - 1, batch_size)
    return int(counts[np.minimum(longest, len(counts) - 1)].sum())


def inputs_of(targets):
    """The token before each token of texts; what precedes a text is the end of another one.

    Args:
        targets: int32 tensor of shape `(rows, length)`, padded with 0 on the right.

    Returns:
        int32 tensor of the same shape, 0 where `targets` are.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.training.documents import inputs_of
        >>> inputs_of(tf.constant([[5, 6, 3], [7, 3, 0]])).numpy().tolist()
        [[3, 5, 6], [3, 7, 0]]
    """
    before = tf.pad(targets[:, :-1], [[0, 0], [1, 0]], constant_values=END)
    return tf.where(targets == PAD, PAD, before)


def _in_batches(order, batch_size):
    batches = np.full((-(-len(order) // batch_size), batch_size), -1, np.int64)
    batches.ravel()[: len(order)] = order
    return batches


def _read(rows, batches, batch_size, sequence_length, overlap=0):
    """The segments of batches of row numbers."""
    ragged = rows.ragged()

    def table(indices):
        targets = tf.gather(ragged, tf.boolean_mask(indices, indices >= 0)).to_tensor()
        targets = tf.pad(targets, [[0, batch_size - tf.shape(targets)[0]], [0, 0]])
        targets = tf.ensure_shape(targets, (batch_size, None))
        return cut_table(inputs_of(targets), targets, sequence_length, overlap)

    return batches.flat_map(table).prefetch(2)
