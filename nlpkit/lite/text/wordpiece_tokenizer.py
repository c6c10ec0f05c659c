"""WordPiece: the longest pieces of words that are known."""

import functools
import re

from nlpkit.lite.text.unicode_tables import ASCII_SPACES, WIDE_SPACES, character_class
from nlpkit.lite.text.vocabulary_tokenizer import VocabularyTokenizer
from nlpkit.text.vocabulary import UNKNOWN

SUFFIX = "##"
LONGEST_WORD = 100  # in bytes; a longer one is unknown
# tensorflow-text keeps this character to itself: no word may begin with it, and where no piece has the suffix, one of
# this character is there.
RESERVED = "\x11"


class WordPieceTokenizer(VocabularyTokenizer):
    """Splits words into the longest pieces it knows, as the layer `nlpkit.text.WordPieceTokenizer` does.

    A piece with white space in it, which training never makes, is never used; tensorflow-text may use one.

    Args:
        content: bytes. What `Vocabulary.save` wrote.

    Raises:
        InputError: If the bytes are no vocabulary.

    Example:
        >>> from nlpkit.lite.text.wordpiece_tokenizer import WordPieceTokenizer
        >>> tokenizer = WordPieceTokenizer(b"<pad>\\n<unk>\\n<s>\\n</s>\\nfilm\\n##s\\ngood\\n")
        >>> tokenizer.encode("good films")
        [6, 4, 5]

    Reference: [Song et al., 2021](https://doi.org/10.18653/v1/2021.emnlp-main.160)
    """

    def __init__(self, content):
        super().__init__(content)
        if not any(token.startswith(SUFFIX) for token in self._ids):
            self._ids[SUFFIX + RESERVED] = UNKNOWN

    def encode(self, text):
        """Ids of a text.

        Args:
            text: str.

        Returns:
            List of int.
        """
        return [id for word in self.split(text) for id in self._pieces(word)]

    def split(self, text):
        """Splits a text into words, signs and Chinese characters.

        Args:
            text: str.

        Returns:
            List of str.
        """
        return _words().findall(text)

    def join(self, tokens):
        """Joins pieces into words, and words with spaces.

        Args:
            tokens: List of str.

        Returns:
            str.
        """
        return " ".join(tokens).replace(f" {SUFFIX}", "")

    def _pieces(self, word):
        if len(word.encode()) > LONGEST_WORD or word[0] == RESERVED:
            return [UNKNOWN]
        ids, start, prefix = [], 0, ""
        while start < len(word):
            start, id = self._longest(word, start, prefix)
            if id is None:
                return [UNKNOWN]
            ids.append(id)
            prefix = SUFFIX
        return ids

    def _longest(self, word, start, prefix):
        """The end and the id of the longest piece from a place on; the id is `None` where there is none."""
        for end in range(len(word), start, -1):
            id = self._ids.get(prefix + word[start:end])
            if id is not None:
                return end, id
        return start, None


@functools.cache
def _words():
    signs = character_class("punctuation")
    return re.compile(f"[{signs}]|[^{signs}{ASCII_SPACES}{WIDE_SPACES}]+")
