"""Tables, normal forms, case and HTML are TensorFlow's, for every character."""

import pytest
import tensorflow as tf
import tensorflow_text
from hypothesis import given, settings
from hypothesis import strategies as st
from lite.make_unicode_tables import CHARACTERS, VISIBLE, make_tables

from nlpkit.lite.text.html_text import plain_text
from nlpkit.lite.text.letter_case import fold, lower
from nlpkit.lite.text.normal_form import normal_form
from nlpkit.lite.text.unicode_tables import read_tables
from nlpkit.text import html_text

TABLES = read_tables()
FORMS = ("NFC", "NFD", "NFKC", "NFKD")
OPERATIONS = {
    # As in the normaliser NUL is dropped before: TensorFlow would end a text there.
    "lower": (
        lambda text: lower(text.replace("\0", "")),
        lambda texts: tf.strings.lower(tf.strings.regex_replace(texts, r"\x00", ""), encoding="utf-8"),
    ),
    "fold": (fold, tensorflow_text.case_fold_utf8),
    **{
        name: (
            lambda text, name=name: normal_form(text, name),
            lambda texts, name=name: tensorflow_text.normalize_utf8(texts, name),
        )
        for name in FORMS
    },
}
# What is changed, combined or looked past by one of the operations, and a few that are not.
MARKS = "".join(TABLES["marks"])
CHANGED = sorted({c for name in ("lower", "canonical", "compatible", "folded") for c in TABLES[name]})
PARTS = sorted({c for pair in TABLES["pairs"] for c in pair})
SEEN = [
    chr(code)
    for ends in (TABLES["cased"], TABLES["ignorable"], TABLES["vanishing"])
    for first, last in zip(ends[::2], ends[1::2], strict=True)
    for code in range(ord(first), ord(last) + 1)
    if not 0xD800 <= code <= 0xDFFF
]
SPECIAL = sorted({*MARKS, *CHANGED, *PARTS, *SEEN})
JAMO = "\u1100\u1112\u1113\u1161\u1175\u1176\u11a7\u11a8\u11c2\u11c3가각힣"
LETTERS = st.one_of(
    *map(st.sampled_from, (MARKS, CHANGED, PARTS, JAMO, "Σa1.'\u00ad\u034f\u200b\n")),
    st.characters(exclude_categories=["Cs"]),
)


def answer(operation, text):
    return operation(tf.constant([text])).numpy()[0].decode()


def test_tables_are_what_tensorflow_says_today():
    made = make_tables()
    assert TABLES.keys() == made.keys()
    assert [name for name in made if made[name] != TABLES[name]] == [], (
        "run tests/lite/make_unicode_tables.py"
    )


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_character_by_itself(name):
    own, graph = OPERATIONS[name]
    text = "\n".join(VISIBLE)
    assert own(text) == answer(graph, text)


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_special_character_among_others(name):
    own, graph = OPERATIONS[name]
    for before, after in [("a", "a"), ("Σ", "Σ"), ("aΣ", ""), ("a\u0323", "\u0301")]:
        text = "\n".join(f"{before}{c}{after}" for c in SPECIAL)
        assert own(text) == answer(graph, text)


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_character_taken_apart(name):
    own, graph = OPERATIONS[name]
    marks = [MARKS[0], "\u0323", "\u0301", "\u0345"]
    taken_apart = [*TABLES["canonical"].values(), *TABLES["pairs"], *map(chr, range(0xAC00, 0xD7A4))]
    text = "\n".join(part + mark for part in taken_apart for mark in ["", *marks])
    assert own(text) == answer(graph, text)
    text = answer(lambda texts: tensorflow_text.normalize_utf8(texts, "NFD"), text)
    assert own(text) == answer(graph, text)


@pytest.mark.parametrize("name", OPERATIONS)
@given(texts=st.lists(st.text(LETTERS, max_size=8), min_size=1, max_size=30))
@settings(deadline=None, max_examples=20, derandomize=True)
def test_any_text(name, texts):
    own, graph = OPERATIONS[name]
    assert [own(text) for text in texts if not text.isascii()] == [
        text.decode() for text in graph(tf.constant([t for t in texts if not t.isascii()], tf.string)).numpy()
    ]


def test_characters_by_number():
    codes = [*range(0, 0x3000), *range(0xD700, 0xE100), *range(0xF000, 0x20000), *range(0x2FFF0, 0x30010)]
    codes += [0x10FFFF, 0x110000, 9999999]
    text = " ".join(f"&#{code};&#x{code % 0xFFFFFF:X};" for code in codes)
    assert plain_text(text) == html_text.plain_text([text]).numpy()[0].decode()


def test_named_characters():
    text = "".join(f"&{name};&{name.lower()}; &{name} " for name in html_text.NAMED)
    assert plain_text(text) == html_text.plain_text([text]).numpy()[0].decode()


def test_tags():
    cases = "".join(f"<{c}><b{c}><b{c}x><h{c}><{c}pan><lin{c}><blockquote{c}>" for c in CHARACTERS[:0x3000])
    assert plain_text(cases) == html_text.plain_text([cases]).numpy()[0].decode()
