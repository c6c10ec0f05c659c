"""What a caller passes as texts, and what a model of a fixed size takes."""

from nlpkit.errors import InputError


def as_list(texts):
    """Checks texts.

    Args:
        texts: List, tuple or array of str.

    Returns:
        List of str.

    Raises:
        InputError: If it is a single str, or something in it is no str.

    Example:
        >>> from nlpkit.lite.texts import as_list
        >>> as_list(("a", "b"))
        ['a', 'b']
    """
    if isinstance(texts, str):
        raise InputError(
            f"Texts must be a list of str; put a single text in a list. Received: {texts[:80]!r}"
        )
    if isinstance(texts, dict) or not hasattr(texts, "__iter__"):
        raise InputError(f"Texts must be a list of str. Received: {type(texts).__name__}")
    texts = list(texts)
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"Every text must be a str. Received: {text!r} at position {place}")
    return texts


def fit_steps(row, steps):
    """A row of ids as a model of a fixed number of steps takes it.

    Args:
        row: List of int.
        steps: int, or `None` where it takes any number.

    Returns:
        List of int, cut at its end or padded with 0.

    Example:
        >>> from nlpkit.lite.texts import fit_steps
        >>> fit_steps([4, 5], 3), fit_steps([4, 5], 1), fit_steps([4, 5], None)
        ([4, 5, 0], [4], [4, 5])
    """
    return row if steps is None else [*row[:steps], *[0] * (steps - len(row))]
