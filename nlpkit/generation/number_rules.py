"""What the numbers among the options of a generation must be.

Nothing heavy is imported, so that the command line can tell before it loads a model.
"""

from nlpkit.checks import check_number

# Option: what it must be, whether a number keeps to that, and whether it must be a whole one.
RULES = {
    "max_new_tokens": ("an integer, 0 or more", lambda x: x >= 0, True),
    "min_new_tokens": ("an integer, 0 or more", lambda x: x >= 0, True),
    "num_results": ("an integer, 1 or more", lambda x: x >= 1, True),
    "seed": ("an integer from -2147483648 to 2147483647", lambda x: -(2**31) <= x < 2**31, True),
    "temperature": ("0 (always the most likely token) or more", lambda x: x >= 0, False),
    "top_k": ("an integer, 0 (off) or more", lambda x: x >= 0, True),
    "top_p": ("above 0 and at most 1 (off)", lambda x: 0 < x <= 1, False),
    "min_p": ("from 0 (off) to 1", lambda x: 0 <= x <= 1, False),
    "typical_p": ("above 0 and at most 1 (off)", lambda x: 0 < x <= 1, False),
    "repetition_penalty": ("above 0 (1 is off)", lambda x: x > 0, False),
    "presence_penalty": ("a number", lambda x: x == x, False),
    "frequency_penalty": ("a number", lambda x: x == x, False),
    "no_repeat_ngram": ("an integer, 1 or more (0 is off)", lambda x: x >= 0, True),
    "beam_size": ("an integer, 1 or more", lambda x: x >= 1, True),
    "beam_groups": ("an integer, 1 or more", lambda x: x >= 1, True),
    "length_penalty": ("a number", lambda x: x == x, False),
    "diversity": ("0 or more", lambda x: x >= 0, False),
    "contrastive_penalty": ("from 0 (always the most likely token) to 1", lambda x: 0 <= x <= 1, False),
}
# Of these `None` is as good as not given.
MAY_BE_NONE = ("seed", "beam_size", "diversity", "contrastive_penalty")


def check_numbers(options):
    """Raises an error for the first number that is not what it must be.

    Args:
        options: dict from the estimators' names to values. Others than those of `RULES` are left alone.

    Raises:
        InputError: If there is one.

    Example:
        >>> from nlpkit.generation.number_rules import check_numbers
        >>> check_numbers({"top_k": 5, "seed": None, "bad_words": ["no"]})
    """
    for name, rule in RULES.items():
        if name in options and not (options[name] is None and name in MAY_BE_NONE):
            check_number(name, options[name], *rule)
