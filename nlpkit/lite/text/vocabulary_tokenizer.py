"""What the tokenizers with a vocabulary share: its file, lookup, and the way back."""

from nlpkit.errors import InputError
from nlpkit.text.vocabulary import END, PAD, SPECIAL_TOKENS, START, UNKNOWN, Vocabulary

VOCABULARY_FILE = "vocabulary.txt"
MARKS = (PAD, START, END)


class VocabularyTokenizer:
    """Base of the tokenizers with a vocabulary: what is `split` is looked up, what is looked up is `join`ed.

    Args:
        content: bytes. What `Vocabulary.save` wrote.

    Raises:
        InputError: If the bytes are no vocabulary.
    """

    def __init__(self, content):
        self._tokens = read_vocabulary(content).tokens
        # A text cannot make a special token.
        first = len(SPECIAL_TOKENS)
        self._ids = {token: id for id, token in enumerate(self._tokens[first:], first)}

    @property
    def vocabulary_size(self):
        """int. Number of ids, special ones included."""
        return len(self._tokens)

    def encode(self, text):
        """Ids of a text.

        Args:
            text: str.

        Returns:
            List of int.
        """
        ids = self._ids
        return [ids.get(token, UNKNOWN) for token in self.split(text)]

    def tokens_of(self, ids, words):
        """The tokens of ids, without padding, start and end, and without empty words.

        Args:
            ids: List of int; one behind the vocabulary is unknown.
            words: List of str, the token to take for each id, or `None` for that of the vocabulary.

        Returns:
            List of str.
        """
        known = [id if id < len(self._tokens) else UNKNOWN for id in ids]
        pairs = zip(known, words, strict=True)
        return [
            self._tokens[id] if word is None else word for id, word in pairs if id not in MARKS and word != ""
        ]

    def detokenize(self, ids):
        """The text of ids, without padding, start and end.

        Args:
            ids: List of int.

        Returns:
            str.

        Raises:
            InputError: If an id is not in the vocabulary.
        """
        for id in ids:
            if not 0 <= id < len(self._tokens):
                raise InputError(f"Ids must lie between 0 and {len(self._tokens) - 1}. Received: {id}")
        return self.join([self._tokens[id] for id in ids if id not in MARKS])


def read_vocabulary(content):
    """Reads what `Vocabulary.save` wrote.

    Args:
        content: bytes. The content of a vocabulary file.

    Returns:
        A `Vocabulary`.

    Raises:
        InputError: If it is not UTF-8 text or breaks a rule of `Vocabulary`; names the line.
    """
    try:
        lines = content.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{VOCABULARY_FILE} is not a vocabulary file: it is not UTF-8 text ({error})."
        ) from error
    return Vocabulary.from_lines(lines, VOCABULARY_FILE)
