"""The tokens a model knows and their ids; pure Python, so it loads without TensorFlow."""

from nlpkit.errors import InputError

PAD, UNKNOWN, START, END = 0, 1, 2, 3
SPECIAL_TOKENS = ("<pad>", "<unk>", "<s>", "</s>")

_ESCAPES = {"\\\\": "\\", "\\n": "\n", "\\r": "\r"}


class Vocabulary:
    """Tokens in id order, the four special ones first.

    Args:
        tokens: sequence of str. All tokens; the first four are `SPECIAL_TOKENS`.

    Raises:
        InputError: If the special tokens are not first, or a token is empty, repeated or not a str.

    Example:
        >>> from nlpkit.text import Vocabulary
        >>> vocabulary = Vocabulary.from_counts({"good": 3, "film": 3, "odd": 1}, min_frequency=2)
        >>> vocabulary.tokens
        ['<pad>', '<unk>', '<s>', '</s>', 'film', 'good']
        >>> vocabulary.index["good"]
        5
    """

    def __init__(self, tokens):
        self.tokens = list(tokens)
        self.index = {token: id for id, token in enumerate(self.tokens)}
        problem = self._problem()
        if problem:
            raise InputError(f"`tokens` is not a vocabulary: {problem}")

    def _problem(self):
        if tuple(self.tokens[: len(SPECIAL_TOKENS)]) != SPECIAL_TOKENS:
            return f"it must begin with {SPECIAL_TOKENS}. Received: {self.tokens[:4]}"
        for id, token in enumerate(self.tokens):
            if not isinstance(token, str) or not token:
                return f"every token must be a non-empty str. Received: {token!r} at id {id}"
            if self.index[token] != id:
                return f"token {token!r} is there twice (ids {id} and {self.index[token]}). Keep one of them."
        return None

    def __len__(self):
        return len(self.tokens)

    def __eq__(self, other):
        return isinstance(other, Vocabulary) and self.tokens == other.tokens

    __hash__ = None

    @classmethod
    def from_counts(cls, counts, max_size=None, min_frequency=1):
        """Builds a vocabulary from token counts: the most frequent first, ties in alphabetical order.

        Args:
            counts: dict of str to int. How often each token occurs.
            max_size: int. Largest size, the four special tokens included. Defaults to `None` (no limit).
            min_frequency: int. Tokens seen less often are left out. Defaults to 1.

        Returns:
            A `Vocabulary`.

        Raises:
            InputError: If `max_size` leaves no room for a token, or `min_frequency` is below 1.
        """
        check_limits(max_size, min_frequency)
        kept = {token: count for token, count in counts.items() if token not in SPECIAL_TOKENS}
        room = len(kept) if max_size is None else max_size - len(SPECIAL_TOKENS)
        if room < len(kept):  # only what can make it is worth sorting by name
            min_frequency = max(min_frequency, sorted(kept.values(), reverse=True)[room - 1])
        kept = sorted((token for token, count in kept.items() if count >= min_frequency))
        kept.sort(key=counts.__getitem__, reverse=True)  # stable: equal counts stay alphabetical
        return cls([*SPECIAL_TOKENS, *kept[:room]])

    def save(self, path):
        """Writes one token per line; newline, carriage return and backslash are escaped.

        Args:
            path: str or path. The file to write.
        """
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(_escape(token) + "\n" for token in self.tokens)

    @classmethod
    def load(cls, path):
        """Reads what `save` wrote.

        Args:
            path: str or path. A vocabulary file.

        Returns:
            A `Vocabulary`.

        Raises:
            InputError: If the file is not UTF-8 text or breaks a rule of `Vocabulary`; names file and line.
        """
        try:
            with open(path, encoding="utf-8", newline="\n") as file:
                lines = file.read().split("\n")
        except UnicodeDecodeError as error:
            raise InputError(f"{path} is not a vocabulary file: it is not UTF-8 text ({error}).") from error
        except OSError as error:
            raise InputError(f"Cannot read the vocabulary file {path}: {error.strerror or error}.") from error
        return cls.from_lines(lines, path)

    @classmethod
    def from_lines(cls, lines, name):
        """Reads the lines of a vocabulary file.

        Args:
            lines: list of str. What `save` wrote, split at line breaks.
            name: str or path. Of the file, for messages.

        Returns:
            A `Vocabulary`.

        Raises:
            InputError: If they break a rule of `Vocabulary`; names file and line.
        """
        tokens = [_unescape(line) for line in (lines[:-1] if lines[-1] == "" else lines)]
        _check_lines(name, tokens)
        return cls(tokens)


def check_limits(max_size, min_frequency):
    """Checks the two limits of a vocabulary before any counting is done.

    Args:
        max_size: int or None. Largest size, special tokens included.
        min_frequency: int. Smallest count of a kept token.

    Raises:
        InputError: If `max_size` leaves no room for a token, or `min_frequency` is below 1.
    """
    if max_size is not None and max_size <= len(SPECIAL_TOKENS):
        raise InputError(
            f"A vocabulary holds {len(SPECIAL_TOKENS)} special tokens, so its size must be at least "
            f"{len(SPECIAL_TOKENS) + 1}. Received: {max_size}"
        )
    if min_frequency < 1:
        raise InputError(f"`min_frequency` must be at least 1. Received: min_frequency={min_frequency}")


def _check_lines(path, tokens):
    if tuple(tokens[: len(SPECIAL_TOKENS)]) != SPECIAL_TOKENS:
        raise InputError(
            f"{path} is not a vocabulary file: its first four lines must be {', '.join(SPECIAL_TOKENS)}. "
            f"Received: {tokens[:4]}"
        )
    first_line = {}
    for number, token in enumerate(tokens, 1):
        if not token:
            raise InputError(f"{path}, line {number}: the line is empty. Each line must hold one token.")
        if first_line.setdefault(token, number) != number:
            raise InputError(
                f"{path}, line {number}: token {token!r} is already on line {first_line[token]}. Remove one."
            )


def _escape(token):
    return token.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")


def _unescape(line):
    if "\\" not in line:
        return line
    pieces, position = [], 0
    while position < len(line):
        pair = line[position : position + 2]
        pieces.append(_ESCAPES.get(pair, line[position]))
        position += 2 if pair in _ESCAPES else 1
    return "".join(pieces)
