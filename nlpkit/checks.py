"""Checks of arguments that need no library."""

from nlpkit.errors import InputError


def check_number(name, value, rule, allowed, whole=False):
    """Raises an error unless a number is of the right kind and keeps a rule.

    Args:
        name: str. The argument.
        value: Number.
        rule: str. What it must be, as the message says it.
        allowed: callable. Whether a number keeps the rule.
        whole: bool. Whether it must be an int. Defaults to `False`.

    Raises:
        InputError: If it does not.

    Example:
        >>> from nlpkit.checks import check_number
        >>> check_number("top_k", 3, "an integer, 0 (off) or more", lambda x: x >= 0, whole=True)
    """
    kinds = int if whole else (int, float)
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, kinds) or not allowed(value):
        raise InputError(f"`{name}` must be {rule}. Received: {name}={value!r}")
