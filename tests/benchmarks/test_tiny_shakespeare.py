"""The same text in windows, a loss that is that of the windows, a time that is kept."""

import language_data
import numpy as np
import pytest
import tensorflow as tf
import tiny_shakespeare
from language_peers import lacks

from nlpkit.models import build_generator


def test_nine_tenths_train(data):
    parts, size = language_data.shakespeare()
    text = (data / "tinyshakespeare" / "input.txt").read_text(encoding="utf-8")
    assert len(parts["train"]) == len(text) * 9 // 10
    whole = np.concatenate([parts["train"], parts["validation"]])
    assert len(whole) == len(text) and size == 4 + len(set(text))
    assert len(set(zip(whole.tolist(), text, strict=True))) == len(set(text)) == len(set(whole.tolist()))


def test_windows():
    inputs, targets = tiny_shakespeare.windows(np.arange(10), 4)
    assert inputs.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert targets.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]


def test_loss_of_windows_is_that_of_each_window():
    network = build_generator(9, cell="transformer", units=8, num_layers=1, num_heads=2)
    ids = np.random.default_rng(0).integers(4, 9, 3 * 64 + 5).astype(np.int32)
    inputs, targets = tiny_shakespeare.windows(ids, 64)
    losses = [
        tf.nn.sparse_softmax_cross_entropy_with_logits(target, network(row[None])[0])
        for row, target in zip(inputs, targets, strict=True)
    ]
    assert tiny_shakespeare.loss_of_windows(network, ids) == pytest.approx(np.mean(losses), rel=1e-5)


def test_what_a_run_writes(data, quick):
    rows = quick("tiny_shakespeare")["same_time"]["rows"]
    assert list(rows) == ["torch", "lstm", "transformer"]
    asked = tiny_shakespeare.PUBLISHED if lacks("torch") else rows["torch"]["loss"]
    for name in ("lstm", "transformer"):
        assert rows[name]["limit"] == asked
        in_time = rows[name]["in_time"] == "yes"
        assert in_time == (rows[name]["seconds"] <= rows["torch"].get("seconds", 1.0))
        assert rows[name]["met"] == ("yes" if in_time and rows[name]["in_windows"] <= asked else "no")
        assert rows[name]["loss"] < np.log(40) and rows[name]["in_windows"] < np.log(40)
    assert rows["lstm"]["loss"] == rows["lstm"]["carried"]
    assert rows["transformer"]["loss"] == rows["transformer"]["in_windows"]
    if lacks("torch"):
        assert rows["torch"] == {"absent": lacks("torch")}


def test_an_hour_is_kept_beside_it(data, quick, monkeypatch):
    def row(name, seconds, quick):
        return {"loss": 1.49, "seconds": seconds}

    monkeypatch.setattr(tiny_shakespeare, "nlpkit_row", row)
    (data / "tiny_shakespeare_quick.json").write_text('{"same_time": 5}')
    result = quick("tiny_shakespeare", "--hour")
    assert result["same_time"] == 5
    found = {"loss": 1.49, "seconds": 1.0, "limit": 1.5, "met": "yes"}
    assert result["hour"]["rows"] == {"lstm_hour": found}


@pytest.mark.skipif(bool(lacks("torch")), reason="no PyTorch")
def test_the_script_has_the_size_of_nano_gpt():
    import nano_gpt

    model = nano_gpt.GPT(65, layers=4, heads=4, width=128, context=64)
    # nanoGPT says 0.80M, without positions.
    assert sum(weight.numel() for weight in model.parameters()) - 64 * 128 == pytest.approx(0.80e6, rel=0.01)
    assert nano_gpt.learning_rate(2000, 2000) == pytest.approx(1e-4)
    assert nano_gpt.learning_rate(100, 2000) == pytest.approx(1e-3)
