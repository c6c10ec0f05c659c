"""One seed for weights, dropout and batches."""

import random
from contextlib import contextmanager

import keras
import numpy as np


@contextmanager
def seeded(seed):
    """Seeds Keras inside the block, and gives Python's and NumPy's generators their state back after it.

    Args:
        seed: int.

    Example:
        >>> import keras
        >>> from nlpkit.training.seeding import seeded
        >>> with seeded(1):
        ...     first = keras.random.normal((2,))
        >>> with seeded(1):
        ...     bool((first == keras.random.normal((2,))).numpy().all())
        True
    """
    python_state, numpy_state = random.getstate(), np.random.get_state()
    keras.utils.set_random_seed(seed)
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)
