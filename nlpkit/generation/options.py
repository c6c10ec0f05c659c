"""Checks of the numbers that a search is given; tensors, which a graph knows only when it runs, pass unseen."""

import tensorflow as tf

from nlpkit import checks
from nlpkit.generation.number_rules import RULES


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


def check_option(name, value):
    """Raises an error unless a number is what the option of this name must be.

    Args:
        name: str. One of `nlpkit.generation.number_rules.RULES`.
        value: Number or tensor.

    Raises:
        InputError: If it is not.
    """
    check_number(name, value, *RULES[name])
