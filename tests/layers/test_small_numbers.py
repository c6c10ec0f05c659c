"""What hides padding in graphs of small numbers hides it as well."""

import numpy as np
import pytest
import tensorflow as tf

from nlpkit.layers import AttentionPool, CachedAttention, SequencePool
from nlpkit.layers.small_numbers import has_small_numbers, small_numbers

X = np.random.default_rng(0).normal(size=(3, 6, 4)).astype("float32")
MASK = np.array([[1, 1, 1, 1, 0, 0], [1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]], "bool")
LAYERS = {name: (lambda name=name: SequencePool(name)) for name in ("mean", "max", "last", "attention")} | {
    "pool": AttentionPool, "heads": lambda: CachedAttention(2)
}  # fmt: skip


def largest(graph):
    """The largest constant of a graph, also inside of its functions."""
    functions = [function.graph for function in graph._functions.values()]
    nodes = [node for each in (graph, *functions) for node in each.as_graph_def().node if node.op == "Const"]
    values = [tf.make_ndarray(node.attr["value"].tensor) for node in nodes]
    return max((np.abs(each).max() for each in values if each.dtype.kind == "f" and each.size), default=0)


@pytest.mark.parametrize("name", LAYERS)
def test_equal_to_other_graphs(name):
    layer = LAYERS[name]()
    expected = layer(X, mask=MASK)

    def call():
        return layer(X, mask=MASK)

    with small_numbers():
        graph = tf.function(call, autograph=False).get_concrete_function()
    np.testing.assert_allclose(graph(), expected, atol=1e-6)
    assert largest(graph.graph) < 100
    other = tf.function(call, autograph=False).get_concrete_function()
    if name not in ("mean", "last"):
        assert largest(other.graph) >= 1e9


def test_it_ends_with_its_block():
    with pytest.raises(ZeroDivisionError), small_numbers():
        assert has_small_numbers()
        1 / 0  # noqa: B018
    assert not has_small_numbers()
