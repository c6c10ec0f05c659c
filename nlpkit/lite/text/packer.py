"""Rows of ids cut to a length, with start and end, never empty."""

from nlpkit.text.vocabulary import END, START, UNKNOWN


class Packer:
    """Cuts rows of ids, and adds start and end, as the layer `nlpkit.text.Packer` does.

    Args:
        max_length: int. Longest row, start and end included. Defaults to `None` (no limit).
        start: bool. Whether rows begin with the start id. Defaults to `False`.
        end: bool. Whether rows end with the end id. Defaults to `False`.
        truncate: `"end"`, `"start"` or `"middle"`. Which part of a long row is dropped. Defaults to `"end"`.

    Example:
        >>> from nlpkit.lite.text.packer import Packer
        >>> Packer(max_length=4, end=True).pack([4, 5, 6, 7]), Packer().pack([])
        ([4, 5, 6, 3], [1])
    """

    def __init__(self, max_length=None, start=False, end=False, truncate="end"):
        self.max_length, self.start, self.end, self.truncate = max_length, start, end, truncate

    def pack(self, ids):
        """Cuts and frames a row.

        Args:
            ids: List of int.

        Returns:
            List of int; not empty.
        """
        if self.max_length is not None:
            ids = self._cut(ids, self.max_length - self.start - self.end)
        if not ids and not self.start and not self.end:
            return [UNKNOWN]
        return [START] * self.start + ids + [END] * self.end

    def _cut(self, ids, room):
        if len(ids) <= room:
            return ids
        tail = {"end": 0, "start": room, "middle": room // 2}[self.truncate]
        return ids[: room - tail] + ids[len(ids) - tail :]
