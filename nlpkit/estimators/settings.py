"""What the estimators do with the settings that users give: groups, and errors that say where to look."""

from contextlib import contextmanager

import numpy as np
from sklearn.utils import check_random_state

from nlpkit.errors import InputError

OPTION_GROUPS = ("text", "network", "training")


def option_groups(options, groups=OPTION_GROUPS):
    """An estimator's `options`, each group a dict of its own.

    Args:
        options: dict of dicts, or `None`.
        groups: Sequence of str. The groups there are. Defaults to `OPTION_GROUPS`.

    Returns:
        dict from all groups to dicts.

    Raises:
        InputError: If there is another group.

    Example:
        >>> from nlpkit.estimators.settings import option_groups
        >>> option_groups({"training": {"epochs": 2}})
        {'text': {}, 'network': {}, 'training': {'epochs': 2}}
    """
    given = options or {}
    unknown = sorted(set(given) - set(groups))
    if unknown:
        raise InputError(f"`options` has the groups {list(groups)}. Received: {unknown}")
    return {group: dict(given.get(group) or {}) for group in groups}


@contextmanager
def settings_of(what, function):
    """Tells of settings that a function refuses, and where they are described.

    Args:
        what: str. Which settings.
        function: str. The function, by its public name.

    Yields:
        Nothing.

    Raises:
        InputError: If the block raises a `TypeError` or `ValueError`; an `InputError` passes as it is.

    Example:
        >>> from nlpkit.estimators.settings import settings_of
        >>> with settings_of("text", "nlpkit.text.text_to_ids"):
        ...     dict(level="word")
        {'level': 'word'}
    """
    try:
        yield
    except InputError:
        raise
    except (TypeError, ValueError) as error:
        raise InputError(f"The {what} settings cannot be used: {error}. See {function}.") from None


def random_seed(random_state):
    """The seed that scikit-learn's `random_state` stands for.

    Args:
        random_state: int, `numpy.random.RandomState`, or `None`, which draws one.

    Returns:
        int.

    Example:
        >>> from nlpkit.estimators.settings import random_seed
        >>> random_seed(3)
        3
    """
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))
