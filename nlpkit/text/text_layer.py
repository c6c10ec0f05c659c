"""What every layer over strings needs from Keras and from the caller's input."""

import keras
import tensorflow as tf

from nlpkit.errors import InputError

# The white space of Unicode beyond ASCII, for use inside a character class. Written out: RE2 takes ten times as
# long for `\pZ`.
WIDE_SPACES = r"\x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}"


class TextLayer(keras.layers.Layer):
    """A layer whose inputs are strings: Keras must neither cast them nor compile the layer with XLA.

    Subclasses write `call(texts)` and `compute_output_shape`; `output_dtype` is the dtype of their output.

    Args:
        **kwargs: Keras layer arguments such as `name`.
    """

    output_dtype = "int32"
    needs_tensorflow_text = False

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        # The same switches as keras.layers.TextVectorization: plain lists go in, no dtype is forced on them.
        self._convert_input_args = False
        self._allow_non_tensor_positional_args = True
        self.supports_jit = False

    @property
    def compute_dtype(self):
        return "string"

    @property
    def variable_dtype(self):
        return "string"

    def build(self, input_shape=None):
        self.built = True

    def compute_output_shape(self, input_shape):
        return (input_shape[0], None)

    def compute_output_spec(self, texts):
        return keras.KerasTensor(self.compute_output_shape(texts.shape), dtype=self.output_dtype)


def as_texts(texts):
    """Turns what a caller may pass as texts into one string vector.

    Args:
        texts: list of str, array or tensor of strings of shape `(batch,)` or `(batch, 1)`.

    Returns:
        String tensor of shape `(batch,)`.

    Raises:
        InputError: If the texts are not strings, or have another shape.

    Example:
        >>> from nlpkit.text.text_layer import as_texts
        >>> as_texts(["a", "b"]).shape.as_list()
        [2]
    """
    if isinstance(texts, (list, tuple)):
        texts = _from_list(texts)
    texts = tf.convert_to_tensor(texts)
    if texts.dtype != tf.string:
        raise InputError(f"Texts must be strings. Received: a tensor of dtype {texts.dtype.name}")
    if texts.shape.rank == 2 and texts.shape[1] == 1:
        return tf.squeeze(texts, axis=1)
    if texts.shape.rank not in (None, 1):
        raise InputError(
            "Texts must have shape (batch,) or (batch, 1); put a single text in a list. "
            f"Received: shape {tuple(texts.shape)}"
        )
    return texts


def _from_list(texts):
    if not texts:
        return tf.zeros([0], tf.string)
    try:
        return tf.convert_to_tensor(texts)
    except (ValueError, TypeError):
        pass
    for row, text in enumerate(texts):
        if not isinstance(text, (str, bytes)):
            raise InputError(f"Every text must be a str. Received: {text!r} at position {row}")
    # What is left is half of a surrogate pair, which no UTF-8 file can hold.
    return tf.constant(
        [text if isinstance(text, bytes) else text.encode("utf-8", "replace") for text in texts]
    )


def apply_where(mask, texts, function):
    """Applies a costly function only to the texts that need it.

    Args:
        mask: Bool tensor of shape `(batch,)`. The texts to change.
        texts: String tensor of shape `(batch,)`.
        function: callable. String vector to string vector of the same length.

    Returns:
        String tensor of shape `(batch,)`.
    """
    rows = tf.where(mask)
    return tf.tensor_scatter_nd_update(texts, rows, function(tf.gather_nd(texts, rows)))


def is_not_ascii(texts):
    """Tells which texts hold a character outside ASCII, at the price of one look at each byte.

    Args:
        texts: String tensor of shape `(batch,)`.

    Returns:
        Bool tensor of shape `(batch,)`.
    """
    return tf.strings.length(texts) != tf.strings.length(texts, unit="UTF8_CHAR")


def import_tensorflow_text():
    """Imports tensorflow-text, whose ops are needed by some layers only.

    Returns:
        The module `tensorflow_text`.

    Raises:
        InputError: If it is not installed.
    """
    try:
        import tensorflow_text
    except ImportError as error:
        raise InputError(
            "This text layer runs on tensorflow-text, which is not installed. Install it in the version of "
            "your TensorFlow: pip install tensorflow-text"
        ) from error
    return tensorflow_text


def import_subword_library(name):
    """Imports a library that is only needed to train a subword vocabulary.

    Args:
        name: str. `"tokenizers"` or `"sentencepiece"`.

    Returns:
        The module.

    Raises:
        InputError: If it is not installed.
    """
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InputError(
            f"Training this subword vocabulary needs the library {name!r}, which is not installed. "
            "Install it: pip install nlpkit[subword]"
        ) from error
