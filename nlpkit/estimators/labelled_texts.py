"""Texts and labels from a list or a reader as one stream, with facts counted on the way."""

import hashlib
from collections import Counter

import numpy as np

from nlpkit.data.columns import shorten
from nlpkit.data.readers import Chunk, TableReader
from nlpkit.errors import InputError
from nlpkit.estimators.label_codes import classes_by_name, unknown_label

CHUNK = 8192
NAMED_FILES = 5


class LabelledTexts:
    """A stream of chunks of texts that remembers the labels, a hash of the data and where each row is.

    It can be read several times; what is remembered belongs to the latest reading. Texts are not kept.

    Args:
        texts: Sequence of str, or a `TableReader`.
        labels: Sequence of labels, or of lists of labels; `None` with a reader that has them.
        name: str. How messages call these data. Defaults to `"X"`.
        known: Collection of labels. A reader's strings become those that they stand for (`"1"` becomes 1); its rows
            with other labels are bad rows. Defaults to `None`: all are known, as they are.

    Raises:
        InputError: If the texts are not strings, the labels are missing, or their numbers differ.

    Example:
        >>> from nlpkit.estimators.labelled_texts import LabelledTexts
        >>> stream = LabelledTexts(["good", "bad"], ["positive", "negative"])
        >>> [len(chunk) for chunk in stream], stream.labels
        ([2], ['positive', 'negative'])
    """

    def __init__(self, texts, labels=None, name="X", known=None):
        self.source, self.name, self._given = texts, name, None
        self._known, self._by_name = known, None if known is None else classes_by_name(known)
        if not isinstance(texts, TableReader):
            self.source = check_texts(texts, name)
            if labels is None:
                raise InputError(
                    "requires y to be passed, but the target y is None. Give one label per text, or a TableReader."
                )
            self._given = check_labels(labels, len(self.source))
        self.labels, self._digest = [], hashlib.sha256()

    def __iter__(self):
        return (chunk.texts for chunk in self.chunks())

    def chunks(self):
        """Reads the data as `Chunk`s and remembers labels and hash on the way."""
        self.labels, self._digest = [], hashlib.sha256()
        for chunk in self.source if self._given is None else self._pieces():
            if chunk.labels is None:
                raise InputError(
                    f"The {self.name} have no labels. "
                    "Name the column that holds them: --label, or `label` of TableReader."
                )
            chunk = self._usable(chunk)
            if not chunk.texts:
                continue
            self.labels.extend(chunk.labels)
            for text, label in zip(chunk.texts, chunk.labels, strict=True):
                self._digest.update(f"{label}\t{text}\n".encode("utf-8", "surrogatepass"))
            yield chunk

    def _usable(self, chunk):
        """A reader's labels as the known ones; rows with others are left out, as its `on_bad_row` says."""
        if self._known is None or self._given is not None:
            return chunk
        usable = Chunk([], [])
        for row, (text, label) in enumerate(zip(chunk.texts, chunk.labels, strict=True)):
            several = isinstance(label, list)
            try:
                named = [self._by_name[name] for name in label] if several else self._by_name[label]
            except KeyError:
                known = np.asarray(self._known).tolist()
                self.source.skip(chunk.source.place(chunk.numbers[row]), unknown_label(label, known))
                continue
            usable.texts.append(text)
            usable.labels.append(named)
        return usable

    def _pieces(self):
        for start in range(0, len(self.source), CHUNK):
            yield Chunk(self.source[start : start + CHUNK], self._given[start : start + CHUNK])

    @property
    def origin(self):
        """str. The files that the data are from, or what they are called."""
        if self._given is not None:
            return self.name
        files = self.source.files
        more = f" and {len(files) - NAMED_FILES} more" if len(files) > NAMED_FILES else ""
        return ", ".join(files[:NAMED_FILES]) + more

    def place(self, row):
        """Names the place of a row, as messages begin: file and line, or its number."""
        if self._given is None:
            for chunk in self.source:
                if row < len(chunk.texts):
                    return chunk.places[row]
                row -= len(chunk.texts)
        return f"{self.name}, number {row}"

    def facts(self):
        """Facts for the report about the latest reading: rows, labels, files, skipped rows, hash."""
        reader = self.source if isinstance(self.source, TableReader) else None
        counts = Counter(label for row in self.labels for label in (row if isinstance(row, list) else [row]))
        return {
            "rows": len(self.labels),
            "files": reader.files if reader else [],
            "skipped": reader.skipped if reader else 0,
            "first_skipped": reader.first_skipped if reader else [],
            "sha256": self._digest.hexdigest(),
            "labels": {
                str(label): count for label, count in sorted(counts.items(), key=lambda item: str(item[0]))
            },
        }


def check_texts(texts, name="X"):
    """Returns texts as a list after checking that each is a str.

    Args:
        texts: Sequence of str, such as a list, an array or a pandas Series.
        name: str. How the message calls them. Defaults to `"X"`.

    Returns:
        List of str.

    Raises:
        InputError: If it is a single str, empty, or holds anything but str.

    Example:
        >>> from nlpkit.estimators.labelled_texts import check_texts
        >>> check_texts(("a", "b"))
        ['a', 'b']
    """
    if isinstance(texts, str | bytes) or not hasattr(texts, "__len__"):
        raise InputError(
            f"{name} must be a list of texts. Received: {type(texts).__name__}. Write [text] for one text."
        )
    values = texts.tolist() if hasattr(texts, "tolist") else list(texts)
    if not values:
        raise InputError(
            f"{name} must hold at least one text. Received: 0 sample(s) (shape=(0,)) while a minimum of 1 is required."
        )
    for number, text in enumerate(values):
        if not isinstance(text, str):
            raise InputError(
                f"{name} must be a list of texts (str). Received: {shorten(text)} of type {type(text).__name__} at "
                f"{number}."
            )
    return values


def check_labels(labels, count):
    """Returns labels as a list after checking their number and kind.

    Args:
        labels: Sequence of str, int, bool, or of lists of them.
        count: int. Number of texts.

    Returns:
        List of labels.

    Raises:
        InputError: If their number differs from that of the texts, or a label is missing.

    Example:
        >>> import numpy as np
        >>> from nlpkit.estimators.labelled_texts import check_labels
        >>> check_labels(np.array([1, 0]), 2)
        [1, 0]
    """
    values = labels.tolist() if hasattr(labels, "tolist") else list(labels)
    if len(values) != count:
        raise InputError(
            f"There must be one label per text. Received: {count} texts and {len(values)} labels."
        )
    values = [list(value) if isinstance(value, tuple | set | list) else value for value in values]
    for number, value in enumerate(values):
        if value is None or (isinstance(value, float) and not np.isfinite(value)):
            raise InputError(f"Every text needs a label. Received: {value!r} (NaN, inf or None) at {number}.")
    return values
