"""Texts to texts in one common form: HTML, Unicode form, case, accents, whitespace."""

import keras
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.text.html_text import plain_text
from nlpkit.text.text_layer import (
    WIDE_SPACES,
    TextLayer,
    apply_where,
    as_texts,
    import_tensorflow_text,
    is_not_ascii,
)

CASES = (None, "lower", "fold")
UNICODE_FORMS = (None, "NFC", "NFD", "NFKC", "NFKD")
# Only what one space is not: runs, and spaces of another kind. Single spaces, most of a text, are left alone.
# To RE2 the vertical tab is not among `\s`.
SPACES = rf"[\s\v{WIDE_SPACES}]{{2,}}|[\t\n\v\f\r{WIDE_SPACES}]"


@keras.saving.register_keras_serializable(package="nlpkit")
class Normalizer(TextLayer):
    """Brings texts into one form; each step has its switch, and they run in the order of the arguments.

    The defaults use TensorFlow's own ops only. `unicode_form`, `case="fold"` and `strip_accents` need
    tensorflow-text, here and wherever the exported model runs.

    Args:
        html: bool. Whether tags of layout and emphasis such as `<br />` become spaces and entities such as
            `&amp;` become their characters. Defaults to `True`.
        unicode_form: `None`, `"NFC"`, `"NFD"`, `"NFKC"` or `"NFKD"`. Defaults to `None` (left as it is).
        case: `None`, `"lower"` or `"fold"` (case folding: also ß to ss); both drop the character NUL. Defaults to
            `"lower"`.
        strip_accents: bool. Whether é becomes e. Defaults to `False`.
        collapse_whitespace: bool. Whether each run of whitespace becomes one space, with none left at either
            end. Defaults to `True`.
        **kwargs: Keras layer arguments such as `name`.

    Call arguments:
        texts: String tensor of shape `(batch,)`.

    Returns:
        String tensor of shape `(batch,)`.

    Raises:
        InputError: If `unicode_form` or `case` is unknown, or tensorflow-text is needed and missing.

    Example:
        >>> from nlpkit.text import Normalizer
        >>> Normalizer()(["So  GOOD!<br /><br />R&amp;B"]).numpy().tolist()
        [b'so good! r&b']

    Reference: [Unicode Standard Annex 15](https://www.unicode.org/reports/tr15/)
    """

    output_dtype = "string"

    def __init__(
        self,
        html=True,
        unicode_form=None,
        case="lower",
        strip_accents=False,
        collapse_whitespace=True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if case not in CASES:
            raise InputError(f"`case` must be one of {CASES}. Received: case={case!r}")
        if unicode_form not in UNICODE_FORMS:
            raise InputError(
                f"`unicode_form` must be one of {UNICODE_FORMS}. Received: unicode_form={unicode_form!r}"
            )
        self.html, self.unicode_form, self.case = bool(html), unicode_form, case
        self.strip_accents, self.collapse_whitespace = bool(strip_accents), bool(collapse_whitespace)
        if self.needs_tensorflow_text:
            import_tensorflow_text()  # registers the ops, also for a loaded model

    @property
    def needs_tensorflow_text(self):
        """bool. Whether the graph holds ops of tensorflow-text."""
        return self.unicode_form is not None or self.case == "fold" or self.strip_accents

    def call(self, texts):
        with tf.device("CPU:0"):
            texts = as_texts(texts)
            if self.html:
                texts = plain_text(texts)
            # ASCII is already in every Unicode form; the costly steps see only the other texts.
            if self.unicode_form is not None:
                texts = apply_where(is_not_ascii(texts), texts, self._to_form)
            if self.case is not None:
                # In UTF-8 `tf.strings.lower` would end a text there.
                texts = tf.strings.regex_replace(texts, r"\x00", "")
                other = is_not_ascii(texts)
                texts = apply_where(other, tf.strings.lower(texts), self._to_case)
            if self.strip_accents:
                texts = apply_where(is_not_ascii(texts), texts, _without_accents)
            if self.collapse_whitespace:
                texts = tf.strings.strip(tf.strings.regex_replace(texts, SPACES, " "))
            return texts

    def _to_form(self, texts):
        return import_tensorflow_text().normalize_utf8(texts, self.unicode_form)

    def _to_case(self, texts):
        if self.case == "fold":
            return import_tensorflow_text().case_fold_utf8(texts)
        return tf.strings.lower(texts, encoding="utf-8")

    def compute_output_shape(self, input_shape):
        return (input_shape[0],)

    def settings(self):
        """The switches.

        Returns:
            dict of argument name to value.
        """
        return {
            "html": self.html,
            "unicode_form": self.unicode_form,
            "case": self.case,
            "strip_accents": self.strip_accents,
            "collapse_whitespace": self.collapse_whitespace,
        }

    def get_config(self):
        return {**super().get_config(), **self.settings()}


def _without_accents(texts):
    tensorflow_text = import_tensorflow_text()
    bare = tf.strings.regex_replace(tensorflow_text.normalize_utf8(texts, "NFD"), r"\p{Mn}", "")
    return tensorflow_text.normalize_utf8(bare, "NFC")
