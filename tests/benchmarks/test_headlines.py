"""The baseline, the examples that a seed draws, and what a run writes."""

import corpora
import headlines
import pytest
from pair_files import NEWS, write_pairs

from nlpkit import TextToText
from nlpkit.estimators.text_to_text_choices import choose_for_text_to_text


def test_first_words():
    assert headlines.first_words(["Oil  prices rose on Monday", "a"], 3) == ["Oil prices rose", "a"]


def test_scores_are_means():
    found = headlines.scores(["the cat sat", "x"], ["The cat lay.", "y"])
    assert found == {"rouge1": 33.33, "rouge2": 25.0, "rougeL": 33.33}


def test_examples_are_drawn_by_the_seed():
    parts = {"test": ([f"description {n}" for n in range(50)], [f"title {n}" for n in range(50)])}

    def draw(seed):
        row = headlines.with_examples({"written": [f"written {n}" for n in range(50)]}, seed)
        assert set(row) == {"seed", "examples"}
        return headlines.examples(parts, {"copy": row}, seed)

    drawn = draw(3)
    assert len(drawn) == 10 and drawn == draw(3) != draw(4)
    assert len({tuple(text.split()[-1] for text in one.values()) for one in drawn}) == 10
    assert all(len({text.split()[-1] for text in one.values()}) == 1 for one in drawn)


@pytest.mark.parametrize("model", headlines.MODELS)
def test_settings_are_known(model):
    options = {"network": headlines.MODELS[model]["network"], "training": headlines.TRAINING}
    _, training, _ = choose_for_text_to_text(TextToText(level="word", shared=True), options, 6594)
    assert training.epochs == headlines.TRAINING["epochs"]


def test_what_a_run_writes(tmp_path, monkeypatch, quick, capsys):
    monkeypatch.setattr(corpora, "DATA", write_pairs(tmp_path / "data"))
    quick("headlines", "--model", "attention", "--seed", "4")
    result = quick("headlines", "--model", "copy", "--seed", "5")
    assert list(result["rows"]) == ["first_words", "copy"] and result["seed"] == 5
    baseline, row = result["rows"].values()
    firsts = {" ".join(description.split()[: baseline["words"]]) for description, _ in NEWS}
    assert set(baseline["examples"]) <= firsts and "written" not in row and row["epochs"] == 2
    assert len(result["examples"]) == 10 and row["search"] in list(headlines.SEARCHES)
    text = (tmp_path / "headlines_quick.md").read_text(encoding="utf-8")
    assert f"| first {baseline['words']} words |  | {baseline['rouge1']} | " in text and "(seed 5)" in text
    assert f"copy: {result['examples'][0]['copy']}" in capsys.readouterr().out
