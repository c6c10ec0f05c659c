"""Words outside the vocabulary: their ids, and the way back to text."""

import numpy as np
import pytest
import tensorflow as tf

from nlpkit import InputError
from nlpkit.estimators import copied_words
from nlpkit.estimators.copied_words import (
    check_words,
    copied,
    extended_rows,
    most_attended,
    rows_and_words,
    source_rows,
    texts_of,
)
from nlpkit.text import text_to_ids


def layer_of(level="word", **options):
    """Knows `Ada`, `Bo`, `met` and the comma: 4 to 7."""
    layer = text_to_ids(level, case=None, end=True, **options)
    layer.fit_encode(["Ada met , Bo"])
    assert layer.vocabulary_size == 8
    return layer


def known(layer, text):
    return layer([text]).numpy()[0].tolist()


def test_the_words_behind_the_ids():
    layer = layer_of()
    ids, words = rows_and_words(layer, tf.constant(["Ada met Eve", "", "Bo"]))
    np.testing.assert_array_equal(ids, layer(["Ada met Eve", "", "Bo"]))
    assert ids.dtype == tf.int32
    assert words.numpy().tolist() == [[b"Ada", b"met", b"Eve", b""], [b""] * 4, [b"Bo", b"", b"", b""]]


@pytest.mark.parametrize("truncate", ["end", "start", "middle"])
def test_words_are_cut_where_the_ids_are(truncate):
    layer, texts = layer_of(max_length=4, truncate=truncate), ["Eve met Ada and Bo", "Al", "Ada met Bo"]
    ids, words = rows_and_words(layer, tf.constant(texts))
    np.testing.assert_array_equal(ids, layer(texts))
    kept = {"end": [0, 1, 2], "start": [2, 3, 4], "middle": [0, 3, 4]}[truncate]
    if truncate == "middle":
        kept = [place for place in range(5) if texts[0].split()[place].encode() in words.numpy()[0]]
        assert len(kept) == 3 and {0, 4} <= set(kept)
    assert words.numpy()[0].tolist() == [*(texts[0].split()[place].encode() for place in kept), b""]
    assert words.numpy()[2].tolist() == [b"Ada", b"met", b"Bo", b""]
    rows = source_rows(layer, texts, 2)
    assert [row.tolist()[-1] for row in rows] == [3, 3, 3] and rows[1].tolist() == [8, 3]


def test_each_unknown_word_of_a_source_has_an_id_of_its_own_on_both_sides():
    layer = layer_of()
    ada, met, bo = known(layer, "Ada met Bo")[:3]
    sources, targets = ["Eve met Al , Eve", "Ada met Al"], ["Al met Eve and Bo", "Eve met Al"]
    found = extended_rows(layer, [(sources[:1], targets[:1]), (sources[1:], targets[1:])], 2)
    comma = known(layer, ",")[0]
    assert [row.tolist() for row in found[0]] == [[8, met, 9, comma, 8, 3], [ada, met, 8, 3]]
    # Words that the source does not have remain unknown.
    assert [row.tolist() for row in found[1]] == [[9, met, 8, 1, bo, 3], [1, met, 8, 3]]
    # Only so many.
    limited = extended_rows(layer, [(sources, targets)], 1)
    assert limited[0][0].tolist() == [8, met, 1, comma, 8, 3] and limited[1][0].tolist() == [
        1,
        met,
        8,
        1,
        bo,
        3,
    ]


def test_many_pairs_are_encoded_piece_by_piece(monkeypatch):
    layer, texts = layer_of(), ["Eve met Ada", "Bo", "Al Eve Al", "", "Ada"]
    expected = [row.tolist() for row in source_rows(layer, texts, 3)]
    monkeypatch.setattr("nlpkit.estimators.copied_words.PIECE", 2)
    assert [row.tolist() for row in source_rows(layer, texts, 3)] == expected
    assert expected[2] == [8, 9, 8, 3] and expected[3] == [3]


def python_ids(layer, text, source):
    """What `extended_ids` says in words, one word after the other."""
    own = []
    for word in source.split():
        if known(layer, word)[0] == 1 and word not in own:
            own.append(word)
    return [8 + own.index(word) if word in own else known(layer, word)[0] for word in text.split()] + [3]


def short_and_long():
    """Three hundred sources and targets of a few words, and among them a pair of 1,500 each."""
    draw, words = (
        np.random.default_rng(0),
        ["Ada", "met", "Bo", ",", "Eve", "Al", "Émile", "电影", "Zoe", "Cy"],
    )
    lengths = [1500 if row == 137 else draw.integers(0, 7) for row in range(301)]
    return tuple([" ".join(draw.choice(words, length)) for length in lengths] for _ in range(2))


def test_one_long_text_among_short_ones_makes_no_large_piece(monkeypatch):
    layer, (sources, targets), sizes = layer_of("space"), short_and_long(), []

    def watched(*given):
        ids, words = rows_and_words(*given)
        sizes.append(int(tf.size(ids)))
        return ids, words

    monkeypatch.setattr(copied_words, "rows_and_words", watched)
    monkeypatch.setattr(copied_words, "CHARACTERS", 20_000)
    found = extended_rows(layer, [(sources[:200], targets[:200]), (sources[200:], targets[200:])], 99)
    ids = {word: known(layer, word)[0] for word in {*" ".join(sources + targets).split()}}
    monkeypatch.setattr(f"{__name__}.known", lambda _, word: [ids[word]])
    for rows, texts in zip(found, (sources, targets), strict=True):
        expected = [python_ids(layer, *pair) for pair in zip(texts, sources, strict=True)]
        assert [row.tolist() for row in rows] == expected
    assert len(found[0][137]) == 1501 and max(sizes) < 20_000 < 301 * 1501
    assert len(sizes) < 20, "short texts are encoded together"


def test_words_of_a_source_are_not_compared_with_each_other():
    """Forty thousand words make 1.6 GB of pairs, and twice as many bytes of numbers."""
    layer, names = layer_of("space"), [f"name{number}" for number in range(20_000)]
    text = " ".join(names + names[::-1])
    row = source_rows(layer, [text], 20_000)[0]
    np.testing.assert_array_equal(row, [*range(8, 20_008), *range(20_007, 7, -1), 3])
    assert copied(layer, np.array([[8, 20_007, 4]]), [text]) == [{0: b"name0", 1: b"name19999"}]


def test_copied_words_come_back_as_text():
    layer = layer_of()
    sources = ["Eve met Al , Eve", "Bo"]
    ids = np.array([[9, known(layer, ",")[0], 8, 3, 0], [8, known(layer, "Bo")[0], 3, 0, 0]])
    own = copied(layer, ids, sources)
    # The second source has no word for 8.
    assert own == [{0: b"Al", 2: b"Eve"}, {}]
    assert texts_of(layer, ids, own) == ["Al, Eve", "<unk> Bo"]


@pytest.mark.parametrize(("level", "text"), [("space", "Eve met Bo ,"), ("word", "Eve met Bo,")])
def test_texts_are_joined_as_the_level_joins_them(level, text):
    layer = layer_of(level)
    ids = np.array([[8, *known(layer, "met Bo ,"), 0]])
    assert texts_of(layer, ids, copied(layer, ids, ["Eve"])) == [text]
    np.testing.assert_array_equal(layer.detokenize(layer(["met Bo"])).numpy(), [b"met Bo"])


def test_characters_are_copied_too():
    layer = text_to_ids("char", case=None, end=True, collapse_whitespace=False)
    layer.fit_encode(["ab"])
    check_words(layer)
    rows = source_rows(layer, ["añb"], 1)
    size = layer.vocabulary_size
    assert rows[0].tolist()[1] == size
    ids = np.array([[size, size, rows[0][0], 3]])
    assert texts_of(layer, ids, copied(layer, ids, ["añb"])) == ["ñña"]


def test_an_unknown_word_gets_the_source_word_that_was_most_attended():
    layer = layer_of()
    ids = np.array([[1, known(layer, "met")[0], 1, 3], [1, 3, 0, 0]])
    sources = ["Eve met Al", "Bo"]
    weights = np.array(
        [
            [[0.6, 0.3, 0.1, 0.0], [0.0, 1.0, 0.0, 0.0], [0.1, 0.1, 0.2, 0.6], [0.0, 0.0, 0.0, 1.0]],
            # All is on the end: what is left is the only word.
            [[0.0, 1.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]],
        ]
    )
    own = most_attended(layer, ids, sources, weights)
    # The end has no word, so that the third token takes the next best.
    assert own == [{0: b"Eve", 2: b"Al"}, {0: b"Bo"}]
    assert texts_of(layer, ids, own) == ["Eve met Al", "Bo"]


def test_an_empty_source_has_no_word_to_give():
    layer = layer_of()
    ada, met = known(layer, "Ada met")[:2]
    ids = np.array([[1, ada, 1, 1, met, 1, 3]])
    own = most_attended(layer, ids, [""], np.ones((1, 7, 1)))
    assert texts_of(layer, ids, own) == ["Ada met"]


def test_half_a_surrogate_pair_is_no_reason_to_fail():
    layer = layer_of()
    assert source_rows(layer, ["Ada \ud800 met"], 2)[0].tolist()[1] in (8, 1)


@pytest.mark.parametrize("level", ["byte", "sentencepiece", "wordpiece"])
def test_subwords_are_not_copied(level):
    with pytest.raises(
        InputError, match="`copy` takes whole words .* Received: a .*Tokenizer. Take level='word'"
    ):
        check_words(text_to_ids(level))
