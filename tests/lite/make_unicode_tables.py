"""Asks TensorFlow for the tables of `nlpkit.lite.text.unicode_tables`, and writes them: for a new TensorFlow.

python tests/lite/make_unicode_tables.py
"""

import gzip
import json
import unicodedata
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_text

from nlpkit.lite.text.unicode_tables import TABLES_FILE
from nlpkit.text.word_tokenizer import CJK

# All that a text can hold but the line feed, which parts the questions: one long text is answered in a moment.
CHARACTERS = [chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF and code != ord("\n")]
VISIBLE = CHARACTERS[1:]  # some operations take NUL for the end of a text
LOW, HIGH = "\u0334", "\u0301"  # marks of the lowest class, and of one of the highest


def main():
    content = json.dumps(make_tables(), ensure_ascii=False, separators=(",", ":")).encode()
    Path(TABLES_FILE).write_bytes(gzip.compress(content, mtime=0))
    print(f"{TABLES_FILE}: {Path(TABLES_FILE).stat().st_size} bytes, {len(content)} unpacked")


def make_tables():
    """The tables by name."""
    nfc, nfd, nfkc, nfkd = (by_character(form(name, CHARACTERS)) for name in ("NFC", "NFD", "NFKC", "NFKD"))
    folded = by_character(ask(tensorflow_text.case_fold_utf8, CHARACTERS))
    canonical = {c: text for c, text in nfd.items() if text != c and not "가" <= c <= "힣"}
    classes = marks([c for c, text in nfd.items() if text == c])
    return {
        "lower": {c: text for c, text in zip(VISIBLE, ask(lower_case, VISIBLE), strict=True) if text != c},
        "canonical": canonical,
        "compatible": {c: text for c, text in nfkd.items() if text != nfd[c]},
        "folded": {c: text for c, text in folded.items() if text not in ("", nfkc[c])},
        "pairs": pairs({c: text for c, text in canonical.items() if nfc[c] == c}),
        "marks": classes,
        "combining": ranges(set("".join(classes))),
        "vanishing": ranges({c for c, text in folded.items() if not text}),
        **sigma_classes(),
        "alone": ranges(matching(rf"[^\pL\pN\pM\s'’]|[{CJK}]")),
        "asian": ranges(matching(f"[{CJK}]")),
        "accents": ranges(matching(r"\p{Mn}")),
        "punctuation": ranges(punctuation()),
    }


def ask(operation, texts):
    """What an operation makes of each of many texts."""
    answers = operation(tf.constant(["\n".join(texts)])).numpy()[0].decode().split("\n")
    assert len(answers) == len(texts)
    return answers


def by_character(answers):
    return dict(zip(CHARACTERS, answers, strict=True))


def form(name, texts):
    return ask(lambda text: tensorflow_text.normalize_utf8(text, name), texts)


def lower_case(texts):
    return tf.strings.lower(texts, encoding="utf-8")


def pairs(canonical):
    """Two characters that are composed to one."""
    firsts = form("NFC", [text[:-1] for text in canonical.values()])
    assert all(len(first) == 1 for first in firsts)
    return {first + text[-1]: c for first, (c, text) in zip(firsts, canonical.items(), strict=True)}


def marks(characters):
    """Combining marks, those of one class in one str, in the order they have in a normal form."""
    before, after = form("NFD", [c + LOW for c in characters]), form("NFD", [HIGH + c for c in characters])
    found = [
        c
        for c, low, high in zip(characters, before, after, strict=True)
        if low != c + LOW or high != HIGH + c
    ]
    # Python knows a mark of each class; where a mark belongs is TensorFlow's word: it changes places with no mark of
    # its own class.
    one_of_each = {unicodedata.combining(c): c for c in found if unicodedata.combining(c)}
    classes = []
    for _, other in sorted(one_of_each.items()):
        before, after = form("NFD", [c + other for c in found]), form("NFD", [other + c for c in found])
        answers = zip(found, before, after, strict=True)
        classes.append("".join(c for c, low, high in answers if low == c + other and high == other + c))
    assert sorted("".join(classes)) == found
    return classes


def sigma_classes():
    """What a sigma looks at, to see whether it ends a word: cased letters, and what it looks past."""
    before_it, past_it = (
        ask(lower_case, [f"AΣ{c}" for c in VISIBLE]),
        ask(lower_case, [f"AΣ{c}A" for c in VISIBLE]),
    )
    cased = {c for c, text in zip(VISIBLE, before_it, strict=True) if text[1] == "σ"}
    ignorable = {c for c, text in zip(VISIBLE, past_it, strict=True) if text[1] == "σ"} - cased
    return {"cased": ranges(cased), "ignorable": ranges(ignorable)}


def matching(pattern):
    """The characters that a pattern of TensorFlow matches."""
    others = tf.strings.regex_replace(["".join(CHARACTERS)], pattern, "").numpy()[0].decode()
    return set(CHARACTERS) - set(others)


def punctuation():
    """What WordPiece takes for a word by itself."""
    tokenizer = tensorflow_text.FastWordpieceTokenizer(["<unk>", "a"], unknown_token="<unk>")
    texts = [f"a{c}a\n".encode() for c in CHARACTERS]
    _, starts, _ = tokenizer.tokenize_with_offsets([b"".join(texts)])
    line_ends = np.cumsum([len(text) for text in texts])
    tokens = np.bincount(np.searchsorted(line_ends, starts.values, side="right"), minlength=len(texts))
    return {c for c, count in zip(CHARACTERS, tokens, strict=True) if count == 3}


def ranges(characters):
    """First and last character of each range, in one str; what cannot be in a text makes no gap."""
    places = [place for place, c in enumerate(CHARACTERS) if c in characters]
    breaks = [0, *(np.flatnonzero(np.diff(places) > 1) + 1), len(places)]
    ends = [(places[first], places[after - 1]) for first, after in zip(breaks, breaks[1:], strict=False)]
    return "".join(CHARACTERS[first] + CHARACTERS[last] for first, last in ends)


if __name__ == "__main__":
    main()
