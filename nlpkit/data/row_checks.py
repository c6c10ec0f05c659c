"""The rules every row keeps, whatever its format: a text that is not empty, a label of one line, and valid UTF-8.

Of pairs, the target in the place of the label is a text like the source, which may hold anything.

Where there is nothing to learn, an empty text is a row like any other: the model reads it as one unknown token,
and predictions stay one per row.
"""

import itertools
import json
import re

from nlpkit.data.columns import LABELLED, shorten

LINE_PARTS = re.compile(r"[\t\n\r]")


def clean_labels(values, separator=None, holds_texts=False):
    """Turns label values of any format into strings or lists of strings, with `None` for what is no label.

    Strings lose surrounding whitespace; with a separator they become lists (empty for an empty string).
    Numbers and booleans are written as in JSON. Lists stay lists.

    Args:
        values: list. Strings, numbers, booleans, lists of them, or `None`.
        separator: str. Splits one string into several labels. Defaults to `None`: one label per string.
        holds_texts: bool. Whether strings are texts, which keep their whitespace. Defaults to `False`.

    Returns:
        List of str, list of str, or `None`.

    Example:
        >>> from nlpkit.data.row_checks import clean_labels
        >>> clean_labels([" good ", 3, True, ["a", "b"], None])
        ['good', '3', 'true', ['a', 'b'], None]
        >>> clean_labels(["cheap|loud", ""], separator="|")
        [['cheap', 'loud'], []]
    """
    if holds_texts:
        return [value if type(value) is str and value.strip() else _clean_value(value) for value in values]
    if separator is None and set(map(type, values)) == {str}:
        cleaned = {value: _clean_value(value) for value in set(values)}
        return [cleaned[value] for value in values]
    if separator is None:
        return [_clean_value(value) for value in values]
    return [_split(value, separator) if type(value) is str else _clean_value(value) for value in values]


def _split(value, separator):
    return [label for part in value.split(separator) if (label := part.strip())]


def _clean_value(value):
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, (bool, int, float)):
        return json.dumps(value) if value == value else None  # NaN is how data frames write a missing label
    if isinstance(value, list):
        items = [None if isinstance(item, list) else _clean_value(item) for item in value]
        return None if None in items else items
    return None


def all_usable(texts, labels, label_type, empty_texts=False, roles=LABELLED):
    """Whether no row of a block breaks a rule, found without looking at rows one by one in Python.

    Args:
        texts: list of str.
        labels: list of cleaned labels, or `None`.
        label_type: type. `str` or `list`: what each label must be.
        empty_texts: bool. Whether a text may be empty. Defaults to `False`.
        roles: `Roles`. What the columns hold. Defaults to texts and labels.

    Returns:
        bool.
    """
    if not (empty_texts or all(map(str.strip, texts))) or encoding_problem("".join(texts)):
        return False
    if labels is None:
        return True
    if set(map(type, labels)) - {label_type}:
        return False
    distinct = set(labels) if label_type is str else set(itertools.chain.from_iterable(labels))
    return not _problem_of(roles)("".join(distinct))


def row_problem(text, label, value, label_type, empty_texts=False, roles=LABELLED):
    """Finds the rule that one row breaks.

    Args:
        text: str. The text.
        label: str, list of str or `None`. The cleaned label.
        value: The label as it was read, or `None` where no labels are read.
        label_type: type or `None`. `str` or `list`: what the label must be; `None` where no labels are read.
        empty_texts: bool. Whether a text may be empty. Defaults to `False`.
        roles: `Roles`. What the columns are called and hold. Defaults to texts and labels.

    Returns:
        str or `None`. The rest of an error message.
    """
    if not (empty_texts or text.strip()):
        return f"the {roles.text} is empty. Received: {shorten(text)}."
    problem = encoding_problem(text)
    if problem or label_type is None:
        return problem and f"the {roles.text} {problem}"
    if label is None:
        return f"the {roles.label} is missing. Received: {shorten(value)}. {roles.rule}"
    if type(label) is not label_type:
        if roles.holds_texts:
            return f"a {roles.text} must have one {roles.label}. Received: {shorten(value)}. Write a row for each."
        kind = "a list of labels" if label_type is list else "one label"
        return f"each row must have {kind}, as the first row has. Received: {shorten(value)}."
    names = [label] if label_type is str else label
    problem = next(filter(None, map(_problem_of(roles), names)), None)
    return problem and f"the {roles.label} {problem}"


def _problem_of(roles):
    return encoding_problem if roles.holds_texts else label_problem


def label_problem(label):
    """Says why a label cannot be written on a line or in a column of its own, or returns `None`.

    An exported model lists its labels one per line, and predictions are tables with tabs.

    Args:
        label: str.

    Returns:
        str or `None`. The rest of a sentence whose subject is the label.

    Example:
        >>> from nlpkit.data.row_checks import label_problem
        >>> label_problem("very good")
        >>> label_problem("very\\tgood")[:60]
        "must not hold a tab or a line break. Received: 'very\\\\tgood'."
    """
    problem = encoding_problem(label)
    if problem is None and LINE_PARTS.search(label):
        return f"must not hold a tab or a line break. Received: {shorten(label)}. Write a space there, or nothing."
    return problem


def encoding_problem(text):
    """Says why a string cannot be written as UTF-8, or returns `None`.

    Bytes that are not UTF-8 arrive here as lone surrogates U+DC80 to U+DCFF (Python's `surrogateescape`).

    Args:
        text: str.

    Returns:
        str or `None`. The rest of a sentence whose subject is the text.

    Example:
        >>> from nlpkit.data.row_checks import encoding_problem
        >>> encoding_problem("café")
        >>> encoding_problem(b"caf\\xe9".decode("utf-8", "surrogateescape"))[:49]
        'is not valid UTF-8. Received: byte 0xe9 after "ca'
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        code, before = ord(text[error.start]), text[max(0, error.start - 20) : error.start]
        if 0xDC80 <= code <= 0xDCFF:
            return (
                f'is not valid UTF-8. Received: byte 0x{code - 0xDC00:02x} after "{before}". '
                "Convert the file, for example: iconv -f WINDOWS-1252 -t UTF-8."
            )
        return (
            f'holds half of a surrogate pair. Received: U+{code:04X} after "{before}". Write the whole pair.'
        )
    return None
