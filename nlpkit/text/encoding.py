"""Streams of texts to rows of ids: in pieces, on all cores, tokenising each text once."""

import heapq
import itertools
import os
import random
from collections import defaultdict, deque
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tensorflow as tf

from nlpkit.data.id_rows import IdRowsBuilder
from nlpkit.errors import InputError
from nlpkit.text.packer import Packer
from nlpkit.text.text_layer import as_texts
from nlpkit.text.vocabulary import SPECIAL_TOKENS, UNKNOWN, Vocabulary, check_limits

PIECE = 1024  # texts per call of the graph: its tokens stay in the processor's cache
REMAPPED = 1 << 20  # ids that get their final number at once
SAMPLE_CHARACTERS = 10_000_000  # what a subword vocabulary is learned from, at most


def each_text(stream):
    """Goes through the texts of a stream one by one.

    Args:
        stream: iterable of str, of lists of str, or of objects with `.texts` such as the chunks of a
            `TableReader`; the kinds may be mixed.

    Returns:
        Iterator of str.

    Raises:
        InputError: If the stream itself is a str.
    """
    if isinstance(stream, (str, bytes)):
        raise InputError(
            f"Texts must be a list of str or a stream of such lists. Received: one str {stream[:80]!r}"
        )
    return itertools.chain.from_iterable(
        (item,) if isinstance(item, (str, bytes)) else getattr(item, "texts", item) for item in stream
    )


def fit_rows(split, packer, stream, tokenizer, vocabulary_size=None, min_frequency=1):
    """Builds a vocabulary and encodes with it in one pass: each text is tokenised once and kept as ids only.

    Args:
        split: callable. String vector to ragged tokens, in graph.
        packer: `Packer`. Cuts the rows; words beyond the cut still count for the vocabulary.
        stream: see `each_text`. Read once.
        tokenizer: `VocabularyTokenizer`. Receives the vocabulary.
        vocabulary_size: int. Largest size, special tokens included. Defaults to `None` (no limit).
        min_frequency: int. Tokens seen less often are left out. Defaults to 1.

    Returns:
        `IdRows`, one row per text.

    Raises:
        InputError: If a limit makes no sense or the stream is empty.
    """
    check_limits(vocabulary_size, min_frequency)
    counter, builder = _TokenCounter(), IdRowsBuilder()

    def tokenise(texts):
        tokens = split(texts)
        unique, index, counts = tf.unique_with_counts(tokens.flat_values)
        rows = packer.trim(tokens.with_flat_values(index + len(SPECIAL_TOKENS)))
        return unique, counts, rows.flat_values, rows.row_lengths()

    for unique, counts, ids, lengths in _Pieces(tokenise)(stream):
        builder.append(counter.add(unique, counts)[ids], lengths)
    rows = _some(builder.build())
    vocabulary = Vocabulary.from_counts(counter.totals(), vocabulary_size, min_frequency)
    tokenizer.set_vocabulary(vocabulary)
    final_ids = counter.final_ids(vocabulary)
    for start in range(0, len(rows.ids), REMAPPED):  # in place, for the ids of a large file
        rows.ids[start : start + REMAPPED] = final_ids[rows.ids[start : start + REMAPPED]]
    return rows


def fit_vocabulary(tokenizer, texts, vocabulary_size, min_frequency):
    """Builds the vocabulary of a word or character tokenizer.

    Args:
        tokenizer: `WordTokenizer` or `CharTokenizer`.
        texts: see `each_text`. Read once.
        vocabulary_size: int or None. Largest size.
        min_frequency: int. Smallest count.

    Raises:
        InputError: If a limit makes no sense or there are no texts.
    """
    fit_rows(tokenizer.split, Packer(max_length=1), texts, tokenizer, vocabulary_size, min_frequency)


class RowEncoder:
    """Encodes streams of texts, with one graph that is traced once and kept.

    A plain object, so that a layer that holds it does not save the graph.

    Args:
        rows_of: callable. String vector to ragged ids without empty rows, in graph.
        learned: the vocabulary or model that the graph was made with; another one needs another encoder.
    """

    def __init__(self, rows_of, learned):
        self.learned = learned

        def encode(texts):
            rows = rows_of(texts)
            return rows.flat_values, rows.row_lengths()

        self._run = _Pieces(encode)

    def encode(self, stream):
        """Encodes a stream.

        Args:
            stream: see `each_text`.

        Returns:
            `IdRows`, one row per text.
        """
        builder = IdRowsBuilder()
        for ids, lengths in self._run(stream):
            builder.append(ids, lengths)
        return builder.build()


def sample_texts(stream, characters=SAMPLE_CHARACTERS):
    """Draws texts evenly from a stream of any length, within a bound on their characters.

    Args:
        stream: see `each_text`. Read once.
        characters: int. Most characters to keep. Defaults to ten million.

    Returns:
        list of str, in the stream's order, the same at each call.

    Raises:
        InputError: If the stream is empty.
    """
    draw, kept, size = random.Random(0), [], 0
    for position, text in enumerate(each_text(stream)):
        heapq.heappush(kept, (draw.random(), position, text))
        size += len(text)
        while size > characters and len(kept) > 1:  # the lowest draws go
            size -= len(heapq.heappop(kept)[2])
    return [text for _, _, text in _some(sorted(kept, key=lambda item: item[1]))]


class _Pieces:
    """Runs a graph over pieces of a stream on all cores; yields numpy results in the stream's order."""

    def __init__(self, function):
        self._function, self._graph = function, None

    def __call__(self, stream):
        texts = each_text(stream)
        pieces = iter(lambda: list(itertools.islice(texts, PIECE)), [])
        first = list(itertools.islice(pieces, 2))
        if len(first) == 1 and self._graph is None:  # tracing a graph takes longer than one piece
            yield _run(self._function, first[0])
            return
        if self._graph is None:
            signature = [tf.TensorSpec([None], tf.string)]
            self._graph = tf.function(self._function, input_signature=signature, autograph=False)
        workers, waiting = os.cpu_count() or 1, deque()
        with ThreadPoolExecutor(workers) as pool:
            for piece in itertools.chain(first, pieces):
                waiting.append(pool.submit(_run, self._graph, piece))
                if len(waiting) > 2 * workers:  # bounds what is in memory
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()


def _run(function, piece):
    return [part.numpy() for part in function(as_texts(piece))]


def _some(found):
    if not len(found):
        raise InputError("There are no texts to learn a vocabulary from. Received: an empty stream.")
    return found


class _TokenCounter:
    """Gives tokens provisional ids in the order they come, and counts them."""

    def __init__(self):
        self._ids = defaultdict(itertools.count().__next__)  # a new token gets the next number
        self._counts = np.zeros(1024, np.int64)

    def add(self, tokens, counts):
        """Counts one piece's unique tokens; returns the table from the piece's ids to provisional ids."""
        ids = np.fromiter(map(self._ids.__getitem__, tokens.tolist()), np.int32, len(tokens))
        if len(self._ids) > len(self._counts):
            self._counts.resize(2 * len(self._ids), refcheck=False)
        self._counts[ids] += counts  # unique within a piece, so no count is lost
        specials = np.arange(len(SPECIAL_TOKENS), dtype=np.int32)
        return np.concatenate([specials, ids + len(SPECIAL_TOKENS)])

    def totals(self):
        """dict of token to count; what is not UTF-8 stays unknown."""
        counts = zip(self._ids, self._counts.tolist(), strict=False)
        return {token.decode(): count for token, count in counts if _is_utf8(token)}

    def final_ids(self, vocabulary):
        """The table from provisional ids to the vocabulary's."""
        table = np.full(len(self._ids) + len(SPECIAL_TOKENS), UNKNOWN, np.int32)
        table[: len(SPECIAL_TOKENS)] = np.arange(len(SPECIAL_TOKENS))
        for id, token in enumerate(vocabulary.tokens[len(SPECIAL_TOKENS) :], len(SPECIAL_TOKENS)):
            table[self._ids[token.encode()] + len(SPECIAL_TOKENS)] = id
        return table


def _is_utf8(token):
    try:
        token.decode()
    except UnicodeDecodeError:
        return False
    return True
