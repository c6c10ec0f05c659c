import gzip

import numpy as np
import pytest

from nlpkit.errors import InputError
from nlpkit.text import Vocabulary, read_vectors

VOCABULARY = Vocabulary.from_counts({"good": 4, "film": 3, "schön": 2, "missing": 1})
WORDS = {
    "good": [1.0, 2.0, 3.0],
    "film": [-1.0, 0.5, 0.25],
    "schön": [4.0, 5.0, 6.0],
    "other": [9.0, 9.0, 9.0],
}


def lines(header=""):
    return header + "".join(f"{word} {' '.join(map(str, vector))}\n" for word, vector in WORDS.items())


def check(vectors):
    for word in ("good", "film", "schön"):
        np.testing.assert_allclose(vectors.matrix[VOCABULARY.index[word]], WORDS[word])
    assert vectors.found.tolist() == [False] * 4 + [True] * 3 + [False]
    assert vectors.coverage == 0.75
    assert vectors.matrix.shape == (8, 3) and vectors.matrix.dtype == np.float32
    assert np.isfinite(vectors.matrix).all() and not vectors.matrix[0].any() and vectors.matrix[7].any()


@pytest.mark.parametrize("header", ["", "4 3\n"])
@pytest.mark.parametrize("zipped", [False, True])
def test_text(tmp_path, header, zipped):
    path = tmp_path / ("vectors.vec.gz" if zipped else "vectors.vec")
    content = lines(header).encode()
    path.write_bytes(gzip.compress(content) if zipped else content)
    check(read_vectors(path, VOCABULARY))
    check(read_vectors(path, VOCABULARY, dim=3))


@pytest.mark.parametrize("binary", [False, True])
def test_word2vec_files_written_by_gensim(tmp_path, binary):
    from gensim.models import KeyedVectors

    vectors = KeyedVectors(3)
    vectors.add_vectors(list(WORDS), np.array(list(WORDS.values()), np.float32))
    path = tmp_path / ("vectors.bin" if binary else "vectors.txt")
    vectors.save_word2vec_format(str(path), binary=binary)
    check(read_vectors(path, VOCABULARY))


def test_words_with_spaces_are_not_taken_for_their_first_part(tmp_path):
    path = tmp_path / "glove.txt"
    path.write_text("film 1 2 3\ngood . 7 7 7\ngood 4 5 6\n")
    vectors = read_vectors(path, VOCABULARY)
    assert vectors.matrix[VOCABULARY.index["good"]].tolist() == [4, 5, 6]


@pytest.mark.parametrize(
    "name, content, dim, message",
    [
        (
            "a.txt",
            b"good 1 2\nfilm 1\n",
            None,
            "a.txt, line 2: a word and 2 numbers must stand here. Received: 1",
        ),
        ("a.txt", b"good 1 x\n", None, "a.txt, line 1: could not convert .* must hold numbers only"),
        ("a.vec", b"1 2\ngood nan 1\n", None, "a.vec, line 2: the vector holds a value that is not finite"),
        ("a.txt", b"good\n", None, "a.txt, line 1: a word and its vector, or two numbers"),
        ("a.txt", b"", None, "a.txt, line 1: a word and its vector"),
        ("a.vec", b"1 2\ngood 1 1\n", 5, "the vectors are 2 numbers long, but `dim` is 5"),
        ("a.bin", b"2 2\ngood \0\0\0\0\0\0\0\0", None, "a.bin ends early: word 2 of 2"),
        ("a.gz", b"\x1f\x8b\x08\0", None, "Cannot read the vector file .*a.gz"),
    ],
)
def test_broken_files(tmp_path, name, content, dim, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_vectors(path, VOCABULARY, dim=dim)


def test_missing_file():
    with pytest.raises(InputError, match="Cannot read the vector file nowhere.vec"):
        read_vectors("nowhere.vec", VOCABULARY)
