"""Which kernel runs, and why."""

import numpy as np
import pytest

from nlpkit.layers import RecurrentBlock
from nlpkit.layers.recurrent_kernel import CUDNN, LOOPS, STEPS, device_kernel, this_device


@pytest.mark.parametrize(
    ("gpus", "cuda", "kernel", "reason"),
    [
        (1, True, "cuDNN", "a GPU is there"),
        (1, False, "nlpkit's loops", "built without CUDA"),
        (0, False, "nlpkit's loops", "no GPU can be used"),
        (0, True, "nlpkit's loops", "pip install 'tensorflow[and-cuda]==2.21.0'"),
    ],
)
def test_kernel_and_reason(gpus, cuda, kernel, reason):
    found = device_kernel(gpus, cuda, "2.21.0")
    assert found[0] == kernel and reason in found[1]


@pytest.mark.parametrize(
    ("cell", "options", "kernel", "reason"),
    [
        ("lstm", {}, CUDNN, "a GPU is there"),
        ("gru", {"weight_drop": 0.5, "input_dropout": 0.5}, CUDNN, "a GPU is there"),
        ("gru", {"use_cudnn": False}, LOOPS, "`use_cudnn=False`"),
        ("gru", {"reset_after": False}, STEPS, "`reset_after=False`"),
        ("rnn", {}, LOOPS, "for LSTM and GRU only"),
        ("lstm", {"zoneout": 0.1}, STEPS, "`zoneout` acts between the steps"),
        ("lstm", {"recurrent_dropout": 0.1}, STEPS, "`recurrent_dropout` acts between the steps"),
        ("peephole_lstm", {}, STEPS, "no kernel of its own"),
    ],
)
def test_report_of_a_block_where_a_gpu_is(cell, options, kernel, reason, monkeypatch):
    monkeypatch.setattr("nlpkit.layers.recurrent_direction.this_device", lambda: device_kernel(1, True, ""))
    found = RecurrentBlock(3, cell, **options).kernel_report(training=True)
    assert found["kernel"] == kernel and reason in found["reason"]


def test_dropout_of_states_leaves_prediction_its_kernel(monkeypatch):
    monkeypatch.setattr("nlpkit.layers.recurrent_direction.this_device", lambda: device_kernel(1, True, ""))
    assert RecurrentBlock(3, recurrent_dropout=0.1).kernel_report()["kernel"] == CUDNN


def test_this_machine_is_asked():
    kernel, reason = this_device()
    assert RecurrentBlock(3).kernel_report() == {"kernel": kernel, "reason": reason}


def test_keras_does_not_compile_cudnns_kernel_with_xla(monkeypatch):
    assert RecurrentBlock(3).forward.supports_jit
    monkeypatch.setattr("nlpkit.layers.recurrent_direction.this_device", lambda: device_kernel(1, True, ""))
    assert not RecurrentBlock(3).forward.supports_jit
    assert RecurrentBlock(3, use_cudnn=False).forward.supports_jit
    block = RecurrentBlock(3)
    block.use_cudnn = False
    assert block.forward.supports_jit


def test_cudnn_is_not_asked_to_read_no_steps(monkeypatch):
    monkeypatch.setattr("nlpkit.layers.recurrent_direction.this_device", lambda: device_kernel(1, True, ""))
    assert RecurrentBlock(3)(np.zeros((2, 0, 4), "float32")).shape == (2, 0, 3)
