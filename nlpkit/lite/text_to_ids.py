"""Texts to ids and back: normaliser, tokenizer and packer joined."""

import numpy as np

from nlpkit.errors import InputError
from nlpkit.lite.text.byte_tokenizer import ByteTokenizer
from nlpkit.lite.text.char_tokenizer import CharTokenizer
from nlpkit.lite.text.normalizer import Normalizer
from nlpkit.lite.text.packer import Packer
from nlpkit.lite.text.sentencepiece_tokenizer import MODEL_FILE, SentencePieceTokenizer
from nlpkit.lite.text.space_tokenizer import SpaceTokenizer
from nlpkit.lite.text.vocabulary_tokenizer import VOCABULARY_FILE
from nlpkit.lite.text.word_tokenizer import WordTokenizer
from nlpkit.lite.text.wordpiece_tokenizer import WordPieceTokenizer
from nlpkit.lite.texts import as_list
from nlpkit.text.vocabulary import PAD, SPECIAL_TOKENS

# The tokenizer of each level, and the file it is made from.
LEVELS = {
    "word": (WordTokenizer, VOCABULARY_FILE),
    "space": (SpaceTokenizer, VOCABULARY_FILE),
    "char": (CharTokenizer, VOCABULARY_FILE),
    "byte": (ByteTokenizer, None),
    "wordpiece": (WordPieceTokenizer, VOCABULARY_FILE),
    "sentencepiece": (SentencePieceTokenizer, MODEL_FILE),
}


class TextToIds:
    """The ids and texts that the layer `nlpkit.text.TextToIds` gives, without TensorFlow.

    They are the same for any Unicode text, and in every version of Python: what depends on the version of Unicode comes
    from tables made by TensorFlow's own operations (see `nlpkit.lite.text.unicode_tables`). The level `"sentencepiece"`
    needs the library `sentencepiece`; where it finds two ways of cutting a text equally likely, as in a long run of one
    character, it may take the one that tensorflow-text does not.

    Args:
        settings: dict. What the layer's `settings()` returned.
        files: dict from file name to bytes. What the layer's `save_vocabulary` wrote.

    Raises:
        InputError: If the level is unknown, a file is missing or damaged, or `sentencepiece` is not installed.

    Example:
        >>> from nlpkit.lite import TextToIds
        >>> packer = {"max_length": 3, "start": False, "end": False, "truncate": "end"}
        >>> settings = {"level": "word", "normalizer": {"case": "lower"}, "packer": packer}
        >>> text_to_ids = TextToIds(settings, {"vocabulary.txt": b"<pad>\\n<unk>\\n<s>\\n</s>\\ngood\\nfilm\\n"})
        >>> text_to_ids.rows(["Good film!", ""])
        [[4, 5, 1], [1]]
        >>> text_to_ids.detokenize([[4, 5, 0]])
        ['good film']
    """

    def __init__(self, settings, files):
        normalizer = settings["normalizer"]
        self._normalizer = None if normalizer is None else Normalizer(**normalizer)
        self._tokenizer = _tokenizer(settings["level"], files)
        self._packer = Packer(**settings["packer"])

    @property
    def vocabulary_size(self):
        """int. Number of ids, special ones included."""
        return self._tokenizer.vocabulary_size

    def encode(self, text):
        """Ids of a text, cut and framed by the packer.

        Args:
            text: str.

        Returns:
            List of int; not empty.
        """
        return self._packer.pack(self.uncut(text))

    def uncut(self, text):
        """All ids of a text, before the packer sees them.

        Args:
            text: str. Half of a surrogate pair, which no UTF-8 file can hold, becomes `?`.

        Returns:
            List of int.
        """
        return self._tokenizer.encode(self._normalized(text))

    def with_words(self, text):
        """Ids of a text, cut and framed by the packer, and the word behind each.

        Args:
            text: str.

        Returns:
            Tuple of a list of int and a list of str; start and end have no word, "".
        """
        words = self._tokenizer.split(self._normalized(text))
        # The packer cuts and frames the numbers of the words as it does their ids.
        first = len(SPECIAL_TOKENS)
        numbers = self._packer.pack(list(range(first, first + len(words))))
        found = [words[number - first] if number >= first else "" for number in numbers]
        return self.encode(text), found

    def rows(self, texts):
        """Ids of texts, cut and framed by the packer.

        Args:
            texts: List of str.

        Returns:
            List of lists of int; none is empty.

        Raises:
            InputError: If `texts` is no list of str.
        """
        return [self.encode(text) for text in as_list(texts)]

    def pad(self, texts):
        """Ids of texts as a table.

        Args:
            texts: List of str.

        Returns:
            int32 array of shape `(batch, time)`, padded on the right with 0.

        Raises:
            InputError: If `texts` is no list of str.
        """
        rows = self.rows(texts)
        table = np.full((len(rows), max(map(len, rows), default=0)), PAD, np.int32)
        for place, row in zip(table, rows, strict=True):
            place[: len(row)] = row
        return table

    def join(self, ids, words):
        """The text of ids, some of which are given as words.

        Args:
            ids: List of int.
            words: List of str, the word to write for each id, or `None` for that of the vocabulary.

        Returns:
            str.
        """
        return self._tokenizer.join(self._tokenizer.tokens_of(ids, words))

    def _normalized(self, text):
        if not text.isascii():
            text = text.encode("utf-8", "replace").decode()
        return text if self._normalizer is None else self._normalizer.normalize(text)

    def detokenize(self, rows):
        """Turns ids back into texts; what is not UTF-8 becomes U+FFFD.

        Args:
            rows: List of lists of int, or int array of shape `(batch, time)`.

        Returns:
            List of str.

        Raises:
            InputError: If an id is not in the vocabulary.
        """
        return [self._tokenizer.detokenize([int(id) for id in row]) for row in rows]


def _tokenizer(level, files):
    if level not in LEVELS:
        raise InputError(
            f"`level` must be one of {sorted(LEVELS)}. Received: level={level!r}. Use the nlpkit version that "
            "wrote the model."
        )
    tokenizer_class, name = LEVELS[level]
    if name is None:
        return tokenizer_class()
    if name not in files:
        raise InputError(
            f"The file {name} must be there at the level {level!r}. Received: {sorted(files)}. Export the model again."
        )
    return tokenizer_class(files[name])
