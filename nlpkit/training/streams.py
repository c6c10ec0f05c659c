"""Texts as language models read them: one long text as parallel streams, cut into segments."""

import numpy as np
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.text.vocabulary import END


def stream_table(ids, streams):
    """Cuts one long sequence into parallel streams of equal length.

    Args:
        ids: int array of shape `(tokens,)`: texts one after another, each with its end.
        streams: int. Number of rows.

    Returns:
        Pair of int32 arrays of shape `(streams, length)`: the inputs, and the token after each. Where the last stream
        is shorter, 0.

    Raises:
        InputError: If there are fewer tokens than streams.

    Example:
        >>> from nlpkit.training.streams import stream_table
        >>> inputs, targets = stream_table([5, 6, 3, 7, 8], 2)
        >>> inputs.tolist(), targets.tolist()
        ([[3, 5, 6], [3, 7, 0]], [[5, 6, 3], [7, 8, 0]])
    """
    ids = np.asarray(ids, np.int32)
    if len(ids) < streams:
        raise InputError(
            f"A language model reads {streams} parallel streams, so it needs at least as many tokens. Received: "
            f"{len(ids)}. Give more text, or a smaller `batch_size`."
        )
    length = -(-len(ids) // streams)
    padded = np.zeros(streams * length, np.int32)
    padded[: len(ids)] = ids
    # What precedes the first text is the end of another one.
    inputs = np.concatenate([[END], padded[:-1]]).astype(np.int32)
    inputs, targets = inputs.reshape(streams, length), padded.reshape(streams, length)
    return np.where(targets == 0, 0, inputs), targets


def segments(table, sequence_length, overlap=0):
    """The batches of an epoch: stretches of all streams, each the continuation of the one before.

    Args:
        table: Pair of arrays, as from `stream_table`.
        sequence_length: int. Steps of a segment.
        overlap: int. Steps before it that are read again, without targets. Defaults to 0.

    Returns:
        Tuple of a `tf.data.Dataset` of `(inputs, targets, first)` and the number of batches; `first` is 1.0 where the
        streams begin, else 0.0.

    Example:
        >>> from nlpkit.training.streams import segments, stream_table
        >>> batches, count = segments(stream_table([5, 6, 3, 7, 8, 3], 1), 4)
        >>> [(inputs.shape[1], float(first)) for inputs, _, first in batches], count
        ([(4, 1.0), (2, 0.0)], 2)
    """
    inputs, targets = (tf.constant(part) for part in table)
    length = table[0].shape[1]
    return cut_table(inputs, targets, sequence_length, overlap), -(-length // sequence_length)


def cut_table(inputs, targets, sequence_length, overlap=0):
    """A table cut into stretches of time.

    Args:
        inputs: int32 tensor of shape `(rows, length)`.
        targets: int32 tensor of the same shape.
        sequence_length: int. Steps of a stretch.
        overlap: int. Steps before it that are read again, without targets. Defaults to 0.

    Returns:
        `tf.data.Dataset` of `(inputs, targets, first)`; `first` is 1.0 at the first stretch, else 0.0.
    """

    def cut(start):
        first = tf.maximum(start - overlap, 0)
        stretch = slice(first, start + sequence_length)
        new = tf.range(tf.shape(targets[:, stretch], "int64")[1]) >= start - first
        return inputs[:, stretch], tf.where(new, targets[:, stretch], 0), tf.cast(start == 0, "float32")

    length = targets.shape[1] or tf.shape(targets, "int64")[1]
    return tf.data.Dataset.range(0, length, sequence_length).map(cut)
