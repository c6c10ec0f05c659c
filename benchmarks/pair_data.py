"""Pairs of texts of the encoder-decoder benchmarks, read from shared/data beside the repository."""

import corpora
import language_data
import numpy as np

FILES = {
    "addition": ["all.tsv"],
    "date": ["all.tsv"],
    "multi30k": ["train.tsv", "dev.tsv", "test2016.tsv"],
    "ag_headlines": ["train.tsv", "dev.tsv", "test.tsv"],
}
PARTS = ("train", "dev", "test")
# The textbook "Deep Learning from Scratch 2" shuffles with this seed and tests on the last tenth.
SEED, TEST_SHARE = 1984, 10
DIRECTIONS = ("de-en", "en-de")


def missing(name):
    """Whether files of a data set are absent; says so."""
    return language_data.missing(name, FILES[name])


def load(name, limit=None):
    """Reads a data set.

    Args:
        name: str. One of `FILES`.
        limit: int. Keeps that many pairs of the training part, and a tenth of it of each other. Defaults to `None`.

    Returns:
        dict from `"train"`, `"dev"` (not of additions and dates) and `"test"` to a pair of lists of str, the sources
        and the targets. Of Multi30k the sources are English.
    """
    tables = [_read(corpora.DATA / name / file) for file in FILES[name]]
    if len(tables) == 1:
        order = np.arange(len(tables[0]))
        np.random.RandomState(SEED).shuffle(order)
        rows = [tables[0][number] for number in order]
        cut = len(rows) - len(rows) // TEST_SHARE
        parts = {"train": rows[:cut], "test": rows[cut:]}
    else:
        parts = dict(zip(PARTS, tables, strict=True))
    return {
        part: tuple(map(list, zip(*rows[: _limited(part, limit)], strict=True)))
        for part, rows in parts.items()
    }


def multi30k(direction, limit=None):
    """As `load("multi30k")`, in one of `DIRECTIONS`."""
    parts = load("multi30k", limit)
    return parts if direction == "en-de" else {part: pair[::-1] for part, pair in parts.items()}


def _limited(part, limit):
    return limit if limit is None or part == "train" else max(limit // 10, 1)


def _read(path):
    """Rows of a table without header and quoting."""
    with open(path, encoding="utf-8", newline="\n") as file:
        return [tuple(line.rstrip("\n").split("\t")) for line in file]
