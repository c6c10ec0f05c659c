"""One token per byte: no vocabulary to train, no unknown token, exact round trip."""

import keras
import tensorflow as tf

from nlpkit.text.text_layer import TextLayer, as_texts
from nlpkit.text.vocabulary import SPECIAL_TOKENS
from nlpkit.text.vocabulary_tokenizer import without_marks

FIRST_BYTE_ID = len(SPECIAL_TOKENS)


@keras.saving.register_keras_serializable(package="nlpkit")
class ByteTokenizer(TextLayer):
    """Turns each byte of the UTF-8 text into the id 4 + byte.

    Args:
        **kwargs: Keras layer arguments such as `name`.

    Call arguments:
        texts: String tensor of shape `(batch,)`.

    Returns:
        Ragged int32 tensor of shape `(batch, None)`.

    Example:
        >>> from nlpkit.text import ByteTokenizer
        >>> ByteTokenizer()(["AB"]).to_list()
        [[69, 70]]

    Reference: [Xue et al., 2022](https://doi.org/10.1162/tacl_a_00461)
    """

    vocabulary_size = FIRST_BYTE_ID + 256

    def call(self, texts):
        with tf.device("CPU:0"):
            texts = as_texts(texts)
            # One string for the whole batch, because the decoding op wants rows of equal length.
            codes = tf.io.decode_raw(tf.strings.reduce_join(texts), tf.uint8)
            ids = tf.cast(codes, tf.int32) + FIRST_BYTE_ID
            lengths = tf.cast(tf.strings.length(texts), tf.int64)
            return tf.RaggedTensor.from_row_lengths(ids, lengths, validate=False)

    def detokenize(self, token_ids):
        """Joins the bytes of ids; special ids become nothing.

        Args:
            token_ids: int tensor of shape `(batch, time)`, dense or ragged.

        Returns:
            String tensor of shape `(batch,)`.
        """
        with tf.device("CPU:0"):
            token_ids = without_marks(token_ids)
            token_ids = tf.ragged.boolean_mask(token_ids, token_ids >= FIRST_BYTE_ID)
            table = tf.constant([bytes([byte]) for byte in range(256)])
            pieces = tf.gather(table, token_ids.flat_values - FIRST_BYTE_ID)
            return tf.strings.reduce_join(token_ids.with_flat_values(pieces), axis=-1)
