import json
import os
import shutil
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest
from estimators.small_texts import labels, quick, texts

import nlpkit
from nlpkit.errors import InputError
from nlpkit.estimators.saving import check_replaceable, read_report, read_spec, save_folder

X = texts()
FILES = ["model.keras", "report.html", "report.json", "spec.json", "vocabulary.txt"]


@pytest.fixture(scope="module")
def saved(fitted, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "model"
    fitted.save(folder)
    return folder


@pytest.fixture
def copy(saved, tmp_path):
    """A model folder that a test may damage."""
    return shutil.copytree(saved, tmp_path / "model")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_layout_of_the_folder(saved):
    assert names(saved) == FILES
    spec = json.loads((saved / "spec.json").read_text())
    assert spec["format_version"] == 1 and spec["task"] == "classifier"
    assert spec["labels"] == ["neg", "pos"] and spec["nlpkit"] == nlpkit.__version__
    assert json.loads((saved / "report.json").read_text())["name"] == "model"


def test_a_loaded_classifier_is_the_saved_one(fitted, saved):
    loaded = nlpkit.load(saved)
    np.testing.assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))
    assert loaded.get_params() == fitted.get_params()
    assert loaded.spec() == fitted.spec()
    assert loaded.report_["history"] == fitted.report_["history"]
    assert loaded.score(X, labels()) == fitted.score(X, labels())


def test_a_fresh_process_gives_the_same_probabilities(fitted, fitted_topics, saved, tmp_path):
    fitted_topics.save(tmp_path / "topics")
    layers = [keras.layers.Bidirectional(keras.layers.GRU(3, return_sequences=True))]
    own = quick(encoder=layers, options={"network": {"embedding_dim": 4}}, epochs=1).fit(X, labels())
    own.save(tmp_path / "own")
    program = """
import json, sys, nlpkit
texts = json.loads(sys.argv[1])
print(json.dumps([nlpkit.load(folder).predict_proba(texts).tolist() for folder in sys.argv[2:]]))
"""
    folders = [str(saved), str(tmp_path / "topics"), str(tmp_path / "own")]
    run = subprocess.run(
        [sys.executable, "-c", program, json.dumps(X), *folders], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr[-2000:]
    found = json.loads(run.stdout.splitlines()[-1])
    for probabilities, classifier in zip(found, (fitted, fitted_topics, own), strict=True):
        np.testing.assert_allclose(probabilities, classifier.predict_proba(X), atol=1e-6)


def test_a_generator_of_random_numbers_and_numpy_settings_can_be_saved(tmp_path):
    classifier = quick(random_state=np.random.RandomState(1), epochs=np.int64(1)).fit(X, labels())
    classifier.save(tmp_path / "model")
    assert nlpkit.load(tmp_path / "model").epochs == 1


def test_saving_again_replaces_the_model_and_keeps_its_versions(fitted, copy):
    (copy / "1").mkdir()
    (copy / "1" / "saved_model.pb").write_bytes(b"exported")
    (copy / "vocabulary.txt").write_text("old")
    fitted.save(copy)
    assert names(copy) == ["1", *FILES]
    assert (copy / "1" / "saved_model.pb").read_bytes() == b"exported"
    assert nlpkit.load(copy).predict(X[:1]) == fitted.predict(X[:1])
    assert names(copy.parent) == ["model"]


@pytest.mark.parametrize("step", ["write", "rename"])
def test_a_failing_write_leaves_the_old_model_and_nothing_else(copy, monkeypatch, step):
    (copy / "1").mkdir()
    before = {path: path.read_bytes() for path in copy.iterdir() if path.is_file()}

    def fail(path):
        (path / "spec.json").write_text("half")
        if step == "write":
            raise OSError("disk full")

    real = os.rename

    def rename(source, target):
        if step == "rename" and str(source).endswith("new"):
            raise OSError("disk full")
        real(source, target)

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(OSError, match="disk full"):
        save_folder(copy, fail)
    assert {path: path.read_bytes() for path in copy.iterdir() if path.is_file()} == before
    assert (copy / "1").is_dir()
    assert names(copy.parent) == ["model"]


def test_a_failing_first_save_leaves_nothing(tmp_path):
    def fail(path):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save_folder(tmp_path / "model", fail)
    assert names(tmp_path) == []


def test_a_foreign_folder_or_file_is_not_overwritten(fitted, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.png").write_bytes(b"me")
    (tmp_path / "file").write_text("mine")
    for name in ("photos", "file"):
        with pytest.raises(InputError, match=f"{name} exists and is no nlpkit model, so it is not replaced"):
            fitted.save(tmp_path / name)
    assert (tmp_path / "photos" / "me.png").read_bytes() == b"me" and names(tmp_path) == ["file", "photos"]
    (tmp_path / "empty").mkdir()
    check_replaceable(tmp_path / "empty")


def test_missing_and_foreign_folders(tmp_path):
    with pytest.raises(
        InputError,
        match="There is no model folder .*none. Train one: nlpkit train TASK --out .*none … .classifier, generator,",
    ):
        nlpkit.load(tmp_path / "none")
    with pytest.raises(InputError, match="no complete nlpkit model folder: spec.json, model.keras missing"):
        nlpkit.load(tmp_path)


def test_a_missing_model_or_vocabulary(copy):
    (copy / "vocabulary.txt").unlink()
    with pytest.raises(InputError, match="vocabulary file vocabulary.txt is missing"):
        nlpkit.load(copy)
    (copy / "model.keras").unlink()
    with pytest.raises(InputError, match="no complete nlpkit model folder: model.keras missing"):
        nlpkit.load(copy)


@pytest.mark.parametrize("part", [0.0, 0.5, 0.99])
def test_a_truncated_model(copy, part):
    content = (copy / "model.keras").read_bytes()
    (copy / "model.keras").write_bytes(content[: int(len(content) * part)])
    with pytest.raises(
        InputError, match=r"model.keras is damaged or was cut short \(.* bytes\)\. Copy the model"
    ):
        nlpkit.load(copy)


def test_a_model_with_a_damaged_part(copy):
    content = bytearray((copy / "model.keras").read_bytes())
    content[len(content) // 2] ^= 255
    (copy / "model.keras").write_bytes(content)
    with pytest.raises(InputError, match="model.keras is damaged or was cut short"):
        nlpkit.load(copy)


def test_a_full_disk_names_the_folder_and_leaves_what_was_there(copy):
    def write(path):
        (path / "spec.json").write_text("half")
        raise OSError(28, "No space left on device", str(path / "spec.json"))

    before = {path.name: path.read_bytes() for path in copy.iterdir()}
    with pytest.raises(OSError, match="No space left on device") as caught:
        save_folder(copy, write)
    assert caught.value.filename == str(copy)
    assert {path.name: path.read_bytes() for path in copy.iterdir()} == before
    assert [path.name for path in copy.parent.iterdir()] == [copy.name]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"format_version": 1,', "spec.json is not valid JSON"),
        ("[]", "must have format_version 1. Received: 'list'"),
        (
            '{"format_version": 99}',
            "must have format_version 1. Received: 99. Use the nlpkit version that wrote it",
        ),
        ("{}", "must have format_version 1. Received: None"),
        (
            '{"format_version": 1, "task": "magic"}',
            r"must name a task, one of \['captioner', 'chatbot', 'classifier', 'generator', 'text_to_text'\]. "
            "Received: 'magic'. Use the nlpkit version",
        ),
        (
            '{"format_version": 1, "task": "classifier"}',
            r"spec.json: \d+ setting\(s\) cannot be used:(.|\n)*labels",
        ),
    ],
)
def test_a_broken_spec(copy, content, message):
    (copy / "spec.json").write_text(content)
    with pytest.raises(InputError, match=message):
        nlpkit.load(copy)


def test_unknown_and_wrong_fields_of_the_spec_are_reported_together(copy):
    spec = json.loads((copy / "spec.json").read_text())
    (copy / "spec.json").write_text(json.dumps({**spec, "temperature": -1, "run": "rm"}))
    with pytest.raises(InputError) as caught:
        read_spec(copy)
    assert "2 setting(s)" in str(caught.value)
    assert "temperature: Input should be greater than 0. Received: -1.0" in str(caught.value).replace(
        "-1\n", "-1.0\n"
    )
    assert "run: Extra inputs are not permitted" in str(caught.value)


def test_a_report_may_be_missing_but_not_broken(copy):
    (copy / "report.json").write_text("{")
    with pytest.raises(InputError, match="report.json is not valid JSON"):
        nlpkit.load(copy)
    (copy / "report.json").unlink()
    assert read_report(copy) == {} and nlpkit.load(copy).report_ == {}


def test_code_in_a_model_is_not_run(copy, tmp_path):
    """A Lambda layer carries Python bytecode; Keras' safe mode must refuse it, whatever the caller had set."""
    mark = tmp_path / "executed"
    lambda_layer = keras.layers.Lambda(lambda x, path=str(mark): (open(path, "w").close(), x)[1])
    source = keras.Input((None,), dtype="int32")
    features = keras.layers.Embedding(50, 2)(source)
    pooled = keras.layers.GlobalAveragePooling1D()(lambda_layer(features))
    keras.Model(source, pooled).save(copy / "model.keras")
    mark.unlink(missing_ok=True)
    with pytest.raises(InputError, match="model.keras cannot be loaded(.|\n)*"):
        nlpkit.load(copy)
    assert not mark.exists()


def test_no_path_of_the_machine_is_kept(fitted, tmp_path):
    folder = tmp_path / "model"
    fitted.save(folder)
    fitted.export(folder)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert "saved_model.pb" in [path.name for path in files]
    for place in (str(tmp_path), os.path.dirname(nlpkit.__file__)):
        holding = [path.name for path in files if place.encode() in path.read_bytes()]
        assert not holding, f"{holding} hold {place}"


def test_nothing_in_the_folder_is_a_pickle(saved):
    for path in saved.iterdir():
        content = path.read_bytes()
        assert b"cloudpickle" not in content and not content.startswith(b"\x80")
    with zipfile.ZipFile(saved / "model.keras") as archive:
        assert {"config.json", "metadata.json", "model.weights.h5"} == set(archive.namelist())


def test_a_vocabulary_of_another_size_is_refused(fitted, tmp_path):
    fitted.save(tmp_path / "model")
    words = (tmp_path / "model" / "vocabulary.txt").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "model" / "vocabulary.txt").write_text("".join(words[:-1]), encoding="utf-8")
    message = (
        rf"together. Received: {len(words) - 1} tokens in the vocabulary in place of {len(words)}. A file"
    )
    with pytest.raises(InputError, match=message):
        nlpkit.load(tmp_path / "model")


def test_other_files_in_the_folder_survive_saving_again(fitted, tmp_path):
    fitted.save(tmp_path / "model")
    (tmp_path / "model" / "notes.txt").write_text("mine")
    fitted.save(tmp_path / "model")
    assert (tmp_path / "model" / "notes.txt").read_text() == "mine"
