import io
import sys

import keras
import pytest
import sentencepiece
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nlpkit.errors import InputError
from nlpkit.text import SentencePieceTokenizer

TEXTS = ["playing played player", "play the game, games", "Ünï \u2581 \0 code 我喜欢"] * 10


@pytest.fixture(scope="module")
def tokenizer():
    return SentencePieceTokenizer().train(TEXTS, vocabulary_size=300)


@given(texts=st.lists(st.text(), min_size=1, max_size=5))
@example(texts=["\u2581", "\ue000", "\ue0000\ue0001", " \u2581\ue0001 ", "<unk></s><0x41>", "\0", " ⁇ "])
@settings(deadline=None, max_examples=100)
def test_any_text_comes_back_exactly(tokenizer, texts):
    ids = tokenizer(texts)
    assert [text.decode() for text in tokenizer.detokenize(ids).numpy()] == texts
    assert not ids.shape[0] or all(3 < id < tokenizer.vocabulary_size for row in ids.to_list() for id in row)


def test_ids_are_those_of_the_library(tokenizer):
    library = sentencepiece.SentencePieceProcessor(model_proto=tokenizer.model)
    assert tokenizer.vocabulary_size == library.vocab_size()
    texts = ["the player games", " 我 x"]
    assert tokenizer(texts).to_list() == library.encode(texts)
    assert tokenizer.detokenize([[2, *library.encode("a b"), 3, 0]]).numpy().tolist() == [b"a b"]


def test_the_special_space_is_told_from_a_space(tokenizer):
    ids = tokenizer(["play\u2581the", "play the"]).to_list()
    assert ids[0] != ids[1]


def test_training_and_loading_say_nothing(capfd):
    trained = SentencePieceTokenizer().train([f"{text} again" for text in TEXTS], vocabulary_size=300)
    SentencePieceTokenizer(trained.model)(["a game"])
    assert capfd.readouterr() == ("", "")


def test_errors(monkeypatch):
    with pytest.raises(InputError, match="This SentencePieceTokenizer has no model yet. Call its `train"):
        SentencePieceTokenizer()(["a"])
    with pytest.raises(InputError, match="`model` is not a SentencePiece model"):
        SentencePieceTokenizer(b"nonsense")
    with pytest.raises(InputError, match="`vocabulary_size` must be at least 300 .* vocabulary_size=100"):
        SentencePieceTokenizer().train(TEXTS, vocabulary_size=100)
    with pytest.raises(InputError, match="`min_frequency` must be 1 for SentencePiece. Received: min_freq"):
        SentencePieceTokenizer().train(TEXTS, min_frequency=2)
    with pytest.raises(InputError, match="SentencePiece could not learn 8000 pieces"):
        SentencePieceTokenizer().train([])
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(InputError, match=r"'sentencepiece', which is not installed.*nlpkit\[subword\]"):
        SentencePieceTokenizer().train(TEXTS)


def test_a_model_with_other_ids_is_refused():
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS),
        model_writer=model,
        vocab_size=40,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    with pytest.raises(InputError, match="must have the pieces <pad>, <unk>, <s>, </s> at the ids 0 to 3"):
        SentencePieceTokenizer(model.getvalue())


def test_a_seed_that_is_set_later_leaves_the_model_there(tokenizer):
    """It empties TensorFlow's cache of operations, which owns what has no name."""
    graph = tf.function(lambda texts: tokenizer(texts).to_tensor())
    before = graph(tf.constant(["a good day"])).numpy().tolist()
    keras.utils.set_random_seed(3)
    assert tokenizer(["a good day"]).to_list() == before
    assert graph(tf.constant(["a good day"])).numpy().tolist() == before
    assert tokenizer.detokenize(before).numpy().tolist() == [b"a good day"]


def test_models_are_told_apart(tokenizer):
    other = SentencePieceTokenizer().train(["quite different words here"] * 20, 300)
    again = SentencePieceTokenizer(model=tokenizer.model)
    ids = tokenizer(["a good day"]).to_list()
    assert again(["a good day"]).to_list() == ids != other(["a good day"]).to_list()
