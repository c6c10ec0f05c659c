import pytest

from nlpkit.errors import InputError
from nlpkit.text import CharTokenizer, WordPieceTokenizer, WordTokenizer
from nlpkit.text.vocabulary import SPECIAL_TOKENS
from nlpkit.text.vocabulary_tokenizer import without_marks


@pytest.mark.parametrize("kind", [WordTokenizer, CharTokenizer, WordPieceTokenizer])
def test_no_vocabulary_yet(kind):
    for use in (lambda t: t(["a"]), lambda t: t.vocabulary_size, lambda t: t.detokenize([[4]])):
        with pytest.raises(InputError, match=f"This {kind.__name__} has no vocabulary yet. Call its `train"):
            use(kind())


@pytest.mark.parametrize("kind", [WordTokenizer, CharTokenizer, WordPieceTokenizer])
def test_vocabulary_travels_as_an_asset(kind, tmp_path):
    tokenizer = kind([*SPECIAL_TOKENS, "a", "b"])
    tokenizer.save_assets(tmp_path)
    again = kind.from_config(tokenizer.get_config())
    assert again.vocabulary is None
    again.load_assets(tmp_path)
    assert again.vocabulary == tokenizer.vocabulary
    assert again(["a"]).to_list() == [[4]]
    kind().save_assets(tmp_path / "nowhere")  # nothing to write yet


def test_text_cannot_make_a_special_token():
    assert CharTokenizer([*SPECIAL_TOKENS]).lookup(CharTokenizer().split(["a"])).to_list() == [[1]]


def test_without_marks():
    assert without_marks([[2, 4, 1, 3, 0], [0, 0, 0, 0, 0]]).to_list() == [[4, 1], []]
