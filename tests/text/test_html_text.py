import html

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlpkit.text.html_text import NAMED, plain_text

# Codes that HTML maps in its own way: C0 and C1 controls and codes that are no characters.
CODES = st.integers(0x20, 0x10FFFF).filter(
    lambda c: not (0x7F <= c <= 0x9F or 0xFDD0 <= c <= 0xFDEF or c & 0xFFFE == 0xFFFE)
)


def plain(texts):
    return [text.decode() for text in plain_text(texts).numpy()]


def test_every_named_entity_is_that_of_the_standard_library():
    texts = [f"x &{name}; y" for name in NAMED]
    assert plain(texts) == [html.unescape(text) for text in texts]


@given(codes=st.lists(CODES, min_size=1, max_size=20))
@settings(deadline=None)
def test_numbered_entities_are_those_of_the_standard_library(codes):
    texts = [f"&#{code};&#x{code:x};&#X{code:X};" for code in codes]
    assert plain(texts) == [html.unescape(text) for text in texts]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("a<br />b<BR>c</p><p class='x'>d", "a b c  d"),
        ("I <3 it, a<b, x < y > z, <unk>", "I <3 it, a<b, x < y > z, <unk>"),
        ("&amp;lt; && & &nope; &;", "&lt; && & &nope; &;"),
        ("&#0;&#xD800;&#9999999;", "\ufffd\ufffd\ufffd"),
        ("line\n&amp;\nline", "line\n&\nline"),
        ("", ""),
    ],
)
def test_single_cases(text, expected):
    assert plain([text, "untouched"]) == [expected, "untouched"]
