"""Words and single punctuation characters, with TensorFlow's own string ops only."""

import keras
import tensorflow as tf

from nlpkit.text.text_layer import WIDE_SPACES, apply_where, as_texts, is_not_ascii
from nlpkit.text.vocabulary_tokenizer import VocabularyTokenizer

CJK = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}"
# What stands alone: an apostrophe at the edge of a word, any character that is not part of a word, and
# every character of the scripts written without spaces. One pass of one pattern: each pass over a corpus costs.
SINGLE = rf"\B['’]|['’]\B|[^\pL\pN\pM\s'’]|[{CJK}]"


@keras.saving.register_keras_serializable(package="nlpkit")
class WordTokenizer(VocabularyTokenizer):
    """Splits texts into words and punctuation, and looks them up.

    A word is a run of letters, marks and digits; an apostrophe between ASCII letters stays ("don't" is one token).
    Every other character that is not a space is a token of its own, and so is every Han, Hiragana, Katakana or Hangul
    character, so that Chinese and Japanese work without a segmenter. Case is the `Normalizer`'s business.

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
        >>> from nlpkit.text import WordTokenizer
        >>> tokenizer = WordTokenizer().train(["good film", "good 电影"])
        >>> tokenizer(["good film, 电影"]).to_list()
        [[4, 5, 1, 7, 6]]
        >>> [token.decode() for token in tokenizer.split(["I don't!"]).to_list()[0]]
        ['I', "don't", '!']
    """

    def split(self, texts):
        """Splits texts into tokens; needs no vocabulary.

        Args:
            texts: String tensor of shape `(batch,)`.

        Returns:
            Ragged string tensor of shape `(batch, None)`.
        """
        with tf.device("CPU:0"):
            texts = as_texts(texts)
            # The splitting op knows the spaces of ASCII only.
            texts = apply_where(is_not_ascii(texts), texts, _plain_spaces)
            return tf.strings.split(tf.strings.regex_replace(texts, SINGLE, r" \0 "))

    def detokenize(self, token_ids):
        """Joins the words of ids with spaces; none before closing punctuation, none between Han and the like.

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
            text = tf.strings.reduce_join(tokens, axis=-1, separator=" ")
            text = tf.strings.regex_replace(text, rf"([{CJK}]) ", r"\1")
            return tf.strings.regex_replace(text, r" ([.,!?;:%)\]}])", r"\1")


def _plain_spaces(texts):
    return tf.strings.regex_replace(texts, f"[{WIDE_SPACES}]", " ")
