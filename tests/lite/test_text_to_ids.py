"""Ids and texts are those of the graph."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from lite.nasty_texts import RUNS, texts_of

from nlpkit.errors import InputError
from nlpkit.lite import TextToIds
from nlpkit.text import Packer
from nlpkit.text.levels import LEVELS

NORMALIZERS = [
    None,
    {},
    {"html": False, "case": None, "collapse_whitespace": False},
    {"unicode_form": "NFC"},
    {"unicode_form": "NFD", "case": None},
    {"unicode_form": "NFKC", "case": "fold", "collapse_whitespace": False},
    {"unicode_form": "NFKD", "strip_accents": True},
    {"case": "fold", "html": False},
    {"case": None, "strip_accents": True},
]
PACKERS = [
    {"max_length": 1, "truncate": "middle"},
    {"max_length": 6, "start": True, "end": True, "truncate": "middle"},
    {"max_length": 7, "start": True, "truncate": "start"},
    {"max_length": 5, "end": True},
    {"start": True, "end": True},
]
FRAGMENTS = st.sampled_from(
    [*"Σσς'’<>&;#\0\x11 \t\v\x1c\xa0ßİıſKÅ\u0301\u0323\u0345\u00ad\u200d\u034f\ud800가각각我かカ👍", "<br />"]
    + [
        "&amp;",
        "&#x41;",
        "&#0;",
        "</B>",
        "ΑΣ",
        "don't",
        "##a",
        "\u2581",
        "\ue000",
        "1/2",
        "Éa\u0301\u0323",
        "good",
    ]
)
TEXTS = st.lists(st.one_of(st.text(max_size=4), FRAGMENTS), max_size=10).map("".join)
PACK = {"max_length": 3, "start": False, "end": False, "truncate": "end"}
VOCABULARY = b"<pad>\n<unk>\n<s>\n</s>\ngood\n"


def ids_of(layer, texts):
    return layer.rows(texts).to_list()


@pytest.mark.parametrize("switches", NORMALIZERS, ids=str)
@pytest.mark.parametrize("level", LEVELS)
def test_nasty_texts(both, level, switches):
    layer, lite = both(level, switches)
    texts = texts_of(level)
    rows = ids_of(layer, texts)
    assert lite.rows(texts) == rows
    assert lite.detokenize(rows) == detokenized(layer, rows)


def detokenized(layer, rows):
    texts = layer.detokenize(tf.ragged.constant(rows, dtype=tf.int32, ragged_rank=1))
    return [text.decode() for text in tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8").numpy()]


@pytest.mark.parametrize("packer", PACKERS, ids=str)
@pytest.mark.parametrize("level", LEVELS)
def test_packer(both, level, packer):
    layer, lite = both(level, {}, Packer(**packer))
    texts = texts_of(level)
    assert lite.rows(texts) == ids_of(layer, texts)
    table = lite.pad(texts)
    assert table.dtype == np.int32 and np.array_equal(table, layer(texts).numpy())
    assert lite.pad([]).shape == layer([]).shape


@pytest.mark.parametrize("level", LEVELS)
@given(texts=st.lists(TEXTS, min_size=1, max_size=8), switches=st.sampled_from(NORMALIZERS))
@settings(deadline=None, max_examples=25, derandomize=True)
def test_any_text(both, level, texts, switches):
    layer, lite = both(level, switches)
    rows = ids_of(layer, texts)
    assert lite.rows(texts) == rows
    assert lite.detokenize(rows) == detokenized(layer, rows)
    assert lite.uncut(texts[0]) or rows[0] == [1]


def test_runs_have_the_same_pieces_in_some_order(both):
    """Where pieces in another order are as likely, versions of SentencePiece differ in which they take."""
    layer, lite = both("sentencepiece")
    ids = lite.encode(RUNS)
    assert sorted(ids) == sorted(ids_of(layer, [RUNS])[0])
    assert lite.detokenize([ids]) == [RUNS]


@pytest.mark.parametrize("level", ["word", "space", "char"])
@given(texts=st.lists(TEXTS, min_size=1, max_size=8))
@settings(deadline=None, max_examples=25, derandomize=True)
def test_tokens_of_any_text(both, level, texts):
    """Most tokens of such texts are unknown, so that ids tell little."""
    layer, lite = both(level)
    texts = [text.encode("utf-8", "replace").decode() for text in texts]
    tokens = [[token.decode() for token in row] for row in layer.tokenizer.split(texts).to_list()]
    assert [lite._tokenizer.split(text) for text in texts] == tokens


@pytest.mark.parametrize("level", LEVELS)
@given(data=st.data())
@settings(deadline=None, max_examples=15, derandomize=True)
def test_text_of_any_ids(both, level, data):
    layer, lite = both(level)
    assert lite.vocabulary_size == layer.vocabulary_size
    ids = st.lists(st.integers(0, layer.vocabulary_size - 1), max_size=12)
    rows = data.draw(st.lists(ids, min_size=1, max_size=8))
    assert lite.detokenize(rows) == detokenized(layer, rows)
    table = tf.ragged.constant(rows, dtype=tf.int32, ragged_rank=1).to_tensor().numpy()
    assert lite.detokenize(table) == detokenized(layer, rows)


def test_broken_utf8_becomes_what_tensorflow_makes_of_it(both):
    layer, lite = both("byte")
    generator = np.random.default_rng(0)
    bytes_ = np.array([0x20, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xED, 0xEF]
                      + [0xF0, 0xF4, 0xF5, 0xFF])  # fmt: skip
    rows = [[4 + first, 4 + second] for first in range(256) for second in bytes_]
    rows += (4 + generator.choice(bytes_, (5000, 6))).tolist()
    assert lite.detokenize(rows) == detokenized(layer, rows)


@pytest.mark.parametrize(
    ("level", "id"), [("word", -1), ("char", 9999), ("byte", 260), ("sentencepiece", 9999)]
)
def test_ids_that_do_not_exist(both, level, id):
    with pytest.raises(InputError, match=rf"Ids must lie between 0 and \d+\. Received: {id}"):
        both(level)[1].detokenize([[4], [id]])


def test_without_suffix_pieces():
    """tensorflow-text then adds one of its own."""
    from nlpkit.text import TextToIds as Layer
    from nlpkit.text import Vocabulary, WordPieceTokenizer

    vocabulary = Vocabulary(["<pad>", "<unk>", "<s>", "</s>", "a"])
    layer = Layer(WordPieceTokenizer(vocabulary))
    lite = TextToIds(layer.settings(), {"vocabulary.txt": ("\n".join(vocabulary.tokens) + "\n").encode()})
    texts = ["a\x11 a\x11a \x11a aa a"]
    assert lite.rows(texts) == ids_of(layer, texts)


def test_given_words_are_joined_and_empty_ones_leave_nothing(both):
    layer, lite = both("word")
    ids = ids_of(layer, ["great film"])[0]
    known = lite.detokenize([ids])[0]
    given = [None] * len(ids)
    assert lite.join([1, *ids, 1, 1], ["Zoe", *given, "", "Bo"]) == f"Zoe {known} Bo"


PROGRAM = """
import sys
from nlpkit.lite import TextToIds

packer = {"max_length": 3, "start": False, "end": True, "truncate": "end"}
switches = {"html": True, "unicode_form": "NFKC", "case": "fold", "strip_accents": True, "collapse_whitespace": True}
files = {"vocabulary.txt": b"<pad>\\n<unk>\\n<s>\\n</s>\\ngood\\n"}
for level in ("word", "space", "char", "byte", "wordpiece"):
    text_to_ids = TextToIds({"level": level, "normalizer": switches, "packer": packer}, files)
    text_to_ids.detokenize(text_to_ids.pad(["good É <br/> ΑΣ 가"]))
heavy = ["tensorflow", "keras", "sentencepiece", "scipy", "pydantic", "sklearn"]
print([name for name in heavy if name in sys.modules])
"""


def test_nothing_heavy_is_imported():
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert run.stdout.strip() == "[]", run.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe", "vocabulary.txt is not a vocabulary file: it is not UTF-8 text"),
        (b"", "its first four lines must be <pad>, <unk>, <s>, </s>. Received: "),
        (VOCABULARY + b"good\n", "vocabulary.txt, line 6: token 'good' is already on line 5. Remove one."),
        (VOCABULARY + b"\nbad\n", "vocabulary.txt, line 6: the line is empty"),
    ],
)
def test_damaged_vocabulary(content, message):
    with pytest.raises(InputError, match=message):
        TextToIds({"level": "word", "normalizer": None, "packer": PACK}, {"vocabulary.txt": content})


def test_escaped_lines_of_a_vocabulary():
    content = VOCABULARY + b"\\n\n\\\\\n"
    lite = TextToIds({"level": "char", "normalizer": None, "packer": PACK}, {"vocabulary.txt": content})
    assert lite.rows(["\n\\n"]) == [[5, 6, 1]]


@pytest.mark.parametrize("content", [b"", b"nonsense"])
def test_damaged_model(content):
    with pytest.raises(
        InputError, match="sentencepiece.model (is not a SentencePiece model|must have the pieces)"
    ):
        TextToIds(
            {"level": "sentencepiece", "normalizer": None, "packer": PACK}, {"sentencepiece.model": content}
        )


def test_other_errors(monkeypatch):
    packed = {"normalizer": None, "packer": PACK}
    with pytest.raises(InputError, match="`level` must be one of .*'byte'.* Received: level='syllable'"):
        TextToIds({"level": "syllable", **packed}, {})
    with pytest.raises(
        InputError, match="The file vocabulary.txt must be there at the level 'word'. Received: "
    ):
        TextToIds({"level": "word", **packed}, {})
    with pytest.raises(InputError, match="Texts must be a list of str"):
        TextToIds({"level": "byte", **packed}, {}).rows("text")
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(InputError, match="which is not installed. Install it: pip install sentencepiece"):
        TextToIds({"level": "sentencepiece", **packed}, {"sentencepiece.model": b""})
