"""Tokens that are parted by white space already."""

import keras
import tensorflow as tf

from nlpkit.text.text_layer import as_texts
from nlpkit.text.vocabulary_tokenizer import VocabularyTokenizer


@keras.saving.register_keras_serializable(package="nlpkit")
class SpaceTokenizer(VocabularyTokenizer):
    """Splits texts at white space only, and looks the tokens up: for texts that were tokenised before.

    The token `<unk>` of such texts is the unknown one.

    Args:
        vocabulary: `Vocabulary`. Defaults to `None`: set by `train` or `TextToIds.fit_encode`.
        **kwargs: Keras layer arguments such as `name`.

    Call arguments:
        texts: String tensor of shape `(batch,)`.

    Returns:
        Ragged int32 tensor of shape `(batch, None)`.

    Raises:
        InputError: If it is called before it has a vocabulary, or on anything but a batch of strings.

    Example:
        >>> from nlpkit.text import SpaceTokenizer
        >>> tokenizer = SpaceTokenizer().train(["the <unk> rose N points", "the end"])
        >>> tokenizer(["the <unk> N"]).to_list()
        [[4, 1, 5]]
        >>> tokenizer.detokenize([[4, 1, 5, 3]]).numpy().tolist()
        [b'the <unk> N']
    """

    def split(self, texts):
        """Splits texts into tokens; needs no vocabulary.

        Args:
            texts: String tensor of shape `(batch,)`.

        Returns:
            Ragged string tensor of shape `(batch, None)`.
        """
        with tf.device("CPU:0"):
            return tf.strings.split(as_texts(texts))

    def detokenize(self, token_ids):
        """Joins the tokens of ids with spaces.

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
            return tf.strings.reduce_join(tokens, axis=-1, separator=" ")
