"""Zoneout: states that stay as they are for a step."""

from numbers import Real

import keras
import tensorflow as tf

from nlpkit.errors import InputError


def zoneout_rates(zoneout, states):
    """The rate of each state of a cell.

    Args:
        zoneout: float, for all states, or one float for each, of an LSTM for the state and the cell.
        states: int. Number of states.

    Returns:
        Tuple of floats.

    Raises:
        InputError: If a rate is no number, below 0, or 1 and above, or there are more or fewer than states.

    Example:
        >>> from nlpkit.layers.zoneout import zoneout_rates
        >>> zoneout_rates(0.1, 2)
        (0.1, 0.1)
    """
    rates = tuple(zoneout) if isinstance(zoneout, list | tuple) else (zoneout,) * states
    if len(rates) != states or not all(isinstance(rate, Real) and 0 <= rate < 1 for rate in rates):
        raise InputError(
            "`zoneout` must be a number of at least 0 and below 1, or one for each of the cell's states in a list of "
            f"{states}. Received: zoneout={zoneout!r}"
        )
    return rates


def zone_out(old, new, rates, noise=None):
    """Keeps a part of the old states, drawn in training; in prediction the states are the expectation of that.

    Args:
        old: List of float tensors of shape `(batch, units)`, the states before the step.
        new: List of float tensors of the same shapes, those after it.
        rates: Tuple of floats, the part of each state that is kept.
        noise: List of float tensors of the same shapes, uniform between 0 and 1. Defaults to `None`, prediction.

    Returns:
        List of float tensors of the same shapes.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.zoneout import zone_out
        >>> zone_out([tf.zeros((1, 2))], [tf.ones((1, 2))], [0.25])[0].numpy().tolist()
        [[0.75, 0.75]]

    Reference:
        [Krueger et al., 2017](https://arxiv.org/abs/1606.01305)
    """
    if noise is None:
        return [after + rate * (before - after) for before, after, rate in zip(old, new, rates, strict=True)]
    triples = zip(old, new, rates, noise, strict=True)
    return [tf.where(drawn < rate, before, after) for before, after, rate, drawn in triples]


def zoneout_update(rates, shape, seed):
    """The `update` of a `step_loop` that zones out.

    Args:
        rates: Tuple of floats, the part of each state that is kept.
        shape: Tuple of ints or scalar tensors: time, batch and units.
        seed: `keras.random.SeedGenerator` in training, `None` in prediction.

    Returns:
        callable.

    Example:
        >>> from nlpkit.layers.zoneout import zoneout_update
        >>> zoneout_update([0.5], (3, 1, 2), None)(0, [0.0], [1.0])
        [0.5]
    """
    # Drawn before the loop, in which a seed cannot go on.
    noise = None if seed is None else [keras.random.uniform(shape, seed=seed) for _ in rates]

    def update(time, old, new):
        return zone_out(old, new, rates, None if noise is None else [drawn[time] for drawn in noise])

    return update
