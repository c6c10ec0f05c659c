"""One token per byte."""

from nlpkit.errors import InputError
from nlpkit.text.vocabulary import SPECIAL_TOKENS

FIRST_BYTE_ID = len(SPECIAL_TOKENS)


class ByteTokenizer:
    """Turns each byte of the UTF-8 text into the id 4 + byte, as the layer `nlpkit.text.ByteTokenizer` does.

    Example:
        >>> from nlpkit.lite.text.byte_tokenizer import ByteTokenizer
        >>> ByteTokenizer().encode("AB")
        [69, 70]
    """

    vocabulary_size = FIRST_BYTE_ID + 256

    def encode(self, text):
        """Ids of a text.

        Args:
            text: str.

        Returns:
            List of int.
        """
        return [byte + FIRST_BYTE_ID for byte in text.encode()]

    def detokenize(self, ids):
        """The text of ids; special ids become nothing, and what is not UTF-8 becomes U+FFFD.

        Args:
            ids: List of int.

        Returns:
            str.

        Raises:
            InputError: If an id stands for no byte.
        """
        if ids and max(ids) >= self.vocabulary_size:
            raise InputError(f"Ids must lie between 0 and {self.vocabulary_size - 1}. Received: {max(ids)}")
        return bytes(id - FIRST_BYTE_ID for id in ids if id >= FIRST_BYTE_ID).decode("utf-8", "replace")
