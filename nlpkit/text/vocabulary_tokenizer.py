"""What the tokenizers with a `Vocabulary` share: lookup in the graph, saving, loading."""

import os

import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.text.text_layer import TextLayer
from nlpkit.text.vocabulary import END, PAD, SPECIAL_TOKENS, START, UNKNOWN, Vocabulary

VOCABULARY_FILE = "vocabulary.txt"


class VocabularyTokenizer(TextLayer):
    """Base of the tokenizers with a `Vocabulary`: what is not otherwise said is `split` and looked up.

    Args:
        vocabulary: `Vocabulary`. Defaults to `None`: to be set by `train` or `set_vocabulary`.
        **kwargs: Keras layer arguments such as `name`.
    """

    def __init__(self, vocabulary=None, **kwargs):
        super().__init__(**kwargs)
        self._vocabulary = None
        if vocabulary is not None:
            self.set_vocabulary(vocabulary)

    @property
    def vocabulary(self):
        """`Vocabulary`, or `None` before there is one."""
        return self._vocabulary

    @property
    def vocabulary_size(self):
        """int. Number of ids, special tokens included."""
        self._check_vocabulary()
        return len(self._vocabulary)

    def set_vocabulary(self, vocabulary):
        """Gives the tokenizer its vocabulary.

        Args:
            vocabulary: `Vocabulary`, or a list of tokens that makes one.
        """
        if not isinstance(vocabulary, Vocabulary):
            vocabulary = Vocabulary(vocabulary)
        self._vocabulary = vocabulary
        # Tables must be made eagerly even while Keras or tf.data trace. Their entries are constants of the
        # graph, so a SavedModel carries them without a file. Text cannot make a special token.
        with tf.init_scope(), tf.device("CPU:0"):
            self._token_strings = tf.constant(vocabulary.tokens)
            ids = [UNKNOWN] * len(SPECIAL_TOKENS) + list(range(len(SPECIAL_TOKENS), len(vocabulary)))
            entries = tf.lookup.KeyValueTensorInitializer(self._token_strings, tf.constant(ids))
            self._table = tf.lookup.StaticHashTable(entries, UNKNOWN)

    def train(self, texts, vocabulary_size=None, min_frequency=1):
        """Builds the vocabulary from texts.

        Args:
            texts: iterable of str. Read once.
            vocabulary_size: int. Largest size, the four special tokens included. Defaults to `None`.
            min_frequency: int. Tokens seen less often are left out. Defaults to 1.

        Returns:
            The tokenizer.
        """
        from nlpkit.text.encoding import fit_vocabulary

        fit_vocabulary(self, texts, vocabulary_size, min_frequency)
        return self

    def call(self, texts):
        with tf.device("CPU:0"):
            return self.lookup(self.split(texts))

    def lookup(self, tokens):
        """Turns tokens into ids.

        Args:
            tokens: Ragged string tensor of shape `(batch, None)`.

        Returns:
            Ragged int32 tensor of shape `(batch, None)`.
        """
        self._check_vocabulary()
        return tokens.with_flat_values(self._table.lookup(tokens.flat_values))

    def tokens_of(self, token_ids):
        """Turns ids back into tokens, without padding, start and end.

        Args:
            token_ids: int tensor of shape `(batch, time)`, dense or ragged.

        Returns:
            Ragged string tensor of shape `(batch, None)`.
        """
        self._check_vocabulary()
        token_ids = without_marks(token_ids)
        return token_ids.with_flat_values(tf.gather(self._token_strings, token_ids.flat_values))

    def save_assets(self, dir_path):
        if self._vocabulary is not None:
            self._vocabulary.save(os.path.join(dir_path, VOCABULARY_FILE))

    def load_assets(self, dir_path):
        path = os.path.join(dir_path, VOCABULARY_FILE)
        if os.path.exists(path):
            self.set_vocabulary(Vocabulary.load(path))

    def get_config(self):
        # The tokens travel as a file beside the config (`save_assets`), not inside it.
        return {**super().get_config(), "vocabulary": None}

    def _check_vocabulary(self):
        if self._vocabulary is None:
            raise InputError(
                f"This {type(self).__name__} has no vocabulary yet. Call its `train(texts)`, pass "
                "`vocabulary=Vocabulary(…)`, or call `fit_encode` of the TextToIds layer it is in."
            )


def without_marks(token_ids):
    """Drops padding, start and end from rows of ids.

    Args:
        token_ids: int tensor of shape `(batch, time)`, dense or ragged.

    Returns:
        Ragged int32 tensor of shape `(batch, None)`.
    """
    if not isinstance(token_ids, tf.RaggedTensor):
        token_ids = tf.RaggedTensor.from_tensor(tf.convert_to_tensor(token_ids))
    token_ids = tf.cast(token_ids, tf.int32)
    marks = (token_ids == PAD) | (token_ids == START) | (token_ids == END)
    return tf.ragged.boolean_mask(token_ids, ~marks)
