"""A text as it is written: pieces that nothing can change any more, up to the first stop string."""

from nlpkit.errors import InputError
from nlpkit.generation.carry import finish
from nlpkit.generation.stop_strings import check_stop_strings, find_stop, settled
from nlpkit.text.vocabulary import END


def stream(advance, generation, detokenize, *, stop=(), stop_ids=(END,)):
    """Yields a text piece by piece while it is written.

    Joined, the pieces are the text before the first stop string, which may lie across tokens, however many tokens are
    written at a time. What may be the beginning of a stop string, or half a character, is held back.

    Args:
        advance: callable. `advance(generation)` gives the `Generation` after some more tokens; for instance a
            `tf.function` around `nlpkit.generation.advance`.
        generation: `Generation` with one row.
        detokenize: callable. From a list of ids to a str, the text of the ids; of more ids, it begins with that text.
        stop: str or sequence of str. Stop strings. Defaults to none.
        stop_ids: Sequence of ints. Tokens that are an end and no text. Defaults to `(3,)`, the end.

    Yields:
        str, never empty.

    Raises:
        InputError: If there are several rows, if a stop string is empty, or if the text of more ids does not begin with
            that of fewer.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.generation import advance, begin, stream
        >>> def step(token_ids, state):  # the alphabet
        ...     return tf.one_hot(token_ids + 1, 128), state
        >>> start = begin((), [[ord("a")]], max_new_tokens=10)
        >>> def spell(token_ids):
        ...     return "".join(map(chr, token_ids))
        >>> list(stream(lambda at: advance(step, at, steps=3), start, spell, stop="ij"))
        ['bcd', 'efg', 'h']
    """
    stop = check_stop_strings(stop)
    if generation.done.shape[0] != 1:
        raise InputError(
            f"`generation` must have one row: one text is streamed. Received: {generation.done.shape[0]} rows"
        )
    sent = ""
    while True:
        done = bool(generation.done[0])
        text = detokenize(_words(generation, stop_ids))
        cut = find_stop(text, stop)
        if cut is None:
            cut = len(text) if done else settled(text, stop)
        if not text.startswith(sent):
            raise InputError(
                "The text of more ids must begin with the text of fewer; give another `detokenize`. "
                f"Received: {text!r} after {sent!r}"
            )
        if cut > len(sent):
            yield text[len(sent) : cut]
            sent = text[:cut]
        if done or find_stop(text, stop) is not None:
            return
        generation = advance(generation)


def _words(generation, stop_ids):
    token_ids, lengths, *_ = finish(generation)
    return [int(i) for i in token_ids[0, : int(lengths[0])] if int(i) not in stop_ids]
