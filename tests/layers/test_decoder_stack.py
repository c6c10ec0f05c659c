"""The decoder stack against blocks stacked by hand, step by step, with a context, and with a window."""

import itertools

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from attention_checks import check_nothing_of_padding, with_padding

from nlpkit.errors import InputError
from nlpkit.layers import CachedAttention, DecoderBlock, DecoderStack, EncoderBlock

RANDOM = np.random.default_rng(0)
STEPS = RANDOM.normal(size=(2, 7, 8)).astype("float32")
MASK = np.array([[1] * 7, [1] * 4 + [0] * 3], bool)
CONTEXT = RANDOM.normal(size=(2, 5, 6)).astype("float32")
CONTEXT_MASK = np.array([[1] * 5, [1] * 2 + [0] * 3], bool)
OPTIONS = [
    {},
    {"activation": "swiglu", "positions": "relative"},
    {"activation": "relu", "positions": None, "window": 3},
    {"window": 2},
    {"norm": "post", "activation": "relu"},
]
# Every norm and all positions.
OVER_CONTEXT = [
    {"norm": norm, "positions": positions}
    for norm, positions in itertools.product(("pre", "post"), (None, "rotary", "relative"))
]


def filled(layer, *context_shape):
    """Weights that are not those it starts with, those of the norms neither."""
    if not layer.built:
        layer.build((None, None, 8), *context_shape)
    layer.set_weights([RANDOM.normal(size=weight.shape) / 2 for weight in layer.get_weights()])
    return layer


def cross_stack(**options):
    return filled(DecoderStack(2, 2, 16, cross_attention=True, **options), CONTEXT.shape)


def run(layer, x, max_length, *context):
    """Outputs of `step` for each time step, stacked over time."""
    state, outputs = layer.initial_state(len(x), max_length, *context), []
    for time in range(x.shape[1]):
        output, state = layer.step(x[:, time], state)
        outputs.append(output)
    return np.stack(outputs, axis=1)


def moved_by(layer, step):
    """Which steps of the output a change of one step of the input changes."""
    changed = STEPS.copy()
    changed[:, step] += RANDOM.normal(size=8)
    return (np.abs(layer(changed).numpy() - layer(STEPS).numpy()).max(axis=(0, 2)) > 1e-4).tolist()


def normalised(stack, x):
    """What a stack ends with, in NumPy."""
    if stack.norm is None:
        return x
    (scale, offset), centred = stack.norm.get_weights(), x - x.mean(axis=-1, keepdims=True)
    spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + stack.norm.epsilon)
    return centred / spread * scale + offset


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
    expected = normalised(stack, x)
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


@pytest.mark.parametrize("options", OVER_CONTEXT, ids=str)
def test_every_block_attends_to_the_context(options):
    """Outputs and weights are those of blocks called one by one."""
    stack, masks = cross_stack(**options), {"mask": MASK, "context_mask": CONTEXT_MASK}
    outputs, scores = stack(STEPS, CONTEXT, **masks, return_attention_scores=True)
    x = STEPS
    for own, weights in zip(stack.blocks, scores, strict=True):
        block = DecoderBlock(2, 16, cross_attention=True, **options)
        block.build(STEPS.shape, CONTEXT.shape)
        block.set_weights(own.get_weights())
        x, *expected = block(x, CONTEXT, **masks, return_attention_scores=True)
        for one, other in zip(weights, expected, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5)
    expected = normalised(stack, x.numpy())
    np.testing.assert_allclose(outputs.numpy()[MASK], expected[MASK], atol=1e-4)
    np.testing.assert_array_equal(stack(STEPS, CONTEXT, **masks), outputs)


@pytest.mark.parametrize("options", OVER_CONTEXT, ids=str)
def test_steps_over_a_context_equal_the_whole_sequence(options):
    stack = cross_stack(**options)
    expected, scores = stack(STEPS, CONTEXT, context_mask=CONTEXT_MASK, return_attention_scores=True)
    state = stack.initial_state(2, 9, CONTEXT, CONTEXT_MASK)
    np.testing.assert_allclose(stack.step(STEPS[:, 0], state)[0], expected[:, 0], atol=1e-5)
    for time in range(4):
        output, state, weights = stack.step(STEPS[:, time], state, return_attention_scores=True)
        np.testing.assert_allclose(output, expected[:, time], atol=1e-5)
        for (own, over_context), (all_own, all_over_context) in zip(weights, scores, strict=True):
            np.testing.assert_allclose(own[..., :7], all_own[:, :, time], atol=1e-5)
            np.testing.assert_allclose(over_context, all_over_context[:, :, time], atol=1e-5)


@pytest.mark.parametrize("options", OVER_CONTEXT[1::4], ids=str)
def test_padding_of_either_sequence_changes_nothing(options):
    stack = cross_stack(**options)

    def call(padding):
        steps, context = with_padding(STEPS, MASK, padding), with_padding(CONTEXT, CONTEXT_MASK, padding)
        return stack(steps, context, mask=MASK, context_mask=CONTEXT_MASK)

    check_nothing_of_padding(stack, call, MASK)
    outputs = call(np.nan).numpy()
    assert not outputs[~MASK].any()
    np.testing.assert_allclose(stack(STEPS[1:, :4], CONTEXT[1:, :2])[0], outputs[1, :4], atol=1e-5)
    np.testing.assert_allclose(run(stack, STEPS[1:, :4], 4, CONTEXT[1:, :2])[0], outputs[1, :4], atol=1e-5)


def test_steps_over_a_context_run_in_a_graph_with_an_open_batch():
    stack = cross_stack()

    @tf.function(input_signature=[tf.TensorSpec((None, None, 8)), tf.TensorSpec((None, None, 6))])
    def last(x, context):
        rows = tf.shape(x)[0]
        state, output = stack.initial_state(rows, 8, context), tf.zeros((rows, 8))
        for time in tf.range(tf.shape(x)[1]):
            output, state = stack.step(x[:, time], state)
        return output

    for rows in (1, 2):
        expected = stack(STEPS[:rows], CONTEXT[:rows])[:, -1]
        np.testing.assert_allclose(last(STEPS[:rows], CONTEXT[:rows]), expected, atol=1e-5)


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_a_model_hands_over_both_masks_gives_weights_and_is_saved(norm, tmp_path):
    given = [STEPS * MASK[:, :, None], CONTEXT * CONTEXT_MASK[:, :, None]]  # what `Masking` leaves out
    sources = [keras.Input((None, 8)), keras.Input((None, 6))]
    stack = DecoderStack(2, 2, 16, cross_attention=True, norm=norm)
    masked = [keras.layers.Masking()(source) for source in sources]
    outputs, scores = stack(*masked, return_attention_scores=True)
    assert outputs.shape == (None, None, 8) and len(scores) == 2
    assert [[len(weights.shape) for weights in block] for block in scores] == [[4, 4]] * 2
    model = keras.Model(sources, [outputs, scores[-1][-1]])
    filled(stack)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    masks = {"mask": MASK, "context_mask": CONTEXT_MASK}
    expected, weights = stack(*given, **masks, return_attention_scores=True)
    for own, again, other in zip(model(given), loaded(given), [expected, weights[-1][-1]], strict=True):
        np.testing.assert_allclose(own, other, atol=1e-6)
        np.testing.assert_allclose(again, other, atol=1e-6)


def test_without_a_context_each_block_gives_the_weights_of_its_own_sequence():
    stack = filled(DecoderStack(2, 2, 16))
    _, scores = stack(STEPS, return_attention_scores=True)
    assert [[one.shape.as_list() for one in block] for block in scores] == [[[2, 2, 7, 7]]] * 2
    *_, weights = stack.step(STEPS[:, 0], stack.initial_state(2, 9), return_attention_scores=True)
    assert [[one.shape.as_list() for one in block] for block in weights] == [[[2, 2, 9]]] * 2


def test_a_config_of_the_first_version():
    """It knew neither a context nor the place of the norm."""
    config = {"num_layers": 2, "num_heads": 2, "intermediate_dim": 16, "dropout": 0.1}
    config |= {"activation": "relu", "positions": "rotary", "window": 3, "name": "decoder"}
    found = DecoderStack.from_config(config).get_config()
    assert found.items() >= {**config, "cross_attention": False, "norm": "pre"}.items()


def test_files_keep_the_names_of_the_first_version(tmp_path):
    source = keras.Input((None, 8))
    keras.Model(source, DecoderStack(2, 2, 16)(source)).save_weights(tmp_path / "model.weights.h5")
    with h5py.File(tmp_path / "model.weights.h5") as file:
        found = file["layers/decoder_stack"]
        assert set(found) - {"vars"} == {"blocks", "norm"} and set(found["norm/vars"]) == {"0", "1"}
        assert set(found["blocks"]) == {"decoder_block", "decoder_block_1"}


def test_a_context_where_there_is_attention_to_it_and_only_there():
    needed = r"`context` is needed with `cross_attention=True`, and only then"
    without = rf"{needed}. Received: cross_attention=True, no context"
    with pytest.raises(InputError, match=without):
        DecoderStack(1, 2, 16, cross_attention=True)(STEPS)
    with pytest.raises(InputError, match=without):
        cross_stack()(STEPS)
    with pytest.raises(InputError, match=without):
        cross_stack().initial_state(2, 5)
    for wrong in (DecoderStack(1, 2, 16), filled(DecoderStack(1, 2, 16))):
        with pytest.raises(InputError, match=rf"{needed}. Received: cross_attention=False, a context"):
            wrong(STEPS, CONTEXT)


def test_unknown_norm():
    with pytest.raises(InputError, match=r"`norm` must be one of \['pre', 'post'\]. Received: norm='batch'"):
        DecoderStack(1, 2, 16, norm="batch")


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
