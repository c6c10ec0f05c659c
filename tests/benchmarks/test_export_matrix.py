"""The table of all exports: what is compared, how it is written, and that docs/export.md has every row."""

import export_matrix
import export_models
import numpy as np
import other_tensorflow
import pytest

from nlpkit.errors import InputError


def test_the_docs_have_a_row_of_every_model_and_no_difference_that_counts():
    text = export_matrix.DOCS.read_text(encoding="utf-8")
    table = text.split(export_matrix.MARKS[0])[1].split(export_matrix.MARKS[1])[0]
    _, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines())
    assert [tuple(row[:3]) for row in rows] == list(export_models.MODELS)
    numbers = [float(number) for row in rows for cell in row[3:] if cell != "—" for number in cell.split("/")]
    assert numbers and all(number <= 1e-5 for number in numbers)


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


@pytest.mark.slow
@pytest.mark.parametrize("key", export_models.MODELS, ids=" ".join)
@pytest.mark.parametrize("name", export_matrix.FORMATS)
def test_every_model_in_every_format(key, name):
    found = export_matrix.differences(key, export_models.MODELS[key](), name)
    assert "refused" not in found and all(value <= 1e-5 for value in found.values())
