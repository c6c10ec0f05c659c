"""Unicode's four normal forms."""

import functools
import re

from nlpkit.lite.text.unicode_tables import character_class, read_tables, translation

# Hangul syllables are numbered, so that no table is needed: 19 leading consonants, 21 vowels, 27 trailing ones or none.
SYLLABLE, LEAD, VOWEL, TAIL = 0xAC00, 0x1100, 0x1161, 0x11A7
VOWELS, TAILS = 21, 28
SYLLABLES = re.compile("[\uac00-\ud7a3]")
LETTERS = re.compile("([\u1100-\u1112])([\u1161-\u1175])([\u11a8-\u11c2]?)")


def normal_form(text, form):
    """Brings a text into a normal form, as `tensorflow_text.normalize_utf8` does.

    Args:
        text: str.
        form: `"NFC"`, `"NFD"`, `"NFKC"` or `"NFKD"`.

    Returns:
        str.

    Example:
        >>> from nlpkit.lite.text.normal_form import normal_form
        >>> len(normal_form("é한", "NFD")), normal_form("ﬁ", "NFKC")
        (5, 'fi')

    Reference: [Unicode Standard Annex 15](https://www.unicode.org/reports/tr15/)
    """
    if text.isascii():
        return text
    tables = ("canonical", "compatible") if "K" in form else ("canonical",)
    text = SYLLABLES.sub(_letters, text.translate(translation(*tables)))
    text = _runs_of_marks().sub(_in_order, text)
    return _composed(text) if form.endswith("C") else text


def _letters(match):
    number = ord(match[0]) - SYLLABLE
    lead, vowel, tail = number // TAILS // VOWELS, number // TAILS % VOWELS, number % TAILS
    return chr(LEAD + lead) + chr(VOWEL + vowel) + (chr(TAIL + tail) if tail else "")


def _syllable(match):
    lead, vowel = ord(match[1]) - LEAD, ord(match[2]) - VOWEL
    return chr(SYLLABLE + (lead * VOWELS + vowel) * TAILS + (ord(match[3]) - TAIL if match[3] else 0))


@functools.cache
def _ranks():
    """Combining marks and their place: those of one rank keep their order; what is no mark has rank 0."""
    classes = read_tables()["marks"]
    return {mark: rank for rank, marks in enumerate(classes, 1) for mark in marks}


@functools.cache
def _runs_of_marks():
    # No mark is below U+0300: to look ahead is faster than to search the class for each character.
    return re.compile(f"(?![\0-\u02ff])[{character_class('combining')}]{{2,}}")


def _in_order(match):
    return "".join(sorted(match[0], key=_ranks().__getitem__))


def _composed(text):
    pairs, ranks = read_tables()["pairs"], _ranks()
    done, base, last_rank = [""], 0, 0  # where a mark goes to, and the rank of what stands before it
    for character in text:
        rank = ranks.get(character, 0)
        joined = pairs.get(done[base] + character) if last_rank < rank or last_rank == 0 else None
        if joined:
            done[base] = joined
            continue
        if rank == 0:
            base = len(done)
        done.append(character)
        last_rank = rank
    return LETTERS.sub(_syllable, "".join(done))
