"""Language models as TFLite files: the same text as in Python for a seed."""

import json
import subprocess
import sys

import numpy as np
import pytest
from estimators.untrained import untrained

import nlpkit.lite
from nlpkit import TextGenerator
from nlpkit.errors import InputError, VerificationError

TEXTS = [
    "to be or not to be",
    "that is the question",
    "to sleep perchance to dream",
    "who would bear the whips",
] * 10
PROMPTS = ["to", "", "that is", "whips & Ünknown", "to be or not to be that is the question " * 3]
VARIANTS = {
    "char, lstm, tied": {"level": "char", "cell": "lstm", "options": {"network": {"tie": True}}},
    "word, gru": {"level": "word", "cell": "gru"},
    "byte, transformer": {"level": "byte", "cell": "transformer", "options": {"network": {"num_heads": 2}}},
    "subword, nplm": {"level": "subword", "cell": "nplm"},
    "char, adaptive softmax": {"level": "char", "cell": "rnn", "options": {"network": {"cutoffs": [8]}}},
}


# What follows prompts, in a process of its own.
PROGRAM = """
import json, sys, nlpkit.lite
model = nlpkit.lite.load(sys.argv[1])
print(json.dumps(model.generate(json.loads(sys.argv[2]), max_new_tokens=8, seed=3)))
assert not {"tensorflow", "keras", "sklearn", "pydantic"} & set(sys.modules)
"""


@pytest.fixture(scope="module", params=VARIANTS)
def exported(request, tmp_path_factory):
    """A generator, its export, run by `nlpkit.lite`, and the path of that."""
    settings, folder = VARIANTS[request.param], tmp_path_factory.mktemp("tflite")
    with untrained():
        generator = TextGenerator(units=8, random_state=0, **settings).fit(TEXTS)
    (result,) = generator.export(folder, to="tflite")
    assert result.max_difference <= 1e-5
    return generator, nlpkit.lite.load(result.path), result.path


@pytest.mark.parametrize("options", [{"temperature": 0.0}, {"top_k": 5, "top_p": 0.9, "temperature": 0.8}])
def test_the_same_text_for_a_seed(exported, options):
    generator, lite, _ = exported
    for prompts in (PROMPTS, "to be"):
        expected = generator.generate(prompts, max_new_tokens=12, seed=3, **options)
        assert lite.generate(prompts, max_new_tokens=12, seed=3, **options) == expected


def test_no_tensorflow_is_needed(exported):
    generator, _, path = exported
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, path, json.dumps(PROMPTS)], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == generator.generate(PROMPTS, max_new_tokens=8, seed=3)


def test_a_stop_string_cuts(exported):
    generator, lite, _ = exported
    options = {"max_new_tokens": 20, "seed": 1, "stop": ["e", "o"]}
    assert lite.generate(PROMPTS, **options) == generator.generate(PROMPTS, **options)


def test_scores(exported):
    generator, lite, _ = exported
    texts = [*TEXTS[:4], "", "Ünknown words"]
    np.testing.assert_allclose(lite.score(texts), generator.score(texts), rtol=1e-5, atol=1e-5)


def test_without_a_seed_texts_differ(exported):
    _, lite, _ = exported
    assert len({lite.generate("to", max_new_tokens=30) for _ in range(4)}) > 1


def test_prompts_that_are_no_texts_are_refused(exported):
    _, lite, _ = exported
    with pytest.raises(InputError, match="Every text must be a str. Received: 3 at position 1"):
        lite.generate(["to", 3])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"max_new_tokens": -4},
            "`max_new_tokens` must be an integer, 0 or more. Received: max_new_tokens=-4",
        ),
        ({"max_new_tokens": "a"}, "`max_new_tokens` must be an integer, 0 or more"),
        ({"temperature": float("nan")}, r"`temperature` must be 0 \(always the most likely token\) or more"),
        ({"top_k": 2.5}, r"`top_k` must be an integer, 0 \(off\) or more. Received: top_k=2.5"),
        ({"top_p": 5}, r"`top_p` must be above 0 and at most 1 \(off\). Received: top_p=5"),
        ({"seed": 2**31}, "`seed` must be an integer of 32 bits. Received: seed=2147483648"),
    ],
)
def test_numbers_that_are_not_what_they_must_be(exported, options, message):
    _, lite, _ = exported
    with pytest.raises(InputError, match=message):
        lite.generate("to", **options)


def test_smaller_weights_and_their_perplexity(tmp_path, monkeypatch):
    generator = TextGenerator(units=64, num_layers=1, epochs=1, level="char", random_state=0).fit(TEXTS)
    whole, small = generator.export(
        tmp_path, to="tflite", quantize="dynamic", validation_data=TEXTS, max_loss=0.05
    )
    tokens = sum(len(text) + 1 for text in TEXTS)
    of_model = np.exp(-generator.score(TEXTS).sum() / tokens)
    assert whole.quality["perplexity_of_model"] == pytest.approx(of_model, rel=1e-5)
    assert whole.quality["perplexity"] == pytest.approx(of_model, rel=1e-5)
    assert small.quality["perplexity"] == pytest.approx(of_model, rel=0.05)
    assert small.quality["perplexity"] != whole.quality["perplexity"]
    monkeypatch.setattr(nlpkit.lite.LiteGenerator, "score", lambda self, texts: generator.score(texts) - 1)
    message = r"model.tflite has .* perplexity, the Keras model .*: more than 0.005 lost. It was removed."
    with pytest.raises(VerificationError, match=message):
        generator.export(tmp_path, to="tflite", validation_data=TEXTS)
    with pytest.raises(
        InputError, match=r"`quantize` must be among \['float16', 'dynamic'\]. Received: 'int8'"
    ):
        generator.export(tmp_path, to="tflite", quantize="int8")
