import pytest

from nlpkit.errors import InputError
from nlpkit.text.levels import LEVELS, level_of, tokenizer_of


def test_each_level_is_that_of_its_tokenizer():
    for level, (tokenizer_class, file) in LEVELS.items():
        assert level_of(tokenizer_class()) == level
        assert tokenizer_of(level) == (tokenizer_class, file)


def test_unknown():
    with pytest.raises(InputError, match="`level` must be one of .* Received: level='syllable'"):
        tokenizer_of("syllable")
    with pytest.raises(InputError, match="`tokenizer` must be one of nlpkit's tokenizers. Received: str"):
        level_of("word")
