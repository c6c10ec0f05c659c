"""The decoder stack against blocks stacked by hand, step by step, and with a window."""

import numpy as np
import pytest
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.layers import CachedAttention, DecoderBlock, DecoderStack, EncoderBlock

RANDOM = np.random.default_rng(0)
STEPS = RANDOM.normal(size=(2, 7, 8)).astype("float32")
MASK = np.array([[1] * 7, [1] * 4 + [0] * 3], bool)
OPTIONS = [
    {},
    {"activation": "swiglu", "positions": "relative"},
    {"activation": "relu", "positions": None, "window": 3},
    {"window": 2},
]


def filled(layer):
    """Weights that are not those it starts with, those of the norms neither."""
    layer.build((None, None, 8))
    layer.set_weights([RANDOM.normal(size=weight.shape) / 2 for weight in layer.get_weights()])
    return layer


def run(layer, x, max_length):
    """Outputs of `step` for each time step, stacked over time."""
    state, outputs = layer.initial_state(len(x), max_length), []
    for time in range(x.shape[1]):
        output, state = layer.step(x[:, time], state)
        outputs.append(output)
    return np.stack(outputs, axis=1)


def moved_by(layer, step):
    """Which steps of the output a change of one step of the input changes."""
    changed = STEPS.copy()
    changed[:, step] += RANDOM.normal(size=8)
    return (np.abs(layer(changed).numpy() - layer(STEPS).numpy()).max(axis=(0, 2)) > 1e-4).tolist()


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_equals_blocks_stacked_by_hand(options):
    stack = filled(DecoderStack(3, 2, 16, **options))
    x = STEPS
    for own in stack.blocks:
        # Positions of the stack are rotary unless something else is said; those of a block are none.
        block = DecoderBlock(2, 16, **{"positions": "rotary", **options})
        block.build(STEPS.shape)
        block.set_weights(own.get_weights())
        x = block(x, mask=MASK).numpy()
    scale, offset = stack.norm.get_weights()
    centred = x - x.mean(axis=-1, keepdims=True)
    expected = (
        centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + stack.norm.epsilon) * scale + offset
    )
    np.testing.assert_allclose(stack(STEPS, mask=MASK).numpy()[MASK], expected[MASK], atol=1e-4)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("room", [7, 12])
def test_steps_equal_the_whole_sequence(options, room):
    stack = filled(DecoderStack(2, 2, 16, **options))
    np.testing.assert_allclose(run(stack, STEPS, room), stack(STEPS), atol=1e-5)


def test_steps_run_in_a_graph_with_an_open_batch_and_room():
    stack = filled(DecoderStack(2, 2, 16, window=3))

    @tf.function(input_signature=[tf.TensorSpec((None, None, 8))])
    def last(x):
        state, output = stack.initial_state(tf.shape(x)[0], tf.shape(x)[1]), tf.zeros((tf.shape(x)[0], 8))
        for time in tf.range(tf.shape(x)[1]):
            output, state = stack.step(x[:, time], state)
        return output

    for rows in (1, 2):
        np.testing.assert_allclose(last(STEPS[:rows]), stack(STEPS[:rows])[:, -1], atol=1e-5)


def test_only_what_was_before_is_seen():
    assert moved_by(filled(DecoderStack(2, 2, 16)), 3) == [False] * 3 + [True] * 4


@pytest.mark.parametrize("positions", [None, "rotary", "relative"])
@pytest.mark.parametrize(
    ("num_layers", "window", "reach"), [(1, 1, 1), (1, 2, 2), (1, 3, 3), (2, 2, 3), (1, 9, 7)], ids=str
)
def test_nothing_further_back_than_the_window_is_seen(num_layers, window, reach, positions):
    """Each layer adds `window - 1` steps to how far back the whole stack sees."""
    stack = filled(DecoderStack(num_layers, 2, 16, window=window, positions=positions))
    assert moved_by(stack, 1) == [1 <= step < 1 + reach for step in range(7)]


@pytest.mark.parametrize("make", [lambda **o: EncoderBlock(2, 16, **o), lambda **o: CachedAttention(2, **o)])
def test_without_causality_the_window_has_two_sides(make):
    assert moved_by(filled(make(window=2)), 3) == [abs(step - 3) < 2 for step in range(7)]
    assert moved_by(filled(make()), 3) == [True] * 7


def test_weights_within_the_window_sum_to_one_and_are_zero_beyond():
    attention = filled(CachedAttention(2, causal=True, window=3))
    _, weights = attention(STEPS, return_attention_scores=True)
    seen = np.tri(7, 7) - np.tri(7, 7, -3)
    np.testing.assert_allclose(weights.numpy().sum(axis=-1), 1.0, atol=1e-6)
    assert (weights.numpy() > 0).any(axis=(0, 1)).tolist() == seen.astype(bool).tolist()


def test_a_text_longer_than_the_window_gives_what_its_last_part_gives():
    """With rotary positions, which tell distances alone, where the part begins does not matter."""
    stack = filled(DecoderStack(1, 2, 16, window=3))
    np.testing.assert_allclose(stack(STEPS)[:, 6], stack(STEPS[:, 4:])[:, 2], atol=1e-5)


def test_a_stack_of_nothing():
    with pytest.raises(InputError, match=r"`num_layers` must be at least 1. Received: num_layers=0"):
        DecoderStack(0, 2, 16)


def test_a_window_of_nothing():
    for make in (lambda: DecoderStack(1, 2, 16, window=0), lambda: CachedAttention(2, window=0)):
        with pytest.raises(InputError, match=r"`window` must be at least 1, or None. Received: window=0"):
            make()


def test_a_window_over_a_context():
    attention = CachedAttention(2, window=2)
    with pytest.raises(InputError, match=r"`causal`, `positions` and `window` order the steps .* window=2"):
        attention(STEPS, STEPS[:, :4])


def test_more_steps_than_there_is_room_for():
    with pytest.raises(InputError, match="The cache is full: it has room for 3 steps"):
        run(filled(DecoderStack(1, 2, 16, window=2)), STEPS, 3)


def test_steps_need_weights():
    with pytest.raises(InputError, match="The layer has no weights yet"):
        DecoderStack(1, 2, 16).initial_state(2, 5)
