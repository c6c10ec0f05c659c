"""Tokens that are parted by white space already."""

import re

from nlpkit.lite.text.unicode_tables import ASCII_SPACES
from nlpkit.lite.text.vocabulary_tokenizer import VocabularyTokenizer

TOKENS = re.compile(f"[^{ASCII_SPACES}]+")


class SpaceTokenizer(VocabularyTokenizer):
    """Splits texts at white space only, as the layer `nlpkit.text.SpaceTokenizer` does.

    Args:
        content: bytes. What `Vocabulary.save` wrote.

    Raises:
        InputError: If the bytes are no vocabulary.

    Example:
        >>> from nlpkit.lite.text.space_tokenizer import SpaceTokenizer
        >>> SpaceTokenizer(b"<pad>\\n<unk>\\n<s>\\n</s>\\nthe\\nN\\n").encode("the <unk> N")
        [4, 1, 5]
    """

    def split(self, text):
        """Splits a text into tokens.

        Args:
            text: str.

        Returns:
            List of str.
        """
        return TOKENS.findall(text)

    def join(self, tokens):
        """Joins tokens with spaces.

        Args:
            tokens: List of str.

        Returns:
            str.
        """
        return " ".join(tokens)
