import numpy as np
import pytest

from nlpkit.errors import InputError
from nlpkit.text import Vocabulary, read_vectors

SENTENCES = [["good", "film", "schön", "中文"], ["bad", "films", "good"]] * 10
VOCABULARY = Vocabulary.from_counts({word: 1 for word in ("good", "schön", "中文", "filmes", "ungood", "a")})


@pytest.fixture(scope="module")
def model():
    from gensim.models import FastText

    return FastText(
        SENTENCES, vector_size=6, min_count=1, min_n=2, max_n=4, bucket=500, epochs=1, workers=1, seed=1
    )


@pytest.fixture(scope="module")
def path(model, tmp_path_factory):
    from gensim.models.fasttext import save_facebook_model

    path = tmp_path_factory.mktemp("fasttext") / "model.bin"
    save_facebook_model(model, str(path))
    return path


def test_vectors_are_gensims_also_for_words_the_model_does_not_hold(model, path):
    vectors = read_vectors(path, VOCABULARY)
    for word in VOCABULARY.tokens[4:]:
        np.testing.assert_allclose(
            vectors.matrix[VOCABULARY.index[word]], model.wv[word], rtol=1e-5, atol=1e-7
        )
    assert vectors.coverage == 1.0 and vectors.matrix.shape == (10, 6)
    assert "filmes" not in model.wv.key_to_index


def test_broken_files(path, tmp_path):
    whole = path.read_bytes()
    for length in (6, 40, 200, 3000):
        (tmp_path / "short.bin").write_bytes(whole[:length])
        with pytest.raises(InputError, match="short.bin ends early: it is not a whole fastText model"):
            read_vectors(tmp_path / "short.bin", VOCABULARY)
    (tmp_path / "old.bin").write_bytes(whole[:4] + b"\x0b\0\0\0" + whole[8:])
    with pytest.raises(InputError, match="only version 12 .* Received: version 11"):
        read_vectors(tmp_path / "old.bin", VOCABULARY)


def test_quantised_model(path, tmp_path):
    whole = path.read_bytes()
    flag = (
        whole.index(np.array([506, 6], "<i8").tobytes()[:16]) - 1
    )  # 6 words and 500 buckets, 6 numbers each
    (tmp_path / "small.ftz").write_bytes(whole[:flag] + b"\1" + whole[flag + 1 :])
    with pytest.raises(InputError, match="is a quantised fastText model, which cannot be read"):
        read_vectors(tmp_path / "small.ftz", VOCABULARY)
