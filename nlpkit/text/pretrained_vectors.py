"""Word vectors from GloVe, word2vec and fastText files, for the words of a vocabulary."""

import gzip
import os
from dataclasses import dataclass

import numpy as np

from nlpkit.errors import InputError
from nlpkit.text.fasttext_model import FASTTEXT_MAGIC, read_fasttext_model
from nlpkit.text.vocabulary import PAD, SPECIAL_TOKENS


@dataclass(frozen=True)
class PretrainedVectors:
    """Vectors for a vocabulary.

    Args:
        matrix: float32 array of shape `(vocabulary size, dim)`. Words that were not found get
            random numbers with the spread of the found ones, the same at each call; the padding row is zero.
        found: bool array of shape `(vocabulary size,)`. Which rows come from the file.
        coverage: float. Share of the vocabulary found, special tokens not counted.

    Example:
        >>> import numpy as np
        >>> from nlpkit.text.pretrained_vectors import PretrainedVectors
        >>> PretrainedVectors(np.zeros((5, 2), "float32"), np.zeros(5, bool), 0.0).matrix.shape
        (5, 2)
    """

    matrix: np.ndarray
    found: np.ndarray
    coverage: float


def read_vectors(path, vocabulary, *, dim=None):
    """Reads the vectors of a vocabulary's words; the file is streamed, and only these rows are kept.

    The format is seen from the file: GloVe text, word2vec text or fastText `.vec` (a first line with two
    numbers), word2vec binary (`.bin` with such a line), fastText `.bin` (words that are not in it get the mean of their
    character n-grams). Text and word2vec files may be gzipped.

    Args:
        path: str or path. The file.
        vocabulary: `Vocabulary`. The words wanted.
        dim: int. Length of the vectors, to be checked. Defaults to `None`: what the file says.

    Returns:
        `PretrainedVectors`.

    Raises:
        InputError: If the file cannot be read, a line has the wrong number of values or one that is no number,
            the file ends early, or its vectors are not `dim` long.

    Example:
        ```python
        import pathlib, tempfile
        from nlpkit.text import Vocabulary, read_vectors

        path = pathlib.Path(tempfile.mkdtemp(), "glove.txt")
        path.write_text("good 0.1 0.2\\nbad -0.1 -0.2\\n")
        vectors = read_vectors(path, Vocabulary.from_counts({"good": 2, "odd": 1}))
        print(vectors.coverage, vectors.matrix.shape)  # 0.5 (6, 2)
        ```

    Reference: [Pennington et al., 2014](https://doi.org/10.3115/v1/D14-1162),
        [Bojanowski et al., 2017](https://doi.org/10.1162/tacl_a_00051)
    """
    words = {token.encode(): id for token, id in vocabulary.index.items() if id >= len(SPECIAL_TOKENS)}
    try:
        with _open(path) as file:
            size, vectors = _read(file, path, words, dim)
    except (OSError, EOFError) as error:
        raise InputError(f"Cannot read the vector file {path}: {error}") from error
    if dim is not None and size != dim:
        raise InputError(f"{path}: the vectors are {size} numbers long, but `dim` is {dim}.")
    return _collect(vectors, size, len(vocabulary))


def _open(path):
    with open(path, "rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if zipped else open(path, "rb")


def _read(file, path, words, dim):
    if file.read(4) == FASTTEXT_MAGIC:
        return read_fasttext_model(file, path, words)
    file.seek(0)
    first = file.readline()
    header = _header(first)
    name = os.fspath(path)
    if header and name.removesuffix(".gz").endswith(".bin"):
        return header[1], _read_binary(file, path, words, *header)
    if header:
        return header[1], _read_lines(file, path, words, header[1], first_line=2)
    size = len(first.split()) - 1 if dim is None else dim
    if size < 1:
        raise InputError(
            f"{path}, line 1: a word and its vector, or two numbers, must stand here. "
            f"Received: {first[:60].decode('utf-8', 'replace')!r}"
        )
    file.seek(0)
    return size, _read_lines(file, path, words, size, first_line=1)


def _header(line):
    """Number of words and dimensions, where the first line says so."""
    fields = line.split()
    if len(fields) == 2 and all(field.isdigit() for field in fields):
        return int(fields[0]), int(fields[1])
    return None


def _read_lines(file, path, words, size, first_line):
    vectors = {}
    for number, line in enumerate(file, first_line):
        line = line.rstrip()
        if line.count(b" ") < size:
            raise InputError(
                f"{path}, line {number}: a word and {size} numbers must stand here. "
                f"Received: {line.count(b' ')} numbers in {line[:60].decode('utf-8', 'replace')!r}"
            )
        word, *values = line.rsplit(b" ", size) if line[:1] == b" " else _fields(line, size, words)
        if word in words and words[word] not in vectors:
            vectors[words[word]] = _numbers(values, path, number)
    return vectors


def _fields(line, size, words):
    # Most lines hold a word nobody asked for: look at the word before the numbers are cut apart.
    if line.partition(b" ")[0] in words:
        return line.rsplit(b" ", size)
    return (b"",)


def _numbers(values, path, number):
    try:
        vector = np.array([float(value) for value in values], np.float32)
    except ValueError as error:
        raise InputError(f"{path}, line {number}: {error}. A vector must hold numbers only.") from error
    if not np.isfinite(vector).all():
        raise InputError(f"{path}, line {number}: the vector holds a value that is not finite.")
    return vector


def _read_binary(file, path, words, count, size):
    vectors = {}
    for number in range(1, count + 1):
        word = _binary_word(file)
        raw = file.read(4 * size)
        if len(raw) < 4 * size:
            raise InputError(
                f"{path} ends early: word {number} of {count} has no whole vector. Fetch it again."
            )
        if word in words and words[word] not in vectors:
            vectors[words[word]] = np.frombuffer(raw, "<f4")
    return vectors


def _binary_word(file):
    letters = bytearray()
    while (byte := file.read(1)) not in (b" ", b""):
        letters += byte
    return bytes(letters).lstrip(b"\n")  # some writers end each vector with a newline


def _collect(vectors, size, count):
    found = np.zeros(count, bool)
    found[list(vectors)] = True
    spread = float(np.std(list(vectors.values()))) if vectors else 0.1
    matrix = np.random.default_rng(0).normal(0.0, spread, (count, size)).astype(np.float32)
    matrix[PAD] = 0.0
    for id, vector in vectors.items():
        matrix[id] = vector
    return PretrainedVectors(matrix, found, len(vectors) / max(1, count - len(SPECIAL_TOKENS)))
