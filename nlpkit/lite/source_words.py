"""The words of a source that are written in the place of unknown ones."""

from nlpkit.text.vocabulary import UNKNOWN


def given_words(ids, source_words, weights):
    """For each unknown word of a target, the source word attended to most.

    Args:
        ids: List of int. What was written.
        source_words: List of str, "" where the source has no word.
        weights: Float array of shape `(ids, source)`. How much each was attended to.

    Returns:
        List of str, one for each id, or `None` where the vocabulary has the word. From a source without words an
        unknown one is "", which leaves nothing in its place.

    Example:
        >>> import numpy as np
        >>> from nlpkit.lite.source_words import given_words
        >>> given_words([7, 1], ["Ada", "met", ""], np.array([[0.2, 0.7, 0.1], [0.3, 0.2, 0.5]]))
        [None, 'Ada']
    """
    real = [place for place, word in enumerate(source_words) if word]
    best = [max(real, key=row.__getitem__, default=None) for row in weights.tolist()]
    return [
        ("" if place is None else source_words[place]) if id == UNKNOWN else None
        for id, place in zip(ids, best, strict=True)
    ]
