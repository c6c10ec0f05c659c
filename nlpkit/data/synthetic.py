"""Made-up sequences that show what a network can remember."""

import numpy as np

from nlpkit.errors import InputError


def copy_task(rows, length, bits=8, seed=None):
    """Random bit patterns to be seen once and then given back, all at once in their order.

    A step with the start flag comes first, then the patterns, then a step with the end flag; then nothing more is
    seen for as many steps as there were patterns, and the patterns are to be given back.

    Args:
        rows: int. Number of sequences.
        length: int. Patterns in each sequence.
        bits: int. Bits of a pattern. Defaults to 8.
        seed: int or list of int. The same seed gives the same sequences. Defaults to `None`, new ones each time.

    Returns:
        Inputs, float32 array of shape `(rows, 2 * length + 2, bits + 2)`, start and end flag last; targets, float32
        array of shape `(rows, 2 * length + 2, bits)`; mask, bool array of shape `(rows, 2 * length + 2)`, `True` at
        the steps at which a pattern is to be given back.

    Raises:
        InputError: If a number is less than 1.

    Example:
        >>> from nlpkit.data.synthetic import copy_task
        >>> inputs, targets, mask = copy_task(rows=1, length=2, bits=3, seed=0)
        >>> inputs[0].astype(int).tolist()
        [[0, 0, 0, 1, 0], [1, 1, 1, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]]
        >>> targets[mask].astype(int).tolist()
        [[1, 1, 1], [0, 0, 0]]

    Reference:
        [Graves et al., 2014](https://arxiv.org/abs/1410.5401), section 4.1
    """
    check_counts(rows=rows, length=length, bits=bits)
    patterns = np.random.default_rng(seed).integers(0, 2, (rows, length, bits)).astype("float32")
    steps = 2 * length + 2
    inputs = np.zeros((rows, steps, bits + 2), "float32")
    inputs[:, 0, bits] = 1
    inputs[:, 1 : length + 1, :bits] = patterns
    inputs[:, length + 1, bits + 1] = 1
    targets = np.zeros((rows, steps, bits), "float32")
    targets[:, length + 2 :] = patterns
    mask = np.zeros((rows, steps), bool)
    mask[:, length + 2 :] = True
    return inputs, targets, mask


def check_counts(**counts):
    """Raises unless each argument is an int of at least 1.

    Args:
        **counts: The arguments by name.

    Raises:
        InputError: If one is not.

    Example:
        >>> from nlpkit.data.synthetic import check_counts
        >>> check_counts(rows=3)
    """
    for name, value in counts.items():
        if not isinstance(value, int | np.integer) or value < 1:
            raise InputError(f"`{name}` must be an int of at least 1. Received: {name}={value!r}")
