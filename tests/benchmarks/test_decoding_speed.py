"""The plain search finds the best targets, all sides write as many tokens, and the script says what it found."""

import json
from itertools import product

import decoding_speed
import numpy as np
import pytest
import run_all
import translation_peers

SIZES = {"vocabulary_size": 7, "new": 3}


def logits(source, inputs, place):
    """Scores that hang on the source and on all that was written before."""
    seeds = [(int(row[0]), *before[: place + 1].tolist()) for row, before in zip(source, inputs, strict=True)]
    return np.stack([np.random.default_rng(seed).normal(size=7) for seed in seeds])


def log_probability(source, tokens):
    inputs, total = np.array([[2, 0, 0]]), 0.0
    for place, token in enumerate(tokens):
        scores = logits(np.array([[source]]), inputs, place)[0][4:]
        total += scores[token - 4] - np.log(np.exp(scores).sum())
        inputs[0, place + 1 : place + 2] = token
    return total


def test_the_plain_search():
    sources = np.array([[5], [6], [8]])
    greedy = translation_peers.re_running(logits, SIZES, 1)(sources)
    found = translation_peers.re_running(logits, SIZES, 9)(sources)  # as many as there are pairs of tokens
    for source, few, best in zip(sources[:, 0], greedy, found, strict=True):
        texts = list(product((4, 5, 6), repeat=3))
        assert tuple(best) == max(texts, key=lambda text: log_probability(source, text))
        start = max((4, 5, 6), key=lambda token: log_probability(source, (token,)))
        assert few[0] == start
        assert few[1] == max((4, 5, 6), key=lambda token: log_probability(source, (start, token)))
    assert (translation_peers.re_running(logits, SIZES, 1)(sources, 2) == greedy[:, :2]).all()


def test_highest_values():
    values = np.random.default_rng(0).normal(size=(4, 30))
    expected = np.argsort(-values, axis=1)
    for number in (1, 5):
        assert (translation_peers.highest(values, number) == expected[:, :number]).all()


@pytest.mark.parametrize("kind", decoding_speed.KINDS)
def test_networks_have_about_the_same_size(kind):
    own = translation_peers.nlpkit_network(kind, decoding_speed.SIZES).count_params()
    # The plain ones do not share the matrix of the output with the target's embedding.
    peer = translation_peers.keras_model(kind, decoding_speed.SIZES).count_params() - 8000 * 256
    assert own == pytest.approx(peer, rel=0.15)


def test_what_a_run_writes(quick, capsys):
    rows = quick("decoding_speed", "--kind", "gru")["rows"]
    assert list(rows) == ["gru, 2, greedy", "gru, 2, 5 beams"]
    for sides in rows.values():
        for side in decoding_speed.SIDES[1:]:
            ratio = sides[side]["seconds"] / sides["nlpkit"]["seconds"]
            assert sides[side]["times_as_fast"] == pytest.approx(ratio, rel=0.1)
            assert sides[side]["met"] == ("yes" if ratio >= 20 else "no")
    assert "Translation of" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="--kind takes gru,transformer. Received: lstm"):
        quick("decoding_speed", "--kind", "lstm")


def test_another_number_of_tokens_has_a_result_of_its_own(quick, monkeypatch, tmp_path):
    peer = {"sentences_per_second": 1.0, "times_as_fast": 90.0, "met": "yes"}
    sides = {"nlpkit": {"sentences_per_second": 90.0}, "predict": peer, "call": peer}
    monkeypatch.setattr(decoding_speed, "compare", lambda *_: sides)
    quick("decoding_speed", "--kind", "gru", "--new", "7")
    (path,) = tmp_path.glob("decoding_speed*.json")
    found = json.loads(path.read_text())
    assert path.name == "decoding_speed_quick_7.json"
    assert (found["sizes"]["source"], found["sizes"]["new"], found["sizes"]["units"]) == (7, 7, 8)


def test_the_row_of_the_quick_benchmarks():
    sides = {
        "nlpkit": {"sentences_per_second": 90.0},
        "predict": {"sentences_per_second": 1.0, "times_as_fast": 90.0},
        "call": {"sentences_per_second": 5.0, "times_as_fast": 18.0},
    }
    rows = run_all.decoding_rows({"limit": 20.0, "rows": {"gru, 1, greedy": sides}})
    assert rows == [["translation, gru, 1, greedy, sentences/s", 90.0, 5.0, 18.0, ">= 20 times", "no"]]
