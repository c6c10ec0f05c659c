"""The table of all exports: what is compared, how it is written, and that docs/export.md has every row; and theirs in
another TensorFlow."""

import sys

import export_matrix
import export_models
import numpy as np
import other_tensorflow
import pytest
import tensorflow as tf

from nlpkit.errors import InputError

# A classifier is asked with padding on the left and with gaps, too, and no image is empty; of others there are three.
PATTERNS = {"classifier": 5, "captioner": 2}


def test_the_docs_have_a_row_of_every_model_and_no_difference_that_counts():
    text = export_matrix.DOCS.read_text(encoding="utf-8")
    table = text.split(export_matrix.MARKS[0])[1].split(export_matrix.MARKS[1])[0]
    _, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines())
    assert [tuple(row[:3]) for row in rows] == list(export_models.MODELS)
    for task, _, _, *cells in rows:
        for cell in cells:
            numbers = [float(number) for number in cell.split("/")]
            assert len(numbers) == PATTERNS.get(task, 3), (task, cell)
            assert all(number <= 1e-5 for number in numbers), (task, cell)


def test_what_a_refused_export_and_an_empty_image_are_shown_as():
    assert export_matrix.shown({"refused": "no"}) == "—"
    assert export_matrix.shown({"alone": 1.2e-7, "padded": 0.0}) == "1e-7 / 0"


def test_a_difference_is_found(monkeypatch, tmp_path):
    class Model:
        def export(self, folder, to, steps=None):
            if to == "onnx":
                raise InputError("not that")
            return [type("Result", (), {"path": to})]

        def predict_proba(self, X):
            return np.full((len(X), 2), 0.5)

    other = Model()
    other.predict_proba = lambda X: np.array([[0.5, 0.5]] * (len(X) - 1) + [[0.25, 0.75]])
    monkeypatch.setattr(export_matrix, "load", lambda name, path: other)
    monkeypatch.setattr(export_matrix, "answer_to_ids", lambda *arguments: np.array([0.75]))
    monkeypatch.setattr(export_matrix, "_of_network", lambda *arguments: np.array([0.5]))
    key = "classifier", "gru", "both"
    found = dict.fromkeys(("alone", "padded", "empty", "left", "gaps"), 0.25)
    assert export_matrix.differences(key, Model(), "TFLite") == found
    assert export_matrix.differences(key, Model(), "ONNX") == {"refused": "not that"}


def test_answers_of_two_environments_are_compared():
    one = {"score|score": np.array([1.0, 2.0], "float32"), "tensorflow": np.array("2.21")}
    assert other_tensorflow.compare(one, {**one, "tensorflow": np.array("2.20")}) == (1, 0.0)
    changed = {**one, "score|score": np.array([1.0, 2.5], "float32")}
    assert other_tensorflow.compare(one, changed) == (1, 0.5)
    words = {"greedy|text": np.array([b"a", b"b"])}
    assert other_tensorflow.compare(words, {"greedy|text": np.array([b"a", b"c"])}) == (1, float("inf"))
    assert other_tensorflow.compare(one, {}) == (1, float("inf"))
    two = {"a|score": np.array([1.0]), "b|score": np.array([np.nan])}
    assert not other_tensorflow.compare(two, two)[1] <= 1e-5


def test_a_model_with_other_answers_ends_the_script(monkeypatch, tmp_path, capsys):
    found = iter(["yes", "no"])
    written = {}
    monkeypatch.setattr(other_tensorflow, "set_up", lambda folder: "python")
    monkeypatch.setattr(
        other_tensorflow, "tried", lambda key, python: [" ".join(key), "2.21", "2.20", 3, 0.0, next(found)]
    )
    monkeypatch.setattr(other_tensorflow, "write_result", written.__setitem__)
    monkeypatch.setattr(sys, "argv", ["other_tensorflow.py", "--environment", str(tmp_path), "--quick"])
    with pytest.raises(SystemExit, match="^Other answers in TensorFlow 2.20.0: classifier wordpiece$"):
        other_tensorflow.main()
    result = written["other_tensorflow_quick"]
    assert result["command"] == "python benchmarks/other_tensorflow.py --environment FOLDER --quick"
    assert [row["equal"] for row in result["rows"]] == ["yes", "no"]
    assert other_tensorflow.check([["one", "yes"], ["two", "yes"]]) is None


def test_a_signature_that_cannot_be_asked_is_named(tmp_path):
    def signature(function, **specs):
        specs = {name: tf.TensorSpec(shape, name=name) for name, shape in specs.items()}
        return tf.function(function, autograph=False).get_concrete_function(**specs)

    # `step` can be asked, with what `init` gives.
    signatures = {
        "init": signature(lambda size: {"state_0": 2 * size}, size=[None]),
        "step": signature(lambda state_0, token_ids: {"logits": state_0}, state_0=[None], token_ids=[None]),
        "write": signature(lambda size, length, words: {"text": size}, size=[None], length=[], words=[]),
    }
    tf.saved_model.save(tf.Module(), tmp_path, signatures)
    message = "`write` has inputs that other_tensorflow.py gives nothing for: length, words."
    with pytest.raises(SystemExit, match=message):
        other_tensorflow.answers(sys.executable, tmp_path, {"size": np.ones(2)})


@pytest.mark.slow
@pytest.mark.parametrize("key", export_models.MODELS, ids=" ".join)
@pytest.mark.parametrize("name", export_matrix.FORMATS)
def test_every_model_in_every_format(key, name):
    found = export_matrix.differences(key, export_models.MODELS[key](), name)
    assert "refused" not in found and all(value <= 1e-5 for value in found.values())
