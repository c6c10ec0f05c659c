"""All sides read the same batches, begin with the same weights and come to the same loss."""

import corpora
import language_data
import lm_training_speed
import numpy as np
import pytest
from language_peers import keras_model, lacks, own_model

from nlpkit.training.streams import stream_table


def test_ids_of_words(data):
    streams, size = language_data.ptb(limit=2)
    # By frequency, then by name: the, a, cat, dog, mat, on, sat.
    assert streams["train"].tolist() == [4, 6, 1, 9, 4, 8, 3, 5, 7, 10, 3]
    assert size == 11
    assert streams["dev"].tolist() == streams["test"].tolist() == streams["train"].tolist()


def test_batches_are_nlpkits():
    ids = np.arange(5, 5 + 4 * 3 * 6)
    inputs, targets = language_data.segments(ids, rows=4, steps=3, number=6)
    for own, table in zip((inputs, targets), stream_table(ids, 4), strict=True):
        assert (np.concatenate(own, axis=1) == table).all()
    with pytest.raises(SystemExit, match="7 batches of 4 × 3 need 84 tokens; there are 72"):
        language_data.segments(ids, rows=4, steps=3, number=7)


def test_models_with_the_same_weights_compute_the_same():
    ids = np.array([[4, 9, 1, 3], [7, 7, 5, 8]], np.int32)
    own, plain = own_model(12, 5, 2), keras_model(12, 5, 2, rows=2)
    np.testing.assert_allclose(own(ids), plain(ids), atol=1e-6)
    assert own.count_params() == sum(weight.size for weight in plain.get_weights())
    if not lacks("torch"):
        import torch
        from language_peers import torch_model

        logits = torch_model(12, 5, 2)(torch.tensor(ids))[0].detach().numpy()
        np.testing.assert_allclose(own(ids), logits, atol=1e-6)


def test_what_a_run_writes(data, quick):
    result = quick("lm_training_speed")
    assert ("torch" in result["peers"]) != bool(lacks("torch"))
    sides = result["sides"]
    speed = sides["nlpkit"]["tokens_per_second"]
    for name, limit in lm_training_speed.LIMITS.items():
        if name == "torch" and lacks("torch"):
            assert sides[name] == {"absent": lacks("torch")}
            continue
        assert sides[name]["times_as_fast"] == pytest.approx(
            speed / sides[name]["tokens_per_second"], abs=0.01
        )
        assert sides[name].get("met") == (
            limit and ("yes" if sides[name]["times_as_fast"] >= limit else "no")
        )
        assert sides[name]["same_loss"] == "yes"
    assert sides["keras"]["loss"] == pytest.approx(sides["nlpkit"]["loss"], rel=1e-4)
    parts = result["profile"]
    share = 1 - parts["without_softmax_ms"] / parts["whole_ms"]
    assert parts["softmax_share"] == pytest.approx(share, abs=0.002)


def test_first_steps_are_left_out():
    found = lm_training_speed.figures([10.0, 11.0, 14.0], [0.0, 1.0, 2.0], tokens=100, loss=2.0)
    assert found == {"tokens_per_second": 50.0, "tokens_per_cpu_second": 100.0, "loss": 2.0}


def test_without_data_it_says_so(tmp_path, monkeypatch, quick, capsys):
    monkeypatch.setattr(corpora, "DATA", tmp_path / "nowhere")
    assert quick("lm_training_speed") is None
    assert (
        "skipped: ptb/train.txt, ptb/dev.txt, ptb/test.txt is not in shared/data" in capsys.readouterr().out
    )
