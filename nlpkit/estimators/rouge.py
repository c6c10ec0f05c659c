"""ROUGE: how many words, pairs of words and words in order a text shares with a reference."""

import functools
import re
import unicodedata
from collections import Counter

MEASURES = ("rouge1", "rouge2", "rougeL")
# Scripts that are written without spaces, and Hangul: as in WordTokenizer, each character is a word of its own.
SINGLE = re.compile(
    "[\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff]"
)


def rouge(text, references):
    """F1 of the words that a text shares with its references; of several references, the best for each measure.

    Words are runs of letters and digits in lower case, not stemmed. Of texts in ASCII these are the words of the
    package rouge-score, and the results are the same; letters outside ASCII, which that package drops, count here.

    Args:
        text: str.
        references: list of str.

    Returns:
        dict of float from 0 to 1: `rouge1` (words), `rouge2` (pairs of neighbours) and `rougeL` (longest common
        subsequence). A text without words has 0.

    Example:
        >>> from nlpkit.estimators.rouge import rouge
        >>> {name: round(value, 2) for name, value in rouge("The cat sat.", ["the cat lay", "a dog"]).items()}
        {'rouge1': 0.67, 'rouge2': 0.5, 'rougeL': 0.67}

    Reference:
        [Lin, 2004](https://aclanthology.org/W04-1013/)
    """
    words = words_of(text)
    scores = [_scores(words, words_of(reference)) for reference in references]
    return dict(zip(MEASURES, map(max, zip(*scores, strict=True)), strict=True))


def words_of(text):
    """Words as ROUGE counts them: a list of str."""
    return "".join(map(_spaced, text.lower())).split()


@functools.lru_cache(maxsize=65536)
def _spaced(character):
    if SINGLE.match(character):
        return f" {character} "
    # Marks belong to words too: without them the vowels of Hindi or Thai would cut words into pieces.
    return character if character.isalnum() or unicodedata.category(character)[0] == "M" else " "


def _scores(words, reference):
    overlaps = [(_shared(words, reference, n), len(words) - n + 1, len(reference) - n + 1) for n in (1, 2)]
    overlaps.append((common_subsequence(words, reference), len(words), len(reference)))
    return [2 * shared / (first + second) if shared else 0.0 for shared, first, second in overlaps]


def _shared(words, reference, n):
    first, second = (Counter(zip(*(side[i:] for i in range(n)), strict=False)) for side in (words, reference))
    return (first & second).total()


def common_subsequence(first, second):
    """Length of the longest sequence of words that both texts have in this order, gaps allowed.

    Each row of the table of dynamic programming is one integer, whose zero bits are the places at which the length
    rises; so a row costs a few operations on integers.

    Args:
        first: list of str.
        second: list of str.

    Returns:
        int.

    Example:
        >>> from nlpkit.estimators.rouge import common_subsequence
        >>> common_subsequence("a b c d".split(), "a c b d".split())
        3

    Reference:
        [Hyyrö, 2017](https://doi.org/10.1007/978-3-319-67428-5_18)
    """
    places = {}
    for place, word in enumerate(first):
        places[word] = places.get(word, 0) | 1 << place
    full = row = (1 << len(first)) - 1
    for word in second:
        matches = row & places.get(word, 0)
        row = (row + matches | row - matches) & full
    return len(first) - row.bit_count()
