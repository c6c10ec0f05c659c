"""Presets that can be trained, rows that are kept, limits that are judged."""

import corpora
import language_data
import language_models
import numpy as np
import pytest
from language_presets import PRESETS, QUICK_NETWORK

from nlpkit.models import build_generator
from nlpkit.spec import LanguageModelSettings, parse_settings

NETWORKS = [name for name, preset in PRESETS.items() if "network" in preset]


@pytest.mark.parametrize("name", NETWORKS)
def test_presets_are_known_settings(name):
    preset = PRESETS[name]
    assert parse_settings(LanguageModelSettings, preset["training"], name).patience is None
    small = {key: value for key, value in QUICK_NETWORK.items() if key in preset["network"]}
    assert build_generator(20, **{**preset["network"], **small}).vocabulary_size == 20


def test_rows_are_kept_and_written(data, quick):
    quick("language_models", "--model", "kneser_ney_3")
    rows = quick("language_models", "--model", "nplm,lstm_200_tied")["rows"]
    assert list(rows) == ["kneser_ney_3", "nplm", "lstm_200_tied"]
    assert rows["nplm"]["limit"] == rows["kneser_ney_3"]["test"] < 20
    assert rows["nplm"]["limit_met"] == ("yes" if rows["nplm"]["test"] <= rows["nplm"]["limit"] else "no")
    row = rows["lstm_200_tied"]
    assert row["goal_met"] == row["limit_met"] == "yes"  # fifteen words
    assert row["dev_by_epoch"][row["best_epoch"] - 1] == pytest.approx(row["dev"], rel=1e-3)
    assert row["dev"] == pytest.approx(row["test"])  # the same text here
    lines = (data / "language_models_quick.md").read_text(encoding="utf-8").splitlines()
    lines = [line for line in lines if line.startswith("| ")]
    assert lines[2].startswith("| 3-gram, modified Kneser-Ney |") and "148.3 (Mikolov 2012)" in lines[2]
    assert len(lines) == 5


def test_a_part_of_a_large_one(data, quick):
    row = quick("language_models", "--model", "textbook_650", "--steps", "1")["rows"]["textbook_650"]
    assert (row["steps"], row["epochs"]) == (1, 1) and "limit" not in row
    text = (data / "language_models_quick.md").read_text(encoding="utf-8")
    assert "first 1 steps; whole: about 1 h on a GPU (estimate)" in text


def test_steps_are_cut_from_the_text():
    settings = {"batch_size": 4, "sequence_length": 5, "epochs": 40}
    assert len(language_models.part(range(100), settings, None)) == 100 and settings["epochs"] == 40
    assert len(language_models.part(range(100), settings, 3)) == 60 and settings["epochs"] == 1
    assert len(language_models.part(range(100), settings, 16)) == 100 and settings["epochs"] == 3


def test_limits_hold_within_their_time():
    rows = {"lstm_200_tied": {"test": 95.0, "seconds": 3000.0, "steps": None}}
    language_models.judge(rows)
    assert rows["lstm_200_tied"]["limit_met"] == "yes" and rows["lstm_200_tied"]["goal_met"] == "no"
    rows["lstm_200_tied"] |= {"test": 91.0, "seconds": 7000.0}
    language_models.judge(rows)
    assert rows["lstm_200_tied"]["limit_met"] == "no" and rows["lstm_200_tied"]["goal_met"] == "yes"


def test_unknown_models_are_named(quick):
    with pytest.raises(SystemExit, match="--model takes kneser_ney_3,.*Received: gpt"):
        quick("language_models", "--model", "gpt")


@pytest.mark.skipif(
    not (corpora.DATA / "ptb" / "train.txt").exists(), reason="the Penn Treebank is not in shared/data"
)
def test_the_command_line_reads_the_treebank_as_the_benchmarks_do():
    from nlpkit.cli.reading import text_reader
    from nlpkit.estimators.plain_texts import PlainTexts
    from nlpkit.estimators.text_levels import text_layer

    def lines(part):
        return PlainTexts(text_reader([str(corpora.DATA / "ptb" / part)]))

    streams, size = language_data.ptb()
    text_to_ids = text_layer("word", False, {})
    np.testing.assert_array_equal(text_to_ids.fit_encode(lines("train.txt")).ids, streams["train"])
    np.testing.assert_array_equal(text_to_ids.encode(lines("test.txt")).ids, streams["test"])
    assert text_to_ids.vocabulary_size == size and len(streams["test"]) == 82_430


def test_a_transformer_looks_back_as_far_as_it_was_trained():
    for preset in PRESETS.values():
        if preset.get("network", {}).get("cell") == "transformer":
            assert preset["network"]["context"] == preset["training"]["sequence_length"]


def test_the_time_of_a_resumed_training_goes_on(data, quick, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(language_models.Clock, "start", lambda self, resume: seen.append(resume) or 100.0)
    folder = str(tmp_path / "state")
    for flags in ((), ("--resume",)):
        row = quick("language_models", "--model", "lstm_200", "--checkpoint", folder, *flags)["rows"][
            "lstm_200"
        ]
        assert row["seconds"] >= 100
    assert seen == [False, True]
