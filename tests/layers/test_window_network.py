"""The window network against the formula of its paper, and step by step against the whole sequence."""

import numpy as np
import pytest
import tensorflow as tf
from tflite_checks import check_tflite

from nlpkit.errors import InputError
from nlpkit.layers import WindowNetwork

RANDOM = np.random.default_rng(0)
STEPS = RANDOM.normal(size=(2, 7, 3)).astype("float32")
MASK = np.array([[1] * 7, [1] * 4 + [0] * 3], bool)
OPTIONS = [{"window": 1}, {"window": 3}, {"window": 4, "direct": True}, {"window": 9, "direct": True}]


def filled(**options):
    """A network with weights that are not those it starts with."""
    network = WindowNetwork(5, **options)
    network.build((None, None, 3))
    network.set_weights([RANDOM.normal(size=weight.shape) / 2 for weight in network.get_weights()])
    return network


def by_formula(network, row, before=None):
    """Section 2 of the paper for one row: x joins the vectors of the window, the hidden layer is tanh(d + H x)."""
    kernel, bias = network.get_weights()
    earlier = np.zeros((network.window - 1, 3)) if before is None else before
    vectors, outputs = [*earlier, *row], []
    for time in range(len(row)):
        x = np.concatenate([vectors[time + place] for place in range(network.window)])
        hidden = np.tanh(bias + x @ kernel)
        outputs.append([*hidden, *x] if network.direct else hidden)
    return np.array(outputs)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_equals_the_formula(options):
    network = filled(**options)
    expected = [by_formula(network, row) for row in STEPS]
    np.testing.assert_allclose(network(STEPS), expected, atol=1e-5)


def test_direct_connections_are_those_of_the_paper():
    """An output over hidden layer and joined vectors is y = b + W x + U tanh(d + H x)."""
    network = filled(window=2, direct=True)
    outputs = RANDOM.normal(size=(5 + 2 * 3, 10))
    kernel, bias = network.get_weights()
    x = np.concatenate([STEPS[:, 3], STEPS[:, 4]], axis=1)
    expected = x @ outputs[5:] + np.tanh(bias + x @ kernel) @ outputs[:5]
    np.testing.assert_allclose(network(STEPS).numpy()[:, 4] @ outputs, expected, atol=1e-5)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_steps_equal_the_whole_sequence(options):
    network = filled(**options)
    state, outputs = network.initial_state(2), []
    for time in range(7):
        output, state = network.step(STEPS[:, time], state)
        outputs.append(output)
    np.testing.assert_allclose(np.stack(outputs, axis=1), network(STEPS), atol=1e-6)


@pytest.mark.parametrize("cut", [1, 4, 6])
def test_segments_carry_on_from_one_another_and_from_steps(cut):
    network = filled(window=4, return_state=True)
    whole, last = network(STEPS)
    first, state = network(STEPS[:, :cut])
    second, end = network(STEPS[:, cut:], initial_state=[state])
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), whole, atol=1e-6)
    np.testing.assert_array_equal(end, last)
    np.testing.assert_array_equal(end, STEPS[:, -3:])
    output, after = network.step(STEPS[:, cut], [state])
    np.testing.assert_allclose(output, whole[:, cut], atol=1e-6)
    np.testing.assert_array_equal(after[0][:, -1], STEPS[:, cut])


def test_nothing_further_back_than_the_window_is_seen():
    network = filled(window=3)
    changed = STEPS.copy()
    changed[:, 1] += 1.0
    before, after = network(STEPS).numpy(), network(changed).numpy()
    moved = np.abs(after - before).max(axis=(0, 2)) > 1e-3
    assert moved.tolist() == [False, True, True, True, False, False, False]


def test_padding_gives_zeros_and_is_seen_as_zeros():
    network = filled(window=3)
    outputs = network(np.where(MASK[..., None], STEPS, np.nan), mask=MASK).numpy()
    assert not outputs[~MASK].any()
    np.testing.assert_allclose(outputs[1, :4], network(STEPS[1:, :4])[0], atol=1e-6)
    gap = np.array([[1, 1, 0, 1, 1, 1, 1]], bool)
    zeroed = by_formula(network, STEPS[0] * gap[0][:, None])
    np.testing.assert_allclose(network(STEPS[:1], mask=gap)[0].numpy()[gap[0]], zeroed[gap[0]], atol=1e-5)


def test_a_window_of_one_keeps_nothing():
    network = filled(window=1, return_state=True)
    outputs, state = network(STEPS)
    assert state.shape == network.initial_state(2)[0].shape == (2, 0, 3)
    np.testing.assert_allclose(network(STEPS[:, 4:])[0], outputs[:, 4:], atol=1e-6)


def test_a_step_runs_in_a_graph_and_in_tflite():
    network = filled(window=3, direct=True)
    graph = tf.function(
        network.step, input_signature=[tf.TensorSpec((None, 3)), [tf.TensorSpec((None, 2, 3))]]
    )
    for rows in (1, 2):
        output, state = graph(STEPS[:rows, 0], network.initial_state(rows))
        np.testing.assert_allclose(output, network(STEPS[:rows, :1])[:, 0], atol=1e-6)
        assert state[0].shape == (rows, 2, 3)

    def step(x, state):
        output, state = network.step(x, [state])
        return output, *state

    check_tflite(step, [STEPS[:1, 2], STEPS[:1, :2]])


def test_a_window_of_nothing():
    with pytest.raises(InputError, match=r"`window` must be at least 1. Received: window=0"):
        WindowNetwork(5, window=0)


@pytest.mark.parametrize(
    "call", [lambda n: n.initial_state(2), lambda n: n.step(STEPS[:, 0], [STEPS[:, :3]])]
)
def test_steps_need_weights(call):
    with pytest.raises(InputError, match="The layer has no weights yet. Call it, or its `build`"):
        call(WindowNetwork(5))
