"""One token per Unicode character."""

import keras
import tensorflow as tf

from nlpkit.text.text_layer import as_texts
from nlpkit.text.vocabulary_tokenizer import VocabularyTokenizer


@keras.saving.register_keras_serializable(package="nlpkit")
class CharTokenizer(VocabularyTokenizer):
    """Splits texts into Unicode characters, and looks them up.

    Args:
        vocabulary: `Vocabulary`. Defaults to `None`: set by `train` or `TextToIds.fit_encode`.
        **kwargs: Keras layer arguments such as `name`.

    Call arguments:
        texts: String tensor of shape `(batch,)`. Bytes that are not UTF-8 become U+FFFD.

    Returns:
        Ragged int32 tensor of shape `(batch, None)`.

    Raises:
        InputError: If it is called before it has a vocabulary, or on anything but a batch of strings.

    Example:
        >>> from nlpkit.text import CharTokenizer
        >>> tokenizer = CharTokenizer().train(["abba", "b"])
        >>> tokenizer(["bad"]).to_list()
        [[4, 5, 1]]
        >>> tokenizer.detokenize([[4, 5, 0]]).numpy().tolist()
        [b'ba']
    """

    def split(self, texts):
        """Splits texts into characters; needs no vocabulary.

        Args:
            texts: String tensor of shape `(batch,)`.

        Returns:
            Ragged string tensor of shape `(batch, None)`.
        """
        with tf.device("CPU:0"):
            return tf.strings.unicode_split(as_texts(texts), "UTF-8")

    def detokenize(self, token_ids):
        """Joins the characters of ids; the unknown id becomes `<unk>`.

        Args:
            token_ids: int tensor of shape `(batch, time)`, dense or ragged.

        Returns:
            String tensor of shape `(batch,)`.
        """
        with tf.device("CPU:0"):
            return self.join(self.tokens_of(token_ids))

    def join(self, tokens):
        """Joins tokens to texts, as `detokenize` does.

        Args:
            tokens: Ragged string tensor of shape `(batch, None)`.

        Returns:
            String tensor of shape `(batch,)`.
        """
        with tf.device("CPU:0"):
            return tf.strings.reduce_join(tokens, axis=-1)
