"""The words of a source that a vocabulary lacks: numbered, so that a model can copy them, and put in a target."""

from nlpkit.text.vocabulary import UNKNOWN


def numbered(ids, words, source_ids, source_words, vocabulary_size, most):
    """Gives the unknown words that the source holds ids of their own, behind the vocabulary.

    Args:
        ids: List of int, 1 where a word is unknown.
        words: List of str, the word behind each.
        source_ids: List of int, of the source.
        source_words: List of str.
        vocabulary_size: int. Number of ids.
        most: int. Most words that can be copied; others stay unknown.

    Returns:
        List of int.

    Example:
        >>> from nlpkit.lite.source_words import numbered
        >>> words, ids = ["Ada", "met", "Bo", "Ada"], [1, 7, 1, 1]
        >>> numbered(ids, words, ids, words, 10, 2), numbered([1, 1], ["Bo", "Cy"], ids, words, 10, 2)
        ([10, 7, 11, 10], [11, 1])
    """
    unknown = dict.fromkeys(word for id, word in zip(source_ids, source_words, strict=True) if id == UNKNOWN)
    own = {word: vocabulary_size + place for place, word in enumerate(list(unknown)[:most])}
    return [own.get(word, id) if id == UNKNOWN else id for id, word in zip(ids, words, strict=True)]


def given_words(ids, source_ids, source_words, vocabulary_size, weights=None):
    """The source words that are written in place of ids.

    Args:
        ids: List of int. What was written.
        source_ids: List of int, of the source, as `numbered` gives them.
        source_words: List of str.
        vocabulary_size: int. Number of ids.
        weights: Float array of shape `(ids, source)`. How much each was attended to; unknown words become the one
            attended to most. Defaults to `None`: ids behind the vocabulary become the words that they number.

    Returns:
        List of str, one for each id, or `None` where the vocabulary has the word.

    Example:
        >>> from nlpkit.lite.source_words import given_words
        >>> given_words([11, 7], [10, 7, 11], ["Ada", "met", "Bo"], 10)
        ['Bo', None]
    """
    if weights is not None:
        real = [place for place, word in enumerate(source_words) if word]
        best = [max(real, key=row.__getitem__, default=None) for row in weights.tolist()]
        places = [place if id == UNKNOWN else None for id, place in zip(ids, best, strict=True)]
        return [None if place is None else source_words[place] for place in places]
    word_of = dict(zip(reversed(source_ids), reversed(source_words), strict=True))
    return [word_of.get(id) if id >= vocabulary_size else None for id in ids]
