import itertools
import random

import pytest

from nlpkit.estimators.rouge import common_subsequence, rouge, words_of

# Percent from `RougeScorer(["rouge1", "rouge2", "rougeL"]).score_multi(references, text)` of rouge-score 0.1.2.
PUBLISHED = [
    ("The quick brown dog jumps on the log.", ["The quick brown fox jumps over the lazy dog"],
     [70.5882, 26.6667, 58.8235]),
    ("testing one two", ["testing", "one two three"], [66.6667, 50.0, 66.6667]),
    ("police kill the gunman", ["police killed the gunman", "the gunman was shot down by police"],
     [75.0, 33.3333, 75.0]),
    ("the the the the", ["the cat is on the mat", "there is a cat on the mat"], [40.0, 0.0, 40.0]),
    ("U.S. stocks fall 2.5% as oil hits $50",
     ["Oil at $50 sends U.S. stocks down 2.5 per cent", "US stocks fall"], [63.6364, 30.0, 45.4545]),
    ("snake_case and camelCase", ["Snake case AND camelcase!"], [100.0, 100.0, 100.0]),
    ("", ["something"], [0.0, 0.0, 0.0]),
    ("...", ["..."], [0.0, 0.0, 0.0]),
    ("a b c d e f g", ["g f e d c b a", "a c e g b d f"], [100.0, 0.0, 57.1429]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "references", "expected"), PUBLISHED)
def test_same_as_rouge_score(text, references, expected):
    found = rouge(text, references)
    assert list(found) == ["rouge1", "rouge2", "rougeL"]
    assert [100 * value for value in found.values()] == pytest.approx(expected, abs=5e-5)


def test_words_outside_ascii_are_words():
    assert words_of("Grüße, Señor_X – naïve 5½!") == ["grüße", "señor", "x", "naïve", "5½"]
    assert words_of("पूर्व प्रधानमन्त्री") == ["पूर्व", "प्रधानमन्त्री"]
    assert words_of("今日はGPUで") == ["今", "日", "は", "gpu", "で"]
    assert rouge("天气很好", ["天气好"])["rougeL"] == pytest.approx(2 * 3 / 7)


def longest_by_trying(first, second):
    """The longest selection of `first` that can be read from `second` in order."""
    for size in range(len(first), 0, -1):
        for chosen in itertools.combinations(first, size):
            rest = iter(second)
            if all(word in rest for word in chosen):
                return size
    return 0


def test_the_common_subsequence_is_the_longest():
    generator = random.Random(0)
    for _ in range(200):
        first, second = (generator.choices("abcd", k=generator.randrange(9)) for _ in range(2))
        assert common_subsequence(first, second) == longest_by_trying(first, second)


def test_a_common_subsequence_of_many_words():
    words = [str(number) for number in range(1000)]
    assert common_subsequence(words, words[::2] + words[:10]) == 500
