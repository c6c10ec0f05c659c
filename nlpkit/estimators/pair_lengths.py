"""How long sources of the training and written targets may be, where some of the data are far longer than the rest."""

import math

import numpy as np

from nlpkit.data import IdRows
from nlpkit.text.vocabulary import UNKNOWN

# The part of the texts that counts, and how much longer a text may be than these.
USUAL, ROOM = 0.995, 1.5


def length_limit(lengths, side):
    """The length of the longest text, or less where a few texts are far longer than all others.

    Args:
        lengths: Int array of shape `(texts,)`. Tokens of each text.
        side: str. What the texts are, for the reason.

    Returns:
        Tuple of an int and the reason for it.

    Example:
        >>> import numpy as np
        >>> from nlpkit.estimators.pair_lengths import length_limit
        >>> length_limit(np.array([4, 7, 5]), "targets")
        (7, 'the longest of the targets in training')
        >>> length_limit(np.array([10] * 400 + [9000]), "targets")[0]
        15
    """
    usual, longest = int(np.quantile(lengths, USUAL, method="higher")), int(lengths.max())
    limit = math.ceil(ROOM * usual)
    if limit >= longest:
        return longest, f"the longest of the {side} in training"
    return limit, (
        f"{USUAL:.1%} of the {side} in training have {usual:,} tokens or fewer, and half as many again is room; the "
        f"longest has {longest:,}"
    )


def limit_sources(train, validation, training, reasons, vocabulary_size):
    """Cuts sources that are too long for the training.

    Args:
        train: Tuple of `IdRows` of the sources and of the targets.
        validation: The same.
        training: `TextToTextSettings`. Its `max_source_length` is chosen here if it is `None`.
        reasons: List of dicts for the report, to which that of the choice is added.
        vocabulary_size: int. Ids of the targets' vocabulary; higher ones are words that are copied.

    Returns:
        Tuple of both parts and the settings.
    """
    if training.max_source_length is None:
        limit, reason = length_limit(train[0].lengths, "sources")
        training = training.model_copy(update={"max_source_length": limit})
        reasons.append({"setting": "max_source_length", "value": limit, "reason": reason})
    parts = [_cut(*part, training.max_source_length, vocabulary_size) for part in (train, validation)]
    return *parts, training


def _cut(sources, targets, limit, vocabulary_size):
    """Pairs with sources of at most so many ids, the last of which stays: it is the end."""
    long = np.flatnonzero(sources.lengths > limit)
    if not len(long):
        return sources, targets
    kept, written = np.ones(len(sources.ids), bool), targets.ids.copy()
    for row in long:
        start, end = sources.offsets[row], sources.offsets[row + 1]
        cut = start + limit - 1
        kept[cut : end - 1] = False
        target = written[targets.offsets[row] : targets.offsets[row + 1]]
        # What is copied from the part that is cut off is no longer there to be copied.
        target[(target >= vocabulary_size) & ~np.isin(target, sources.ids[start:cut])] = UNKNOWN
    offsets = np.concatenate([[0], np.cumsum(np.minimum(sources.lengths, limit))])
    return IdRows(sources.ids[kept], offsets), IdRows(written, targets.offsets)
