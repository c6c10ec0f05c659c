"""Constraints: which tokens may follow, judged by the tokens before them. What must not follow gets minus infinity."""

import numpy as np
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.generation.filters import NEVER
from nlpkit.generation.history import counts, last_tokens
from nlpkit.generation.number_rules import RULES
from nlpkit.generation.options import check_number, check_option
from nlpkit.text.vocabulary import END


def no_repeat_ngrams(logits, so_far, *, size):
    """Keeps every n-gram of prompt and text from being written a second time.

    Args:
        logits: float32 tensor of shape `(batch, vocabulary)`.
        so_far: `SoFar`.
        size: int. Tokens of an n-gram, 1 or more.

    Returns:
        float32 tensor of shape `(batch, vocabulary)`.

    Raises:
        InputError: If `size` is less than 1 or no integer.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.generation import SoFar, no_repeat_ngrams
        >>> so_far = SoFar(tf.constant([[4, 5, 4, 0]]), 3, tf.constant([3]))
        >>> no_repeat_ngrams(tf.zeros((1, 7)), so_far, size=2).numpy()[0, 4:].tolist()
        [0.0, -inf, 0.0]

    Reference:
        [Paulus et al., 2018](https://arxiv.org/abs/1705.04304)
    """
    rule, _, whole = RULES["no_repeat_ngram"]  # whoever calls the filter has not turned it off
    check_number("no_repeat_ngram", size, rule, lambda x: x >= 1, whole)
    ids = tf.pad(so_far.token_ids, [[0, 0], [0, size - 1]])
    room = tf.shape(so_far.token_ids)[1]
    end = last_tokens(so_far, size - 1)
    # For each place whether the tokens from it on are those that the text ends with.
    same = tf.range(room)[None] + size - 1 < so_far.length
    for i in range(size - 1):
        same &= ids[:, i : i + room] == end[:, i : i + 1]
    followers = ids[:, size - 1 :]
    return tf.where(counts(followers, same, tf.shape(logits)[1]) > 0, NEVER, logits)


def bad_words(logits, so_far, *, words):
    """Keeps sequences of ids from being written; a beginning of one may stand in the prompt.

    Args:
        logits: float32 tensor of shape `(batch, vocabulary)`.
        so_far: `SoFar`.
        words: List of lists of ints. The ids of each word.

    Returns:
        float32 tensor of shape `(batch, vocabulary)`.

    Raises:
        InputError: If a word is empty or is not made of ids.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.generation import SoFar, bad_words
        >>> so_far = SoFar(tf.constant([[3, 5, 0]]), 2, tf.constant([1]))
        >>> bad_words(tf.zeros((1, 7)), so_far, words=[[4], [5, 6]]).numpy()[0, 4:].tolist()
        [-inf, 0.0, -inf]
    """
    words = [[int(i) for i in word] for word in words]
    if any(not word or min(word) < 0 for word in words):
        raise InputError(f"`words` must be lists of ids, none of them empty. Received: words={words}")
    if not words:
        return logits
    # Beginnings, filled up on the left with -2, which stands for any token.
    longest = max(map(len, words)) - 1
    beginnings = np.array([[-2] * (longest - len(word) + 1) + word[:-1] for word in words], "int32")
    last = tf.constant([word[-1] for word in words], tf.int32)
    written = last_tokens(so_far, longest)[:, None]
    begun = tf.reduce_all((beginnings == -2) | (written == beginnings), axis=-1)
    last = tf.broadcast_to(last, tf.shape(begun))
    return tf.where(counts(last, begun, tf.shape(logits)[1]) > 0, NEVER, logits)


def forced_prefix(logits, so_far, *, token_ids):
    """Makes what is generated begin with given tokens.

    Args:
        logits: float32 tensor of shape `(batch, vocabulary)`.
        so_far: `SoFar`.
        token_ids: List of ints, or int32 tensor of shape `(n,)` or `(batch, n)`. A 0 leaves the choice.

    Returns:
        float32 tensor of shape `(batch, vocabulary)`. A forced token has 0, also if a filter before had excluded it.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.generation import SoFar, forced_prefix
        >>> so_far = SoFar(tf.constant([[3, 4, 0]]), 2, tf.constant([1]))
        >>> forced_prefix(tf.ones((1, 7)), so_far, token_ids=[4, 6]).numpy()[0, 3:].tolist()
        [-inf, -inf, -inf, 0.0]
    """
    prefix = tf.convert_to_tensor(token_ids, tf.int32)
    prefix = tf.pad(prefix[None] if prefix.shape.rank == 1 else prefix, [[0, 0], [0, 1]])
    rows = tf.shape(logits)[0]
    prefix = tf.broadcast_to(prefix, [rows, tf.shape(prefix)[1]])
    place = tf.clip_by_value(so_far.length - so_far.prompt_lengths, 0, tf.shape(prefix)[1] - 1)
    wanted = tf.gather(prefix, place, batch_dims=1)[:, None]
    forced = tf.where(tf.range(tf.shape(logits)[1]) == wanted, 0.0, NEVER)
    return tf.where(wanted > 0, forced, logits)


def minimum_length(logits, so_far, *, length, stop_ids=(END,)):
    """Keeps a text from ending before it has a number of tokens.

    Args:
        logits: float32 tensor of shape `(batch, vocabulary)`.
        so_far: `SoFar`.
        length: int or int32 scalar tensor. Generated tokens before the end.
        stop_ids: Sequence of ints. What a text ends with. Defaults to `(3,)`, the end.

    Returns:
        float32 tensor of shape `(batch, vocabulary)`.

    Raises:
        InputError: If `length` is negative or no integer.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.generation import SoFar, minimum_length
        >>> so_far = SoFar(tf.constant([[3, 4, 0]]), 2, tf.constant([1]))
        >>> minimum_length(tf.zeros((1, 5)), so_far, length=2).numpy()[0, 2:].tolist()
        [0.0, -inf, 0.0]
    """
    check_option("min_new_tokens", length)
    stops = is_one_of(tf.range(tf.shape(logits)[1]), stop_ids)
    short = so_far.length - so_far.prompt_lengths < length
    return tf.where(stops & short[:, None], NEVER, logits)


def is_one_of(token_ids, wanted):
    """Whether ids are among some.

    Args:
        token_ids: int32 tensor.
        wanted: Sequence of ints.

    Returns:
        bool tensor of the same shape.
    """
    found = tf.zeros_like(token_ids, tf.bool)
    for i in wanted:
        found |= token_ids == i
    return found


def without(token_ids, logits):
    """Logits with minus infinity for some ids.

    Args:
        token_ids: Sequence of ints.
        logits: float32 tensor of shape `(…, vocabulary)`.

    Returns:
        float32 tensor of the same shape.
    """
    size = logits.shape[-1]
    if size is None:
        return tf.where(is_one_of(tf.range(tf.shape(logits)[-1]), token_ids), NEVER, logits)
    return logits + np.where(np.isin(np.arange(size), token_ids), NEVER, 0.0).astype("float32")
