"""Which column is the text and which the label."""

from nlpkit.errors import InputError

HEADER_HINT = " If the file has no header line, give its columns in order (--columns label,text)."


def pick_columns(names, text, label, where, hint=""):
    """Finds the text and the label column.

    Args:
        names: list of str. The columns there are.
        text: str or `None`. The text column; `None` stands for `"text"`.
        label: str, `None` or `False`. The label column; `None` takes `"label"` if there is one, `False`
            takes none.
        where: str. The file, for messages.
        hint: str. A sentence added to messages. Defaults to `""`.

    Returns:
        Tuple of the index of the text column, and that of the label column or `None`.

    Raises:
        InputError: If a column is missing or its name occurs twice.

    Example:
        >>> from nlpkit.data.columns import pick_columns
        >>> pick_columns(["stars", "review"], "review", "stars", "reviews.csv")
        (1, 0)
    """
    text_index = _index(names, text or "text", "text", where, hint)
    if label is False or (label is None and "label" not in names):
        return text_index, None
    return text_index, _index(names, label or "label", "label", where, hint)


def _index(names, name, role, where, hint):
    if name not in names:
        if len(names) == 1 and ";" in names[0]:
            hint = " It looks as if semicolons part the columns: save the table with commas, or with tabs as .tsv."
        raise InputError(
            f"{where}: there is no column {name!r} for the {role}. Received columns: {shorten(names, 200)}. "
            f"Name the text column (--text) and the label column (--label).{hint}"
        )
    if names.count(name) > 1:
        raise InputError(
            f"{where}: column names must differ, and the {role} column {name!r} occurs "
            f"{names.count(name)} times. Received columns: {shorten(names, 200)}. Rename one."
        )
    return names.index(name)


def shorten(value, limit=60):
    """Shows a value in a message: its `repr`, cut after `limit` characters.

    Example:
        >>> from nlpkit.data.columns import shorten
        >>> shorten("abcdefghij", limit=6)
        "'abcde…"
    """
    # The value itself is cut first: a repr of a whole book would be built only to be thrown away.
    shown = repr(value[: limit + 1] if isinstance(value, str) else value)
    return shown if len(shown) <= limit else shown[:limit] + "…"
