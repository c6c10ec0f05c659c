"""The data sets of the benchmarks, read from shared/data beside the repository, each in its three parts."""

import argparse
import gzip
from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
FILES = {
    "sst2": ["train.tsv", "dev.tsv", "test.tsv"],
    "mr": ["all.tsv"],
    "imdb": ["train.tsv.gz", "test.tsv.gz"],
    "chnsenticorp": ["all.tsv"],
    "ag_news": ["train_sample.tsv", "test.tsv"],
}
FOLDS = 10


@dataclass
class Corpus:
    """Texts and labels of each part.

    Args:
        train: tuple of texts and labels.
        validation: tuple of texts and labels.
        test: tuple of texts and labels.
        held_out: bool. Whether the validation part was taken from a training set that has none of its own; a
            method that needs no validation may then train on both.
    """

    train: tuple
    validation: tuple
    test: tuple
    held_out: bool

    @property
    def whole_train(self):
        """The training set as a method without need of a validation part takes it."""
        if not self.held_out:
            return self.train
        return tuple(train + held for train, held in zip(self.train, self.validation, strict=True))


def load(name, fold=0, limit=None):
    """Reads a data set.

    Args:
        name: str. One of `FILES`.
        fold: int. Fold that is the test part, for `"mr"`. Defaults to 0.
        limit: int. Keeps that many texts of the training part and of the others, for quick runs.

    Returns:
        `Corpus`.
    """
    tables = [_read(DATA / name / file) for file in FILES[name]]
    if name == "sst2":
        parts = [*tables, False]
    elif name == "chnsenticorp":
        first, second = len(tables[0]) * 8 // 10, len(tables[0]) * 9 // 10
        parts = [tables[0][:first], tables[0][first:second], tables[0][second:], False]
    else:
        if name == "mr":
            tables = [*_every_tenth(tables[0], fold)]
        train, held = _every_tenth(tables[0], 0)
        parts = [train, held, tables[1], True]
    return Corpus(*(tuple(map(list, zip(*part[:limit], strict=True))) for part in parts[:3]), parts[3])


def folds(name):
    """Number of folds of a data set: 1 where it has a test part."""
    return FOLDS if name == "mr" else 1


def missing(name):
    """Whether the files of a data set are absent; says so once."""
    absent = [f"{name}/{file}" for file in FILES[name] if not (DATA / name / file).exists()]
    if absent:
        print(f"skipped: {', '.join(absent)} is not in shared/data beside the repository")
    return bool(absent)


def parser(description, names, several=True):
    """Argument parser with the options that all benchmarks have: `--data` and `--quick`."""
    found = argparse.ArgumentParser(description=description.splitlines()[0])
    if several:
        found.add_argument("--data", default=",".join(names), help=f"of {','.join(names)}; default: all")
    found.add_argument("--quick", action="store_true", help="a few texts, to see that it works")
    return found


def chosen(names, known):
    """The data sets of `--data` that are here."""
    asked = names.split(",")
    unknown = sorted(set(asked) - set(known))
    if unknown:
        raise SystemExit(f"--data takes {','.join(known)}. Received: {','.join(unknown)}")
    return [name for name in asked if not missing(name)]


def _every_tenth(rows, which):
    rest = [row for number, row in enumerate(rows) if number % FOLDS != which]
    return rest, rows[which::FOLDS]


def _read(path):
    """Rows of a table without header and quoting: text (last column), label (first column)."""
    with gzip.open(path, "rb") if path.suffix == ".gz" else open(path, "rb") as file:
        rows = [line.rstrip(b"\n").decode("utf-8").split("\t") for line in file]
    return [(row[-1], row[0]) for row in rows]
