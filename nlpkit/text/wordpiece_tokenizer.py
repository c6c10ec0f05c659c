"""WordPiece: trained with the `tokenizers` library, run by tensorflow-text."""

import keras
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.text.text_layer import as_texts, import_subword_library, import_tensorflow_text
from nlpkit.text.vocabulary import SPECIAL_TOKENS, UNKNOWN, Vocabulary, check_limits
from nlpkit.text.vocabulary_tokenizer import VocabularyTokenizer

SUFFIX = "##"


@keras.saving.register_keras_serializable(package="nlpkit")
class WordPieceTokenizer(VocabularyTokenizer):
    """Splits words into the longest pieces it knows; pieces inside a word begin with `##`.

    Texts are first split at spaces, punctuation and Chinese characters, in training as in use. A word with a
    character that training never saw is one unknown token.

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
        >>> from nlpkit.text import Vocabulary, WordPieceTokenizer
        >>> tokens = ["<pad>", "<unk>", "<s>", "</s>", "film", "##s", "good"]
        >>> WordPieceTokenizer(Vocabulary(tokens))(["good films"]).to_list()
        [[6, 4, 5]]

    Reference: [Song et al., 2021](https://doi.org/10.18653/v1/2021.emnlp-main.160)
    """

    needs_tensorflow_text = True

    def set_vocabulary(self, vocabulary):
        super().set_vocabulary(vocabulary)
        tensorflow_text = import_tensorflow_text()
        with tf.init_scope(), tf.device("CPU:0"):
            self._splitter = tensorflow_text.FastWordpieceTokenizer(
                vocab=self.vocabulary.tokens,
                suffix_indicator=SUFFIX,
                unknown_token=SPECIAL_TOKENS[UNKNOWN],
                token_out_type=tf.int32,
            )

    def train(self, texts, vocabulary_size=8000, min_frequency=2):
        """Learns the pieces from texts.

        Args:
            texts: iterable of str. Read once.
            vocabulary_size: int. Largest size, the four special tokens included. Defaults to 8000.
            min_frequency: int. Pairs of pieces seen less often are not merged. Defaults to 2.

        Returns:
            The tokenizer.

        Raises:
            InputError: If the library `tokenizers` is missing, or a limit makes no sense.
        """
        check_limits(vocabulary_size, min_frequency)
        library = import_subword_library("tokenizers")
        learner = library.Tokenizer(library.models.WordPiece(unk_token=SPECIAL_TOKENS[UNKNOWN]))
        learner.normalizer = library.normalizers.BertNormalizer(
            clean_text=False, handle_chinese_chars=True, strip_accents=False, lowercase=False
        )
        learner.pre_tokenizer = library.pre_tokenizers.BertPreTokenizer()
        trainer = library.trainers.WordPieceTrainer(
            vocab_size=vocabulary_size,
            min_frequency=min_frequency,
            limit_alphabet=max(1, (vocabulary_size - len(SPECIAL_TOKENS)) // 2),
            special_tokens=list(SPECIAL_TOKENS),
            continuing_subword_prefix=SUFFIX,
            show_progress=False,
        )
        learner.train_from_iterator(texts, trainer)
        pieces = learner.get_vocab()
        if len(pieces) == len(SPECIAL_TOKENS):
            raise InputError("`texts` holds no characters to learn pieces from. Received: only empty texts.")
        self.set_vocabulary(Vocabulary(sorted(pieces, key=pieces.get)))
        return self

    def call(self, texts):
        with tf.device("CPU:0"):
            texts = as_texts(texts)
            self._check_vocabulary()
            return self._splitter.tokenize(texts)

    def detokenize(self, token_ids):
        """Joins pieces into words, and words with spaces.

        Args:
            token_ids: int tensor of shape `(batch, time)`, dense or ragged.

        Returns:
            String tensor of shape `(batch,)`.
        """
        with tf.device("CPU:0"):
            text = tf.strings.reduce_join(self.tokens_of(token_ids), axis=-1, separator=" ")
            return tf.strings.regex_replace(text, " " + SUFFIX, "")
