import sys

import pytest

from nlpkit.errors import InputError
from nlpkit.text import Vocabulary, WordPieceTokenizer
from nlpkit.text.vocabulary import SPECIAL_TOKENS

TEXTS = ["playing played player", "play the game, games", "我 喜欢 游戏"] * 5


def test_longest_pieces_first():
    tokenizer = WordPieceTokenizer(Vocabulary([*SPECIAL_TOKENS, "play", "##ing", "##i", "a", "中"]))
    assert tokenizer(["playing a 中a", "axe", ""]).to_list() == [[4, 5, 7, 8, 7], [1], []]
    assert tokenizer.detokenize([[4, 5, 7, 0]]).numpy().tolist() == [b"playing a"]
    assert tokenizer.needs_tensorflow_text


def test_pieces_are_those_of_the_library_it_was_trained_with():
    import tokenizers

    tokenizer = WordPieceTokenizer().train(TEXTS, vocabulary_size=60)
    assert tokenizer.vocabulary_size <= 60
    library = tokenizers.Tokenizer(tokenizers.models.WordPiece(tokenizer.vocabulary.index, unk_token="<unk>"))
    library.normalizer = tokenizers.normalizers.BertNormalizer(False, True, False, False)
    library.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    texts = ["the player's games, plays", "我喜游", "player"]
    assert tokenizer(texts).to_list() == [library.encode(text).ids for text in texts]
    assert tokenizer.detokenize(tokenizer(["playing the games"])).numpy()[0] == b"playing the games"


def test_errors(monkeypatch):
    with pytest.raises(InputError, match="holds no characters to learn pieces from"):
        WordPieceTokenizer().train(["", " "])
    with pytest.raises(InputError, match="must be at least 5. Received: 3"):
        WordPieceTokenizer().train(TEXTS, vocabulary_size=3)
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(
        InputError, match=r"'tokenizers', which is not installed.*pip install nlpkit\[subword\]"
    ):
        WordPieceTokenizer().train(TEXTS)
