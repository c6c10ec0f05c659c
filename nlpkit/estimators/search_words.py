"""Strings that a text must begin with, or must not hold, as the ids that a search knows."""

from collections.abc import Iterable

from nlpkit.errors import InputError
from nlpkit.estimators.labelled_texts import check_texts
from nlpkit.generation.options import check_option
from nlpkit.generation.texts import ids_within
from nlpkit.text.vocabulary import UNKNOWN


def with_ids(options, text_to_ids):
    """Options of a generation with ids in place of strings.

    Args:
        options: dict. `bad_words` (str, sequence of str, or `None` for none) and `forced_prefix` become ids, if they
            are there; the others stay.
        text_to_ids: `TextToIds`.

    Returns:
        dict.

    Raises:
        InputError: If they are no strings; or if the prefix holds unknown tokens, more tokens than are written, or a
            bad word.

    Example:
        >>> from nlpkit.estimators.search_words import with_ids
        >>> from nlpkit.text import text_to_ids
        >>> with_ids({"bad_words": ["no"], "top_k": 3}, text_to_ids("byte"))
        {'bad_words': ((114, 115),), 'top_k': 3}
    """
    options = dict(options)
    if "bad_words" in options:
        options["bad_words"] = _ids_of_words(options["bad_words"], text_to_ids)
    prefix = options.pop("forced_prefix", "")
    if prefix:
        (ids,) = ids_within(text_to_ids, check_texts([prefix], "forced_prefix"))
        _check_prefix(prefix, ids, options)
        options["forced_prefix"] = ids
    return options


def _ids_of_words(words, text_to_ids):
    one = isinstance(words, str | bytes) or not isinstance(words, Iterable)
    words = [] if words is None else [words] if one else list(words)
    rows = ids_within(text_to_ids, check_texts(words, "bad_words")) if words else ()
    # What the vocabulary lacks is never written anyway.
    return tuple(row for row in rows if row and UNKNOWN not in row)


def _check_prefix(prefix, ids, options):
    received = f"Received: forced_prefix={prefix!r}"
    check_option("max_new_tokens", options["max_new_tokens"])
    if UNKNOWN in ids:
        raise InputError(
            "`forced_prefix` (--forced-prefix) must be made of tokens that the vocabulary has, for the unknown token "
            f"is never written. {received}"
        )
    if len(ids) > options["max_new_tokens"]:
        raise InputError(
            "`forced_prefix` (--forced-prefix) must not be longer than what is written. "
            f"{received}, {len(ids)} tokens, with max_new_tokens={options['max_new_tokens']}. Write more, or force "
            "less."
        )
    for word in options.get("bad_words", ()):
        if any(ids[start : start + len(word)] == word for start in range(len(ids))):
            raise InputError(
                "`forced_prefix` (--forced-prefix) must not hold any of `bad_words` (--bad-words). "
                f"{received}. Leave out one or the other."
            )
