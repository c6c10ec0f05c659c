"""Constraints against loops over lists."""

import numpy as np
import pytest
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.generation import SoFar, bad_words, forced_prefix, minimum_length, no_repeat_ngrams

SIZE = 9


def excluded(function, texts, prompt_lengths, **options):
    """Ids that must not follow texts of one length, behind which there is room with something in it."""
    ids = tf.constant([[*text, 7, 7, 7] for text in texts])
    so_far = SoFar(ids, tf.constant(len(texts[0])), tf.constant(prompt_lengths))
    filtered = tf.function(
        lambda: function(tf.zeros((len(texts), SIZE)), so_far, **options), autograph=False
    )()
    return [np.flatnonzero(np.isinf(row)).tolist() for row in filtered.numpy()]


@pytest.mark.parametrize("size", [1, 2, 3, 4])
@pytest.mark.parametrize("length", [1, 2, 7, 12])
def test_no_ngram_twice(size, length):
    texts = np.random.default_rng(length).integers(3, 6, (20, length)).tolist()
    expected = []
    for text in texts:
        ngrams = {tuple(text[i : i + size]) for i in range(length - size + 1)}
        beginning = text[length - size + 1 :] if size > 1 else []
        whole = length >= size - 1
        expected.append([i for i in range(SIZE) if whole and (*beginning, i) in ngrams])
    assert excluded(no_repeat_ngrams, texts, [1] * 20, size=size) == expected


@pytest.mark.parametrize("length", [1, 2, 6])
def test_bad_words(length):
    rng = np.random.default_rng(length)
    texts = rng.integers(3, 6, (20, length)).tolist()
    words = [[8], [3, 4], [4, 4, 5], [5, 3, 4, 6]]
    expected = [
        sorted({w[-1] for w in words if (text[::-1] + [-1] * 3)[: len(w) - 1] == w[-2::-1]}) for text in texts
    ]
    expected = [[i for i in range(SIZE) if i in row or i == 8] for row in expected]
    assert excluded(bad_words, texts, [1] * 20, words=words) == expected


def test_bad_words_begin_in_the_prompt_and_may_be_none():
    assert excluded(bad_words, [[3, 4, 5]], [3], words=[[4, 5, 6]]) == [[6]]
    assert excluded(bad_words, [[3, 4, 5]], [3], words=[]) == [[]]


def test_a_forced_prefix_counts_from_the_prompt():
    everything = list(range(SIZE))
    texts, lengths = [[3, 4, 5, 6]] * 4, [4, 3, 2, 6]
    left = [[5], [6], everything, [5]]  # the last one is in its prompt, where all is the same
    for token_ids in ([5, 6], tf.constant([[5, 6]] * 4)):
        found = excluded(forced_prefix, texts, lengths, token_ids=token_ids)
        assert found == [[i for i in everything if i not in row] for row in left]


def test_a_forced_prefix_of_each_row():
    found = excluded(forced_prefix, [[3, 4]] * 3, [1, 1, 1], token_ids=[[5, 6], [7, 0], [4, 8]])
    assert found == [[i for i in range(SIZE) if i != 6], [], [i for i in range(SIZE) if i != 8]]


def test_a_forced_token_is_possible_whatever_a_filter_before_said():
    so_far = SoFar(tf.constant([[3, 4, 0]]), tf.constant(2), tf.constant([2]))
    logits = forced_prefix(tf.fill((1, SIZE), -np.inf), so_far, token_ids=[6])
    assert logits.numpy().tolist() == [[0.0 if i == 6 else -np.inf for i in range(SIZE)]]


def test_minimum_length_counts_from_the_prompt():
    texts, lengths = [[3, 4, 5, 6]] * 3, [3, 2, 1]
    assert excluded(minimum_length, texts, lengths, length=2) == [[3], [], []]
    assert excluded(minimum_length, texts, lengths, length=tf.constant(3)) == [[3], [3], []]
    assert excluded(minimum_length, texts, lengths, length=2, stop_ids=(3, 6)) == [[3, 6], [], []]


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        (no_repeat_ngrams, {"size": 0}, "`no_repeat_ngram` must be an integer, 1 or more .0 is off.. Received: .*=0"),
        (bad_words, {"words": [[4], []]}, r"`words` must be lists of ids, none of them empty. .*=\[\[4\], \[\]\]"),
        (bad_words, {"words": [[-1]]}, r"`words` must be lists of ids, none of them empty. .*=\[\[-1\]\]"),
        (minimum_length, {"length": -1}, "`min_new_tokens` must be an integer, 0 or more. Received: min_new_tokens=-1"),
    ],
)  # fmt: skip
def test_wrong_options_are_named(function, options, message):
    with pytest.raises(InputError, match=message):
        excluded(function, [[3, 4]], [1], **options)
