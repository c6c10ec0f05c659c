"""Which options of a generation go together, told in the spelling of Python or of the command line.

Nothing heavy is imported, so that the command line can tell before it loads a model.
"""

import difflib
from collections.abc import Callable
from typing import NamedTuple

from nlpkit.errors import InputError

# What each search looks for, by the option that asks for it. Without one of them a text is drawn.
SEARCHES = {
    "beam_size": "the most likely text",
    "contrastive_penalty": "a likely text that does not repeat itself",
}
OF_DRAWING = ("temperature", "top_k", "top_p", "min_p", "typical_p", "seed")
# Option: what it belongs to, and the option that asks for that.
BELONGS = {
    "length_penalty": ("a search with beams", "beam_size"),
    "beam_groups": ("a search with beams", "beam_size"),
    "diversity": ("groups of beams", "beam_groups"),
}
# Values that are as good as none.
UNUSED = {
    "length_penalty": 0, "beam_groups": 1, "num_results": 1,
    "temperature": 1, "top_k": 0, "top_p": 1, "min_p": 0, "typical_p": 1,
}  # fmt: skip
NAMES = (*SEARCHES, *OF_DRAWING, *BELONGS, "num_results", "logprobs")
OF_WHOLE_TEXTS = (*SEARCHES, *BELONGS, "num_results", "logprobs")


class Spelling(NamedTuple):
    """How messages write options.

    Args:
        name: callable. From the estimator's name of an option to how a message calls it.
        pair: callable. From that name and a value to how a message shows what was received.
    """

    name: Callable
    pair: Callable


PYTHON = Spelling(lambda name: f"`{name}`", lambda name, value: f"{name}={value!r}")


def check_search(options, spelling=PYTHON):
    """Raises an error for the first options that do not go together.

    Args:
        options: dict from the estimator's names to values, numbers in their ranges; `None` is not given. Others than
            those of a generation are left alone.
        spelling: `Spelling`. Defaults to that of Python.

    Raises:
        InputError: If there are options of two kinds of search, or of drawing and of a search, or an option without the
            one that it belongs to, or numbers that do not fit together.

    Example:
        >>> from nlpkit.estimators.search_options import check_search
        >>> check_search({"beam_size": 4, "beam_groups": 2, "num_results": 2})
    """
    given = _given(options)
    asked = [name for name in SEARCHES if name in given]
    if "contrastive_penalty" in given and options.get("top_k") is not None:
        given["top_k"] = options["top_k"]  # where 0 is not as good as none
    if len(asked) > 1:
        first, second = map(spelling.name, asked)
        raise InputError(
            f"{first} and {second} ask for two kinds of search. Received: {_told(given, asked, spelling)}. Leave out "
            "one of them."
        )
    for name, (owner, needed) in BELONGS.items():
        if name in given and needed not in given:
            raise InputError(
                f"{spelling.name(name)} belongs to {owner}. Received: {_told(given, [name], spelling)} without "
                f"{spelling.name(needed)}. Give it, or leave this out."
            )
    if asked:
        _check_chance(given, asked[0], spelling)
        (_check_beams if asked[0] == "beam_size" else _check_contrastive)(given, spelling)
    check_lengths(options, spelling)


def idle_options(options):
    """Names the options of drawing that change nothing, for a search leaves nothing to chance.

    Args:
        options: dict from the estimator's names to values; `None` is not given. Others than those of a generation are
            left alone.

    Returns:
        List of str; empty without a search, and without values that would change how a text is drawn.

    Example:
        >>> from nlpkit.estimators.search_options import idle_options
        >>> idle_options({"beam_size": 4, "temperature": 0.8, "top_p": 1, "seed": 1})
        ['temperature', 'seed']
    """
    given = _given(options)
    searched = any(name in given for name in SEARCHES)
    own = ("top_k",) if "contrastive_penalty" in given else ()
    return [name for name in OF_DRAWING if searched and name in given and name not in own]


def check_lengths(options, spelling=PYTHON):
    """Raises an error if a text must have more tokens than it may have.

    Args:
        options: dict from the estimator's names to values; `None` is not given.
        spelling: `Spelling`. Defaults to that of Python.

    Raises:
        InputError: If it must.

    Example:
        >>> from nlpkit.estimators.search_options import check_lengths
        >>> check_lengths({"min_new_tokens": 5, "max_new_tokens": 5})
    """
    lengths = {name: options.get(name) for name in ("min_new_tokens", "max_new_tokens")}
    if None not in lengths.values() and lengths["min_new_tokens"] > lengths["max_new_tokens"]:
        least, most = map(spelling.name, lengths)
        raise InputError(
            f"{least} must be at most {most}, which ends each text. Received: {_told(lengths, lengths, spelling)}. "
            "Write more, or ask for less."
        )


def check_names(options, known):
    """Raises an error for options that there are not, with the one that was probably meant.

    Args:
        options: dict or collection of names.
        known: Sequence of str. The names of all options.

    Raises:
        InputError: If one is not among them.

    Example:
        >>> from nlpkit.estimators.search_options import check_names
        >>> check_names({"top_k": 5}, ["top_k", "top_p"])
    """
    unknown = sorted(set(options) - set(known))
    if unknown:
        meant = [match for name in unknown for match in difflib.get_close_matches(name, known, 1)]
        hint = f". Did you mean {', '.join(meant)}?" if meant else ""
        raise InputError(
            f"The options of a generation are {', '.join(known)}. Received: {', '.join(unknown)}{hint}"
        )


def check_streamed(options):
    """Raises an error for options of `TextGenerator.stream` that look at whole texts.

    Args:
        options: dict from names to values.

    Raises:
        InputError: If there is one.

    Example:
        >>> from nlpkit.estimators.search_options import check_streamed
        >>> check_streamed({"top_k": 5})
    """
    found = [name for name in OF_WHOLE_TEXTS if name in options]
    if found:
        raise InputError(
            "`stream` gives one text while it is drawn, so it takes nothing that looks at whole texts. Received: "
            f"{_told(options, found, PYTHON)}. Leave that out, or use `generate`."
        )


def _given(options):
    return {name: options[name] for name in NAMES if options.get(name) not in (None, UNUSED.get(name))}


def _told(given, names, spelling):
    return ", ".join(spelling.pair(name, given[name]) for name in names)


def _check_chance(given, search, spelling):
    drawing = idle_options(given)
    if drawing:
        raise InputError(
            f"{spelling.name(search)} searches for {SEARCHES[search]}, so it goes with nothing that belongs to drawing "
            f"one. Received: {_told(given, [search], spelling)} with {_told(given, drawing, spelling)}. Leave out "
            f"{spelling.name(search)}, or that."
        )
    if "logprobs" in given:
        raise InputError(
            f"{spelling.name('logprobs')} are kept of texts that are drawn, not of those that are searched for. "
            f"Received: {_told(given, [search, 'logprobs'], spelling)}. Leave out one or the other."
        )


def _check_beams(given, spelling):
    numbers = {name: given.get(name, 1) for name in ("beam_size", "num_results", "beam_groups")}
    beams, results, groups = numbers
    size, wanted, parts = numbers.values()
    if wanted > size:
        raise InputError(
            f"{spelling.name(results)} must be at most {spelling.name(beams)}, for each beam comes to one text. "
            f"Received: {_told(numbers, [beams, results], spelling)}"
        )
    if size % parts or wanted % parts:
        raise InputError(
            f"Groups have equally many beams and give equally many texts: {spelling.name(beams)} and "
            f"{spelling.name(results)} must be multiples of {spelling.name(groups)}. "
            f"Received: {_told(numbers, numbers, spelling)}"
        )


def _check_contrastive(given, spelling):
    if "num_results" in given:
        raise InputError(
            "A contrastive search finds one text for each prompt. Received: "
            f"{_told(given, ['contrastive_penalty', 'num_results'], spelling)}. Leave out one or the other."
        )
    if given.get("top_k") == 0:
        raise InputError(
            f"{spelling.name('top_k')} is how many tokens a contrastive search tries at each place, so it must be 1 or "
            f"more. Received: {_told(given, ['contrastive_penalty', 'top_k'], spelling)}"
        )
