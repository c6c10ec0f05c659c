"""Which column is the text and which the label, and what they are called."""

from dataclasses import dataclass

from nlpkit.errors import InputError


@dataclass(frozen=True)
class Roles:
    """What the two columns of a table are: their usual names, which messages speak of, and what the second holds.

    Args:
        text: str. Name of the first, also that of its option. Defaults to `"text"`.
        label: str. Name of the second. Defaults to `"label"`.
        columns: str. Both, in the order in which files without a header often have them. Defaults to `"label,text"`.
        rule: str. What is said where the second is missing. Defaults to what a label is.
        holds_texts: bool. Whether the second holds one text of any form, and not names on a line of their own.
            Defaults to `False`.

    Example:
        >>> from nlpkit.data.columns import PAIRS, Roles
        >>> Roles().text, PAIRS.text
        ('text', 'source')
    """

    text: str = "text"
    label: str = "label"
    columns: str = "label,text"
    rule: str = "A label is a string, a number, or a list of them."
    holds_texts: bool = False

    @property
    def header_hint(self):
        """str. What to do about a header line that is missing."""
        return f" If the file has no header line, give its columns in order (--columns {self.columns})."


LABELLED = Roles()
PAIRS = Roles("source", "target", "source,target", "Every source needs a target.", holds_texts=True)


def pick_columns(names, text, label, where, hint="", roles=LABELLED):
    """Finds the text and the label column.

    Args:
        names: list of str. The columns there are.
        text: str or `None`. The text column; `None` stands for the usual name.
        label: str, `None` or `False`. The label column; `None` takes that of the usual name if there is one, `False`
            takes none.
        where: str. The file, for messages.
        hint: str. A sentence added to messages. Defaults to `""`.
        roles: `Roles`. The usual names. Defaults to those of texts and labels.

    Returns:
        Tuple of the index of the text column, and that of the label column or `None`.

    Raises:
        InputError: If a column is missing or its name occurs twice.

    Example:
        >>> from nlpkit.data.columns import pick_columns
        >>> pick_columns(["stars", "review"], "review", "stars", "reviews.csv")
        (1, 0)
    """
    wanted = f"Name the {roles.text} column (--{roles.text})"
    if label is not False:
        wanted += f" and the {roles.label} column (--{roles.label})"
    text_index = _index(names, text or roles.text, roles.text, where, wanted, hint)
    if label is False or (label is None and roles.label not in names):
        return text_index, None
    return text_index, _index(names, label or roles.label, roles.label, where, wanted, hint)


def _index(names, name, role, where, wanted, hint):
    if name not in names:
        if len(names) == 1 and ";" in names[0]:
            hint = " It looks as if semicolons part the columns: save the table with commas, or with tabs as .tsv."
        raise InputError(
            f"{where}: there is no column {name!r} for the {role}. Received columns: {shorten(names, 200)}. "
            f"{wanted}.{hint}"
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
