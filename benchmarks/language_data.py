"""Texts of the language model benchmarks as ids, read without nlpkit, so that plain peers can use them too."""

from collections import Counter

import corpora
import numpy as np

PTB = ["train.txt", "dev.txt", "test.txt"]
# As nlpkit numbers them; words and characters come behind, the most frequent first.
UNKNOWN, END, FIRST = 1, 3, 4


def ptb(limit=None):
    """The Penn Treebank as streams of ids, each line with its end.

    Args:
        limit: int. Lines to read of each part. Defaults to `None`, all.

    Returns:
        dict from `"train"`, `"dev"` and `"test"` to int32 arrays, and the vocabulary size.
    """
    lines = {}
    for name in PTB:
        with open(corpora.DATA / "ptb" / name, encoding="utf-8") as file:
            lines[name] = [line.split() for line in file][:limit]
    index = _index(Counter(word for line in lines["train.txt"] for word in line if word != "<unk>"))
    index["</s>"] = END
    streams = {
        name.removesuffix(".txt"): np.array(
            [index.get(word, UNKNOWN) for line in part for word in (*line, "</s>")], np.int32
        )
        for name, part in lines.items()
    }
    return streams, FIRST + len(index) - 1


def shakespeare(limit=None):
    """Tiny Shakespeare by characters: the first 90 % and the rest.

    Args:
        limit: int. Characters to read. Defaults to `None`, all.

    Returns:
        dict from `"train"` and `"validation"` to int32 arrays, and the vocabulary size.
    """
    text = (corpora.DATA / "tinyshakespeare" / "input.txt").read_text(encoding="utf-8")[:limit]
    index = _index(Counter(text))
    ids = np.array([index[character] for character in text], np.int32)
    cut = len(ids) * 9 // 10
    return {"train": ids[:cut], "validation": ids[cut:]}, FIRST + len(index)


def missing(folder, names):
    """Whether files of a data set are absent; says so once."""
    absent = [f"{folder}/{name}" for name in names if not (corpora.DATA / folder / name).exists()]
    if absent:
        print(f"skipped: {', '.join(absent)} is not in shared/data beside the repository")
    return bool(absent)


def segments(ids, rows, steps, number):
    """The first batches of parallel streams, each the continuation of the one before.

    Args:
        ids: int array of shape `(tokens,)`.
        rows: int. Parallel streams.
        steps: int. Tokens of each row of a batch.
        number: int. Batches.

    Returns:
        Pair of int32 arrays of shape `(number, rows, steps)`: inputs, and the token after each.

    Raises:
        SystemExit: If there are too few tokens.
    """
    size = number * rows * steps
    if len(ids) < size:
        raise SystemExit(f"{number} batches of {rows} × {steps} need {size} tokens; there are {len(ids)}")
    streams = [np.concatenate([[END], ids[: size - 1]]), ids[:size]]
    return tuple(
        np.ascontiguousarray(stream.reshape(rows, number, steps).swapaxes(0, 1)).astype(np.int32)
        for stream in streams
    )


def _index(counts):
    ordered = sorted(counts, key=lambda token: (-counts[token], token))
    return {token: FIRST + number for number, token in enumerate(ordered)}
