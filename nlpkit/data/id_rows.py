"""Many id sequences of different lengths in two flat arrays."""

import numpy as np

from nlpkit.errors import InputError

# Rows picked at once: their positions take six times the memory of their ids.
BLOCK = 16_384
# Where TensorFlow's memory may begin, in bytes.
ALIGNMENT = 64
# A large array of NumPy begins 16 bytes after a page; so many ids further on, a tensor can share its memory.
LEAD = 12


class IdRows:
    """Id sequences as one flat array and the offsets of the rows in it, without padding or an object per row.

    Args:
        ids: int32 array of shape `(tokens,)`. All rows, one after another.
        offsets: int64 array of shape `(rows + 1,)`. Row `i` is `ids[offsets[i]:offsets[i + 1]]`.

    Raises:
        InputError: If the offsets do not start at 0, fall, or do not end at the number of ids.

    Example:
        >>> from nlpkit.data import IdRows
        >>> rows = IdRows.from_lists([[4, 5, 6], [7]])
        >>> len(rows), rows.lengths.tolist(), rows[0].tolist()
        (2, [3, 1], [4, 5, 6])
        >>> rows.padded().tolist()
        [[4, 5, 6], [7, 0, 0]]
    """

    def __init__(self, ids, offsets):
        self.ids = np.asarray(ids, dtype=np.int32)
        self._ragged = None
        self.offsets = np.asarray(offsets, dtype=np.int64)
        ends = self.offsets[[0, -1]].tolist() if self.offsets.size else None
        if ends != [0, len(self.ids)] or np.any(np.diff(self.offsets) < 0):
            raise InputError(
                "`offsets` must start at 0, never fall, and end at the number of ids. Received: "
                f"{len(self.ids)} ids and offsets {self.offsets[:5].tolist()} … {self.offsets[-1:].tolist()}"
            )

    @classmethod
    def from_lists(cls, sequences):
        """Builds rows from a list of id sequences.

        Args:
            sequences: list of sequences of int.

        Returns:
            `IdRows`.
        """
        builder = IdRowsBuilder()
        for sequence in sequences:
            builder.append(sequence, [len(sequence)])
        return builder.build()

    def __len__(self):
        return len(self.offsets) - 1

    def __getitem__(self, index):
        index = range(len(self))[index]  # negative indices, and an IndexError at the end
        return self.ids[self.offsets[index] : self.offsets[index + 1]]

    @property
    def lengths(self):
        """int64 array of shape `(rows,)`. Ids per row."""
        return np.diff(self.offsets)

    def take(self, indices):
        """Picks rows, in the order given.

        Args:
            indices: int array of shape `(n,)`. Row numbers; a row may occur more than once.

        Returns:
            `IdRows` of `n` rows.
        """
        indices = np.asarray(indices, dtype=np.int64)
        offsets = np.concatenate([[0], np.cumsum(self.lengths[indices])])
        ids = np.empty(offsets[-1], np.int32)
        for first in range(0, len(indices), BLOCK):
            block = slice(first, first + BLOCK)
            starts, ends = offsets[:-1][block], offsets[1:][block]
            shifts = np.repeat(self.offsets[:-1][indices[block]] - starts, ends - starts)
            ids[starts[0] : ends[-1]] = self.ids[np.arange(starts[0], ends[-1]) + shifts]
        return IdRows(ids, offsets)

    def pop(self, indices):
        """Takes rows out: they are returned, and the others move up in place, so that no second copy is made.

        Args:
            indices: int array of shape `(n,)`. Row numbers, each once.

        Returns:
            `IdRows` of `n` rows, in the order given.
        """
        popped = self.take(indices)
        kept = np.setdiff1d(np.arange(len(self)), indices)
        offsets = np.concatenate([[0], np.cumsum(self.lengths[kept])])
        if self._ragged is not None:
            self.ids = self.ids.copy()  # a tensor's memory must not change
        for first in range(0, len(kept), BLOCK):
            block = slice(first, first + BLOCK)
            moved = self.take(
                kept[block]
            ).ids  # copied before it is written: its new place begins before its old one
            self.ids[offsets[first] : offsets[first] + len(moved)] = moved
        self.ids, self.offsets, self._ragged = self.ids[: offsets[-1]], offsets, None
        return popped

    def ragged(self):
        """The rows as a ragged tensor, made once, which shares the memory of the ids.

        Returns:
            `tf.RaggedTensor` of int32 on the CPU, of shape `(rows, None)`.
        """
        if self._ragged is None:
            import tensorflow as tf

            # tf.data runs on the CPU: tensors on a GPU would be copied back for each batch.
            with tf.device("CPU:0"):
                self.ids = _aligned(self.ids)
                # `tf.constant` would hold two copies: gigabytes with a large file.
                ids = tf.experimental.dlpack.from_dlpack(self.ids.__dlpack__())
                self._ragged = tf.RaggedTensor.from_row_splits(ids, tf.constant(self.offsets), validate=False)
        return self._ragged

    def padded(self, indices=None, length=None):
        """Lays rows out as a table filled with 0 on the right.

        Args:
            indices: int array of shape `(n,)`. Row numbers. Defaults to `None`: all rows.
            length: int. Columns of the table; longer rows are cut. Defaults to `None`: the longest row's
                length.

        Returns:
            int32 array of shape `(n, length)`.
        """
        rows = self if indices is None else self.take(indices)
        lengths = rows.lengths
        width = int(lengths.max(initial=0))
        table = np.zeros((len(rows), width), dtype=np.int32)
        table[np.arange(width) < lengths[:, None]] = rows.ids
        if length is None:
            return table
        return np.pad(table[:, :length], ((0, 0), (0, max(0, length - width))))


class IdRowsBuilder:
    """Collects rows chunk by chunk in an int32 array that grows in place.

    Example:
        >>> from nlpkit.data import IdRowsBuilder
        >>> builder = IdRowsBuilder()
        >>> builder.append([4, 5, 6, 7], [3, 1])
        >>> builder.append([8, 9], [2])
        >>> [row.tolist() for row in builder.build()]
        [[4, 5, 6], [7], [8, 9]]
    """

    def __init__(self):
        self._ids, self._size, self._lengths = np.empty(1024, np.int32), LEAD, []

    def append(self, ids, lengths):
        """Adds the rows of one chunk.

        Args:
            ids: int array of shape `(tokens,)`. The rows, one after another.
            lengths: int array of shape `(rows,)`. Ids per row.

        Raises:
            InputError: If the lengths do not add up to the number of ids.
        """
        lengths = np.array(lengths, dtype=np.int64)
        if lengths.sum() != len(ids) or np.any(lengths < 0):
            raise InputError(
                f"`lengths` must be at least 0 and add up to the number of ids. "
                f"Received: {len(ids)} ids and lengths that add up to {lengths.sum()}"
            )
        end = self._size + len(ids)
        if end > len(self._ids):
            # In place (realloc), so that a large corpus is not in memory twice. No one else holds this array.
            self._ids.resize(max(end, len(self._ids) * 3 // 2), refcheck=False)
        self._ids[self._size : end] = ids
        self._size = end
        self._lengths.append(lengths)

    def build(self):
        """Hands over the rows and leaves the builder empty.

        Returns:
            `IdRows`.
        """
        ids, size, lengths = self._ids, self._size, self._lengths
        self.__init__()
        ids.resize(size, refcheck=False)
        return IdRows(
            ids[LEAD:], np.concatenate([[0], np.cumsum(np.concatenate([np.zeros(0, np.int64), *lengths]))])
        )


def _aligned(ids):
    """The array itself, or a copy where TensorFlow could not share its memory."""
    if ids.ctypes.data % ALIGNMENT == 0:
        return ids
    memory = np.empty(len(ids) + ALIGNMENT // ids.itemsize, ids.dtype)
    lead = -memory.ctypes.data % ALIGNMENT // ids.itemsize
    aligned = memory[lead : lead + len(ids)]
    aligned[:] = ids
    return aligned
