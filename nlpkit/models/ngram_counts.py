"""From rows of ids to n-grams: the stream they stand in, their counts, and their probabilities by Kneser-Ney.

An n-gram is a number: that of the n-gram one shorter it begins with, times the vocabulary size, plus its last
token. All n-grams of an order are one sorted array, so that counting is a sort and looking up a binary search.
"""

from dataclasses import dataclass

import numpy as np

from nlpkit.errors import InputError
from nlpkit.text.vocabulary import END, PAD, START

# For 1, 2 and 3 or more occurrences, where a corpus is too small to tell; those of KenLM.
FALLBACK_DISCOUNTS = (0.5, 1.0, 1.5)


@dataclass(frozen=True)
class Stream:
    """Rows one after another, with the end mark that stands before each.

    Args:
        tokens: int64 array of shape `(rows + ids,)`.
        predicted: bool array of the same shape. False at the marks before the rows.
        lengths: int64 array of shape `(rows,)`. Ids per row.
    """

    tokens: np.ndarray
    predicted: np.ndarray
    lengths: np.ndarray


@dataclass(frozen=True)
class Level:
    """The n-grams of one order, from 2 on; "contexts" are the n-grams one shorter, or single ids for order 2.

    Args:
        keys: int64 array of shape `(ngrams,)`, sorted. Number of the context times vocabulary size, plus id.
        probabilities: float64 array of shape `(ngrams,)`. Of the last token after the others.
        weights: float64 array of shape `(contexts,)`. What multiplies the probability of the next shorter
            order where a context was not followed by a token.
    """

    keys: np.ndarray
    probabilities: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class _Counts:
    keys: np.ndarray
    counts: np.ndarray
    suffixes: np.ndarray  # number of the n-gram without its first token, in the order below
    begins: np.ndarray  # whether the first token is END, the beginning of a sentence


def read_stream(ids, size=None):
    """Checks ids and puts END before each row.

    Args:
        ids: int array of shape `(ids,)`, or a list of rows; see `NgramModel`.
        size: int. Vocabulary size. Defaults to `None`: any.

    Returns:
        `Stream`.

    Raises:
        InputError: If `ids` is empty or no ids, an id is out of range, or a row begins with END and goes on.
    """
    is_flat = len(ids) > 0 and np.ndim(ids[0]) == 0
    rows = [np.asarray(row) for row in ([ids] if is_flat else ids)]
    _check_rows(rows)
    flat = np.concatenate([np.zeros(0, np.int64), *(row.astype(np.int64) for row in rows)])
    lengths = np.array([len(row) for row in rows], np.int64)
    flat, lengths = _without_padding(flat, lengths)
    if not len(flat):
        raise InputError("`ids` must hold at least one id. Received: none, or nothing but padding")
    _check_range(flat, size)
    starts = np.cumsum(lengths) - lengths
    if not is_flat:
        _check_starts(flat[starts[lengths > 1]])
    predicted = np.ones(len(flat) + len(lengths), bool)
    predicted[starts + np.arange(len(lengths))] = False
    tokens = np.full(len(predicted), END, np.int64)
    tokens[predicted] = flat
    return Stream(tokens, predicted, lengths)


def walk(levels, tokens, size):
    """Looks up the n-grams that end at each place of a stream, order by order.

    Args:
        levels: list of `Level`, from order 2 on.
        tokens: int64 array of shape `(places,)`. PAD is a place before which nothing is known.
        size: int. Vocabulary size.

    Yields:
        For each level three int64 arrays of shape `(places,)`: the number of the n-gram one shorter that ends
        at a place, as context of the place after it; the context of the place itself; the number of the
        n-gram that ends there. -1 where there is none.
    """
    ending = tokens
    for level in levels:
        # What is not there, -1, makes a number below 0. Nothing was counted after padding, nor after two tokens or
        # more of which the last is END: a sentence is predicted from its own tokens and the END before it.
        context = _before(ending)
        key = context * size + tokens
        place = np.minimum(np.searchsorted(level.keys, key), len(level.keys) - 1)
        found = np.where(level.keys[place] == key, place, -1)
        yield ending, context, found
        ending = found


def estimate(stream, order, size):
    """Interpolated modified Kneser-Ney.

    Args:
        stream: `Stream`.
        order: int. The longest n-grams.
        size: int. Vocabulary size.

    Returns:
        Tuple of the probabilities of the ids without context, float64 of shape `(size,)`; a list of `Level`s for
        the orders from 2 on; the discounts, float64 of shape `(order, 3)`.

    Raises:
        InputError: If no n-gram of the longest kind is in the stream.
    """
    tables = _count(stream, order, size)
    adjusted = _adjusted(stream, tables, size)
    uniform = np.full(size, 1 / (size - 2))
    uniform[[PAD, START]] = 0
    discount = discounts(adjusted[0])
    removed = discount[np.minimum(adjusted[0], 3)]
    shorter = (adjusted[0] - removed + removed.sum() * uniform) / adjusted[0].sum()
    unigrams, levels, used = shorter, [], [discount[1:]]
    for table, counts in zip(tables, adjusted[1:], strict=True):
        discount = discounts(counts)
        levels.append(_level(table, counts, discount, shorter, size))
        shorter = levels[-1].probabilities
        used.append(discount[1:])
    return unigrams, levels, np.array(used)


def discounts(counts):
    """What is taken off a count, from how many n-grams occur once, twice, three and four times.

    Args:
        counts: int array of shape `(ngrams,)`.

    Returns:
        float64 array: discounts of counts of 0, 1, 2, and 3 or more. Where none occurs once, twice or three times, or
        a discount were not above 0, `FALLBACK_DISCOUNTS`.

    Example:
        >>> from nlpkit.models.ngram_counts import discounts
        >>> discounts([1] * 6 + [2] * 3 + [3] * 2 + [4])  # Y = 6 / (6 + 2 * 3) = 0.5
        array([0. , 0.5, 1. , 2. ])
    """
    n = np.bincount(np.minimum(counts, 5), minlength=6)[1:5].astype(float)
    found = np.zeros(3)
    if n[:3].all():
        found = np.arange(1, 4) - np.arange(2, 5) * n[0] / (n[0] + 2 * n[1]) * n[1:] / n[:3]
    return np.array([0, *(found if np.all(found > 0) else FALLBACK_DISCOUNTS)])


def _count(stream, order, size):
    """The distinct n-grams of the orders from 2 on, with their counts."""
    tokens, tables = stream.tokens, []
    ending = shorter = tokens
    for length in range(2, order + 1):
        context = _before(ending)
        places = np.flatnonzero(stream.predicted & (context >= 0))
        if not len(places):
            raise InputError(
                f"`ids` must hold a sentence of {order - 1} ids, END among them, or more, for n-grams of order "
                f"{order}. Received: a longest one of {length - 2}. Lower `order`, or train on more text"
            )
        keys, first, inverse, counts = np.unique(
            context[places] * size + tokens[places],
            return_index=True,
            return_inverse=True,
            return_counts=True,
        )
        first = places[first]
        tables.append(_Counts(keys, counts, shorter[first], tokens[first - length + 1] == END))
        shorter = np.full(len(tokens), -1)
        shorter[places] = inverse
        ending = np.where(tokens == END, -1, shorter)
    return tables


def _adjusted(stream, tables, size):
    """Counts of the longest n-grams; of the others, how many different tokens stand before them.

    Before one that begins a sentence no token can stand: it keeps its count.
    """
    adjusted = [np.bincount(stream.tokens[stream.predicted], minlength=size)]
    adjusted += [table.counts for table in tables]
    for number, longer in enumerate(tables):
        before = np.bincount(longer.suffixes, minlength=len(adjusted[number]))
        begins = tables[number - 1].begins if number else False
        adjusted[number] = np.where(begins, adjusted[number], before)
    return adjusted


def _level(table, counts, discount, shorter, size):
    """The probabilities of one order, from those of the order below."""
    contexts = table.keys // size
    removed = discount[np.minimum(counts, 3)]
    totals = np.bincount(contexts, counts, minlength=len(shorter))
    freed = np.bincount(contexts, removed, minlength=len(shorter))
    # What no token follows leaves the shorter order as it is.
    weights = np.where(totals > 0, freed / np.maximum(totals, 1), 1.0)
    kept = (counts - removed) / totals[contexts]
    return Level(table.keys, kept + weights[contexts] * shorter[table.suffixes], weights)


def _before(values):
    """What stands one place before each; -1 before the first."""
    return np.concatenate([[-1], values[:-1]])


def _without_padding(flat, lengths):
    """Drops the padding at the ends of rows."""
    row = np.repeat(np.arange(len(lengths)), lengths)
    real = flat != PAD
    kept = np.bincount(row, real, minlength=len(lengths)).astype(np.int64)
    column = np.arange(len(flat)) - (np.cumsum(lengths) - lengths)[row]
    wrong = np.flatnonzero(real != (column < kept[row]))
    if len(wrong):
        raise InputError(
            f"Padding (id {PAD}) must stand at the end of a row. Received: row {row[wrong[0]]} with padding "
            "before an id"
        )
    return flat[real], kept


def _check_rows(rows):
    wrong = [row for row in rows if row.ndim != 1 or (len(row) and row.dtype.kind not in "iu")]
    if wrong:
        raise InputError(
            "`ids` must be one row of integer ids, or a list of such rows; texts must be encoded first. "
            f"Received: {str(wrong[0])[:80]}"
        )


def _check_starts(first_ids):
    """Whoever writes the END before a row would have it counted as an empty sentence."""
    if np.any(first_ids == END):
        raise InputError(
            f"A row must not begin with the end id ({END}) and go on: END stands before each row without being "
            f"written. Leave it out. Received: {np.sum(first_ids == END)} rows that do"
        )


def _check_range(flat, size):
    wrong = (flat < 0) | (flat == START)
    if size is not None:
        wrong |= flat >= size
    if np.any(wrong):
        limit = "" if size is None else f" and below the vocabulary size, {size}"
        raise InputError(
            f"`ids` must be at least 1{limit}, and never START ({START}), which a language model does not use. "
            f"Received: id {flat[wrong][0]}"
        )
