import re
import unicodedata

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from nlpkit.errors import InputError
from nlpkit.text import Normalizer

OFF = {"html": False, "case": None, "collapse_whitespace": False}
TEXTS = st.lists(st.text(), min_size=1, max_size=8)


def normalized(texts, **switches):
    return [text.decode() for text in Normalizer(**{**OFF, **switches})(texts).numpy()]


def test_everything_off_changes_nothing():
    assert normalized(["  <br/>É &amp; "]) == ["  <br/>É &amp; "]


def test_defaults():
    assert Normalizer()([" So\n GOOD!<br /><br />R&amp;B É"]).numpy()[0].decode() == "so good! r&b é"


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_unicode_form_is_that_of_the_standard_library(form):
    texts = ["ﬁ ① Å e\u0301", "Ａ"]
    assert normalized(texts, unicode_form=form) == [unicodedata.normalize(form, text) for text in texts]


def test_case():
    assert normalized(["STRASSE ÉΣA", "Abc"], case="lower") == ["strasse éσa", "abc"]
    assert normalized(["Straße", "Abc"], case="fold") == ["strasse", "abc"]


@pytest.mark.parametrize("case", ["lower", "fold"])
def test_a_nul_is_dropped_wherever_there_is_a_case(case):
    texts = ["A\0B nul\0", "É\0B nul\0", "\0", "ΑΣ\0Α"]
    assert normalized(texts, case=case) == ["ab nul", "éb nul", "", "ασα"]
    assert normalized(texts) == texts


def test_a_vertical_tab_is_white_space_like_others():
    texts = ["a \v b", "a\v\vb", "\v a\vb \v", "a\v\u3000b", "a\t\v b"]
    assert normalized(texts, collapse_whitespace=True) == ["a b"] * 5


def test_accents():
    assert normalized(["déjà vu Å", "plain"], strip_accents=True) == ["deja vu A", "plain"]


@given(texts=TEXTS)
@settings(max_examples=50, deadline=None)
def test_whitespace_is_what_python_collapses(texts):
    # Python also counts the four information separators as white space; Unicode does not.
    texts = [re.sub("[\x1c-\x1f]", "", text) for text in texts]
    assert normalized(texts, collapse_whitespace=True) == [" ".join(text.split()) for text in texts]


def test_default_graph_holds_core_ops_only():
    layer = Normalizer()
    graph = tf.function(layer.call).get_concrete_function(tf.TensorSpec([None], tf.string)).graph
    names = {node.op for node in graph.as_graph_def().node}
    assert not [name for name in names if "UTF8" in name or ">" in name]
    assert not layer.needs_tensorflow_text
    assert Normalizer(unicode_form="NFKC").needs_tensorflow_text
    assert Normalizer(case="fold").needs_tensorflow_text
    assert Normalizer(strip_accents=True).needs_tensorflow_text


def test_config_holds_every_switch():
    layer = Normalizer(False, "NFC", "fold", True, False, name="n")
    assert Normalizer.from_config(layer.get_config()).settings() == layer.settings()
    assert layer.settings() == {
        "html": False,
        "unicode_form": "NFC",
        "case": "fold",
        "strip_accents": True,
        "collapse_whitespace": False,
    }


def test_unknown_values():
    with pytest.raises(InputError, match="`case` must be one of .* Received: case='upper'"):
        Normalizer(case="upper")
    with pytest.raises(InputError, match="`unicode_form` must be one of .* Received: unicode_form='X'"):
        Normalizer(unicode_form="X")
