"""Filters: which tokens may be drawn, judged by their probabilities.

All filters, penalties and constraints are pure functions `(logits, so_far, *, option) -> logits`; with
`functools.partial` they become the list of functions `(logits, so_far)` that a search applies in its order. A token
that must not be taken gets minus infinity. Options may be numbers or scalar tensors.
"""

import tensorflow as tf

from nlpkit.generation.largest import largest, least_with_mass
from nlpkit.generation.options import check_option

NEVER = -float("inf")


def apply_filters(filters, logits, so_far):
    """Applies filters one after the other.

    Args:
        filters: List of callables `(logits, so_far) -> logits`.
        logits: float32 tensor of shape `(batch, vocabulary)`.
        so_far: `SoFar`.

    Returns:
        float32 tensor of shape `(batch, vocabulary)`.

    Example:
        >>> from functools import partial
        >>> import tensorflow as tf
        >>> from nlpkit.generation import apply_filters, temperature, top_k
        >>> filters = [partial(temperature, value=0.5), partial(top_k, k=2)]
        >>> apply_filters(filters, tf.constant([[1.0, 2.0, 3.0]]), so_far=None).numpy().tolist()
        [[-inf, 4.0, 6.0]]
    """
    for function in filters:
        logits = function(logits, so_far)
    return logits


def greedy(logits, so_far):
    """Leaves the most likely token, of several the one with the lowest id.

    Args:
        logits: float32 tensor of shape `(batch, vocabulary)`.
        so_far: `SoFar`, not looked at.

    Returns:
        float32 tensor of shape `(batch, vocabulary)`.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.generation import greedy
        >>> greedy(tf.constant([[1.0, 3.0, 2.0]]), None).numpy().tolist()
        [[-inf, 3.0, -inf]]
    """
    best = tf.argmax(logits, axis=-1, output_type="int32")[:, None]
    return tf.where(tf.range(tf.shape(logits)[-1]) == best, logits, NEVER)


def temperature(logits, so_far, *, value):
    """Divides logits by the temperature: below 1 likely tokens become more likely. 0 leaves the most likely one.

    Args:
        logits: float32 tensor of shape `(batch, vocabulary)`.
        so_far: `SoFar`, not looked at.
        value: Number or float32 scalar tensor, 0 or more.

    Returns:
        float32 tensor of shape `(batch, vocabulary)`.

    Raises:
        InputError: If `value` is negative.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.generation import temperature
        >>> temperature(tf.constant([[1.0, 3.0]]), None, value=2.0).numpy().tolist()
        [[0.5, 1.5]]
    """
    check_option("temperature", value)
    return choose(value > 0, lambda: logits / tf.cast(value, "float32"), lambda: greedy(logits, so_far))


def top_k(logits, so_far, *, k):
    """Leaves the k most likely tokens, and those that are as likely as the last of them.

    Args:
        logits: float32 tensor of shape `(batch, vocabulary)`.
        so_far: `SoFar`, not looked at.
        k: int or int32 scalar tensor. 0 leaves all.

    Returns:
        float32 tensor of shape `(batch, vocabulary)`.

    Raises:
        InputError: If `k` is negative or no integer.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.generation import top_k
        >>> top_k(tf.constant([[1.0, 3.0, 2.0]]), None, k=2).numpy().tolist()
        [[-inf, 3.0, 2.0]]

    Reference:
        [Fan et al., 2018](https://arxiv.org/abs/1805.04833)
    """
    check_option("top_k", k)
    size = tf.shape(logits)[-1]

    def cut():
        best = largest(logits, tf.minimum(k, size))[0]
        return tf.where(logits >= best[:, -1:], logits, NEVER)

    return choose(k > 0, cut, lambda: logits)


def top_p(logits, so_far, *, p):
    """Leaves the nucleus: the fewest of the most likely tokens that together have the probability p.

    Tokens that are as likely as the last of them stay as well.

    Args:
        logits: float32 tensor of shape `(batch, vocabulary)`.
        so_far: `SoFar`, not looked at.
        p: Number or float32 scalar tensor, above 0. 1 leaves all.

    Returns:
        float32 tensor of shape `(batch, vocabulary)`.

    Raises:
        InputError: If `p` is 0 or less, or above 1. A tensor of 0 or less leaves the most likely token.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.generation import top_p
        >>> top_p(tf.math.log([[0.5, 0.3, 0.2]]), None, p=0.6).numpy()[0, 2]
        np.float32(-inf)

    Reference:
        [Holtzman et al., 2020](https://arxiv.org/abs/1904.09751)
    """
    check_option("top_p", p)

    def cut():
        return tf.where(logits >= least_with_mass(logits, tf.nn.softmax(logits), p), logits, NEVER)

    return choose(p < 1, cut, lambda: logits)


def min_p(logits, so_far, *, p):
    """Leaves the tokens that are at least p times as likely as the most likely one.

    Args:
        logits: float32 tensor of shape `(batch, vocabulary)`.
        so_far: `SoFar`, not looked at.
        p: Number or float32 scalar tensor, from 0 (leaves all) to 1.

    Returns:
        float32 tensor of shape `(batch, vocabulary)`.

    Raises:
        InputError: If `p` is below 0 or above 1.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.generation import min_p
        >>> min_p(tf.math.log([[0.5, 0.3, 0.2]]), None, p=0.5).numpy()[0, 2]
        np.float32(-inf)

    Reference:
        [Nguyen et al., 2024](https://arxiv.org/abs/2407.01082)
    """
    check_option("min_p", p)
    least = tf.reduce_max(logits, axis=-1, keepdims=True) + tf.math.log(tf.cast(p, "float32"))
    return tf.where(logits >= least, logits, NEVER)


def typical(logits, so_far, *, mass):
    """Leaves the fewest tokens of typical surprise that together have a probability mass.

    The more typical a token is, the nearer its surprise comes to the one expected, the entropy.

    Args:
        logits: float32 tensor of shape `(batch, vocabulary)`.
        so_far: `SoFar`, not looked at.
        mass: Number or float32 scalar tensor, above 0. 1 leaves all.

    Returns:
        float32 tensor of shape `(batch, vocabulary)`.

    Raises:
        InputError: If `mass` is 0 or less, or above 1. A tensor of 0 or less leaves the most typical token.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.generation import typical
        >>> typical(tf.math.log([[0.7, 0.2, 0.1]]), None, mass=0.5).numpy()[0, 1:].tolist()
        [-inf, -inf]

    Reference:
        [Meister et al., 2022](https://arxiv.org/abs/2202.00666)
    """
    check_option("typical_p", mass)

    def cut():
        log_probabilities = tf.nn.log_softmax(logits)
        probabilities = tf.exp(log_probabilities)
        entropy = -tf.reduce_sum(tf.math.multiply_no_nan(log_probabilities, probabilities), -1, keepdims=True)
        ranking = -tf.abs(log_probabilities + entropy)
        return tf.where(ranking >= least_with_mass(ranking, probabilities, mass), logits, NEVER)

    return choose(mass < 1, cut, lambda: logits)


def choose(condition, then, otherwise):
    """`then()` or `otherwise()`: at once if the condition is a plain bool, when the graph runs if it is a tensor.

    Args:
        condition: bool or bool scalar tensor.
        then: callable.
        otherwise: callable.

    Returns:
        What was called gave.
    """
    if tf.is_tensor(condition):
        return tf.cond(condition, then, otherwise)
    return then() if condition else otherwise()
