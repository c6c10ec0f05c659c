"""Options of a search for targets that several commands have: what goes together."""

from nlpkit.errors import InputError


def penalties_of(beam, length_penalty, coverage_penalty):
    """The penalties that were given, by the name that `predict` has for them.

    Args:
        beam: int.
        length_penalty: float, or `None`.
        coverage_penalty: float, or `None`.

    Returns:
        dict.

    Raises:
        InputError: If there is a penalty, and one beam.

    Example:
        >>> from nlpkit.cli.target_search import penalties_of
        >>> penalties_of(5, None, 0.2)
        {'coverage_penalty': 0.2}
    """
    penalties = {"length_penalty": length_penalty, "coverage_penalty": coverage_penalty}
    penalties = {name: value for name, value in penalties.items() if value is not None}
    if penalties and beam == 1:
        given = ", ".join(f"--{name.replace('_', '-')} {value:g}" for name, value in penalties.items())
        raise InputError(
            f"A penalty decides between beams. Received: {given} with --beam 1. Add --beam 5, or leave it out."
        )
    return penalties


def check_attends(model, folder, **asked):
    """Refuses options about what is attended to, of a model without attention.

    Args:
        model: A loaded model.
        folder: Path. Where it comes from.
        **asked: The options, by the names of their flags with `_`.

    Raises:
        InputError: If the network does not attend, and an option is set.
    """
    given = [f"--{name.replace('_', '-')}" for name, value in asked.items() if value]
    if given and not model.network_.attends:
        raise InputError(
            f"{folder} holds a model without attention, which cannot tell what it reads. "
            f"Received: {', '.join(given)}. Leave that out, or train with --preset attention."
        )
