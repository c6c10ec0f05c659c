"""HTML tags and entities in texts."""

import functools
import re
from html.entities import html5

TAGS = (
    "br|p|div|span|hr|i|b|u|em|strong|a|ul|ol|li|h[1-6]|blockquote|font|center|small|sub|sup|table|tr|td|th"
)
# What counts as the same letter in another case is spelled out: Python's own idea of it differs, in ı and İ.
OTHER_CASES = {"k": "\u212a", "s": "\u017f"}
REFERENCE = re.compile("&(?:#([0-9]{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{1,31}));")
REPLACEMENT = "\ufffd"


def plain_text(text):
    """Replaces tags of layout and emphasis by spaces, and character references by their characters.

    Args:
        text: str.

    Returns:
        str.

    Example:
        >>> from nlpkit.lite.text.html_text import plain_text
        >>> plain_text("a<br/>b &lt;3 &#65;")
        'a b <3 A'
    """
    if "<" in text:
        text = _tag().sub(" ", text)
    return REFERENCE.sub(_character, text) if "&" in text else text


@functools.cache
def _tag():
    names = re.sub("[a-z]", lambda match: f"[{_cases(match[0])}]", TAGS)
    return re.compile(rf"</?(?:{names})(?:[\t\n\f\r ][^<>]*)?/?>")


def _cases(letter):
    return letter + letter.upper() + OTHER_CASES.get(letter, "")


def _character(match):
    decimal, hexadecimal, name = match.groups()
    if name:
        return html5.get(name + ";", match[0])
    code = int(decimal) if decimal else int(hexadecimal, 16)
    # Unicode's own replacement for codes that are no characters: zero, halves of surrogate pairs, beyond the last one.
    return chr(code) if 0 < code < 0xD800 or 0xDFFF < code <= 0x10FFFF else REPLACEMENT
