"""Texts to texts in one common form: HTML, Unicode form, case, accents, whitespace."""

import functools
import re

from nlpkit.lite.text.html_text import plain_text
from nlpkit.lite.text.letter_case import fold, lower
from nlpkit.lite.text.normal_form import normal_form
from nlpkit.lite.text.unicode_tables import WIDE_SPACES, character_class

SPACES = re.compile(rf"[\t-\r {WIDE_SPACES}]{{2,}}|[\t-\r{WIDE_SPACES}]")
CASES = {"lower": lower, "fold": fold}


class Normalizer:
    """Brings a text into one form, as the layer `nlpkit.text.Normalizer` does.

    Args:
        html: bool. Whether tags become spaces and entities their characters. Defaults to `True`.
        unicode_form: `None`, `"NFC"`, `"NFD"`, `"NFKC"` or `"NFKD"`. Defaults to `None` (left as it is).
        case: `None`, `"lower"` or `"fold"`; both drop the character NUL. Defaults to `"lower"`.
        strip_accents: bool. Whether é becomes e. Defaults to `False`.
        collapse_whitespace: bool. Whether each run of whitespace becomes one space, with none left at either
            end. Defaults to `True`.

    Example:
        >>> from nlpkit.lite.text.normalizer import Normalizer
        >>> Normalizer().normalize("So  GOOD!<br /><br />R&amp;B")
        'so good! r&b'
    """

    def __init__(
        self, html=True, unicode_form=None, case="lower", strip_accents=False, collapse_whitespace=True
    ):
        self.html, self.unicode_form, self.case = html, unicode_form, case
        self.strip_accents, self.collapse_whitespace = strip_accents, collapse_whitespace

    def normalize(self, text):
        """Normalises a text.

        Args:
            text: str.

        Returns:
            str.
        """
        if self.html:
            text = plain_text(text)
        if self.unicode_form is not None:
            text = normal_form(text, self.unicode_form)
        if self.case is not None:
            text = CASES[self.case](text.replace("\0", ""))
        if self.strip_accents and not text.isascii():
            text = normal_form(_accents().sub("", normal_form(text, "NFD")), "NFC")
        if self.collapse_whitespace:
            text = SPACES.sub(" ", text).strip("\t\n\v\f\r ")
        return text


@functools.cache
def _accents():
    return re.compile(f"[{character_class('accents')}]")
