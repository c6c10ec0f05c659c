"""Ragged ids to a right-padded table: truncation, start and end, never an empty row."""

import keras
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.text.vocabulary import END, PAD, START, UNKNOWN

TRUNCATE = ("end", "start", "middle")


@keras.saving.register_keras_serializable(package="nlpkit")
class Packer(keras.layers.Layer):
    """Cuts rows of ids to a length, adds start and end, and pads on the right with 0.

    A row that is empty, and gets neither start nor end, becomes one unknown token: recurrent layers need a step.

    Args:
        max_length: int. Longest row, start and end included. Defaults to `None` (no limit).
        start: bool. Whether rows begin with the start id. Defaults to `False`.
        end: bool. Whether rows end with the end id. Defaults to `False`.
        truncate: `"end"`, `"start"` or `"middle"`. Which part of a long row is dropped. Defaults to `"end"`.
        **kwargs: Keras layer arguments such as `name`.

    Call arguments:
        token_ids: Ragged int32 tensor of shape `(batch, None)`.

    Returns:
        int32 tensor of shape `(batch, time)`, as wide as its longest row.

    Raises:
        InputError: If `max_length` leaves no room for a token, or `truncate` is unknown.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.text import Packer
        >>> rows = tf.ragged.constant([[4, 5, 6, 7], []], dtype=tf.int32)
        >>> Packer(max_length=4, end=True)(rows).numpy().tolist()
        [[4, 5, 6, 3], [3, 0, 0, 0]]
    """

    def __init__(self, max_length=None, start=False, end=False, truncate="end", **kwargs):
        super().__init__(**kwargs)
        if truncate not in TRUNCATE:
            raise InputError(f"`truncate` must be one of {TRUNCATE}. Received: truncate={truncate!r}")
        smallest = 1 + bool(start) + bool(end)
        if max_length is not None and max_length < smallest:
            raise InputError(
                f"`max_length` must be at least {smallest}: one token, start and end. "
                f"Received: max_length={max_length}, start={start}, end={end}"
            )
        self.max_length, self.start, self.end, self.truncate = max_length, bool(start), bool(end), truncate
        self._convert_input_args = False
        self.supports_jit = False

    def build(self, input_shape=None):
        self.built = True

    def trim(self, token_ids):
        """Cuts long rows, fills empty ones, adds start and end; pads nothing.

        Args:
            token_ids: Ragged int32 tensor of shape `(batch, None)`.

        Returns:
            Ragged int32 tensor of shape `(batch, None)`; no row is empty.
        """
        # Each row is put together from stretches of one pool, by one range and one gather: head and tail of the
        # row, and the marks at the end of the pool.
        token_ids = tf.cast(token_ids, tf.int32)
        pool = tf.concat([token_ids.flat_values, [UNKNOWN, START, END]], axis=0)
        marks = tf.size(pool, tf.int64) - 3
        splits = tf.cast(token_ids.row_splits, tf.int64)
        starts, ends = splits[:-1], splits[1:]
        head, tail = self.kept(ends - starts)
        nothing = tf.zeros_like(starts)
        missing = nothing if self.start or self.end else tf.cast(starts == ends, tf.int64)
        stretches = [
            (nothing + marks + 1, nothing + int(self.start)),
            (nothing + marks, missing),
            (starts, head),
            (ends - tail, tail),
            (nothing + marks + 2, nothing + int(self.end)),
        ]
        first = tf.stack([start for start, _ in stretches], axis=1)
        length = tf.stack([length for _, length in stretches], axis=1)
        index = tf.ragged.range(tf.reshape(first, [-1]), tf.reshape(first + length, [-1])).flat_values
        return tf.RaggedTensor.from_row_lengths(
            tf.gather(pool, index), tf.reduce_sum(length, axis=1), validate=False
        )

    def call(self, token_ids):
        return self.trim(token_ids).to_tensor(default_value=PAD)

    def kept(self, lengths):
        """How many ids stay of rows that may be too long.

        Args:
            lengths: int tensor. Ids of each row.

        Returns:
            Tuple of two such tensors: how many stay at the head, and how many at the tail.
        """
        if self.max_length is None:
            return lengths, tf.zeros_like(lengths)
        room = self.max_length - self.start - self.end
        tail = {"end": 0, "start": room, "middle": room // 2}[self.truncate]
        head = tf.minimum(lengths, room - tail)
        return head, tf.minimum(lengths - head, tail)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], None)

    def compute_output_spec(self, token_ids):
        return keras.KerasTensor(self.compute_output_shape(token_ids.shape), dtype="int32")

    def get_config(self):
        own = {
            "max_length": self.max_length,
            "start": self.start,
            "end": self.end,
            "truncate": self.truncate,
        }
        return {**super().get_config(), **own}
