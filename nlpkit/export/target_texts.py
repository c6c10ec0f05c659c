"""Between the texts of both sides and the ids of an encoder-decoder, in the graph, copied words among them."""

import tensorflow as tf

from nlpkit.layers.pointer_head import extended_ids
from nlpkit.models.source_reader import within
from nlpkit.text.vocabulary import PAD, SPECIAL_TOKENS, UNKNOWN


def has_words(layer):
    """Whether the tokens of a text layer are words or characters, which can be put into a text one by one."""
    return hasattr(layer.tokenizer, "join")


def replaces_unknown(source, target, network):
    """Whether an unknown word is written, and the source word most attended to put in its place.

    Args:
        source: `TextToIds` of the sources.
        target: `TextToIds` of the targets.
        network: `EncoderDecoderNetwork`.

    Returns:
        bool.

    Example:
        >>> from nlpkit.export.target_texts import replaces_unknown
        >>> from nlpkit.models import build_encoder_decoder
        >>> from nlpkit.text import text_to_ids
        >>> network = build_encoder_decoder(9, 9, units=4, attention="additive")
        >>> [replaces_unknown(text_to_ids(level), text_to_ids("word"), network) for level in ("word", "byte")]
        [True, False]
    """
    return has_words(source) and has_words(target) and network.attends and network.pointer is None


def rows_and_words(layer, texts):
    """Ids of texts, and the word behind each.

    Args:
        layer: `TextToIds` with a vocabulary of words or characters.
        texts: String tensor of shape `(batch,)`.

    Returns:
        Int32 and string tensor of shape `(batch, time)`; the end and the padding have empty words.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.export.target_texts import rows_and_words
        >>> from nlpkit.text import text_to_ids
        >>> layer = text_to_ids("space", case=None, end=True)
        >>> rows = layer.fit_encode(["Ada met Bo"])
        >>> [part.numpy().tolist() for part in rows_and_words(layer, tf.constant(["Ada met Eve"]))]
        [[[4, 6, 1, 3]], [[b'Ada', b'met', b'Eve', b'']]]
    """
    with tf.device("CPU:0"):
        words = layer.tokenizer.split(layer.normalize(texts))
        ids = layer.packer.trim(layer.tokenizer.lookup(words))
        # The packer cuts and frames the numbers of the words as it does their ids; marks are numbers of no word.
        pool = tf.concat([[""] * len(SPECIAL_TOKENS), words.flat_values], axis=0)
        numbers = tf.range(len(SPECIAL_TOKENS), tf.size(pool))
        places = layer.packer.trim(words.with_flat_values(numbers))
        words = places.with_flat_values(tf.gather(pool, places.flat_values))
        return ids.to_tensor(PAD), words.to_tensor("")


def read_sources(layer, network, texts):
    """What a network reads of sources.

    Args:
        layer: `TextToIds` of the sources.
        network: `EncoderDecoderNetwork`.
        texts: String tensor of shape `(batch,)`.

    Returns:
        Tuple of ids, int32 tensor of shape `(batch, time)`, and the words behind them as `rows_and_words` gives them,
        or `None` where tokens are no words. For a pointer, words that the vocabulary lacks have ids of their own.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.export.target_texts import read_sources
        >>> from nlpkit.models import build_encoder_decoder
        >>> from nlpkit.text import text_to_ids
        >>> network = build_encoder_decoder(260, 260, units=4)
        >>> [part if part is None else part.numpy() for part in read_sources(text_to_ids("byte"), network, ["a"])]
        [array([[101]], dtype=int32), None]
    """
    if not has_words(layer):
        return layer(texts), None
    ids, words = rows_and_words(layer, texts)
    return _extended(ids, words, ids, words, network), words


def read_targets(layer, network, texts, source_ids, source_words):
    """The ids of targets, of which words that only the source has are copied.

    Args:
        layer: `TextToIds` of the targets.
        network: `EncoderDecoderNetwork`.
        texts: String tensor of shape `(batch,)`.
        source_ids: int32 tensor of shape `(batch, source_time)`, from `read_sources`.
        source_words: String tensor of that shape, from `read_sources`, or `None`.

    Returns:
        int32 tensor of shape `(batch, time)`.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.export.target_texts import read_targets
        >>> from nlpkit.models import build_encoder_decoder
        >>> from nlpkit.text import text_to_ids
        >>> network = build_encoder_decoder(260, 260, units=4)
        >>> read_targets(text_to_ids("byte"), network, ["a"], None, None).numpy().tolist()
        [[101]]
    """
    if network.pointer is None:
        return layer(texts)
    return _extended(*rows_and_words(layer, texts), source_ids, source_words, network)


def copied_words(network, source_ids, source_words):
    """The words that the vocabulary lacks and a pointer can copy.

    Args:
        network: `EncoderDecoderNetwork` with a pointer.
        source_ids: int32 tensor of shape `(batch, source_time)`, from `read_sources`.
        source_words: String tensor of that shape.

    Returns:
        String tensor of shape `(batch, extra ids)`: what the ids from the size of the vocabulary on stand for; empty
        where a source has no such word.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.export.target_texts import copied_words
        >>> from nlpkit.models import build_encoder_decoder
        >>> network = build_encoder_decoder(9, 9, units=4, attention="additive", share=True, copy=2)
        >>> copied_words(network, tf.constant([[4, 9, 3]]), tf.constant([["a", "Eve", ""]])).numpy().tolist()
        [[b'Eve', b'']]
    """
    with tf.device("CPU:0"):
        extra = tf.range(network.embedding.vocabulary_size, network.vocabulary_size)
        # A last column that is the place of no word: without any, a batch of no texts would have none to choose from.
        words = tf.pad(source_words, [[0, 0], [0, 1]], constant_values="")
        same = tf.pad(source_ids, [[0, 0], [0, 1]], constant_values=-1)[:, None] == extra[:, None]
        found = tf.gather(words, tf.argmax(same, axis=-1), batch_dims=1)
        return tf.where(tf.reduce_any(same, axis=-1), found, "")


def write_targets(target, network, token_ids, source_ids, source_words, replace):
    """The texts of what was written.

    Args:
        target: `TextToIds` of the targets.
        network: `EncoderDecoderNetwork`.
        token_ids: int32 tensor of shape `(batch, time)`.
        source_ids: int32 tensor of shape `(batch, source_time)`, from `read_sources`.
        source_words: String tensor of that shape, or `None`.
        replace: bool. Whether unknown words become the source word most attended to; see `replaces_unknown`.

    Returns:
        String tensor of shape `(batch,)`, UTF-8; bytes that are no character are U+FFFD.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.export.target_texts import write_targets
        >>> from nlpkit.models import build_encoder_decoder
        >>> from nlpkit.text import text_to_ids
        >>> network = build_encoder_decoder(260, 260, units=4)
        >>> write_targets(text_to_ids("byte"), network, tf.constant([[101, 3]]), None, None, False).numpy().tolist()
        [b'a']
    """
    if network.pointer is not None:
        number = token_ids - network.embedding.vocabulary_size
        table = copied_words(network, source_ids, source_words)
        words = tf.gather(table, tf.maximum(number, 0), batch_dims=1)
        is_copied = (number >= 0) & tf.not_equal(words, "")
        texts = _joined(target, within(token_ids, network.embedding.vocabulary_size), is_copied, words)
    elif replace:
        unknown = token_ids == UNKNOWN
        places = tf.cond(
            tf.reduce_any(unknown),
            lambda: _most_attended(network, source_ids, source_words, token_ids),
            lambda: tf.zeros_like(token_ids),
        )
        texts = _joined(target, token_ids, unknown, tf.gather(source_words, places, batch_dims=1))
    else:
        texts = target.detokenize(token_ids)
    with tf.device("CPU:0"):
        return tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8")


def _extended(ids, words, source_ids, source_words, network):
    """Ids in which unknown words that the source has are numbered, as many as the pointer can copy."""
    if network.pointer is None:
        return ids
    known = within(source_ids, network.embedding.vocabulary_size)
    found = extended_ids(ids, words, known, source_words, network.embedding.vocabulary_size)
    return within(found, network.vocabulary_size)


def _most_attended(network, source_ids, source_words, token_ids):
    """For each token the column of the source word from which it was written most."""
    weights = network.attention_scores(source_ids, token_ids)
    weights = tf.where(tf.not_equal(source_words, "")[:, None], weights, -1.0)
    return tf.argmax(weights, axis=-1, output_type=tf.int32)


def _joined(target, token_ids, is_given, words):
    """Texts of tokens, some of which are given as words; an empty word leaves nothing in its place."""
    with tf.device("CPU:0"):
        tokens = target.tokenizer.tokens_of(token_ids)
        real = (token_ids == UNKNOWN) | (token_ids >= len(SPECIAL_TOKENS))
        is_given, words = (tf.boolean_mask(part, real) for part in (is_given, words))
        tokens = tokens.with_flat_values(tf.where(is_given, words, tokens.flat_values))
        return target.tokenizer.join(tf.ragged.boolean_mask(tokens, tokens != ""))
