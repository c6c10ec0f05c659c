"""Texts without labels from a list or a reader as one stream, with facts counted on the way."""

import hashlib
from array import array

from nlpkit.data.readers import TableReader
from nlpkit.errors import InputError
from nlpkit.estimators.labelled_texts import check_texts

CHUNK = 8192


class PlainTexts:
    """A stream of lists of texts, without the blank ones, that remembers what it has seen.

    It can be read several times; what is remembered belongs to the latest reading. Texts are not kept.

    Args:
        texts: List of str, or a `TableReader`.
        name: str. How messages call these data. Defaults to `"texts"`.

    Attributes:
        lengths: Array of int. Characters of each text, its end among them.

    Raises:
        InputError: If the texts are not strings, or while iterating: if all of them are blank.

    Example:
        >>> from nlpkit.estimators.plain_texts import PlainTexts
        >>> stream = PlainTexts(["one text", "", "another"])
        >>> list(stream), stream.lengths.tolist(), stream.characters
        ([['one text', 'another']], [9, 8], 17)
    """

    def __init__(self, texts, name="texts"):
        self.is_reader, self.name = isinstance(texts, TableReader), name
        self.source = texts if self.is_reader else check_texts(texts, name)
        self.lengths, self._digest = array("L"), hashlib.sha256()

    def __iter__(self):
        self.lengths, self._digest = array("L"), hashlib.sha256()
        for texts in self._chunks():
            texts = [text for text in texts if text.strip()]
            # One more for the end of each text: in a file it is the end of the line.
            self.lengths.extend(len(text) + 1 for text in texts)
            for text in texts:
                self._digest.update(f"{text}\n".encode("utf-8", "surrogatepass"))
            if texts:
                yield texts
        if not self.rows:
            raise InputError(f"The {self.name} must hold text. Received: blank ones only.")

    @property
    def rows(self):
        """int. Texts of the latest reading."""
        return len(self.lengths)

    @property
    def characters(self):
        """int. Characters of the latest reading, the ends of texts among them."""
        return sum(self.lengths)

    def _chunks(self):
        if self.is_reader:
            return (chunk.texts for chunk in self.source)
        return (self.source[start : start + CHUNK] for start in range(0, len(self.source), CHUNK))

    def facts(self):
        """Facts for the report about the latest reading: rows, characters, files, skipped rows, hash."""
        reader = self.source if self.is_reader else None
        return {
            "rows": self.rows,
            "characters": self.characters,
            "files": reader.files if reader else [],
            "skipped": reader.skipped if reader else 0,
            "first_skipped": reader.first_skipped if reader else [],
            "sha256": self._digest.hexdigest(),
        }
