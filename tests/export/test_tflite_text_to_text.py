"""Text-to-text models, chatbots and captioners as TFLite files."""

import json
import subprocess
import sys

import numpy as np
import pytest
from estimators.untrained import untrained

import nlpkit.lite
from nlpkit import Chatbot, ImageCaptioner, TextToText
from nlpkit.errors import InputError, VerificationError
from nlpkit.export.text_to_text_lite import text_to_text_task

SOURCES = ["one two three", "two three four", "three one", "four two one", "one"] * 8
TARGETS = [" ".join(reversed(text.split())) for text in SOURCES]
ASKED = ["one two", "Zoe two three four", "", "four " * 12, "Ünknown Bo"]
VARIANTS = {
    "attention, words": {"preset": "attention", "level": "word", "cell": "gru"},
    "gnmt, characters": {"preset": "gnmt", "level": "char", "num_layers": 2},
    "transformer, bytes": {"preset": "transformer", "level": "byte"},
    "plain, subwords": {"preset": "seq2seq", "level": "subword"},
}


# What targets a search finds, in a process of its own.
PROGRAM = """
import json, sys, nlpkit.lite
model = nlpkit.lite.load(sys.argv[1])
print(json.dumps(model.predict(json.loads(sys.argv[2]), beam_size=3, max_new_tokens=6)))
assert not {"tensorflow", "keras", "sklearn", "pydantic"} & set(sys.modules)
"""


@pytest.fixture(scope="module", params=VARIANTS)
def exported(request, tmp_path_factory):
    """A model, its export, run by `nlpkit.lite`, and the path of that."""
    folder = tmp_path_factory.mktemp("tflite")
    with untrained():
        model = TextToText(units=8, random_state=0, **VARIANTS[request.param]).fit(SOURCES, TARGETS)
    (result,) = model.export(folder, to="tflite", beam_size=3)
    assert result.max_difference <= 1e-5
    return model, nlpkit.lite.load(result.path), result.path


@pytest.mark.parametrize("beam_size", [1, 3])
def test_the_same_targets(exported, beam_size):
    model, lite, _ = exported
    options = {"beam_size": beam_size, "max_new_tokens": 6}
    assert lite.predict(ASKED, **options) == model.predict(ASKED, **options)
    assert lite.predict(ASKED[:2], beam_size=beam_size) == model.predict(ASKED[:2], beam_size=beam_size)


def test_no_tensorflow_is_needed(exported):
    model, _, path = exported
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, path, json.dumps(ASKED)], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == model.predict(ASKED, beam_size=3, max_new_tokens=6)


def test_scores(exported):
    model, lite, _ = exported
    targets = ["two one", "four Zoe three", "one", "", "Bo"]
    np.testing.assert_allclose(lite.score(ASKED, targets), model.score(ASKED, targets), rtol=1e-5, atol=1e-5)


def test_what_cannot_be_asked(exported):
    _, lite, _ = exported
    message = (
        r"`beam_size` must be 1 or 3, with which the model was exported. Received: beam_size=2. Export it"
    )
    with pytest.raises(InputError, match=message):
        lite.predict(ASKED, beam_size=2)
    with pytest.raises(
        InputError, match="`max_new_tokens` must be an integer, 0 or more. Received: max_new_tokens=-1"
    ):
        lite.predict(ASKED, max_new_tokens=-1)
    with pytest.raises(InputError, match="`length_penalty` must be a number. Received: length_penalty=nan"):
        lite.predict(ASKED, length_penalty=float("nan"))
    for given, kind in ((None, "NoneType"), (3, "int"), ({"a": "b"}, "dict")):
        with pytest.raises(InputError, match=f"Texts must be a list of str. Received: {kind}"):
            lite.predict(given)
    with pytest.raises(InputError, match="as many rows. Received: 5 sources and 1 targets"):
        lite.score(ASKED, ["one"])


def test_a_model_that_copies_is_refused(tmp_path):
    copying = {"preset": "attention", "level": "word", "shared": True, "options": {"network": {"copy": 3}}}
    with untrained():
        model = TextToText(units=8, random_state=0, **copying).fit(SOURCES, TARGETS)
    with pytest.raises(
        InputError,
        match="A model that copies words .* cannot be exported to TFLite or ONNX: its results are not as",
    ):
        model.export(tmp_path, to="tflite")
    assert not list(tmp_path.iterdir())


def test_the_score_of_what_another_search_would_write():
    model = TextToText(level="word", units=8, epochs=1, random_state=0).fit(SOURCES, TARGETS)
    task = text_to_text_task(model, 3)
    searched = [call for call in task.calls if call[0] == "translate"]
    for name, inputs, outputs in searched:
        found = task.rescore(name, inputs, outputs["token_ids"])
        np.testing.assert_allclose(found, outputs["score"], rtol=1e-5)
    (name, inputs, one), (*_, other) = searched[0], searched[1]
    another = np.concatenate([one["token_ids"][:, :1], one["token_ids"]], axis=1)
    assert task.rescore(name, inputs, another) < one["score"] - 1e-3
    assert task.rescore("greedy", inputs, other["token_ids"]) is None


def test_what_is_measured_of_a_file(tmp_path, monkeypatch):
    with untrained():
        model = TextToText(level="word", units=8, random_state=0).fit(SOURCES, TARGETS)
    given = {"validation_data": (SOURCES[:5], TARGETS[:5]), "quantize": "float16"}
    whole, half = model.export(tmp_path, to="tflite", **given)
    chrf = model.evaluate(SOURCES[:5], TARGETS[:5])["chrf"]
    assert half.path.endswith("model.float16.tflite")
    assert whole.quality == half.quality == {"chrf": chrf, "chrf_of_model": chrf}
    monkeypatch.setattr(model, "predict", lambda X, beam_size: TARGETS[: len(X)])
    message = r"model.tflite has .* chrf, the Keras model 100.0000: more than 0.005 lost. It was removed."
    with pytest.raises(VerificationError, match=message):
        model.export(tmp_path, to="tflite", **given)
    with pytest.raises(
        InputError, match=r"`quantize` must be among \['float16', 'dynamic'\]. Received: 'int8'"
    ):
        model.export(tmp_path, to="tflite", quantize="int8")


def test_a_chatbot(tmp_path):
    dialogues = [["hello", "hi", "how are you?", "fine"], ["hello", "good day", "who is it?", "me"]] * 10
    bot = Chatbot(level="word", units=8, epochs=1, turns=2, random_state=0).fit(dialogues)
    (result,) = bot.export(tmp_path, to="tflite")
    lite = nlpkit.lite.load(result.path)
    for history in ("hello", ["hello", "hi", "how are ‖ you?"]):
        assert lite.reply(history, max_new_tokens=5) == bot.reply(history, max_new_tokens=5)
    with pytest.raises(
        InputError, match="`history` must hold the turn to answer. Received: an empty history."
    ):
        lite.reply([])


@pytest.mark.parametrize("shape", [(3, 5), (8, 8, 3)], ids=["features", "pixels"])
def test_a_captioner(tmp_path, shape):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (20, *shape), "uint8")
    images = images if len(shape) == 3 else images.astype("float32") / 255
    captions = ["a red circle", "a blue square"] * 10
    captioner = ImageCaptioner(units=8, epochs=1, level="word", random_state=0).fit(images, captions)
    (result,) = captioner.export(tmp_path, to="tflite")
    lite = nlpkit.lite.load(result.path)
    assert lite.predict(images[:4], max_new_tokens=4) == captioner.predict(images[:4], max_new_tokens=4)
    if images.dtype == "uint8":
        with pytest.raises(InputError, match="`X` must hold pixels, uint8 from 0 to 255. Received: float64"):
            lite.predict(images[:4] / 255)
    with pytest.raises(InputError, match=r"`X` must be an array of shape \('n', .*Received: \(2, 2\)"):
        lite.predict(np.zeros((2, 2)))
