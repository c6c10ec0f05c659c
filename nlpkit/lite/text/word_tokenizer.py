"""Words and single punctuation characters."""

import functools
import re

from nlpkit.lite.text.unicode_tables import ASCII_SPACES, WIDE_SPACES, character_class
from nlpkit.lite.text.vocabulary_tokenizer import VocabularyTokenizer

TOKENS = re.compile(f"[^{ASCII_SPACES}{WIDE_SPACES}]+")
BEFORE_PUNCTUATION = re.compile(r" ([.,!?;:%)\]}])")


class WordTokenizer(VocabularyTokenizer):
    """Splits texts into words and punctuation, as the layer `nlpkit.text.WordTokenizer` does.

    Args:
        content: bytes. What `Vocabulary.save` wrote.

    Raises:
        InputError: If the bytes are no vocabulary.

    Example:
        >>> from nlpkit.lite.text.word_tokenizer import WordTokenizer
        >>> tokenizer = WordTokenizer("<pad>\\n<unk>\\n<s>\\n</s>\\ngood\\n,\\n影\\n".encode())
        >>> tokenizer.encode("good film, 电影")
        [4, 1, 5, 1, 6]
        >>> tokenizer.detokenize([4, 5, 6, 3])
        'good, 影'
    """

    def split(self, text):
        """Splits a text into tokens.

        Args:
            text: str.

        Returns:
            List of str.
        """
        return TOKENS.findall(_single().sub(r" \g<0> ", text))

    def join(self, tokens):
        """Joins tokens: no space before closing punctuation, and none after a Han character and the like.

        Args:
            tokens: List of str.

        Returns:
            str.
        """
        return BEFORE_PUNCTUATION.sub(r"\1", _space_after_asian().sub(r"\1", " ".join(tokens)))


@functools.cache
def _single():
    """What stands alone: an apostrophe at the edge of a word, a sign, a character of a script without spaces."""
    edge = "(?:(?<![0-9A-Za-z_]['\u2019])|(?![0-9A-Za-z_]))"
    # Most characters are told by the look ahead: searching the class for each would take ten times as long.
    return re.compile(f"['\u2019]{edge}|(?![0-9A-Za-z ])[{character_class('alone')}]")


@functools.cache
def _space_after_asian():
    return re.compile(f"([{character_class('asian')}]) ")
