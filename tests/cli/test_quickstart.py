"""`nlpkit quickstart`, on fewer reviews than it has."""

import json

import pytest

import nlpkit.data


@pytest.fixture(autouse=True)
def few_reviews(monkeypatch):
    every = nlpkit.data.load_sample_reviews()
    few = type(every)(every.texts[:120], every.labels[:120], every.domains[:120])
    monkeypatch.setattr("nlpkit.data.load_sample_reviews", lambda split: few)


def test_explains_each_step_and_replaces_its_own_folder(run, tmp_path, monkeypatch, unverified):
    monkeypatch.chdir(tmp_path)
    earlier = tmp_path / "saved_models" / "quickstart"
    (earlier / "1").mkdir(parents=True)
    (earlier / "spec.json").write_text("{}")
    (earlier / "1" / "kept").write_text("")
    first = run("quickstart")
    assert first.exit_code == 0, first.output
    for step in ("1. data", "2. training", "3. test", "4. saved", "5. exported", "6. predicted", "next:"):
        assert step in first.stderr
    assert first.stdout.count("tive  0.") + first.stdout.count("tive  1.") == 3
    assert (earlier / "2" / "saved_model.pb").exists() and (earlier / "1" / "kept").exists()
    assert json.loads((earlier / "report.json").read_text())["evaluation"]["test"]["rows"] == 120


def test_a_model_elsewhere_is_not_replaced(run, tmp_path):
    (tmp_path / "spec.json").write_text("{}")
    result = run("quickstart", "--out", tmp_path)
    assert result.exit_code == 2
    assert "already holds a saved model" in result.stderr


def test_a_foreign_folder_is_kept(run, tmp_path):
    (tmp_path / "notes.md").write_text("mine")
    result = run("quickstart", "--out", tmp_path)
    assert result.exit_code == 2
    assert "exists and is no nlpkit model" in result.stderr
    assert (tmp_path / "notes.md").exists()
