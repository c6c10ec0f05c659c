"""Between texts and the ids that a search reads and writes, in the graph."""

import tensorflow as tf

from nlpkit.text.vocabulary import END, PAD


def prompt_ids(text_to_ids, prompts):
    """What a model reads before it writes: the end of another text, and the prompt.

    Args:
        text_to_ids: `TextToIds`.
        prompts: String tensor of shape `(batch,)`.

    Returns:
        int32 tensor of shape `(batch, time)`, padded with 0 on the right.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.generation.texts import prompt_ids
        >>> from nlpkit.text import text_to_ids
        >>> prompt_ids(text_to_ids("byte"), tf.constant(["a", ""])).numpy().tolist()
        [[3, 101], [3, 0]]
    """
    with tf.device("CPU:0"):
        ids = text_to_ids.tokenizer.call(text_to_ids.normalize(prompts))
        return tf.pad(ids.to_tensor(PAD), [[0, 0], [1, 0]], constant_values=END)


def ids_within(text_to_ids, strings):
    """The ids of strings that stand within a text: without its end, and with the space that one begins with.

    Args:
        text_to_ids: `TextToIds`.
        strings: List of str.

    Returns:
        List of tuples of int.

    Example:
        >>> from nlpkit.generation.texts import ids_within
        >>> from nlpkit.text import text_to_ids
        >>> ids_within(text_to_ids("byte", collapse_whitespace=True), ["ab", " a"])
        [(101, 102), (36, 101)]
    """
    with tf.device("CPU:0"):
        texts = text_to_ids.normalize(tf.constant(strings))
        if text_to_ids.normalizer is not None and text_to_ids.normalizer.collapse_whitespace:
            # Which takes away what stands at the beginning of a whole text.
            texts = tf.where([string[:1].isspace() for string in strings], " " + texts, texts)
        return [tuple(row) for row in text_to_ids.tokenizer.call(texts).to_list()]


def texts_behind(text_to_ids, rows, token_ids):
    """What ids add to the texts of the rows before them.

    Args:
        text_to_ids: `TextToIds`.
        rows: int32 tensor of shape `(batch, time)`, as `prompt_ids` gives it.
        token_ids: int32 tensor of shape `(batch, new)`. What was written behind them.

    Returns:
        String tensor of shape `(batch,)`, UTF-8; bytes that are no character, or not yet, are U+FFFD.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.generation.texts import prompt_ids, texts_behind
        >>> from nlpkit.text import text_to_ids
        >>> text = text_to_ids("byte")
        >>> texts_behind(text, prompt_ids(text, tf.constant(["a"])), tf.constant([[102, 103]])).numpy().tolist()
        [b'bc']
    """
    with tf.device("CPU:0"):
        before, whole = (
            tf.strings.unicode_transcode(text_to_ids.detokenize(ids), "UTF-8", "UTF-8")
            for ids in (rows, tf.concat([rows, token_ids], axis=1))
        )
        length = tf.strings.length(whole, unit="UTF8_CHAR")
        start = tf.minimum(tf.strings.length(before, unit="UTF8_CHAR"), length)
        return tf.strings.substr(whole, start, length - start, unit="UTF8_CHAR")
