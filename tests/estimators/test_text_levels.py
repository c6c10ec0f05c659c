import pytest

from nlpkit import Chatbot, InputError, TextClassifier, TextGenerator, TextToText
from nlpkit.estimators.text_levels import LEVELS, text_layer
from nlpkit.text.levels import level_of

TEXTS = ["A  dog, a cat!", "a dog <b>", "a dog"]
KINDS = {"byte": "byte", "char": "char", "subword": "sentencepiece", "word": "word"}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("normalize", [True, False])
def test_every_level_ends_with_the_end_and_keeps_case_and_marks(level, normalize):
    layer = text_layer(level, normalize, {})
    expected = "space" if level == "word" and not normalize else KINDS[level]
    assert level_of(layer.tokenizer) == expected
    settings = layer.settings()["normalizer"]
    assert not settings["html"] and settings["case"] is None
    assert settings["collapse_whitespace"] == (normalize and level == "subword")
    assert layer.packer.end and not layer.packer.start and layer.packer.max_length is None
    assert layer.min_frequency == (2 if expected == "word" else None)


def test_what_is_left_of_a_text():
    def again(level, normalize, **options):
        layer = text_layer(level, normalize, {"min_frequency": 1, **options} if level == "word" else options)
        ids = layer.fit_encode(TEXTS) if level != "byte" else layer.encode(TEXTS)
        assert all(row[-1] == 3 for row in ids)
        return [text.decode() for text in layer.detokenize(layer(TEXTS)).numpy()]

    assert again("char", True) == again("byte", True) == TEXTS
    assert again("word", True)[0] == "A dog, a cat!"
    assert again("word", False) == ["A dog, a cat!", "a dog <b>", "a dog"]
    assert again("word", True, case="lower")[0] == "a dog, a cat!"


def test_words_that_occur_once_are_unknown_ones():
    layer = text_layer("word", True, {})
    layer.fit_encode(TEXTS)
    assert layer.tokenizer.vocabulary.tokens[4:] == ["dog", "a"] or set(
        layer.tokenizer.vocabulary.tokens[4:]
    ) == {"a", "dog"}


def test_an_unknown_level_and_option():
    message = (
        r"`source_level` \(--source-level\) must be one of byte, char, subword, word. Received: 'letter'"
    )
    with pytest.raises(InputError, match=message):
        text_layer("letter", True, {}, argument="source_level")
    with pytest.raises(InputError, match=r"`level` \(--level\) must be one of"):
        text_layer("space", True, {})
    with pytest.raises(InputError, match="source settings cannot be used: .*size.* See nlpkit.text"):
        text_layer("word", True, {"size": 3}, group="source")


@pytest.mark.parametrize("limit", ["vocabulary_size", "min_frequency"])
@pytest.mark.parametrize(
    "fit",
    [
        lambda options: TextGenerator(level="byte", options={"text": options}).fit(TEXTS),
        lambda options: TextToText(level="byte", options={"target": options}).fit(TEXTS, TEXTS),
        lambda options: Chatbot(level="byte", options={"source": options}).fit([TEXTS]),
        lambda options: TextClassifier(tokenizer="byte", options={"text": options}).fit(TEXTS, [0, 1, 0]),
    ],
    ids=["generator", "text-to-text", "chatbot", "classifier"],
)
def test_bytes_have_no_vocabulary_to_limit(fit, limit):
    with pytest.raises(InputError) as caught:
        fit({limit: 500})
    assert str(caught.value) == (
        f"`{limit}` (--{limit.replace('_', '-')}) limits a vocabulary that is learned from texts; that of bytes is "
        f"always the same. Received: {limit}=500 with level='byte'. Leave it out, or take another level."
    )


def test_a_vocabulary_of_characters_has_a_limit():
    layer = text_layer("char", True, {"vocabulary_size": 6})
    layer.fit_encode(TEXTS)
    assert layer.vocabulary_size == 6
