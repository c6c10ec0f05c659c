"""The example runs as a user starts it, in a folder of the user's own."""

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import nlpkit
from nlpkit.data import load_sample_reviews

HOME = Path(__file__).parents[1]
EXAMPLE = HOME / "examples" / "sentiment_analysis.py"
REVIEWS = 150


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder that the example ran in, on a table of few reviews, and what it printed."""
    folder = tmp_path_factory.mktemp("example")
    reviews = load_sample_reviews("train")
    rows = list(zip(reviews.texts, reviews.labels, strict=True))
    with open(folder / "reviews.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *rows[:: len(rows) // REVIEWS]])
    run = subprocess.run(
        [sys.executable, str(EXAMPLE), "reviews.csv"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(HOME)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return folder, run.stdout.splitlines()


def test_what_it_prints(finished):
    lines = finished[1]
    measured = re.fullmatch(r"accuracy (0\.\d{3}|1\.000), macro F1 (0\.\d{3}|1\.000)", lines[0])
    assert measured and float(measured[1]) > 0.5
    assert lines[4:6] == ["", f"report: {Path('saved_models/sentiment/report.html')}"]
    assert re.fullmatch(
        rf"exported: {re.escape(str(Path('saved_models/sentiment/1')))}, reloaded and compared on \d+ texts",
        lines[6],
    )
    assert lines[7:] == [f"next: nlpkit predict {Path('saved_models/sentiment')} 'your own text'"]


def test_what_it_prints_is_what_the_saved_model_says(finished):
    folder, lines = finished
    classifier = nlpkit.load(folder / "saved_models" / "sentiment")
    for line in lines[1:4]:
        label, confidence, text = line.split("  ", maxsplit=2)
        assert label == classifier.predict([text])[0]
        assert float(confidence) == pytest.approx(classifier.predict_proba([text]).max(), abs=0.006)


def test_what_it_writes(finished):
    folder = finished[0]
    model = folder / "saved_models" / "sentiment"
    assert sorted(os.listdir(folder)) == ["reviews.csv", "saved_models"]
    assert os.listdir(folder / "saved_models") == ["sentiment"]
    assert sorted(os.listdir(model)) == [
        "1", "model.keras", "report.html", "report.json", "spec.json", "vocabulary.txt",
    ]  # fmt: skip
    assert (model / "1" / "saved_model.pb").is_file()
