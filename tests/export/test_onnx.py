"""Models as ONNX graphs, run by `nlpkit.lite` and by ONNX Runtime alone."""

import json
import subprocess
import sys

import keras
import numpy as np
import onnxruntime
import pytest
import tensorflow as tf
from estimators.small_texts import labels, quick, texts, topics
from estimators.untrained import untrained

import nlpkit.export.onnx as onnx_export
import nlpkit.lite
from nlpkit import Chatbot, ImageCaptioner, TextGenerator, TextToText
from nlpkit.errors import InputError, VerificationError
from nlpkit.export import export_classifier_onnx
from nlpkit.text import text_to_ids

X = texts(12) + ["", "Ünknown  wörds <br /> & more", "very " * 300, "?!", "这家酒店很好"]


def network(encoder, **more):
    return {"encoder": encoder, "options": {"network": {"units": 4, "embedding_dim": 4, **more}}}


CLASSIFIERS = {
    "bag, words": lambda: quick(epochs=1).fit(texts(), labels()),
    "lstm, characters, integers": lambda: quick(tokenizer="char", epochs=1, **network("lstm")).fit(
        texts(), labels(names=(10, 20))
    ),
    "gru, bytes, both ways": lambda: quick(
        tokenizer="byte", epochs=1, bidirectional=True, **network("gru")
    ).fit(texts(), labels()),
    "rnn, several labels": lambda: quick(multi_label=True, epochs=2, **network("rnn")).fit(texts(), topics()),
    "cnn, pieces": lambda: quick(tokenizer="wordpiece", epochs=1, **network("cnn")).fit(texts(), labels()),
    "transformer, sentencepiece": lambda: quick(
        tokenizer="sentencepiece", epochs=1, **network("transformer")
    ).fit(texts(), labels()),
}


@pytest.fixture(scope="module", params=CLASSIFIERS)
def exported(request, tmp_path_factory):
    """A fitted classifier and the path of its ONNX graph."""
    classifier, folder = CLASSIFIERS[request.param](), tmp_path_factory.mktemp("onnx")
    (result,) = classifier.export(folder, to="onnx")
    assert (result.format, result.path) == ("onnx", str(folder / "model.onnx"))
    # 128 texts by themselves, and in 8 batches.
    assert 0 <= result.max_difference <= 1e-5 and result.texts_compared == 136
    assert result.size == sum(path.stat().st_size for path in folder.iterdir()) and result.milliseconds > 0
    assert sorted(path.name for path in folder.iterdir()) == ["model.onnx", "model.onnx.json"]
    return classifier, folder / "model.onnx"


def test_the_runtime_predicts_as_the_estimator(exported):
    classifier, path = exported
    lite = nlpkit.lite.load(path)
    np.testing.assert_allclose(lite.predict_proba(X), classifier.predict_proba(X), atol=1e-5)
    found, expected = lite.predict(X), classifier.predict(X)
    assert found == expected if classifier.multi_label else found.tolist() == expected.tolist()


def test_onnx_runtime_alone_reads_batches(exported):
    classifier, path = exported
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    token_ids = classifier.text_to_ids_(tf.constant(X)).numpy()
    (found,) = session.run(["probabilities"], {"token_ids": token_ids})
    np.testing.assert_allclose(found, classifier.predict_proba(X), atol=1e-5)


def test_what_lies_beside_it(exported):
    classifier, path = exported
    described = json.loads(path.with_name("model.onnx.json").read_text(encoding="utf-8"))
    assert described["task"] == "classifier" and described["signatures"] == {"classify": "model.onnx"}
    assert described["text"] == classifier.text_to_ids_.settings()
    assert described["files"]["labels.txt"]["text"].split() == [str(label) for label in classifier.classes_]


@pytest.fixture(scope="module")
def classifier():
    return quick(tokenizer="char", epochs=1, **network("cnn")).fit(texts(), labels())


def test_neither_tensorflow_nor_tf2onnx_is_needed(classifier, tmp_path):
    classifier.export(tmp_path, to="onnx")
    program = (
        "import sys, nlpkit.lite; assert 'onnxruntime' not in sys.modules;"
        "model = nlpkit.lite.load(sys.argv[1]); print(*model.predict(['good', '']));"
        "assert not {'tensorflow', 'keras', 'sklearn', 'pydantic', 'onnx', 'tf2onnx'} & set(sys.modules)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "model.onnx")]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == classifier.predict(["good", ""]).tolist()


def test_a_model_that_differs_is_not_left(classifier, tmp_path, monkeypatch):
    (tmp_path / "model.onnx").write_text("an earlier file")
    right = onnx_export.verify_onnx

    def changed(paths, task):
        name, inputs, outputs = task.calls[5]
        task.calls[5] = name, inputs, {key: value + 0.1 for key, value in outputs.items()}
        return right(paths, task)

    monkeypatch.setattr(onnx_export, "verify_onnx", changed)
    message = r"The ONNX model differs .* in `probabilities` of `classify`, more than 1e-05, for .*token_ids.* removed"
    with pytest.raises(VerificationError, match=message):
        classifier.export(tmp_path, to="onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    assert (tmp_path / "model.onnx").read_text() == "an earlier file"


def test_a_model_that_cannot_be_run_is_not_left(classifier, tmp_path, monkeypatch):
    damage = "import sys; open(sys.argv[1].split('\"')[3], 'w').write('nothing');"
    monkeypatch.setattr("nlpkit.export.verify_onnx._READER", damage + "import nowhere")
    message = (
        r"The ONNX model could not be run by ONNX Runtime and was removed:\n[^$]*No module named 'nowhere'"
    )
    with pytest.raises(VerificationError, match=message):
        classifier.export(tmp_path, to="onnx")
    assert list(tmp_path.iterdir()) == []


class Bessel(keras.layers.Layer):
    """An operation that ONNX lacks."""

    def call(self, inputs):
        return tf.math.bessel_i0e(tf.cast(inputs, "float32"))[:, :2]


def test_operations_that_onnx_lacks_are_named(tmp_path):
    ids = keras.Input((None,), dtype="int32")
    odd = keras.Model(ids, Bessel()(ids))
    message = "This model cannot be converted to ONNX: ONNX, or tf2onnx, has no BesselI0e. Export it as a"
    with pytest.raises(InputError, match=message):
        export_classifier_onnx(tmp_path, text_to_ids("byte"), odd, ["no", "yes"])
    assert list(tmp_path.iterdir()) == []


def test_tf2onnx_is_not_installed(classifier, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    message = (
        r"needs tf2onnx and onnxruntime, which are not installed. Install them: pip install nlpkit\[onnx\]"
    )
    with pytest.raises(InputError, match=message):
        classifier.export(tmp_path, to="onnx")
    assert list(tmp_path.iterdir()) == []


PROMPTS = ["to", "", "that is", "whips & Ünknown", "to be or not to be that is the question " * 3]
LINES = ["to be or not to be", "that is the question", "to sleep perchance to dream"] * 10
GENERATORS = {
    "lstm": {"level": "char", "cell": "lstm", "options": {"network": {"tie": True}}},
    "gru, adaptive softmax": {"level": "word", "cell": "gru", "options": {"network": {"cutoffs": [8]}}},
    "transformer": {"level": "word", "cell": "transformer", "num_layers": 1},
}


@pytest.fixture(scope="module", params=GENERATORS)
def generator(request, tmp_path_factory):
    """A generator and the folder of its export."""
    folder = tmp_path_factory.mktemp("onnx")
    with untrained():
        generator = TextGenerator(units=16, random_state=0, **GENERATORS[request.param]).fit(LINES)
    (result,) = generator.export(folder, to="onnx")
    assert result.max_difference <= 1e-5 and result.path == str(folder / "model.onnx")
    assert result.size == sum(path.stat().st_size for path in folder.iterdir())
    return generator, folder


@pytest.mark.parametrize("options", [{"temperature": 0.0}, {"top_k": 5, "top_p": 0.9, "temperature": 0.8}])
def test_the_same_text_for_a_seed(generator, options):
    generator, folder = generator
    lite = nlpkit.lite.load(folder / "model.onnx")
    expected = generator.generate(PROMPTS, max_new_tokens=12, seed=3, **options)
    assert lite.generate(PROMPTS, max_new_tokens=12, seed=3, **options) == expected


def test_scores(generator):
    generator, folder = generator
    some = [*LINES[:3], "", "Ünknown words"]
    found = nlpkit.lite.load(folder / "model.onnx").score(some)
    np.testing.assert_allclose(found, generator.score(some), rtol=1e-5, atol=1e-5)


def test_step_by_step(generator):
    """The graphs of the state, as a client without nlpkit calls them."""
    generator, folder = generator
    init, step = (
        onnxruntime.InferenceSession(str(folder / f"model.{name}.onnx"), providers=["CPUExecutionProvider"])
        for name in ("init", "step")
    )
    room = {"max_length": np.array(4, "int32")} if init.get_inputs() else {}
    state = dict(zip([each.name for each in init.get_outputs()], init.run(None, room), strict=True))
    own = generator.network_.initial_state(1, 4)
    for token in (3, 5, 4, 6):
        names = [each.name for each in step.get_outputs()]
        found = dict(
            zip(names, step.run(None, {"token_ids": np.array([token], "int32"), **state}), strict=True)
        )
        logits, own = generator.network_.step(tf.constant([token]), own)
        np.testing.assert_allclose(found.pop("logits"), logits, rtol=1e-5, atol=1e-5)
        state = {name.removeprefix("new_"): value for name, value in found.items()}


def test_each_weight_is_written_once(generator):
    generator, folder = generator
    large = [value.tobytes() for value in generator.network_.get_weights() if value.nbytes > 1024]
    content = b"".join(path.read_bytes() for path in folder.iterdir())
    assert large
    assert [content.count(value) for value in large] == [1] * len(large)
    assert (folder / "model.onnx.weights").exists()


def test_files_of_two_exports_do_not_go_together(generator):
    _, folder = generator
    kept = (folder / "model.step.onnx").read_bytes()
    (folder / "model.step.onnx").write_bytes((folder / "model.init.onnx").read_bytes())
    with pytest.raises(
        InputError, match="model.step.onnx is damaged, or of another export than model.onnx.json"
    ):
        nlpkit.lite.load(folder / "model.onnx")
    (folder / "model.step.onnx").write_bytes(kept)


SOURCES = ["one two three", "two three four", "three one", "four two one", "one"] * 8
TARGETS = [" ".join(reversed(text.split())) for text in SOURCES]
ASKED = ["one two", "Zoe two three four", "", "four " * 12, "Ünknown Bo"]


def check_targets(model, lite):
    """That both write the same targets, searching and not, and find targets equally likely."""
    for beam_size in (1, 2):
        options = {"beam_size": beam_size, "max_new_tokens": 6}
        assert lite.predict(ASKED, **options) == model.predict(ASKED, **options)
    targets = ["two one", "four Zoe three", "one", "", "Bo"]
    np.testing.assert_allclose(lite.score(ASKED, targets), model.score(ASKED, targets), rtol=1e-5, atol=1e-5)


def test_text_to_text_by_a_transformer(tmp_path):
    settings = {"preset": "transformer", "num_layers": 1, "level": "word", "units": 8, "random_state": 0}
    with untrained():
        model = TextToText(**settings).fit(SOURCES, TARGETS)
    (result,) = model.export(tmp_path, to="onnx", beam_size=2)
    assert result.max_difference <= 1e-5
    check_targets(model, nlpkit.lite.load(result.path))


def test_a_chatbot_of_grus_with_attention(tmp_path):
    settings = {"preset": "attention", "cell": "gru", "level": "word", "units": 8, "random_state": 0}
    dialogues = [list(pair) for pair in zip(SOURCES, TARGETS, strict=True)]
    bot = Chatbot(epochs=1, turns=2, **settings).fit(dialogues)
    (result,) = bot.export(tmp_path, to="onnx", beam_size=2)
    assert result.max_difference <= 1e-5
    lite = nlpkit.lite.load(result.path)
    assert (tmp_path / "model.attention.onnx").exists(), (
        "no unknown word is replaced, so that nothing is tested"
    )
    check_targets(bot, lite)
    for history in ("one two", ["one", "two ‖ three", "four Zoe"]):
        assert lite.reply(history, max_new_tokens=5) == bot.reply(history, max_new_tokens=5)


def test_a_captioner(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), "uint8")
    captions = ["a red circle", "a blue square"] * 10
    captioner = ImageCaptioner(units=8, epochs=1, level="word", random_state=0).fit(images, captions)
    (result,) = captioner.export(tmp_path, to="onnx", beam_size=2)
    assert result.max_difference <= 1e-5
    lite = nlpkit.lite.load(result.path)
    assert lite.predict(images[:4], max_new_tokens=4) == captioner.predict(images[:4], max_new_tokens=4)
    with pytest.raises(InputError, match=r"`X` must be an array of shape \('n', .*Received: \(2, 2\)"):
        lite.predict(np.zeros((2, 2)))
