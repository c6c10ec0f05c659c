"""Presets that can be trained, scores of sacrebleu with signatures, limits within their time."""

import json
import os
import time

import corpora
import pytest
import translation
from clock import Clock
from pair_files import write_pairs
from translation_presets import PRESETS

from nlpkit import TextToText
from nlpkit.estimators.text_to_text_choices import choose_for_text_to_text
from nlpkit.models import build_encoder_decoder


@pytest.fixture
def pairs(tmp_path, monkeypatch):
    monkeypatch.setattr(corpora, "DATA", write_pairs(tmp_path / "data"))
    return tmp_path


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_known_settings(preset):
    model = TextToText(**translation.estimator_of(preset, None, quick=False))
    options = {"network": {}, "training": {}, **model.options}
    network, training, _ = choose_for_text_to_text(model, options, 29_000)
    assert training.epochs == PRESETS[preset]["estimator"]["epochs"] and training.schedule == "cosine"
    assert (training.patience is None) == (preset == "transformer")
    assert build_encoder_decoder(30, 30, **{**network, "units": 32}).vocabulary_size == 30
    changed = translation.estimator_of(preset, 3, quick=True)
    assert (changed["epochs"], changed["units"]) == (2, 32)
    assert changed["options"]["source"]["vocabulary_size"] == 320
    assert translation.estimator_of(preset, 3, quick=False)["epochs"] == 3
    assert PRESETS[preset]["estimator"]["options"] == model.options  # unchanged


def test_what_a_run_writes(pairs, quick):
    earlier = {
        "bleu_signature": "nrefs:1",
        "chrf_signature": "nrefs:1",
        "seconds": 60.0,
        "epochs": 1,
        "examples": [],
    }
    earlier = {"gru_attention.en-de": {**earlier, "sentences_per_second": 1.0}}
    (pairs / "translation_quick.json").write_text(json.dumps({"rows": earlier}))
    folder = pairs / "models"
    more = ("--checkpoint", str(pairs / "state"), "--save", str(folder))
    rows = quick("translation", "--preset", "gru_attention", "--direction", "de-en", *more)["rows"]
    assert list(rows) == ["gru_attention.en-de", "gru_attention.de-en"]
    row = rows["gru_attention.de-en"]
    assert row["bleu_signature"].startswith("nrefs:1|case:mixed|eff:no|tok:13a")
    assert row["epochs"] == len(row["validation_loss"]) == 2 and len(row["examples"]) == 5
    assert (row["limit"], row["limit_met"], row["goal_met"]) == (28.2, "no", "no")
    assert row["examples"][0][0] == "Ein Mann schläft." and row["examples"][0][2] == "A man sleeps."
    assert (folder / "gru_attention_de-en" / "spec.json").is_file()
    assert (pairs / "state" / "gru_attention_de-en.clock.json").is_file()
    text = (pairs / "translation_quick.md").read_text(encoding="utf-8")
    assert "| gru_attention | de-en | " in text
    assert (
        f"gru_attention.de-en: one GRU layer of 256 each way, additive attention. BLEU {row['bleu_signature']}"
        in text
    )


def test_limits_hold_within_their_time():
    row = {"bleu": 30.0, "seconds": 1700.0}
    found = translation.judged("gru_attention", "de-en", row)
    assert (found["limit_met"], found["goal_met"]) == ("yes", "no")
    assert translation.judged("gru_attention", "de-en", {**row, "seconds": 1900.0})["limit_met"] == "no"
    assert translation.judged("gru_attention", "en-de", row) == row


def test_time_goes_on(tmp_path):
    clock = Clock(tmp_path / "state")
    assert clock.start(resume=False) == 0
    path = tmp_path / "state" / "weights"
    path.parent.mkdir()
    path.write_text("")
    for times in (1, 2):
        os.utime(path, (time.time() + 100, time.time() + 100))
        assert clock.start(resume=True) == pytest.approx(100 * times, abs=1)
    assert clock.start(resume=False) == 0


def test_without_data_it_says_so(tmp_path, monkeypatch, quick, capsys):
    monkeypatch.setattr(corpora, "DATA", tmp_path / "nowhere")
    assert quick("translation") is None
    assert "skipped: multi30k/train.tsv, multi30k/dev.tsv" in capsys.readouterr().out
