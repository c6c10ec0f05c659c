"""Words that the vocabulary lacks: their ids when a model copies them, and the texts that they come back to."""

import numpy as np
import tensorflow as tf

from nlpkit.data.id_rows import IdRowsBuilder
from nlpkit.errors import InputError
from nlpkit.export.target_texts import has_words, rows_and_words
from nlpkit.text.text_layer import as_texts
from nlpkit.text.vocabulary import PAD, UNKNOWN

# Pairs that are encoded at once, and characters that their sources or targets would have if all were as long as the
# longest text, to whose tokens they are padded.
PIECE, CHARACTERS = 1024, 2**20


def check_words(layer):
    """Raises unless the tokens of a text layer are words or characters, which can be copied one by one.

    Args:
        layer: `TextToIds`.

    Raises:
        InputError: If they are subwords or bytes.
    """
    if not has_words(layer):
        raise InputError(
            "`copy` takes whole words (or characters) from the source. Received: a "
            f"{type(layer.tokenizer).__name__}. Take level='word' (--level word); subwords have no unknown words."
        )


def extended_rows(layer, chunks, copy):
    """Encodes pairs; words of a source that the vocabulary lacks get ids of their own, on both sides.

    Args:
        layer: `TextToIds` of both sides.
        chunks: Iterable of tuples of a list of sources and a list of targets.
        copy: int. Most such words of a source.

    Returns:
        Tuple of `IdRows` of the sources and of the targets.
    """
    sides, most = (IdRowsBuilder(), IdRowsBuilder()), layer.vocabulary_size + copy
    for piece in _pieces(pair for chunk in chunks for pair in zip(*chunk, strict=True)):
        read = [_rows_and_unknown(layer, texts) for texts in zip(*piece, strict=True)]
        numbers = _numbers(layer, *read[0])
        for builder, (ids, unknown) in zip(sides, read, strict=True):
            ids[ids == UNKNOWN] = [numbers[row].get(word, UNKNOWN) for row, word in unknown]
            ids[ids >= most] = UNKNOWN
            builder.append(ids[ids != PAD], (ids != PAD).sum(axis=1))
    return tuple(builder.build() for builder in sides)


def _pieces(pairs):
    """Lists of pairs that remain small when they are padded, however long one of the texts is."""
    piece, longest = [], 0
    for pair in pairs:
        longest = max(longest, *map(len, pair))
        if piece and (len(piece) == PIECE or longest * (len(piece) + 1) > CHARACTERS):
            yield piece
            piece, longest = [], max(map(len, pair))
        piece.append(pair)
    if piece:
        yield piece


def _rows_and_unknown(layer, texts):
    """Ids of texts, and the row and the word of each unknown one in the order in which they stand there."""
    ids, words = rows_and_words(layer, as_texts(texts))
    is_unknown = ids == UNKNOWN
    rows, words = tf.where(is_unknown)[:, 0], tf.boolean_mask(words, is_unknown)
    return ids.numpy(), list(zip(rows.numpy().tolist(), words.numpy().tolist(), strict=True))


def _numbers(layer, ids, unknown):
    """For each source the ids of its words that the vocabulary lacks, as `extended_ids` gives them in a graph."""
    numbers = [{} for _ in ids]
    for row, word in unknown:
        numbers[row].setdefault(word, layer.vocabulary_size + len(numbers[row]))
    return numbers


def source_rows(layer, sources, copy):
    """Encodes sources for a model that copies.

    Args:
        layer: `TextToIds` of both sides.
        sources: List of str.
        copy: int. Most words of a source that are copied though the vocabulary lacks them.

    Returns:
        `IdRows`.

    Example:
        >>> from nlpkit.estimators.copied_words import source_rows
        >>> from nlpkit.text import text_to_ids
        >>> layer = text_to_ids("space", case=None, end=True)
        >>> rows = layer.fit_encode(["Ada met Bo"])
        >>> source_rows(layer, ["Eve met Ada and Eve"], 2)[0].tolist()
        [7, 6, 4, 8, 7, 3]
    """
    return extended_rows(layer, [(sources, sources)], copy)[0]


def texts_of(layer, ids, own_words):
    """The texts of rows of ids, in which some words are given.

    Args:
        layer: `TextToIds` with a vocabulary of words or characters.
        ids: Int array of shape `(texts, time)`.
        own_words: For each row a dict from the column of a word to the word itself, as bytes; an empty one leaves
            nothing in its place.

    Returns:
        List of str.

    Example:
        >>> import numpy as np
        >>> from nlpkit.estimators.copied_words import texts_of
        >>> from nlpkit.text import text_to_ids
        >>> layer = text_to_ids("space", case=None, end=True)
        >>> rows = layer.fit_encode(["Ada met Bo"])
        >>> texts_of(layer, np.array([[7, 6, 4, 3]]), [{0: b"Eve"}])
        ['Eve met Ada']
    """
    known = np.where(ids < layer.vocabulary_size, ids, UNKNOWN)
    tokens = layer.tokenizer.tokens_of(known).to_list()
    for row, words in zip(tokens, own_words, strict=True):
        for column, word in words.items():
            row[column] = word
    tokens = [[token for token in row if token] for row in tokens]
    texts = layer.tokenizer.join(tf.ragged.constant(tokens, dtype=tf.string, ragged_rank=1))
    return [text.decode("utf-8", "replace") for text in texts.numpy()]


def copied(layer, ids, sources):
    """The words that rows of ids copy from their sources.

    Args:
        layer: `TextToIds`.
        ids: Int array of shape `(texts, time)`.
        sources: List of str, one per row.

    Returns:
        As `own_words` of `texts_of`.

    Example:
        >>> import numpy as np
        >>> from nlpkit.estimators.copied_words import copied
        >>> from nlpkit.text import text_to_ids
        >>> layer = text_to_ids("space", case=None, end=True)
        >>> rows = layer.fit_encode(["Ada met Bo"])
        >>> copied(layer, np.array([[4, 6, 8]]), ["Eve met Al"])
        [{2: b'Al'}]
    """
    found = []
    for row, numbers in zip(ids, _numbers(layer, *_rows_and_unknown(layer, sources)), strict=True):
        by_id = {number: word for word, number in numbers.items()}
        # Far down in a list of n best there may be an id of a word that this source does not have.
        found.append({column: by_id[i] for column, i in enumerate(row) if i in by_id})
    return found


def most_attended(layer, ids, sources, attention_scores):
    """The source word behind each unknown one.

    Args:
        layer: `TextToIds` of the sources.
        ids: Int array of shape `(texts, time)`.
        sources: List of str, one per row.
        attention_scores: Float array of shape `(texts, time, source_time)`.

    Returns:
        As `own_words` of `texts_of`.

    Example:
        >>> import numpy as np
        >>> from nlpkit.estimators.copied_words import most_attended
        >>> from nlpkit.text import text_to_ids
        >>> layer = text_to_ids("space", case=None, end=True)
        >>> rows = layer.fit_encode(["Ada met Bo"])
        >>> weights = np.array([[[0.7, 0.2, 0.1, 0.0], [0.1, 0.1, 0.5, 0.3]]])
        >>> most_attended(layer, np.array([[4, 1]]), ["Eve met Al"], weights)
        [{1: b'Al'}]

    Reference:
        [Luong et al., 2015](https://arxiv.org/abs/1410.8206)
    """
    words = rows_and_words(layer, as_texts(sources))[1].numpy()
    real = words != b""
    found = []
    for row, names, is_word, weights in zip(ids, words, real, attention_scores, strict=True):
        places = np.where(is_word, weights[:, : len(names)], -1.0).argmax(axis=1)
        found.append({column: names[places[column]] for column, i in enumerate(row) if i == UNKNOWN})
    return found
