"""The one layer from texts to ids: normaliser, tokenizer and packer joined."""

import os

import keras
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.text.encoding import RowEncoder, fit_rows, sample_texts
from nlpkit.text.levels import level_of, tokenizer_of
from nlpkit.text.normalizer import Normalizer
from nlpkit.text.packer import Packer
from nlpkit.text.text_layer import TextLayer, as_texts


@keras.saving.register_keras_serializable(package="nlpkit")
class TextToIds(TextLayer):
    """Texts to right-padded ids in one layer: eagerly, in `tf.data`, in a SavedModel, in a `keras.Model`.

    Args:
        tokenizer: one of nlpkit's tokenizers, with or without its vocabulary.
        normalizer: `Normalizer`. Defaults to `None` (texts are taken as they are).
        packer: `Packer`. Defaults to `None`: `Packer()`.
        max_vocabulary_size: int. Limit for `fit_encode`, special tokens included. Defaults to `None`: no
            limit for words and characters, 8000 for subwords.
        min_frequency: int. Limit for `fit_encode`. Defaults to `None`: the tokenizer's own default.
        **kwargs: Keras layer arguments such as `name`.

    Call arguments:
        texts: String tensor of shape `(batch,)`.

    Returns:
        int32 tensor of shape `(batch, time)`; 0 is padding, and no row is empty.

    Raises:
        InputError: If it is called before it has a vocabulary, or on anything but a batch of strings.

    Example:
        >>> from nlpkit.text import text_to_ids
        >>> layer = text_to_ids("word", max_length=3)
        >>> rows = layer.fit_encode([["a good film", "a good, good day"]])
        >>> [row.tolist() for row in rows]
        [[5, 4, 8], [5, 4, 6]]
        >>> layer(["A film<br />", ""]).numpy().tolist()
        [[5, 8], [1, 0]]
    """

    def __init__(
        self,
        tokenizer,
        normalizer=None,
        packer=None,
        max_vocabulary_size=None,
        min_frequency=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.tokenizer = tokenizer
        self.normalizer = normalizer
        self.packer = Packer() if packer is None else packer
        self.max_vocabulary_size, self.min_frequency = max_vocabulary_size, min_frequency
        self._encoder = None

    @property
    def vocabulary_size(self):
        """int. Number of ids, special ones included."""
        return self.tokenizer.vocabulary_size

    @property
    def needs_tensorflow_text(self):
        """bool. Whether a SavedModel of this layer needs the ops of tensorflow-text."""
        return self.tokenizer.needs_tensorflow_text or (
            self.normalizer is not None and self.normalizer.needs_tensorflow_text
        )

    def normalize(self, texts):
        """The texts as the tokenizer sees them.

        Args:
            texts: String tensor of shape `(batch,)`.

        Returns:
            String tensor of shape `(batch,)`.
        """
        return as_texts(texts) if self.normalizer is None else self.normalizer.call(texts)

    def rows(self, texts):
        """Ids cut and framed by the packer, without padding.

        Args:
            texts: String tensor of shape `(batch,)`.

        Returns:
            Ragged int32 tensor of shape `(batch, None)`; no row is empty.
        """
        with tf.device("CPU:0"):
            return self.packer.trim(self.tokenizer.call(self.normalize(texts)))

    def call(self, texts):
        with tf.device("CPU:0"):
            return self.packer.call(self.tokenizer.call(self.normalize(texts)))

    def fit_encode(self, stream):
        """Learns the vocabulary from a stream of texts, and encodes them.

        Words and characters take one pass: each text is tokenised once and kept only as ids. Subwords are
        learned from an even sample of at most ten million characters, and the stream is read a second time.

        Args:
            stream: iterable of lists of str, of `Chunk`s, or of str; for subwords one that can be read twice.

        Returns:
            `IdRows`, one row per text, cut and framed by the packer.

        Raises:
            InputError: If the stream is empty or cannot be read twice but must, or a limit makes no sense.
        """
        limits = {"vocabulary_size": self.max_vocabulary_size, "min_frequency": self.min_frequency}
        limits = {name: value for name, value in limits.items() if value is not None}
        if hasattr(self.tokenizer, "split"):
            return fit_rows(self._split, self.packer, stream, self.tokenizer, **limits)
        if hasattr(self.tokenizer, "train"):
            if iter(stream) is stream:
                raise InputError(
                    "Subwords are learned in one pass and encoded in a second, so `stream` must be "
                    "something that can be read twice, such as a list or a TableReader. "
                    f"Received: {type(stream).__name__}"
                )
            self.tokenizer.train(self._normalized(sample_texts(stream)), **limits)
        return self.encode(stream)

    def encode(self, stream):
        """Encodes texts with the vocabulary there is.

        Args:
            stream: list of str, or a stream of lists of str or `Chunk`s.

        Returns:
            `IdRows`, one row per text, cut and framed by the packer, not padded.
        """
        learned = getattr(self.tokenizer, "vocabulary", None) or getattr(self.tokenizer, "model", None)
        if self._encoder is None or self._encoder.learned is not learned:
            self._encoder = RowEncoder(self.rows, learned)
        return self._encoder.encode(stream)

    def detokenize(self, token_ids):
        """Turns ids back into text.

        Args:
            token_ids: int tensor of shape `(batch, time)`, dense or ragged.

        Returns:
            String tensor of shape `(batch,)`.
        """
        return self.tokenizer.detokenize(token_ids)

    def _split(self, texts):
        return self.tokenizer.split(self.normalize(texts))

    def _normalized(self, texts, batch=1024):
        for start in range(0, len(texts), batch):
            for text in self.normalize(texts[start : start + batch]).numpy():
                yield text.decode("utf-8", "replace")

    def settings(self):
        """What rebuilds the layer, but for the vocabulary.

        Returns:
            dict of JSON values, for `from_settings`.

        Raises:
            InputError: If the tokenizer is not one of nlpkit's.
        """
        packer = {name: getattr(self.packer, name) for name in ("max_length", "start", "end", "truncate")}
        return {
            "level": level_of(self.tokenizer),
            "normalizer": None if self.normalizer is None else self.normalizer.settings(),
            "packer": packer,
            "max_vocabulary_size": self.max_vocabulary_size,
            "min_frequency": self.min_frequency,
        }

    def save_vocabulary(self, folder):
        """Writes `vocabulary.txt` or `sentencepiece.model` into a folder; nothing for bytes.

        Args:
            folder: str or path. An existing folder.

        Raises:
            InputError: If there is no vocabulary yet.
        """
        self.tokenizer.vocabulary_size  # noqa: B018  (raises where there is no vocabulary)
        if tokenizer_of(level_of(self.tokenizer))[1] is not None:
            self.tokenizer.save_assets(folder)

    @classmethod
    def from_settings(cls, settings, folder):
        """Rebuilds a layer from its settings and the vocabulary file in a folder.

        Args:
            settings: dict. What `settings()` returned.
            folder: str or path. Where `save_vocabulary` wrote.

        Returns:
            A `TextToIds`.

        Raises:
            InputError: If the level is unknown or the vocabulary file is missing or broken.
        """
        tokenizer_class, file = tokenizer_of(settings["level"])
        tokenizer = tokenizer_class(name="tokenizer")
        if file is not None:
            if not os.path.exists(os.path.join(folder, file)):
                raise InputError(
                    f"The vocabulary file {file} is missing in {folder}. It belongs to the saved model."
                )
            tokenizer.load_assets(folder)
        normalizer = settings["normalizer"]
        return cls(
            tokenizer,
            None if normalizer is None else Normalizer(**normalizer, name="normalizer"),
            Packer(**settings["packer"], name="packer"),
            settings["max_vocabulary_size"],
            settings["min_frequency"],
        )

    def get_config(self):
        own = {
            "tokenizer": keras.saving.serialize_keras_object(self.tokenizer),
            "normalizer": keras.saving.serialize_keras_object(self.normalizer),
            "packer": keras.saving.serialize_keras_object(self.packer),
            "max_vocabulary_size": self.max_vocabulary_size,
            "min_frequency": self.min_frequency,
        }
        return {**super().get_config(), **own}

    @classmethod
    def from_config(cls, config):
        parts = ("tokenizer", "normalizer", "packer")
        built = {name: keras.saving.deserialize_keras_object(config[name]) for name in parts}
        return cls(**{**config, **built})


def text_to_ids(
    level="word",
    *,
    max_length=None,
    vocabulary_size=None,
    min_frequency=None,
    start=False,
    end=False,
    truncate="end",
    **normalizer,
):
    """A `TextToIds` from plain options.

    Args:
        level: `"word"`, `"space"` (tokens parted by white space already), `"char"`, `"byte"`, `"wordpiece"` or
            `"sentencepiece"`. Defaults to `"word"`.
        max_length: int. Longest row, start and end included. Defaults to `None` (no limit).
        vocabulary_size: int. Largest vocabulary, special tokens included. Defaults to `None`: as `TextToIds`.
        min_frequency: int. Rarer tokens are left out. Defaults to `None`: the tokenizer's own default.
        start: bool. Whether rows begin with the start id. Defaults to `False`.
        end: bool. Whether rows end with the end id. Defaults to `False`.
        truncate: `"end"`, `"start"` or `"middle"`. Which part of a long row is dropped. Defaults to `"end"`.
        **normalizer: switches of `Normalizer`: `html`, `unicode_form`, `case`, `strip_accents`,
            `collapse_whitespace`.

    Returns:
        A `TextToIds` without a vocabulary.

    Raises:
        InputError: If an option has a value outside its rule, or bytes are to have another vocabulary than their own.

    Example:
        >>> from nlpkit.text import text_to_ids
        >>> text_to_ids("byte", max_length=4)(["hello"]).numpy().tolist()
        [[108, 105, 112, 112]]
    """
    tokenizer_class, _ = tokenizer_of(level)
    _check_limits(level, vocabulary_size=vocabulary_size, min_frequency=min_frequency)
    if level in ("word", "space"):
        # Words are split at any whitespace: collapsing it first would be a pass over the corpus for nothing.
        normalizer["collapse_whitespace"] = False
    return TextToIds(
        tokenizer_class(name="tokenizer"),
        Normalizer(**normalizer, name="normalizer"),
        Packer(max_length, start, end, truncate, name="packer"),
        vocabulary_size,
        min_frequency,
    )


def _check_limits(level, **limits):
    for name, value in limits.items():
        if level == "byte" and value is not None:
            raise InputError(
                f"`{name}` (--{name.replace('_', '-')}) limits a vocabulary that is learned from texts; that of bytes "
                f"is always the same. Received: {name}={value} with level='byte'. Leave it out, or take another level."
            )
