"""The levels a text can be cut at, and the tokenizer and vocabulary file of each."""

from nlpkit.errors import InputError
from nlpkit.text.byte_tokenizer import ByteTokenizer
from nlpkit.text.char_tokenizer import CharTokenizer
from nlpkit.text.sentencepiece_tokenizer import MODEL_FILE, SentencePieceTokenizer
from nlpkit.text.space_tokenizer import SpaceTokenizer
from nlpkit.text.vocabulary_tokenizer import VOCABULARY_FILE
from nlpkit.text.word_tokenizer import WordTokenizer
from nlpkit.text.wordpiece_tokenizer import WordPieceTokenizer

LEVELS = {
    "word": (WordTokenizer, VOCABULARY_FILE),
    "space": (SpaceTokenizer, VOCABULARY_FILE),
    "char": (CharTokenizer, VOCABULARY_FILE),
    "byte": (ByteTokenizer, None),
    "wordpiece": (WordPieceTokenizer, VOCABULARY_FILE),
    "sentencepiece": (SentencePieceTokenizer, MODEL_FILE),
}


def tokenizer_of(level):
    """The tokenizer of a level.

    Args:
        level: str. One of `LEVELS`.

    Returns:
        Tuple of the tokenizer's class and the name of its vocabulary file (`None` for bytes).

    Raises:
        InputError: If the level is unknown.
    """
    if level not in LEVELS:
        raise InputError(f"`level` must be one of {sorted(LEVELS)}. Received: level={level!r}")
    return LEVELS[level]


def level_of(tokenizer):
    """The level of a tokenizer.

    Args:
        tokenizer: one of nlpkit's tokenizers.

    Returns:
        str. One of `LEVELS`.

    Raises:
        InputError: If the tokenizer is not one of nlpkit's.
    """
    for level, (tokenizer_class, _) in LEVELS.items():
        if type(tokenizer) is tokenizer_class:
            return level
    raise InputError(f"`tokenizer` must be one of nlpkit's tokenizers. Received: {type(tokenizer).__name__}")
