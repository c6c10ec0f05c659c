import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from estimators.small_texts import labels, quick, texts, topics

import nlpkit.export.saved_model as saved_model
from nlpkit.errors import VerificationError
from nlpkit.export.saved_graph import read_saved_model_file

X = texts(20) + ["", "Ünknown  wörds <br /> & more", "very " * 2000]
GRU = {"encoder": "gru", "options": {"network": {"units": 3, "embedding_dim": 4}}}
VARIANTS = {
    "word": lambda: quick(epochs=1).fit(texts(), labels()),
    "char, integers": lambda: quick(tokenizer="char", epochs=1).fit(texts(), labels(names=(10, 20))),
    "byte, gru": lambda: quick(tokenizer="byte", epochs=1, **GRU).fit(texts(), labels()),
    "multi_label": lambda: quick(multi_label=True, epochs=4).fit(texts(), topics()),
    "wordpiece": lambda: quick(tokenizer="wordpiece", epochs=1).fit(texts(), labels()),
}

# Runs isolated: nothing but TensorFlow, as a server has it.
READER = """
import json, sys
import tensorflow as tf
folder, names, wanted = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
answers = {}
for name in names:
    try:
        model = tf.saved_model.load(f"{folder}/{name}/1")
    except Exception as error:
        answers[name] = {"error": str(error)}
        import tensorflow_text
        model = tf.saved_model.load(f"{folder}/{name}/1")
    answers.setdefault(name, {})
    serve, ids = model.signatures["serving_default"], model.signatures["ids"]
    inputs = serve.structured_input_signature[1] | ids.structured_input_signature[1]
    def example(text):
        feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[text.encode()]))
        return tf.train.Example(features=tf.train.Features(feature={"text": feature})).SerializeToString()
    ranked = model.signatures["classify"](inputs=tf.constant([example(text) for text in wanted]))
    answer = serve(text=tf.constant(wanted))
    one = serve(text=tf.constant(wanted[:1]))
    answers[name] |= {
        "probabilities": answer["probabilities"].numpy().tolist(),
        "label": tf.strings.unicode_decode(answer["label"], "UTF-8").to_list(),
        "one": one["probabilities"].numpy().tolist(),
        "outputs": sorted(answer),
        "classes": tf.strings.unicode_decode(ranked["classes"], "UTF-8").to_list(),
        "scores": ranked["scores"].numpy().tolist(),
        "ranked": sorted(ranked),
        "inputs": {key: [spec.dtype.name, spec.shape.as_list()] for key, spec in inputs.items()},
        "ids": ids(token_ids=tf.constant([[4, 5], [6, 0]]))["probabilities"].numpy().tolist(),
        "wide": ids(token_ids=tf.constant([[4, 5, 0, 0, 0], [6, 0, 0, 0, 0]]))["probabilities"].numpy().tolist(),
        "labels.txt": open(f"{folder}/{name}/1/assets.extra/labels.txt").read().split(),
        "modules": [m for m in ("nlpkit", "keras", "tensorflow_text") if m in sys.modules],
    }
print(json.dumps(answers))
"""


def decoded(labels):
    """Labels that came as lists of code points."""
    return ["".join(map(chr, label)) for label in labels]


@pytest.fixture(scope="module")
def classifiers():
    return {name: make() for name, make in VARIANTS.items()}


@pytest.fixture(scope="module")
def answers(classifiers, tmp_path_factory):
    """What each exported variant says in a process without nlpkit; compared here, so not verified on export."""
    folder = tmp_path_factory.mktemp("exports")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saved_model, "verify_saved_model", lambda *arguments: 0.0)
        for name, classifier in classifiers.items():
            classifier.export(folder / name)
    command = [sys.executable, "-I", "-c", READER, str(folder), json.dumps(list(VARIANTS)), json.dumps(X)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-3000:]
    return json.loads(run.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", list(VARIANTS))
def test_strings_in_labels_and_probabilities_out(classifiers, answers, name):
    classifier, answer = classifiers[name], answers[name]
    expected = classifier.predict_proba(X)
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-5)
    np.testing.assert_allclose(answer["one"], expected[:1], atol=1e-5)
    assert answer["outputs"] == ["label", "probabilities"]
    assert answer["labels.txt"] == [str(label) for label in classifier.classes_]
    if name == "multi_label":
        assert [
            [label for label in row if label] for row in map(decoded, answer["label"])
        ] == classifier.predict(X)
        assert any(any(row) for row in answer["label"])
    else:
        assert decoded(answer["label"]) == [str(label) for label in classifier.predict(X)]


@pytest.mark.parametrize("name", list(VARIANTS))
def test_ids_in_probabilities_out(classifiers, answers, name):
    classifier, answer = classifiers[name], answers[name]
    logits = classifier.network_(np.array([[4, 5], [6, 0]]), training=False).numpy()
    np.testing.assert_allclose(answer["ids"], classifier._probabilities(logits), atol=1e-5)
    np.testing.assert_allclose(answer["wide"], answer["ids"], atol=1e-5)
    assert answer["inputs"] == {"text": ["string", [None]], "token_ids": ["int32", [None, None]]}


@pytest.mark.parametrize("name", list(VARIANTS))
def test_examples_in_ranked_labels_out(classifiers, answers, name):
    classifier, answer = classifiers[name], answers[name]
    expected, names = classifier.predict_proba(X), [str(label) for label in classifier.classes_]
    assert answer["ranked"] == ["classes", "scores"]
    scores = np.array(answer["scores"])
    np.testing.assert_allclose(scores, -np.sort(-expected), atol=1e-5)
    for row, classes, found in zip(expected, map(decoded, answer["classes"]), scores, strict=True):
        assert sorted(classes) == sorted(names)
        np.testing.assert_allclose([row[names.index(label)] for label in classes], found, atol=1e-5)


def test_the_classify_api_finds_its_method_name_and_others_stay(classifiers, tmp_path, monkeypatch):
    monkeypatch.setattr(saved_model, "verify_saved_model", lambda *arguments: 0.0)
    path = classifiers["word"].export(tmp_path)[0].path
    signatures = read_saved_model_file(path).meta_graphs[0].signature_def
    methods = {name: signatures[name].method_name for name in ("classify", "serving_default", "ids")}
    predict = "tensorflow/serving/predict"
    assert methods == {"classify": "tensorflow/serving/classify", "serving_default": predict, "ids": predict}
    assert signatures["classify"].inputs["inputs"].dtype == tf.string.as_datatype_enum


def test_only_a_subword_tokenizer_needs_tensorflow_text(answers):
    for name, answer in answers.items():
        assert "nlpkit" not in answer["modules"]
        assert ("error" in answer) == (name == "wordpiece")
    assert (
        "Fast" in answers["wordpiece"]["error"] or "not registered" in answers["wordpiece"]["error"].lower()
    )


def test_export_verifies_and_versions_count_up(classifiers, tmp_path, monkeypatch):
    fitted = classifiers["word"]
    folder = tmp_path / "model"
    fitted.save(folder)
    (result,) = fitted.export(folder)
    assert (result.format, Path(result.path)) == ("saved_model", folder / "1")
    assert 0.0 <= result.max_difference <= 1e-5 and result.texts_compared > 100
    monkeypatch.setattr(saved_model, "verify_saved_model", lambda *arguments: 0.0)
    assert fitted.export(folder, to="saved_model")[0].path == str(folder / "2")
    (folder / "7").mkdir()
    assert fitted.export(folder)[0].path == str(folder / "8")
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == ["1", "2", "7", "8"]
    fitted.save(folder)
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == ["1", "2", "7", "8"]
    assert (folder / "1" / "saved_model.pb").is_file()
    assert (folder / "1").stat().st_mode & 0o777 == 0o755, "a server of another user must be able to read it"


def test_a_wrong_artefact_is_refused_and_removed(classifiers, tmp_path, monkeypatch):
    def wrong(network):
        copy = real(network)
        copy.set_weights([weights * 0.9 for weights in copy.get_weights()])
        return copy

    real = saved_model.portable_model
    monkeypatch.setattr(saved_model, "portable_model", wrong)
    (tmp_path / "1").mkdir()
    with pytest.raises(
        VerificationError, match=r"differs from the Keras model by .*more than 1e-05.*It was removed"
    ):
        classifiers["word"].export(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["1"]
