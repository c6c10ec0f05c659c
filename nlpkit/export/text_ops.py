"""One text to ids by operations that tensorflow-text brings to TFLite."""

import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.text.byte_tokenizer import FIRST_BYTE_ID
from nlpkit.text.levels import level_of
from nlpkit.text.text_layer import import_tensorflow_text
from nlpkit.text.vocabulary import END, SPECIAL_TOKENS, START, UNKNOWN


class TextOps(tf.Module):
    """Makes of one text the ids that a `TextToIds` makes of it, within a TFLite graph.

    Args:
        text_to_ids: `TextToIds` of bytes, of tokens between spaces or of WordPiece, which takes texts as they are.

    Raises:
        InputError: If TFLite has no operations for it.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.export.text_ops import TextOps
        >>> from nlpkit.text import text_to_ids
        >>> plain = {"html": False, "case": None, "collapse_whitespace": False}
        >>> TextOps(text_to_ids("byte", **plain))(tf.constant(["AB"])).numpy().tolist()
        [[69, 70]]
    """

    def __init__(self, text_to_ids):
        super().__init__()
        check_text_ops(text_to_ids)
        tokenizer = text_to_ids.tokenizer
        self.packer = text_to_ids.packer
        # The table is kept for the export to find it.
        self.tokenize, self.table = TOKENIZERS[level_of(tokenizer)](tokenizer)

    def __call__(self, text):
        """The ids of a text.

        Args:
            text: String tensor of shape `(1,)`.

        Returns:
            int32 tensor of shape `(1, time)`.
        """
        ids = self.tokenize(text)
        head, tail = self.packer.kept(tf.size(ids))
        start, end = [START] * self.packer.start, [END] * self.packer.end
        parts = [
            tf.constant(start, "int32"),
            ids[:head],
            ids[tf.size(ids) - tail :],
            tf.constant(end, "int32"),
        ]
        if not start and not end:
            parts.append(tf.fill([tf.maximum(1 - tf.size(ids), 0)], UNKNOWN))
        return tf.concat(parts, axis=0)[None]


def check_text_ops(text_to_ids):
    """Raises if TFLite has no operations for a text layer.

    Args:
        text_to_ids: `TextToIds`.

    Raises:
        InputError: If its tokenizer is another one, or it changes texts before they are cut.

    Example:
        >>> from nlpkit.export.text_ops import check_text_ops
        >>> from nlpkit.text import text_to_ids
        >>> check_text_ops(text_to_ids("wordpiece", html=False, case=None))
    """
    level, changes = level_of(text_to_ids.tokenizer), _changes(text_to_ids)
    if level not in TOKENIZERS or changes:
        raise InputError(
            f"`text_ops` (--text-ops) needs a tokenizer among {sorted(TOKENIZERS)} and texts as they are "
            "(`normalize=False`, --no-normalize): TFLite has operations for nothing else. Received: a model with the "
            f"tokenizer {level!r} and the changes {changes}. Leave it out: nlpkit.lite reads texts for any model."
        )


def _changes(text_to_ids):
    """Names of the switches by which texts are changed before they are cut."""
    if text_to_ids.normalizer is None:
        return []
    harmless = () if level_of(text_to_ids.tokenizer) == "byte" else ("collapse_whitespace",)
    settings = text_to_ids.normalizer.settings()
    return [name for name, value in settings.items() if value and name not in harmless]


def _bytes(tokenizer):
    splitter = import_tensorflow_text().ByteSplitter()
    return (lambda text: tf.cast(splitter.split(text).flat_values, tf.int32) + FIRST_BYTE_ID), None


def _between_spaces(tokenizer):
    splitter = import_tensorflow_text().WhitespaceTokenizer()
    tokens = tokenizer.vocabulary.tokens
    # TFLite's tables hold int64. As in the tokenizer's own, text cannot make a special token.
    ids = [UNKNOWN] * len(SPECIAL_TOKENS) + list(range(len(SPECIAL_TOKENS), len(tokens)))
    entries = tf.lookup.KeyValueTensorInitializer(tf.constant(tokens), tf.constant(ids, tf.int64))
    table = tf.lookup.StaticHashTable(entries, UNKNOWN)
    return (lambda text: tf.cast(table.lookup(splitter.tokenize(text).flat_values), tf.int32)), table


def _pieces(tokenizer):
    return (lambda text: tokenizer.call(text).flat_values), None


TOKENIZERS = {"byte": _bytes, "space": _between_spaces, "wordpiece": _pieces}
