from collections import Counter

import numpy as np
import pytest

from nlpkit.data.readers import Chunk
from nlpkit.errors import InputError
from nlpkit.text import Packer, Vocabulary, WordTokenizer, encoding, text_to_ids
from nlpkit.text.encoding import each_text, sample_texts


@pytest.fixture(scope="module")
def texts():
    draw = np.random.default_rng(0)
    return [" ".join(f"w{n}" for n in draw.zipf(1.5, draw.integers(0, 30)) if n < 500) for _ in range(700)]


def expected_rows(texts, vocabulary, length):
    rows = [[vocabulary.index.get(word, 1) for word in text.split()][:length] for text in texts]
    return [row or [1] for row in rows]


@pytest.mark.parametrize("piece", [64, 1024])  # many pieces in threads, and one piece without
def test_one_pass_gives_what_counting_and_looking_up_gives(texts, piece, monkeypatch):
    monkeypatch.setattr(encoding, "PIECE", piece)
    layer = text_to_ids("word", max_length=12, vocabulary_size=80, min_frequency=2)
    rows = layer.fit_encode(iter([texts[:300], Chunk(texts[300:], None)]))
    counts = Counter(word for text in texts for word in text.split())
    vocabulary = Vocabulary.from_counts(counts, 80, 2)
    assert layer.tokenizer.vocabulary == vocabulary
    assert [row.tolist() for row in rows] == expected_rows(texts, vocabulary, 12)
    again = layer.encode(texts)
    np.testing.assert_array_equal(again.ids, rows.ids)
    np.testing.assert_array_equal(again.offsets, rows.offsets)


def test_start_and_end_survive_the_new_numbering():
    layer = text_to_ids("char", max_length=4, start=True, end=True, truncate="start")
    rows = layer.fit_encode(["aabc", ""])
    assert [row.tolist() for row in rows] == [[2, 5, 6, 3], [2, 3]]


def test_bytes_that_are_not_utf8_are_unknown():
    layer = text_to_ids("word")
    assert [row.tolist() for row in layer.fit_encode([b"a \xff", b"a"])] == [[4, 1], [4]]


def test_kinds_of_streams():
    assert list(each_text(["a", ["b", "c"], Chunk(["d"], None)])) == ["a", "b", "c", "d"]
    with pytest.raises(InputError, match="Texts must be a list of str .* Received: one str 'abc'"):
        each_text("abc")


def test_empty_streams():
    with pytest.raises(InputError, match="There are no texts to learn a vocabulary from"):
        text_to_ids("word").fit_encode([])
    with pytest.raises(InputError, match="There are no texts to learn a vocabulary from"):
        sample_texts(iter([]))
    assert len(text_to_ids("byte").encode([])) == 0
    assert encoding.fit_rows(WordTokenizer().split, Packer(), ["", " "], WordTokenizer())[1].tolist() == [1]


def test_sample_is_bounded_even_and_repeatable():
    texts = [f"{n:04d}" for n in range(2000)]
    sample = sample_texts(texts, characters=800)
    assert len(sample) == 200 and sample == sorted(sample) and sample == sample_texts(texts, characters=800)
    assert 700 < np.mean([int(text) for text in sample]) < 1300
    assert sample_texts(["too long for the bound"], characters=3) == ["too long for the bound"]
