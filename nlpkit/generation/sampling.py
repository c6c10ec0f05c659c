"""The filters, penalties and constraints by the names that users give them, in the usual order."""

from functools import partial

import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.generation.constraints import bad_words, forced_prefix, minimum_length, no_repeat_ngrams
from nlpkit.generation.filters import min_p, temperature, top_k, top_p, typical
from nlpkit.generation.history import SoFar
from nlpkit.generation.penalties import frequency_penalty, presence_penalty, repetition_penalty

# Name: function, its option, and the value that changes nothing. First what makes tokens less likely, then what
# excludes them and what overrules that, then the temperature, and last what looks at the probabilities that have come
# of it.
SAMPLING = {
    "repetition_penalty": (repetition_penalty, "factor", 1.0),
    "presence_penalty": (presence_penalty, "penalty", 0.0),
    "frequency_penalty": (frequency_penalty, "penalty", 0.0),
    "no_repeat_ngram": (no_repeat_ngrams, "size", 0),
    "bad_words": (bad_words, "words", ()),
    "min_new_tokens": (minimum_length, "length", 0),
    "forced_prefix": (forced_prefix, "token_ids", ()),
    "temperature": (temperature, "value", 1.0),
    "top_k": (top_k, "k", 0),
    "top_p": (top_p, "p", 1.0),
    "min_p": (min_p, "p", 0.0),
    "typical_p": (typical, "mass", 1.0),
}


def sampling_filters(**options):
    """The list of filters that a search applies.

    Args:
        **options: Any of `SAMPLING`, numbers or tensors: `temperature`, 1; `top_k`, 0 (all); `top_p`, 1; `min_p`, 0;
            `typical_p`, 1; `repetition_penalty`, 1; `presence_penalty`, 0; `frequency_penalty`, 0; `no_repeat_ngram`,
            0; `bad_words`, sequences of ids, none; `min_new_tokens`, 0; `forced_prefix`, ids, none. The values named
            here change nothing.

    Returns:
        List of callables `(logits, so_far) -> logits`, in the order of `SAMPLING`.

    Raises:
        InputError: If an option is unknown.

    Example:
        >>> from nlpkit.generation import sampling_filters
        >>> [each.func.__name__ for each in sampling_filters(top_p=0.9, temperature=0.8, top_k=0)]
        ['temperature', 'top_p']
    """
    _check_names(options)
    return [
        partial(function, **{argument: options[name]})
        for name, (function, argument, _) in SAMPLING.items()
        if name in options and not changes_nothing(name, options[name])
    ]


def check_sampling(options, vocabulary_size):
    """Raises an error if an option is unknown or out of its range.

    Args:
        options: dict from the names in `SAMPLING` to numbers and ids.
        vocabulary_size: int. Number of ids.

    Raises:
        InputError: If one is not among `SAMPLING`, or its function does not take it.
    """
    _check_names(options)
    # Each function checks its own option, so it is called once.
    nothing = SoFar(tf.zeros((1, 1), "int32"), tf.constant(0), tf.zeros(1, "int32"))
    for name, value in options.items():
        if not changes_nothing(name, value):
            function, argument, _ = SAMPLING[name]
            function(tf.zeros((1, vocabulary_size)), nothing, **{argument: value})


def _check_names(options):
    if unknown := sorted(set(options) - set(SAMPLING)):
        raise InputError(
            f"The options of a generation are {', '.join(SAMPLING)}. Received: {', '.join(unknown)}"
        )


def changes_nothing(name, value):
    """Whether the value of an option is known to be the one that changes nothing.

    Args:
        name: str. One of `SAMPLING`.
        value: Number, sequence or tensor.

    Returns:
        bool.

    Example:
        >>> from nlpkit.generation.sampling import changes_nothing
        >>> changes_nothing("top_k", 0), changes_nothing("top_p", 0.9)
        (True, False)
    """
    return not tf.is_tensor(value) and value == SAMPLING[name][2]
