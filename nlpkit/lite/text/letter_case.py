"""Lower case and case folding."""

import functools
import re

from nlpkit.lite.text.normal_form import normal_form
from nlpkit.lite.text.unicode_tables import character_class, translation


def lower(text):
    """Lower case, as `tf.strings.lower(text, encoding="utf-8")`: a sigma that ends a word becomes ς.

    Args:
        text: str, without the character NUL.

    Returns:
        str.

    Example:
        >>> from nlpkit.lite.text.letter_case import lower
        >>> lower("ΟΔΟΣ İ")
        'οδος i̇'
    """
    if text.isascii():
        return text.lower()
    if "Σ" in text:
        text = _last_sigma().sub(r"\1ς", text)
    return text.translate(translation("lower"))


def fold(text):
    """Case folding, as `tensorflow_text.case_fold_utf8`: also NFKC, and invisible characters are dropped.

    Args:
        text: str.

    Returns:
        str.

    Example:
        >>> from nlpkit.lite.text.letter_case import fold
        >>> fold("Straße ①")
        'strasse 1'

    Reference: [Unicode Standard, 3.13](https://www.unicode.org/versions/latest/core-spec/chapter-3/)
    """
    if text.isascii():
        return text.lower()
    return normal_form(_vanishing().sub("", text).translate(translation("compatible", "folded")), "NFC")


@functools.cache
def _last_sigma():
    cased, ignorable = character_class("cased"), character_class("ignorable")
    return re.compile(f"([{cased}][{ignorable}]*)Σ(?![{ignorable}]*[{cased}])")


@functools.cache
def _vanishing():
    return re.compile(f"[{character_class('vanishing')}]")
