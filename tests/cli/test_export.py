"""`nlpkit export`."""

import json
import shutil

import pytest


@pytest.fixture
def copy(model, tmp_path):
    return shutil.copytree(model, tmp_path / "reviews")


def test_versions_count_up(run, copy):
    first = run("export", copy, "--to", "saved_model")
    assert first.exit_code == 0, first.output
    assert first.stdout == f"{copy / '1'}\n"
    assert "largest difference" in first.stderr and f'-v "{copy}:/models/reviews"' in first.stderr
    second = json.loads(run("export", copy, "--json").stdout)["exports"][0]
    assert second["path"] == str(copy / "2") and second["max_difference"] < 1e-4
    assert (copy / "2" / "saved_model.pb").exists()


def test_an_unknown_format_is_refused(run, copy):
    result = run("export", copy, "--to", "pickle")
    assert result.exit_code == 2
    assert "pickle" in result.stderr and "saved_model" in result.stderr


def test_a_folder_without_a_model_is_refused(run, tmp_path):
    result = run("export", tmp_path)
    assert result.exit_code == 2
    assert "no complete nlpkit model folder: spec.json, model.keras missing" in result.stderr
