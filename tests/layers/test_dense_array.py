"""Loops over dense arrays give what those over `tf.TensorArray` give, in their own thread only."""

import threading

import numpy as np
import pytest
import tensorflow as tf

from nlpkit.layers import RecurrentBlock
from nlpkit.layers.dense_array import DenseArray, arrays_are_dense, dense_arrays
from nlpkit.layers.one_text import one_text, reads_one_text

INPUTS = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
MASK = np.array([[True] * 5, [True] * 3 + [False] * 2])


def traced(block):
    spec = tf.TensorSpec((None, None, 3))
    function = tf.function(lambda inputs: block(inputs, mask=tf.constant(MASK)), autograph=False)
    return function.get_concrete_function(spec)


def ops(function):
    graph = function.graph.as_graph_def()
    nodes = [*graph.node, *(node for each in graph.library.function for node in each.node_def)]
    return {node.op for node in nodes}


@pytest.mark.parametrize(
    ("cell", "more"),
    [("lstm", {}), ("gru", {"bidirectional": True}), ("rnn", {}), ("peephole_lstm", {"zoneout": 0.1})],
)
def test_the_same_results_without_a_list_of_tensors(cell, more):
    block = RecurrentBlock(4, cell, use_cudnn=False, **more)
    block.build((None, None, 3))
    plain = traced(block)
    with dense_arrays():
        dense = traced(block)
    assert any(op.startswith("TensorList") for op in ops(plain))
    assert not any(op.startswith("TensorList") for op in ops(dense))
    np.testing.assert_array_equal(dense(tf.constant(INPUTS)), plain(tf.constant(INPUTS)))


def test_it_is_in_force_within_only():
    with dense_arrays(), dense_arrays(False):
        assert arrays_are_dense()
    with dense_arrays(False):
        assert not arrays_are_dense()
    assert not arrays_are_dense()


def test_reads_and_writes():
    array = DenseArray(tf.zeros((3, 2))).write(1, tf.ones(2))
    assert array.read(1).numpy().tolist() == [1, 1]
    assert array.stack().numpy().tolist() == [[0, 0], [1, 1], [0, 0]]
    assert array.unstack(tf.ones((1, 2))).stack().shape == (1, 2)


def test_another_thread_traces_as_ever():
    found = {}

    def look():
        found.update(dense=arrays_are_dense(), one=reads_one_text())

    with dense_arrays(), one_text():
        assert arrays_are_dense() and reads_one_text()
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert found == {"dense": False, "one": False} and not arrays_are_dense() and not reads_one_text()
