import tensorflow as tf

from nlpkit.text import SpaceTokenizer, text_to_ids


def test_tokens_are_what_stands_between_spaces():
    tokens = SpaceTokenizer().split([" no it was n't <unk> u.s. N \n", ""]).to_list()
    assert tokens == [[b"no", b"it", b"was", b"n't", b"<unk>", b"u.s.", b"N"], []]


def test_in_a_pipeline_the_unknown_token_of_the_text_is_the_unknown_one():
    layer = text_to_ids("space", html=False, case=None, end=True)
    rows = layer.fit_encode([["the <unk> of N", "the U.S."]])
    assert layer.tokenizer.vocabulary.tokens == ["<pad>", "<unk>", "<s>", "</s>", "the", "N", "U.S.", "of"]
    assert [row.tolist() for row in rows] == [[4, 1, 7, 5, 3], [4, 6, 3]]
    assert layer.detokenize([rows[0].tolist()]).numpy().tolist() == [b"the <unk> of N"]


def test_join_puts_a_space_between_tokens_whatever_the_vocabulary():
    tokens = tf.ragged.constant([["Hello", ",", "World"], [], ["a"]])
    assert SpaceTokenizer().join(tokens).numpy().tolist() == [b"Hello , World", b"", b"a"]
    tokenizer = SpaceTokenizer().train(["a b"])
    ids = tokenizer(["b a c", ""])
    assert (
        tokenizer.join(tokenizer.tokens_of(ids)).numpy().tolist()
        == tokenizer.detokenize(ids).numpy().tolist()
    )
