"""fastText's own `.bin` model: vectors of words, and of the character n-grams they are made of."""

import struct
from dataclasses import dataclass

import numpy as np

from nlpkit.errors import InputError

FASTTEXT_MAGIC = struct.pack("<i", 793712314)


@dataclass(frozen=True)
class _Shape:
    dim: int
    buckets: int
    shortest: int
    longest: int
    words: int


def read_fasttext_model(file, path, words):
    """Reads the vectors of some words; a word the model does not hold gets the mean of its n-grams.

    Args:
        file: binary file. Stands behind the magic number.
        path: str or path. For messages.
        words: dict of bytes to int. The words wanted, in UTF-8, and the numbers to return them under.

    Returns:
        Tuple of int (length of the vectors) and dict of int to float32 array.

    Raises:
        InputError: If the version is another one, the model is quantised, or the file ends early.

    Reference: [Bojanowski et al., 2017](https://doi.org/10.1162/tacl_a_00051)
    """
    try:
        shape, known = _read_start(file, path, words)
        rows, start = struct.unpack("<q", file.read(8))[0], file.tell() + 8
        row_of = {word: _rows(word, known, shape) for word in words}
        needed = sorted({row for of_word in row_of.values() for row in of_word})
        matrix = {row: _read_row(file, start, row, shape.dim) for row in needed if row < rows}
    except struct.error as error:
        raise InputError(f"{path} ends early: it is not a whole fastText model. Fetch it again.") from error
    vectors = {}
    for word, id in words.items():
        parts = [matrix[row] for row in row_of[word] if row in matrix]
        if parts:
            vectors[id] = np.mean(parts, axis=0, dtype=np.float32)
    return shape.dim, vectors


def _read_start(file, path, words):
    (version,) = struct.unpack("<i", file.read(4))
    if version != 12:
        raise InputError(
            f"{path}: only version 12 of fastText's .bin format can be read. Received: version {version}"
        )
    arguments = struct.unpack("<12id", file.read(56))
    dim, buckets, shortest, longest = arguments[0], arguments[8], arguments[9], arguments[10]
    size, word_count, _, _, pruned = struct.unpack("<3i2q", file.read(28))
    known = {}
    for row in range(size):
        word = _read_word(file)
        file.read(9)  # its count and kind
        if row < word_count and word in words:
            known[word] = row
    file.read(8 * max(0, pruned))
    if struct.unpack("<?", file.read(1))[0]:
        raise InputError(
            f"{path} is a quantised fastText model, which cannot be read. Use the full .bin or .vec."
        )
    return _Shape(dim, buckets, shortest, longest, word_count), known


def _read_word(file):
    letters = bytearray()
    while (byte := file.read(1)) != b"\0":
        if not byte:
            raise struct.error("end of file")
        letters += byte
    return bytes(letters)


def _read_row(file, start, row, dim):
    file.seek(start + 4 * dim * row)
    raw = file.read(4 * dim)
    if len(raw) < 4 * dim:
        raise struct.error("end of file")
    return np.frombuffer(raw, "<f4")


def _rows(word, known, shape):
    rows = [known[word]] if word in known else []
    if shape.longest > 0 and shape.buckets > 0:
        rows += [shape.words + _hash(gram) % shape.buckets for gram in _ngrams(word, shape)]
    return rows


def _ngrams(word, shape):
    text = f"<{word.decode()}>"
    for start in range(len(text)):
        for size in range(shape.shortest, min(shape.longest, len(text) - start) + 1):
            at_edge = start == 0 or start + size == len(text)
            if not (size == 1 and at_edge):
                yield text[start : start + size].encode()


def _hash(gram):
    """FNV-1a over signed bytes, as fastText has it."""
    value = 2166136261
    for byte in gram:
        value = ((value ^ (byte if byte < 128 else byte | 0xFFFFFF00)) * 16777619) & 0xFFFFFFFF
    return value
