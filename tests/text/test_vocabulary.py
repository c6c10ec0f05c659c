import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlpkit.errors import InputError
from nlpkit.text.vocabulary import SPECIAL_TOKENS, Vocabulary

TOKENS = st.lists(st.text(min_size=1), unique=True).map(
    lambda found: [t for t in found if t not in SPECIAL_TOKENS]
)


def test_most_frequent_first_and_ties_alphabetical():
    vocabulary = Vocabulary.from_counts({"b": 2, "a": 2, "c": 5, "d": 1, "<pad>": 9}, 7, min_frequency=2)
    assert vocabulary.tokens == [*SPECIAL_TOKENS, "c", "a", "b"]
    assert len(vocabulary) == 7 and vocabulary.index["c"] == 4


def test_size_includes_the_special_tokens():
    assert len(Vocabulary.from_counts({str(n): 1 for n in range(20)}, max_size=10)) == 10


@given(tokens=TOKENS)
def test_any_tokens_come_back_from_the_file(tokens, tmp_path_factory):
    path = tmp_path_factory.mktemp("vocabulary") / "vocabulary.txt"
    vocabulary = Vocabulary([*SPECIAL_TOKENS, *tokens])
    vocabulary.save(path)
    assert Vocabulary.load(path) == vocabulary
    assert path.read_bytes().count(b"\n") == len(vocabulary)


@pytest.mark.parametrize(
    "tokens, message",
    [
        (["a"], "it must begin with"),
        ([*SPECIAL_TOKENS, "a", "a"], "'a' is there twice"),
        ([*SPECIAL_TOKENS, ""], "every token must be a non-empty str"),
        ([*SPECIAL_TOKENS, 3], "every token must be a non-empty str. Received: 3 at id 4"),
    ],
)
def test_what_is_no_vocabulary(tokens, message):
    with pytest.raises(InputError, match=message):
        Vocabulary(tokens)


@pytest.mark.parametrize(
    "content, message",
    [
        (b"a\nb\n", "its first four lines must be <pad>, <unk>, <s>, </s>"),
        (b"<pad>\n<unk>\n<s>\n</s>\na\n\nb\n", "line 6: the line is empty"),
        (b"<pad>\n<unk>\n<s>\n</s>\na\nb\na\n", "line 7: token 'a' is already on line 5"),
        (b"\xff\xfe\n", "it is not UTF-8 text"),
    ],
)
def test_broken_files_are_named(tmp_path, content, message):
    path = tmp_path / "vocabulary.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        Vocabulary.load(path)
    assert "vocabulary.txt" in str(caught.value)


def test_missing_file():
    with pytest.raises(InputError, match="Cannot read the vocabulary file nowhere.txt"):
        Vocabulary.load("nowhere.txt")


def test_limits():
    with pytest.raises(InputError, match="must be at least 5. Received: 4"):
        Vocabulary.from_counts({"a": 1}, max_size=4)
    with pytest.raises(InputError, match="`min_frequency` must be at least 1. Received: min_frequency=0"):
        Vocabulary.from_counts({"a": 1}, min_frequency=0)
