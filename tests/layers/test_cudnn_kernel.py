"""cuDNN's branch, which needs a GPU to run: its graph, its arguments beside Keras', and its results with a stand-in."""

import importlib
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from cudnn_on_cpu import LAYERS, fake_cudnn

from nlpkit.layers import RecurrentBlock, RecurrentStack
from nlpkit.layers.recurrent_kernel import CUDNN

RANDOM = np.random.default_rng(0)
STEPS = tf.constant(RANDOM.normal(size=(4, 6, 3)), tf.float32)
MASKS = {
    "none": None,
    "whole": [[1] * 6] * 4,
    "right": [[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 0]],
    "left": [[1, 1, 1, 1, 1, 1], [0, 0, 0, 1, 1, 1], [0, 0, 0, 0, 0, 1], [0, 1, 1, 1, 1, 1]],
    "gaps": [[1, 0, 1, 1, 0, 1], [0, 1, 0, 1, 0, 0], [0, 0, 1, 0, 0, 0], [1, 1, 0, 0, 1, 1]],
    "empty rows": [[0] * 6, [1, 1, 1, 0, 0, 0], [0] * 6, [0, 0, 1, 1, 0, 1]],
    "nothing": [[0] * 6] * 4,
}
MASKS = {name: None if mask is None else np.array(mask, bool) for name, mask in MASKS.items()}


@pytest.fixture(autouse=True)
def a_gpu(monkeypatch):
    monkeypatch.setattr("nlpkit.layers.recurrent_direction.this_device", lambda: (CUDNN, "a GPU is there"))


def operations(function, *signature):
    """Types of all operations of a function and those it calls."""
    graph = tf.function(function).get_concrete_function(*signature).graph
    functions = graph.as_graph_def().library.function
    return [op.type for op in graph.get_operations()] + [node.op for f in functions for node in f.node_def]


def steps_or_assertions(operations):
    return [name for name in operations if "Assert" in name or "While" in name]


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("cell", LAYERS)
def test_one_fused_operation_and_no_assertion(cell, mask):
    block = RecurrentBlock(5, cell)
    # A mask that the graph knows when it is made.
    found = operations(lambda steps: block(steps, mask=MASKS[mask]), tf.TensorSpec(STEPS.shape))
    assert found.count("CudnnRNNV3") == 1
    assert not steps_or_assertions(found)


@pytest.mark.parametrize("cell", LAYERS)
@pytest.mark.parametrize(
    ("options", "directions"),
    [({}, 1), ({"return_state": True}, 1), ({"weight_drop": 0.5}, 1), ({"bidirectional": True}, 2)],
    ids=str,
)
@pytest.mark.parametrize("blocks", [1, 2])
def test_one_fused_operation_for_each_direction_and_its_gradient(cell, options, directions, blocks):
    layer = RecurrentStack([RecurrentBlock(5, cell, **options) for _ in range(blocks)])
    layer.build((None, None, 3))

    def train(steps, mask):
        with tf.GradientTape() as tape:
            outputs = tf.nest.flatten(layer(steps, mask=mask, training=True))[0]
        return tape.gradient(outputs, [weight.value for weight in layer.trainable_weights])

    # A mask that the graph knows only when it runs.
    found = operations(train, tf.TensorSpec((None, None, 3)), tf.TensorSpec((None, None), "bool"))
    assert found.count("CudnnRNNV3") == found.count("CudnnRNNBackpropV3") == directions * blocks
    assert not steps_or_assertions(found)


@pytest.mark.parametrize("cell", LAYERS)
def test_the_kernel_gets_what_keras_gives_it(cell, monkeypatch):
    calls = []

    def record(**arguments):
        calls.append({name: np.asarray(value) for name, value in arguments.items()})
        return fake_cudnn(**arguments)

    layer = LAYERS[cell](5, return_sequences=True, bias_initializer="normal")
    block = RecurrentBlock(5, cell)
    layer.build((None, None, 3))
    block.build((None, None, 3))
    block.set_weights(layer.get_weights())
    branch = importlib.import_module("keras.src.backend.tensorflow.rnn")
    monkeypatch.setattr(branch, "_is_gpu_available", lambda: True)
    build = {**tf.sysconfig.get_build_info(), "is_cuda_build": True, "is_rocm_build": False}
    monkeypatch.setattr(tf.sysconfig, "get_build_info", lambda: build)
    monkeypatch.setattr(tf.raw_ops, "CudnnRNNV3", record)
    # Keras leaves in the padding what was there, which the kernel does not read.
    steps = STEPS * MASKS["right"][..., None]
    with_keras, own = layer(steps, mask=MASKS["right"]), block(steps, mask=MASKS["right"])
    assert len(calls) >= 2 and calls[0].keys() == calls[-1].keys()
    for name, expected in calls[0].items():
        np.testing.assert_array_equal(calls[-1][name], expected, err_msg=name)
    np.testing.assert_allclose(own, with_keras * MASKS["right"][..., None], atol=1e-6)


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("cell", LAYERS)
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
def test_it_gives_what_the_loops_give(cell, both, sequences, mask, monkeypatch):
    monkeypatch.setattr(tf.raw_ops, "CudnnRNNV3", fake_cudnn)
    options = {"bidirectional": both, "return_sequences": sequences, "return_state": True}
    block = RecurrentBlock(5, cell, **options)
    loops = RecurrentBlock(5, cell, use_cudnn=False, **options)
    found = block(STEPS, mask=MASKS[mask])
    loops.build(STEPS.shape)
    loops.set_weights(block.get_weights())
    for one, other in zip(found, loops(STEPS, mask=MASKS[mask]), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("cell", LAYERS)
def test_it_goes_on_from_a_state(cell, monkeypatch):
    monkeypatch.setattr(tf.raw_ops, "CudnnRNNV3", fake_cudnn)
    block = RecurrentBlock(5, cell, return_state=True)
    expected, *last = block(STEPS)
    first, *state = block(STEPS[:, :2])
    second, *state = block(STEPS[:, 2:], initial_state=state)
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), expected, atol=1e-6)
    np.testing.assert_allclose(np.stack(state), np.stack(last), atol=1e-6)
    _, *kept = block(STEPS, mask=MASKS["nothing"], initial_state=state)
    np.testing.assert_array_equal(np.stack(kept), np.stack(state))


@pytest.mark.parametrize("cell", LAYERS)
def test_keras_trains_a_model_with_it_without_xla(cell, monkeypatch):
    def compiled(use_cudnn):
        keras.utils.set_random_seed(1)
        block = RecurrentBlock(5, cell, use_cudnn=use_cudnn)
        model = keras.Sequential([keras.Input((None, 3)), keras.layers.Masking(), block])
        with monkeypatch.context() as patch:
            # Without a GPU Keras would not take XLA for any model.
            patch.setattr(tf.config, "list_physical_devices", lambda: [SimpleNamespace(device_type="GPU")])
            model.compile("sgd", "mse", jit_compile="auto")
        return model

    monkeypatch.setattr(tf.raw_ops, "CudnnRNNV3", fake_cudnn)
    with_cudnn, loops = compiled("auto"), compiled(False)
    assert loops.jit_compile and not with_cudnn.jit_compile
    loops.jit_compile = False  # XLA takes seconds
    inputs = tf.where(MASKS["gaps"][..., None], STEPS, 0.0)
    for model in (with_cudnn, loops):
        history = model.fit(inputs, tf.ones((4, 6, 5)), epochs=2, batch_size=2, shuffle=False, verbose=0)
        assert history.history["loss"][1] < history.history["loss"][0]
    for one, other in zip(with_cudnn.get_weights(), loops.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_the_operation_takes_16_bits(kind):
    block = RecurrentBlock(5, dtype=f"mixed_{kind}")
    assert "CudnnRNNV3" in operations(block, tf.TensorSpec((None, None, 3)))
    assert keras.backend.standardize_dtype(block.compute_dtype) == kind
