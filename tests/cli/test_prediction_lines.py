"""Lines for models with several labels a text, and for labels that are no strings."""

import json

from nlpkit.cli.prediction_lines import prediction_line

CLASSES = ["cheap", "loud", "small"]


def test_several_labels():
    row = ("A box.", ["cheap", "small"], CLASSES, [0.9, 0.1, 0.6])
    assert json.loads(prediction_line("json", *row))["label"] == ["cheap", "small"]
    assert prediction_line("tsv", *row) == "cheap;small\t0.9000;0.6000\tA box."
    assert prediction_line("plain", *row) == "cheap  0.900, small  0.600  A box."


def test_no_label():
    row = ("A box.", [], CLASSES, [0.1, 0.2, 0.3])
    assert json.loads(prediction_line("json", *row))["label"] == []
    assert prediction_line("tsv", *row) == "\t\tA box."
    assert prediction_line("plain", *row) == "-      0.700  A box."


def test_numbers_as_labels():
    row = ("A box.", 1, [0, 1], [0.25, 0.75])
    assert json.loads(prediction_line("json", *row)) == {
        "text": "A box.",
        "label": 1,
        "probabilities": {"0": 0.25, "1": 0.75},
    }
    assert prediction_line("plain", *row) == "1  0.750  A box."
