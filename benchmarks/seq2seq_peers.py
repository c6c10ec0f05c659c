"""The textbook's encoder-decoders in NumPy, run as the textbook runs them; the peer of seq2seq_ladder.py.

"Deep Learning from Scratch 2" (Saito; its code: github.com/oreilly-japan/deep-learning-from-scratch-2, MIT) trains
them in chapters 7 and 8. Name the folder of its code: PEER_PATH=FOLDER python benchmarks/seq2seq_ladder.py
"""

import importlib
import math
import os
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pair_data

HINT = "no textbook code: clone oreilly-japan/deep-learning-from-scratch-2 and set PEER_PATH"
MODELS = {
    "plain": ("seq2seq", "Seq2seq", False),
    "reverse": ("seq2seq", "Seq2seq", True),
    "peeky": ("peeky_seq2seq", "PeekySeq2seq", False),
    "reverse_peeky": ("peeky_seq2seq", "PeekySeq2seq", True),
    "attention": ("ch08.attention_seq2seq", "AttentionSeq2seq", True),
}
START, AT_ONCE = "_", 500
# Its packages, of which one has the name of a file of ours.
PACKAGES = ("common", "ch07", "ch08", "seq2seq", "peeky_seq2seq")


def folder():
    """Folder of the textbook's code; `None` where it is not in PEER_PATH."""
    for name in os.environ.get("PEER_PATH", "").split(os.pathsep):
        if name and (Path(name) / "ch07" / "seq2seq.py").is_file():
            return Path(name)
    return None


def measure(task, model, sizes, epochs, limit):
    """Trains one model in this process.

    Args:
        task: `"addition"` or `"date"`.
        model: One of `MODELS`.
        sizes: dict of `embedding`, `units`, `batch_size`, `learning_rate` and `clip_norm`.
        epochs: int.
        limit: int. Pairs to train with, or `None`.

    Returns:
        dict of `exact_match` (per cent) and `seconds` of each epoch.
    """
    parts = pair_data.load(task, limit)
    module, kind, reverse = MODELS[model]
    characters, encode = rows_of(parts)
    (train, targets), (test, expected) = (encode(parts[name], reverse) for name in ("train", "test"))
    found = {"exact_match": [], "seconds": []}
    np.random.seed(0)
    with textbook(folder()) as load:
        network = getattr(load(module), kind)(characters, sizes["embedding"], sizes["units"])
        trainer = load("common.trainer").Trainer(network, adam(load, sizes["learning_rate"]))
        settings = {"max_epoch": 1, "batch_size": sizes["batch_size"], "max_grad": sizes["clip_norm"]}
        for _ in range(epochs):
            start = time.perf_counter()
            trainer.fit(train, targets, eval_interval=None, **settings)
            found["seconds"].append(round(time.perf_counter() - start, 2))
            found["exact_match"].append(round(exact_match(network, test, expected), 2))
    weights = sum(weight.size for weight in network.params)
    return {**found, "weights": weights}


def rows_of(parts):
    """The number of characters, and what makes arrays of pairs as the textbook's reader has them.

    Sources are filled up with spaces to the longest, on the right, and targets begin with a mark.
    """
    pairs = [pair for part in parts.values() for pair in zip(*part, strict=True)]
    characters = sorted({START, " "}.union(*map("".join, pairs)))
    index = {character: number for number, character in enumerate(characters)}
    widths = [max(map(len, side)) for side in zip(*pairs, strict=True)]

    def encode(part, reverse):
        sources, targets = (
            np.array([[index[character] for character in text.ljust(width)] for text in side])
            for side, width in zip(part, widths, strict=True)
        )
        marks = np.full((len(targets), 1), index[START])
        return sources[:, ::-1] if reverse else sources, np.concatenate([marks, targets], axis=1)

    return len(index), encode


def exact_match(network, sources, targets):
    """Per cent of the targets that the most likely characters make; many at once, unlike the textbook."""
    right = 0
    for first in range(0, len(sources), AT_ONCE):
        part = slice(first, first + AT_ONCE)
        memory, written = network.encoder.forward(sources[part]), targets[part, :1]
        for _ in range(targets.shape[1] - 1):
            scores = network.decoder.forward(written, memory)
            written = np.concatenate([written, scores[:, -1:].argmax(axis=-1)], axis=1)
        right += int((written == targets[part]).all(axis=1).sum())
    return 100 * right / len(sources)


def adam(load, learning_rate):
    """Its optimizer, whose rate stays a number of Python: one of NumPy 2 would make 64 bits of all it touches."""
    module = load("common.optimizer")
    module.np = SimpleNamespace(
        zeros_like=np.zeros_like, sqrt=lambda x: math.sqrt(x) if isinstance(x, float) else np.sqrt(x)
    )
    return module.Adam(lr=learning_rate)


@contextmanager
def textbook(path):
    """Imports of the textbook's modules, which do not see ours of the same name and leave nothing behind."""
    own = {name: sys.modules.pop(name) for name in _loaded()}
    before, here = list(sys.path), str(Path(__file__).parent)
    sys.path[:] = [str(path), str(path / "ch07"), *(entry for entry in before if entry != here)]
    os.environ.setdefault("MPLBACKEND", "Agg")  # its trainer imports matplotlib
    try:
        yield importlib.import_module
    finally:
        sys.path[:] = before
        for name in _loaded():
            del sys.modules[name]
        sys.modules.update(own)


def _loaded():
    return [name for name in sys.modules if name.split(".")[0] in PACKAGES]
