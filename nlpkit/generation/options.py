"""Checks of the numbers that a search is given; tensors, which a graph knows only when it runs, pass unseen."""

import tensorflow as tf

from nlpkit import checks


def check_number(name, value, rule, allowed, whole=False):
    """Raises an error unless a number is of the right kind and keeps a rule.

    Args:
        name: str. The argument.
        value: Number or tensor.
        rule: str. What it must be, as the message says it.
        allowed: callable. Whether a number keeps the rule.
        whole: bool. Whether it must be an int. Defaults to `False`.

    Raises:
        InputError: If it does not.
    """
    if not tf.is_tensor(value):
        checks.check_number(name, value, rule, allowed, whole)
