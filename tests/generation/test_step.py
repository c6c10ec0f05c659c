"""Rows of a state go where a search sends them."""

import numpy as np
import tensorflow as tf

from nlpkit.generation import reorder
from nlpkit.generation.step import take_step


def test_every_part_of_a_nest_is_reordered():
    state = {"lstm": [(tf.range(3), tf.range(6.0))], "cache": tf.reshape(tf.range(12), (3, 2, 2))}
    state["lstm"] = [(state["lstm"][0][0], tf.reshape(state["lstm"][0][1], (3, 2)))]
    moved = reorder(state, tf.constant([2, 0, 0, 1]))
    assert moved["lstm"][0][0].numpy().tolist() == [2, 0, 0, 1]
    assert moved["lstm"][0][1].numpy().tolist() == [[4, 5], [0, 1], [0, 1], [2, 3]]
    np.testing.assert_array_equal(moved["cache"], np.arange(12).reshape(3, 2, 2)[[2, 0, 0, 1]])
    assert reorder((), [0]) == ()


def test_what_a_graph_hands_on_stays_where_it_is():
    state = {"source": tf.constant([1, 1, 2]), "h": tf.constant([4, 5, 6])}

    def moved(source, h):
        before = {"source": source, "h": h}
        return reorder({"source": source, "h": h + 1}, [1, 0, 2], before)

    graph = tf.function(moved, autograph=False).get_concrete_function(**state)
    found = graph(**state)
    assert found["source"].numpy().tolist() == [1, 1, 2] and found["h"].numpy().tolist() == [6, 5, 7]
    assert sum(node.op == "GatherV2" for node in graph.graph.as_graph_def().node) == 1
    # Without a graph nothing tells that a step will always hand it on.
    assert moved(tf.constant([7, 8, 9]), state["h"])["source"].numpy().tolist() == [8, 7, 9]


def test_a_step_may_lose_shapes_and_have_16_bits():
    def step(token_ids, state):
        hidden = tf.ensure_shape(tf.py_function(lambda x: x + 1, [state], tf.float32), (None, None))
        return tf.cast(tf.one_hot(token_ids, 5), "float16"), hidden

    @tf.function
    def run():
        logits, state = take_step(step, tf.constant([1]), tf.zeros((1, 2)))
        assert logits.dtype == tf.float32 and state.shape == (1, 2)
        return state

    assert run().numpy().tolist() == [[1.0, 1.0]]
