import pytest
import tensorflow as tf

from nlpkit.text import Vocabulary, WordTokenizer
from nlpkit.text.vocabulary import SPECIAL_TOKENS


def words(text):
    return [token.decode() for token in WordTokenizer().split([text]).to_list()[0]]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("I don't know.", ["I", "don't", "know", "."]),
        ("the 'best' actors' film", ["the", "'", "best", "'", "actors", "'", "film"]),
        ("don’t “quote”…", ["don’t", "“", "quote", "”", "…"]),
        ("8/10, well-made_film", ["8", "/", "10", ",", "well", "-", "made", "_", "film"]),
        ("我喜欢film很好", ["我", "喜", "欢", "film", "很", "好"]),
        ("カタ ひら 한국", ["カ", "タ", "ひ", "ら", "한", "국"]),
        ("naïve E\u0301clair", ["naïve", "E\u0301clair"]),
        ("a\u00a0b\u3000c\u2028d\te\nf", ["a", "b", "c", "d", "e", "f"]),
        ("👍🏽!", ["👍", "🏽", "!"]),
        ("<pad> </s>", ["<", "pad", ">", "<", "/", "s", ">"]),
        ("", []),
        ("  \n", []),
    ],
)
def test_split(text, expected):
    assert words(text) == expected


def test_ids_and_unknown():
    tokenizer = WordTokenizer(Vocabulary([*SPECIAL_TOKENS, "good", "film"]))
    assert tokenizer(["good bad film", ""]).to_list() == [[4, 1, 5], []]
    assert tokenizer(["good"]).dtype == tf.int32
    assert tokenizer.vocabulary_size == 6 and not tokenizer.needs_tensorflow_text


def test_train_and_detokenize():
    tokenizer = WordTokenizer().train(["Good film, really!", "我喜 欢 film"], vocabulary_size=50)
    assert tokenizer.detokenize(tokenizer(["Good film, really!"])).numpy()[0] == b"Good film, really!"
    ids = tokenizer(["我喜欢film"]).to_tensor(shape=(1, 6))
    assert tokenizer.detokenize(ids).numpy()[0].decode() == "我喜欢film"
    assert tokenizer.detokenize([[2, 1, 3, 0]]).numpy()[0] == b"<unk>"
    assert len(WordTokenizer().train(["a b c d"], vocabulary_size=6).vocabulary) == 6
    assert WordTokenizer().train(["a a b"], min_frequency=2).vocabulary.tokens[4:] == ["a"]


def test_split_has_core_ops_only():
    graph = tf.function(WordTokenizer().split).get_concrete_function(tf.TensorSpec([None], tf.string)).graph
    assert not [node.op for node in graph.as_graph_def().node if ">" in node.op]


def test_join_puts_marks_where_they_belong_whatever_the_vocabulary():
    tokens = tf.ragged.constant(
        [["Hello", ",", "World", "!"], ["我", "喜", "film", "."], [], ["(", "a", ")"]]
    )
    expected = ["Hello, World!", "我喜film.", "", "( a)"]
    assert [text.decode() for text in WordTokenizer().join(tokens).numpy()] == expected
    tokenizer = WordTokenizer().train(["Hello , World !"])
    assert tokenizer.detokenize(tokenizer(["Hello, World!"])).numpy().tolist() == [b"Hello, World!"]
