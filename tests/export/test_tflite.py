"""Classifiers as TFLite files, run by `nlpkit.lite` and by LiteRT alone."""

import json
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from estimators.small_texts import labels, quick, texts, topics

import nlpkit.export.tflite as tflite
import nlpkit.export.tflite_convert as tflite_convert
import nlpkit.lite
from nlpkit.errors import InputError, VerificationError
from nlpkit.export.lite_graphs import traced

X = texts(12) + ["", "Ünknown  wörds <br /> & more", "very " * 300, "?!", "这家酒店很好"]


def network(encoder, **more):
    return {"encoder": encoder, "options": {"network": {"units": 4, "embedding_dim": 4, **more}}}


VARIANTS = {
    "word, bag": lambda: quick(epochs=1).fit(texts(), labels()),
    "char, integers, lstm": lambda: quick(tokenizer="char", epochs=1, **network("lstm")).fit(
        texts(), labels(names=(10, 20))
    ),
    "byte, gru, both ways": lambda: quick(
        tokenizer="byte", epochs=1, bidirectional=True, **network("gru")
    ).fit(texts(), labels()),
    "multi_label, rnn": lambda: quick(multi_label=True, epochs=2, **network("rnn")).fit(texts(), topics()),
    "wordpiece, cnn": lambda: quick(tokenizer="wordpiece", epochs=1, **network("cnn")).fit(texts(), labels()),
    "sentencepiece, transformer": lambda: quick(
        tokenizer="sentencepiece", epochs=1, **network("transformer")
    ).fit(texts(), labels()),
}


@pytest.fixture(scope="module", params=VARIANTS)
def exported(request, tmp_path_factory):
    """A fitted classifier and the path of its TFLite file."""
    classifier, folder = VARIANTS[request.param](), tmp_path_factory.mktemp("tflite")
    (result,) = classifier.export(folder, to="tflite")
    assert (result.format, result.path) == ("tflite", str(folder / "model.tflite"))
    assert 0 <= result.max_difference <= 1e-5 and result.texts_compared == 128
    assert result.size == (folder / "model.tflite").stat().st_size and result.milliseconds > 0
    return classifier, folder / "model.tflite"


def test_the_runtime_predicts_as_the_estimator(exported):
    classifier, path = exported
    lite = nlpkit.lite.load(path)
    np.testing.assert_allclose(lite.predict_proba(X), classifier.predict_proba(X), atol=1e-5)
    assert lite.classes_.tolist() == classifier.classes_.tolist()
    found, expected = lite.predict(X), classifier.predict(X)
    assert found == expected if classifier.multi_label else found.tolist() == expected.tolist()
    assert lite.predict_proba([]).shape == (0, len(classifier.classes_))


def test_a_plain_zip_reader_gets_what_is_inside(exported):
    classifier, path = exported
    with zipfile.ZipFile(path) as pack:
        assert pack.read("labels.txt").decode().split() == [str(label) for label in classifier.classes_]
        spec = json.loads(pack.read("nlpkit.json"))
    assert spec["task"] == "classifier" and spec["text"] == classifier.text_to_ids_.settings()


@pytest.fixture(scope="module")
def classifier():
    return quick(tokenizer="char", epochs=1, **network("lstm")).fit(texts(), labels())


def test_a_fixed_number_of_steps(classifier, tmp_path):
    classifier.export(tmp_path, to="tflite", steps=16)
    lite = nlpkit.lite.load(tmp_path / "model.tflite")
    assert lite._run.shape("classify", "token_ids") == (1, 16)
    plain = texts(6) + ["very" * 90, ""]
    expected = classifier.predict_proba([text[:16] for text in plain])
    np.testing.assert_allclose(lite.predict_proba(plain), expected, atol=1e-5)


def test_no_tensorflow_is_needed(classifier, tmp_path):
    classifier.export(tmp_path, to="tflite")
    program = (
        "import sys, nlpkit.lite; model = nlpkit.lite.load(sys.argv[1]); print(*model.predict(['good', '']));"
        "assert not {'tensorflow', 'keras', 'sklearn', 'pydantic'} & set(sys.modules)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "model.tflite")]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == classifier.predict(["good", ""]).tolist()


def test_a_file_that_differs_is_not_left(classifier, tmp_path, monkeypatch):
    (tmp_path / "model.tflite").write_text("an earlier file")
    right = tflite.verify_tflite

    def changed(path, task, *more):
        name, inputs, outputs = task.calls[5]
        task.calls[5] = name, inputs, {key: value + 0.1 for key, value in outputs.items()}
        return right(path, task, *more)

    monkeypatch.setattr(tflite, "verify_tflite", changed)
    message = r"differs from the Keras model by .* in `probabilities` of `classify`, more than 1e-05, for .*token_ids"
    with pytest.raises(VerificationError, match=message):
        classifier.export(tmp_path, to="tflite")
    assert [path.name for path in tmp_path.iterdir()] == ["model.tflite"]
    assert (tmp_path / "model.tflite").read_text() == "an earlier file"


@pytest.mark.parametrize(
    ("encoder", "options"),
    [
        ("lstm", {"pooling": ["mean", "max", "attention"]}),
        ("transformer", {"pooling": "max"}),
        ("cnn", {}),
    ],
)
@pytest.mark.parametrize("steps", [None, 32])
def test_eight_bits_tell_padding_from_numbers(encoder, options, steps, tmp_path):
    classifier = quick(epochs=3, **network(encoder, units=16, embedding_dim=16, **options))
    classifier.fit(texts(60), labels(60))
    # Words that nobody knows have a vector, too, which the range has to reach.
    seen = [*texts(60), "zyx wvu", "vwx a yz"]
    given = {"quantize": "int8", "representative_data": seen, "steps": steps}
    *_, small = classifier.export(tmp_path, to="tflite", **given)
    found = nlpkit.lite.load(small.path).predict_proba(texts(30))
    np.testing.assert_allclose(found, classifier.predict_proba(texts(30)), atol=0.05)


# So few units have little to spare for eight bits throughout.
@pytest.mark.parametrize(("name", "max_loss"), [("float16", 0.005), ("dynamic", 0.005), ("int8", 0.25)])
def test_smaller_weights(name, max_loss, tmp_path):
    classifier = quick(epochs=3, **network("lstm", units=32, embedding_dim=32)).fit(texts(60), labels(60))
    whole, small = classifier.export(
        tmp_path,
        to="tflite",
        quantize=name,
        representative_data=texts(60) if name == "int8" else None,
        validation_data=(texts(60), labels(60)),
        max_loss=max_loss,
    )
    assert small.path == str(tmp_path / f"model.{name}.tflite")
    assert small.size < 0.8 * whole.size
    of_model = small.quality["accuracy_of_model"]
    assert whole.quality["accuracy"] == of_model and small.quality["accuracy"] >= of_model - max_loss
    lite = nlpkit.lite.load(small.path)
    np.testing.assert_allclose(lite.predict_proba(X), classifier.predict_proba(X), atol=0.1)
    assert not np.array_equal(lite.predict_proba(X), nlpkit.lite.load(whole.path).predict_proba(X))


def test_a_file_that_is_worth_less_is_refused(classifier, tmp_path, monkeypatch):
    runtime = nlpkit.lite.LiteClassifier
    monkeypatch.setattr(runtime, "predict_proba", lambda self, texts: 1 - classifier.predict_proba(texts))
    message = r"model.tflite has 0.0000 accuracy, the Keras model 1.0000: more than 0.005 lost. It was removed. Allow"
    with pytest.raises(VerificationError, match=message):
        classifier.export(tmp_path, to="tflite", validation_data=(X, classifier.predict(X)))
    assert list(tmp_path.iterdir()) == []


def test_unknown_quantizations_are_refused(classifier, tmp_path):
    message = r"`quantize` must be among \['float16', 'dynamic', 'int8'\]. Received: 'int4'"
    with pytest.raises(InputError, match=message):
        classifier.export(tmp_path, to=("saved_model", "tflite"), quantize="int4")
    message = (
        r"`quantize='int8'` needs texts of the training.* Received: none. Give some: `representative_data`"
    )
    with pytest.raises(InputError, match=message):
        classifier.export(tmp_path, to=("saved_model", "tflite"), quantize="int8")
    assert list(tmp_path.iterdir()) == []


def test_the_range_of_numbers_is_that_of_the_representative_texts(classifier, tmp_path):
    sizes = []
    for number, given in enumerate((["good"], texts(40))):
        *_, small = classifier.export(
            tmp_path / str(number), to="tflite", quantize="int8", representative_data=given
        )
        sizes.append((tmp_path / str(number) / "model.int8.tflite").read_bytes())
    assert sizes[0] != sizes[1]


def test_without_litert_nothing_is_converted(classifier, tmp_path, monkeypatch):
    monkeypatch.setattr(tflite, "find_spec", lambda name: None)
    monkeypatch.setattr(tflite, "convert", None)
    message = "A TFLite model is compared by LiteRT, which is not installed. Install it: pip install nlpkit"
    with pytest.raises(InputError, match=message):
        classifier.export(tmp_path, to="tflite")


def test_what_the_converter_says_is_told():
    lacking = "error: failed\nSome ops are not supported\nTF Select ops: Erfinv, Qr\nDetails"
    assert tflite_convert._reason(lacking) == "TFLite has no Erfinv, Qr"
    assert tflite_convert._reason("\nno such shape\nmore") == "no such shape"
    assert tflite_convert._reason("") == ""


def test_an_operation_that_tflite_lacks_is_named():
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    run = traced(lambda x: {"y": tf.math.erfinv(network(x))}, x=tf.TensorSpec([1, 3]))
    message = "This model cannot be converted to TFLite: TFLite has no Erfinv. Export it as a SavedModel: --to saved"
    with pytest.raises(InputError, match=message):
        tflite_convert.convert(network, {"run": run})
