import sys

import numpy as np
import pytest
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.text.text_layer import apply_where, as_texts, import_tensorflow_text, is_not_ascii


@pytest.mark.parametrize(
    "texts",
    [
        ["a", "é"],
        ("a", "é"),
        [["a"], ["é"]],
        np.array(["a", "é"]),
        np.array(["a", "é"], object),
        tf.constant(["a", "é"]),
    ],
)
def test_what_counts_as_texts(texts):
    assert as_texts(texts).numpy().tolist() == [b"a", "é".encode()]


def test_empty_list_and_half_a_surrogate_pair():
    assert as_texts([]).shape == (0,)
    assert as_texts(["a\ud800b", b"\xff"]).numpy().tolist() == [b"a?b", b"\xff"]


@pytest.mark.parametrize(
    "texts, message",
    [
        ("one", r"shape \(batch,\) or \(batch, 1\); put a single text in a list"),
        ([["a", "b"]], "put a single text in a list"),
        ([1, 2], "Texts must be strings. Received: a tensor of dtype int32"),
        (["a", None], "Every text must be a str. Received: None at position 1"),
    ],
)
def test_what_does_not(texts, message):
    with pytest.raises(InputError, match=message):
        as_texts(texts)


def test_apply_where_changes_only_the_marked_texts():
    texts = tf.constant(["a", "é", "b"])
    changed = apply_where(is_not_ascii(texts), texts, lambda some: some + "!")
    assert changed.numpy().tolist() == [b"a", "é!".encode(), b"b"]


def test_missing_tensorflow_text(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_text", None)
    with pytest.raises(InputError, match="pip install tensorflow-text"):
        import_tensorflow_text()
