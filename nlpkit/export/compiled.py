"""A network that XLA compiles, for few shapes, and whether that is faster."""

import time

import numpy as np
import tensorflow as tf

from nlpkit.errors import InputError

# Each shape is compiled anew, which takes seconds: rows and steps are padded to powers of two, steps from 16 on.
ROWS, STEPS = ([2**power for power in range(first, 31)] for first in (0, 4))


class Compiled:
    """Runs a network of ids that XLA compiles; what makes ids of texts stays outside.

    Args:
        network: `keras.Model` from ids, int32 `(batch, time)`, padded with 0, to numbers `(batch, …)`.

    Call arguments:
        token_ids: int32 tensor of shape `(batch, time)`.
        training: bool. Without meaning. Defaults to `False`.

    Returns:
        What the network returns.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.export.compiled import Compiled
        >>> from nlpkit.models import build_classifier
        >>> compiled = Compiled(build_classifier(9, 2, encoder="bag", embedding_dim=4))
        >>> compiled(tf.constant([[4, 5], [6, 0], [7, 8]])).shape
        TensorShape([3, 2])
    """

    def __init__(self, network):
        def run(token_ids):
            return network(token_ids, training=False)

        self._run = tf.function(run, jit_compile=True, autograph=False)

    def __call__(self, token_ids, training=False):
        rows, steps = tf.unstack(tf.shape(token_ids))
        padding = [[0, _next(rows, ROWS) - rows], [0, _next(steps, STEPS) - steps]]
        return self._run(tf.pad(token_ids, padding))[:rows]


def _next(number, sizes):
    """The first size that is not smaller."""
    return tf.gather(sizes, tf.searchsorted(sizes, [number])[0])


def compare_times(compiled, plain, rows):
    """Measures calls of one text each, with and without XLA in turn, after one call of each for each text.

    Args:
        compiled: callable of ids, int32 `(1, time)`.
        plain: callable, as `compiled`.
        rows: List of int32 arrays of shape `(1, time)`.

    Returns:
        dict. Medians: `"milliseconds"` and `"milliseconds_without"`; `"written"`, whether the first is less.

    Raises:
        InputError: If XLA cannot compile it.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.export.compiled import compare_times
        >>> run = tf.function(lambda token_ids: token_ids + 1)
        >>> sorted(compare_times(run, run, [tf.constant([[1, 2]])]))
        ['milliseconds', 'milliseconds_without', 'written']
    """
    rows = [tf.constant(row) for row in rows]
    try:
        for row in rows:
            compiled(row)
    except tf.errors.OpError as error:
        raise InputError(
            f"XLA cannot compile this model: {error.message.splitlines()[0][:300]}. Leave `jit` out (--jit)."
        ) from None
    for row in rows:
        plain(row)
    times = np.array([[_seconds(function, row) for function in (compiled, plain)] for row in rows])
    with_xla, without = (1000 * float(value) for value in np.median(times, axis=0))
    return {"milliseconds": with_xla, "milliseconds_without": without, "written": with_xla < without}


def _seconds(function, row):
    start = time.perf_counter()
    function(row)
    return time.perf_counter() - start
