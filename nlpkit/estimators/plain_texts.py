"""Texts without labels from a list or a reader as one stream, with facts counted on the way."""

import hashlib

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

    Raises:
        InputError: If the texts are not strings, or while iterating: if all of them are blank.

    Example:
        >>> from nlpkit.estimators.plain_texts import PlainTexts
        >>> stream = PlainTexts(["one text", "", "another"])
        >>> list(stream), stream.rows, stream.characters
        ([['one text', 'another']], 2, 17)
    """

    def __init__(self, texts, name="texts"):
        self.is_reader, self.name = isinstance(texts, TableReader), name
        self.source = texts if self.is_reader else check_texts(texts, name)
        self.rows = self.characters = 0
        self._digest = hashlib.sha256()

    def __iter__(self):
        self.rows, self.characters, self._digest = 0, 0, hashlib.sha256()
        for texts in self._chunks():
            texts = [text for text in texts if text.strip()]
            self.rows += len(texts)
            # One more for the end of each text: in a file it is the end of the line.
            self.characters += sum(map(len, texts)) + len(texts)
            for text in texts:
                self._digest.update(f"{text}\n".encode("utf-8", "surrogatepass"))
            if texts:
                yield texts
        if not self.rows:
            raise InputError(f"The {self.name} must hold text. Received: blank ones only.")

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
