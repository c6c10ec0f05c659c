import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from nlpkit.text import CharTokenizer


@given(texts=st.lists(st.text(), min_size=1, max_size=5))
@settings(deadline=None, max_examples=30)
def test_characters_are_pythons(texts):
    split = CharTokenizer().split(texts).to_list()
    assert [[char.decode() for char in row] for row in split] == [list(text) for text in texts]


def test_ids_and_detokenize():
    tokenizer = CharTokenizer().train(["abba é", "b"])
    assert tokenizer.vocabulary.tokens[4:] == ["b", "a", " ", "é"]
    assert tokenizer(["bax", ""]).to_list() == [[4, 5, 1], []]
    assert tokenizer.detokenize([[4, 7, 0], [2, 1, 3]]).numpy().tolist() == ["bé".encode(), b"<unk>"]
    assert not tokenizer.needs_tensorflow_text


def test_join_is_what_detokenize_does_with_its_tokens():
    tokenizer = CharTokenizer().train(["ab é"])
    ids = tokenizer(["é b", "", "a"])
    assert (
        tokenizer.join(tokenizer.tokens_of(ids)).numpy().tolist()
        == tokenizer.detokenize(ids).numpy().tolist()
    )
    assert tokenizer.join(tf.ragged.constant([["ñ", " ", "x"], []])).numpy().tolist() == ["ñ x".encode(), b""]
