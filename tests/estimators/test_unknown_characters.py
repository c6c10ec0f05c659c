"""Characters that the training texts lack: read as the unknown token, given back as they were, never written."""

import numpy as np
import pytest

from nlpkit import TextGenerator
from nlpkit.text.vocabulary import END, UNKNOWN

TEXTS = ["one two three four five .", "red green blue white black ."] * 20
PROMPT = "one é two"


@pytest.fixture(scope="module")
def generator():
    training = {"batch_size": 4, "learning_rate": 0.03, "sequence_length": 14}
    options = {"training": training, "network": {"dropout": 0.0}}
    settings = {"units": 16, "num_layers": 1, "epochs": 2, "random_state": 0, "options": options}
    return TextGenerator(level="char", **settings).fit(TEXTS)


def ids_of(generator, text):
    return generator.text_to_ids_.encode([text])[0].tolist()


def likeliest(generator, text, count):
    """The characters that most likely follow a text, one by one, by the network itself; and their log-probabilities."""
    tokens = generator.text_to_ids_.tokenizer.vocabulary.tokens
    ids, found = [END, *ids_of(generator, text)[:-1]], []
    for _ in range(count):
        logits = generator.network_(np.array([ids]))[0, -1].numpy()
        logits -= np.log(np.exp(logits).sum())
        ids.append(END + int(logits[END:].argmax()))
        found.append((tokens[ids[-1]], logits[ids[-1]]))
    return zip(*found, strict=True)


def test_an_unknown_character_is_the_unknown_token(generator):
    known = ids_of(generator, "one r two")
    assert UNKNOWN not in known
    assert ids_of(generator, PROMPT) == [*known[:4], UNKNOWN, *known[5:]] == ids_of(generator, "one 😀 two")
    assert generator.evaluate([PROMPT, "é", "one"])["unknown"] == 2
    assert np.isfinite(generator.score([PROMPT, "é"])).all()


def test_a_prompt_with_it_is_gone_on_from_and_given_back_as_it_was(generator):
    (details,) = generator.generate_details(PROMPT, temperature=0, max_new_tokens=6, logprobs=1)
    text, logprobs = likeliest(generator, PROMPT, 6)
    assert (details["prompt"], details["text"]) == (PROMPT, "".join(text))
    np.testing.assert_allclose(details["logprobs"], logprobs, atol=1e-4)
    assert "".join(generator.stream(PROMPT, temperature=0, max_new_tokens=6)) == details["text"]
    # One unknown character is like another, and unlike a known one.
    other, known = generator.generate_details(
        ["one 😀 two", "one r two"], temperature=0, max_new_tokens=6, logprobs=1
    )
    assert (other["prompt"], other["text"]) == ("one 😀 two", details["text"])
    np.testing.assert_allclose(other["logprobs"], details["logprobs"], atol=1e-6)
    assert not np.allclose(known["logprobs"], details["logprobs"], atol=1e-3)


def test_it_is_never_written(generator):
    texts = generator.generate([PROMPT] * 30, temperature=50.0, max_new_tokens=30, seed=1)
    assert set("".join(texts)) == set("".join(TEXTS))
