"""SentencePiece: trained with the `sentencepiece` library, run by tensorflow-text; exact round trip."""

import hashlib
import io
import os
import tempfile

import keras
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.text.text_layer import TextLayer, as_texts, import_subword_library, import_tensorflow_text
from nlpkit.text.vocabulary import END, PAD, START, UNKNOWN

MODEL_FILE = "sentencepiece.model"
SMALLEST_SIZE = 300  # four special pieces, 256 bytes, and some room for pieces of text
# SentencePiece writes a space as U+2581, so that character of a text would come back as a space. It travels
# as U+E000 1, and U+E000 itself as U+E000 0; undoing it in reverse order is exact. A trained model does the
# former as its normalisation, which also keeps tensorflow-text from reporting on standard error, whenever it
# loads the model, that there is none.
ESCAPES = (("\ue000", "\ue0000"), ("\u2581", "\ue0001"))


@keras.saving.register_keras_serializable(package="nlpkit")
class SentencePieceTokenizer(TextLayer):
    """Pieces of a unigram language model; characters it does not know become bytes, so nothing is unknown.

    Any text comes back exactly from `detokenize`. A tokenizer without a model cannot be called.

    Args:
        model: bytes. A trained SentencePiece model with the ids 0 pad, 1 unknown, 2 start, 3 end. Defaults to
            `None`: set by `train` or `TextToIds.fit_encode`.
        **kwargs: Keras layer arguments such as `name`.

    Call arguments:
        texts: String tensor of shape `(batch,)`.

    Returns:
        Ragged int32 tensor of shape `(batch, None)`.

    Raises:
        InputError: If it is called before it has a model, or `model` is no such model.

    Example:
        >>> from nlpkit.text import SentencePieceTokenizer
        >>> tokenizer = SentencePieceTokenizer().train(["a good film", "a bad film"] * 20, 300)
        >>> tokenizer.detokenize(tokenizer(["a good day"])).numpy().tolist()
        [b'a good day']

    Reference: [Kudo & Richardson, 2018](https://doi.org/10.18653/v1/D18-2012)
    """

    needs_tensorflow_text = True

    def __init__(self, model=None, **kwargs):
        super().__init__(**kwargs)
        self._model = None
        if model is not None:
            self.set_model(model)

    @property
    def model(self):
        """bytes. The serialised SentencePiece model, or `None` before there is one."""
        return self._model

    @property
    def vocabulary_size(self):
        """int. Number of ids, special ones included."""
        self._check_model()
        return self._size

    def set_model(self, model):
        """Gives the tokenizer its model.

        Args:
            model: bytes. A SentencePiece model with the ids 0 pad, 1 unknown, 2 start, 3 end.

        Raises:
            InputError: If it is no such model.
        """
        tensorflow_text = import_tensorflow_text()
        with tf.init_scope(), tf.device("CPU:0"):
            try:
                runner = tensorflow_text.SentencepieceTokenizer(model, out_type=tf.int32)
                runner._model_resource = _NamedModel(model)
                size = int(runner.vocab_size())
                specials = [runner.id_to_string(id).numpy().decode() for id in (PAD, UNKNOWN, START, END)]
            except (tf.errors.OpError, TypeError) as error:
                raise InputError(f"`model` is not a SentencePiece model ({str(error)[:200]}).") from error
        if specials != ["<pad>", "<unk>", "<s>", "</s>"]:
            raise InputError(
                "`model` must have the pieces <pad>, <unk>, <s>, </s> at the ids 0 to 3: train it with "
                f"pad_id=0, unk_id=1, bos_id=2, eos_id=3. Received: {specials}"
            )
        self._model, self._runner, self._size = model, runner, size

    def train(self, texts, vocabulary_size=8000, min_frequency=1):
        """Learns the pieces from texts.

        Args:
            texts: iterable of str. Read once.
            vocabulary_size: int. Largest size, with the 4 special ids and 256 bytes. Defaults to 8000.
            min_frequency: int. Must be 1: the model weighs pieces itself. Defaults to 1.

        Returns:
            The tokenizer.

        Raises:
            InputError: If the library `sentencepiece` is missing, `vocabulary_size` is too small,
                `min_frequency` is not 1, or there is no text.
        """
        if vocabulary_size < SMALLEST_SIZE:
            raise InputError(
                f"`vocabulary_size` must be at least {SMALLEST_SIZE} for SentencePiece (4 special ids, 256 "
                f"bytes, and pieces of text). Received: vocabulary_size={vocabulary_size}"
            )
        if min_frequency != 1:
            raise InputError(
                f"`min_frequency` must be 1 for SentencePiece. Received: min_frequency={min_frequency}"
            )
        self.set_model(_train(texts, vocabulary_size))
        return self

    def call(self, texts):
        with tf.device("CPU:0"):
            texts = as_texts(texts)
            self._check_model()
            return self._runner.tokenize(texts)

    def detokenize(self, token_ids):
        """Joins the pieces of ids; the exact text that was tokenised.

        Args:
            token_ids: int tensor of shape `(batch, time)`, dense or ragged.

        Returns:
            String tensor of shape `(batch,)`.
        """
        self._check_model()
        with tf.device("CPU:0"):
            if not isinstance(token_ids, tf.RaggedTensor):
                token_ids = tf.RaggedTensor.from_tensor(tf.convert_to_tensor(token_ids))
            texts = self._runner.detokenize(tf.cast(token_ids, tf.int32))
            for character, written in reversed(ESCAPES):
                texts = tf.strings.regex_replace(texts, written, character)
            return texts

    def save_assets(self, dir_path):
        if self._model is not None:
            with open(os.path.join(dir_path, MODEL_FILE), "wb") as file:
                file.write(self._model)

    def load_assets(self, dir_path):
        path = os.path.join(dir_path, MODEL_FILE)
        if os.path.exists(path):
            with open(path, "rb") as file:
                self.set_model(file.read())

    def get_config(self):
        # The model travels as a file beside the config (`save_assets`), not inside it.
        return {**super().get_config(), "model": None}

    def _check_model(self):
        if self._model is None:
            raise InputError(
                "This SentencePieceTokenizer has no model yet. Call its `train(texts)`, pass `model=…`, or "
                "call `fit_encode` of the TextToIds layer it is in."
            )


class _NamedModel(tf.saved_model.experimental.TrackableResource):
    """The model by a name of its own.

    tensorflow-text's has none, so that TensorFlow drops it as soon as somebody sets a seed: that empties the cache of
    the operation that owns it.
    """

    def __init__(self, model):
        super().__init__()
        self._model = model
        self._name = f"sentencepiece_{hashlib.sha256(model).hexdigest()}"
        _ = self.resource_handle  # makes it

    def _create_resource(self):
        from tensorflow_text.python.ops.sentencepiece_tokenizer import gen_sentencepiece_tokenizer

        return gen_sentencepiece_tokenizer.sentencepiece_op(model=self._model, shared_name=self._name)


def _train(texts, vocabulary_size):
    library = import_subword_library("sentencepiece")
    model = io.BytesIO()
    try:
        with tempfile.TemporaryDirectory(prefix="nlpkit-") as folder:
            library.SentencePieceTrainer.train(
                # The trainer refuses a text with NUL; in use it becomes its byte piece.
                sentence_iterator=(text.replace("\0", " ") for text in texts),
                model_writer=model,
                vocab_size=vocabulary_size,
                hard_vocab_limit=False,
                pad_id=PAD,
                unk_id=UNKNOWN,
                bos_id=START,
                eos_id=END,
                byte_fallback=True,
                normalization_rule_tsv=_write_escapes(folder),
                remove_extra_whitespaces=False,
                add_dummy_prefix=False,
                max_sentence_length=1 << 20,
                minloglevel=2,
            )
    except RuntimeError as error:
        raise InputError(
            f"SentencePiece could not learn {vocabulary_size} pieces from these texts: {error}. Give it more "
            "text, or another `vocabulary_size`."
        ) from error
    return model.getvalue()


def _write_escapes(folder):
    path = os.path.join(folder, "escapes.tsv")
    with open(path, "w", encoding="ascii") as file:
        for pair in ESCAPES:
            file.write("\t".join(" ".join(f"{ord(letter):X}" for letter in text) for text in pair) + "\n")
    return path
