"""Ragged ids to a right-padded table: truncation, start and end, never an empty row."""

import keras
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.text.vocabulary import END, PAD, START, UNKNOWN

TRUNCATE = ("end", "start", "middle")


@keras.saving.register_keras_serializable(package="nlpkit")
class Packer(keras.layers.Layer):
    """Cuts rows of ids to a length, adds start and end, and pads on the right with 0.

    An empty row becomes one unknown token, because recurrent layers on GPUs cannot take an empty row.

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
        [[4, 5, 6, 3], [1, 3, 0, 0]]
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
        token_ids = self._cut(tf.cast(token_ids, tf.int32))
        empty = tf.cast(token_ids.row_lengths() == 0, tf.int64)
        parts = [token_ids, _repeated(UNKNOWN, empty)]
        if self.start:
            parts.insert(0, _repeated(START, tf.ones_like(empty)))
        if self.end:
            parts.append(_repeated(END, tf.ones_like(empty)))
        return tf.concat(parts, axis=1)

    def call(self, token_ids):
        return self.trim(token_ids).to_tensor(default_value=PAD)

    def _cut(self, token_ids):
        if self.max_length is None:
            return token_ids
        room = self.max_length - self.start - self.end
        tail = {"end": 0, "start": room, "middle": room // 2}[self.truncate]
        if tail == 0:
            return token_ids[:, :room]
        head = room - tail
        return tf.concat([token_ids[:, :head], token_ids[:, head:][:, -tail:]], axis=1)

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


def _repeated(id, lengths):
    values = tf.fill([tf.reduce_sum(lengths)], id)
    return tf.RaggedTensor.from_row_lengths(values, lengths, validate=False)
