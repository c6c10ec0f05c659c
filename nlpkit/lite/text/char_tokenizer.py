"""One token per Unicode character."""

from nlpkit.lite.text.vocabulary_tokenizer import VocabularyTokenizer


class CharTokenizer(VocabularyTokenizer):
    """Splits texts into Unicode characters, as the layer `nlpkit.text.CharTokenizer` does.

    Args:
        content: bytes. What `Vocabulary.save` wrote.

    Raises:
        InputError: If the bytes are no vocabulary.

    Example:
        >>> from nlpkit.lite.text.char_tokenizer import CharTokenizer
        >>> CharTokenizer(b"<pad>\\n<unk>\\n<s>\\n</s>\\nb\\na\\n").encode("bad")
        [4, 5, 1]
    """

    def split(self, text):
        """Splits a text into characters.

        Args:
            text: str.

        Returns:
            List of str.
        """
        return list(text)

    def join(self, tokens):
        """Joins tokens with nothing between them.

        Args:
            tokens: List of str.

        Returns:
            str.
        """
        return "".join(tokens)
