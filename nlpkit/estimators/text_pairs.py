"""Sources and targets from lists or a reader, one side at a time, with facts counted on the way."""

import hashlib

import numpy as np

from nlpkit.data.columns import shorten
from nlpkit.data.readers import TableReader
from nlpkit.errors import InputError
from nlpkit.estimators.labelled_texts import check_texts

CHUNK = 8192


class TextPairs:
    """Pairs of texts of which each side can be read by itself, any number of times; texts are not kept.

    Args:
        sources: List of str, or a `TableReader(…, roles=PAIRS)`, which has the targets too.
        targets: List of str; `None` with a reader.
        name: str. How messages call these data. Defaults to `"pairs"`.
        read: callable. What is read of a source. Defaults to `None`: all of it.

    Raises:
        InputError: If the texts are not strings, targets are missing or given twice, or their numbers differ.

    Example:
        >>> from nlpkit.estimators.text_pairs import TextPairs
        >>> pairs = TextPairs(["ein Hund", "eine Katze"], ["a dog", "a cat"])
        >>> list(pairs.targets), pairs.facts()["rows"]
        ([['a dog', 'a cat']], 2)
    """

    def __init__(self, sources, targets=None, name="pairs", read=None):
        self.name, self.read, self.is_reader = name, read, isinstance(sources, TableReader)
        if self.is_reader and targets is not None:
            raise InputError(
                f"The reader of the {name} holds the targets too. Received: y besides. Leave out one."
            )
        if not self.is_reader:
            sources = check_texts(sources, f"sources of the {name}")
            targets = _checked_targets(targets, len(sources), name)
        self.given, self.given_targets = sources, targets
        self.sources, self.targets = _Side(self, 0), _Side(self, 1)

    def chunks(self):
        """Reads the pairs as tuples of a list of sources and one of targets."""
        for sources, targets in self._given_chunks():
            yield (list(map(self.read, sources)) if self.read else sources), targets

    def _given_chunks(self):
        if not self.is_reader:
            for start in range(0, len(self.given), CHUNK):
                part = slice(start, start + CHUNK)
                yield self.given[part], self.given_targets[part]
            return
        for chunk in self.given:
            if chunk.labels is None:
                raise InputError(
                    f"The {self.name} have no targets. Name both columns: --columns source,target for files without a "
                    "header line, else --source and --target; TableReader(…, roles=PAIRS) in Python."
                )
            if isinstance(chunk.labels[0], list):
                raise InputError(
                    f"{chunk.places[0]}: a source must have one target. Received: {shorten(chunk.labels[0])}. Write a "
                    "row for each, and read them with roles=PAIRS."
                )
            yield chunk.texts, chunk.labels

    def facts(self):
        """Facts for the report: rows, files, skipped rows, hash; reads the pairs once more."""
        digest, rows = hashlib.sha256(), 0
        for sources, targets in self.chunks():
            rows += len(sources)
            for pair in zip(sources, targets, strict=True):
                for text in pair:  # a zero byte ends each, since texts may hold tabs and line breaks
                    digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
        reader = self.given if self.is_reader else None
        return {
            "rows": rows,
            "files": reader.files if reader else [],
            "skipped": reader.skipped if reader else 0,
            "first_skipped": reader.first_skipped if reader else [],
            "sha256": digest.hexdigest(),
        }

    def pick(self, rows):
        """Some of the pairs.

        Args:
            rows: Int array of their numbers, sorted.

        Returns:
            Tuple of their sources and their targets, as lists of str.
        """
        wanted, found, start = set(np.asarray(rows).tolist()), [], 0
        for chunk in self.chunks():
            found += [pair for row, pair in enumerate(zip(*chunk, strict=True), start) if row in wanted]
            start += len(chunk[0])
        return tuple(map(list, zip(*found, strict=True)))

    def all(self):
        """Tuple of all sources and all targets, as lists of str."""
        sides = zip(*self.chunks(), strict=True)
        return tuple([text for texts in side for text in texts] for side in sides)


class _Side:
    """The sources or the targets, as a stream of lists of str that can be read again."""

    def __init__(self, pairs, number):
        self.pairs, self.number = pairs, number

    def __iter__(self):
        return (chunk[self.number] for chunk in self.pairs.chunks())


def _checked_targets(targets, count, name):
    if targets is None:
        raise InputError(
            f"The {name} need targets: y, one for each source, or a TableReader that has both. Received: y=None"
        )
    targets = check_texts(targets, f"targets of the {name}")
    if len(targets) != count:
        raise InputError(
            f"There must be one target per source. Received: {count} sources and {len(targets)} targets."
        )
    return targets
