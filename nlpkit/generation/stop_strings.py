"""Stop strings: where a text has to be cut, and how much of a growing text no stop string can reach any more."""

from collections.abc import Iterable

from nlpkit.errors import InputError

# What stands for bytes that are not a character yet.
REPLACEMENT = "\ufffd"


def check_stop_strings(stop):
    """The stop strings as a tuple.

    Args:
        stop: str, sequence of str, or `None` for none.

    Returns:
        Tuple of str.

    Raises:
        InputError: If one is empty or no string.

    Example:
        >>> from nlpkit.generation.stop_strings import check_stop_strings
        >>> check_stop_strings("end"), check_stop_strings(None)
        (('end',), ())
    """
    one = isinstance(stop, str | bytes) or not isinstance(stop, Iterable)
    strings = () if stop is None else (stop,) if one else tuple(stop)
    if not all(isinstance(string, str) and string for string in strings):
        raise InputError(f"`stop` must be a string or several, none of them empty. Received: stop={stop!r}")
    return strings


def find_stop(text, stop):
    """Where a text has to be cut: before the stop string that is complete first, and of several the longest.

    So the place is the same for the text as it grows and for the whole.

    Args:
        text: str.
        stop: Sequence of str.

    Returns:
        int, the number of characters before the stop string; `None` if there is none.

    Example:
        >>> from nlpkit.generation.stop_strings import find_stop
        >>> find_stop("one\\n\\ntwo", ["\\n\\n", "two"])
        3
    """
    starts = [(text.find(string), string) for string in stop]
    ends = [(start + len(string), start) for start, string in starts if start >= 0]
    return min(ends)[1] if ends else None


def settled(text, stop):
    """How much of a growing text is final: neither half a character nor what may be the beginning of a stop string.

    Args:
        text: str without a stop string.
        stop: Sequence of str.

    Returns:
        int, a number of characters.

    Example:
        >>> from nlpkit.generation.stop_strings import settled
        >>> settled("one\\n", ["\\n\\n"]), settled("one\\nt", ["\\n\\n"])
        (3, 5)
    """
    text = text.rstrip(REPLACEMENT)
    longest = max(map(len, stop), default=1) - 1
    for start in range(max(len(text) - longest, 0), len(text)):
        if any(string.startswith(text[start:]) for string in stop):
            return start
    return len(text)
