"""The pairs of layers that are timed compute the same, and the script says what it found."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import common  # noqa: E402
import layer_speed  # noqa: E402
from layer_pairs import Sizes, make_inputs  # noqa: E402
from layer_peers import PAIRS, layer_of  # noqa: E402

from nlpkit import layers  # noqa: E402

SIZES = Sizes(units=8, words=20, many_words=50)


@pytest.mark.parametrize("name", PAIRS)
def test_both_sides_compute_the_same_with_as_many_weights(name):
    _, make = PAIRS[name]
    pair = make(SIZES)
    given = make_inputs(pair.inputs, 3, 5, SIZES)
    own, peer = (side.forward(given, training=False) for side in (pair.own, pair.peer))
    assert own.shape == peer.shape
    if pair.same:
        layer_speed.check_same(name, own, peer, given.get("mask"))
        assert sum(map(tf.size, pair.own.weights)) == sum(map(tf.size, pair.peer.weights))


@pytest.mark.parametrize("name", PAIRS)
def test_both_sides_train_every_weight(name):
    _, make = PAIRS[name]
    pair = make(SIZES)
    given = make_inputs(pair.inputs, 2, 4, SIZES)
    for side in (pair.own, pair.peer):
        with tf.GradientTape() as tape:
            loss = side.training_loss(given)
        assert all(gradient is not None for gradient in tape.gradient(loss, side.weights)), side


def test_names_begin_with_layers():
    assert {layer_of(name) for name in PAIRS} <= set(layers.__all__)


def test_sides_that_differ_are_found():
    own, peer = tf.ones((2, 3, 4)), tf.concat([tf.ones((2, 2, 4)), tf.zeros((2, 1, 4))], axis=1)
    layer_speed.check_same("x", own, peer, tf.constant([[True, True, False]] * 2))
    with pytest.raises(SystemExit, match="x: both sides should compute the same, but differ by 1"):
        layer_speed.check_same("x", own, peer, None)


def test_masks_leave_half_to_all():
    mask = make_inputs(["mask"], 64, 50, SIZES)["mask"].numpy()
    assert 25 <= mask.sum(axis=1).min() < mask.sum(axis=1).max() <= 50
    assert (mask[:, :-1] >= mask[:, 1:]).all()


def test_ids_are_as_frequent_as_words():
    ids = make_inputs(["rare_ids"], 64, 200, Sizes())["rare_ids"].numpy()
    assert ids.min() >= 1 and ids.max() < 50_000
    assert (ids < 2_000).mean() == pytest.approx(np.log(2_000) / np.log(50_000), abs=0.02)


def test_functions_take_turns():
    called = []
    functions = [lambda given, side=side: called.append((side, given)) for side in "ab"]
    seconds = layer_speed.by_turns(functions, 5, least=15)
    assert [len(each) for each in seconds] == [layer_speed.MOST] * 2
    measured = called[2 * layer_speed.WARM_UP :]
    assert measured == [("a", 5), ("b", 5)] * layer_speed.MOST


def test_of_several_processes_the_median_counts(monkeypatch):
    ratios = {"near": [1.2, 0.9, 1.0, 0.8, 1.1], "far": [0.5]}
    what = {"pass": "forward", "batch": 1, "length": 50, "limit": 1.05, "own_ms": 1.0, "peer_ms": 1.0}

    def apart(function, names, quick):
        return {"rows": [{**what, "layer": name, "ratio": ratios[name].pop(0)} for name in names]}

    monkeypatch.setattr(layer_speed, "apart", apart)
    near, far = layer_speed.measure_in_rounds(["near", "far"], quick=False)
    assert (near["ratio"], near["met"], near["ratios"]) == (1.0, "yes", [1.2, 0.9, 1.0, 0.8, 1.1])
    assert (far["ratio"], far["ratios"]) == (0.5, [0.5])


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs the script with arguments; results go to a folder of the test."""
    monkeypatch.setattr(common, "RESULTS", tmp_path)
    monkeypatch.setattr(layer_speed, "RESULTS", tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["layer_speed.py", "--quick", *arguments])
        layer_speed.main()
        text = (tmp_path / "layer_speed_quick.md").read_text(encoding="utf-8")
        return json.loads((tmp_path / "layer_speed_quick.json").read_text()), text

    return run


def test_what_a_run_writes(run, capsys):
    run("--layer", "FeedForward")
    result, text = run("--layer", "MultiplicativeAttention")
    assert list(result["layers"]) == ["FeedForward", "MultiplicativeAttention"]
    rows = result["layers"]["MultiplicativeAttention"]["rows"]
    assert [(row["pass"], row["batch"], row["length"]) for row in rows] == [
        (kind, *size) for kind in ("forward", "training") for size in layer_speed.QUICK_SIZES
    ]
    for row in rows:
        assert row["ratio"] == pytest.approx(row["own_ms"] / row["peer_ms"], rel=0.05)
        assert row["met"] == ("yes" if row["ratio"] <= row["limit"] else "no")
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    assert lines[0] == "| layer | Keras | pass | 1 × 3 | 2 × 5 | limit | met |"
    names = [line.split(" | ")[0] for line in lines[2:]]
    assert names == ["| MultiplicativeAttention dot"] * 2 + ["| FeedForward"] * 2
    assert "of 4 rows are within their limits" in capsys.readouterr().out


def test_unknown_layers_are_named(run):
    with pytest.raises(SystemExit, match="--layer must be among RecurrentBlock, .*Received: LSTM"):
        run("--layer", "LSTM")
