"""The decoder block against a composition of Keras' layers, and step by step against the whole sequence."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from attention_checks import check_nothing_of_padding, with_padding
from tflite_checks import check_tflite

from nlpkit.errors import InputError
from nlpkit.layers.decoder_block import DecoderBlock
from nlpkit.layers.position_embedding import PositionEmbedding
from nlpkit.layers.sine_positions import SinePositions

RANDOM = np.random.default_rng(0)
STEPS = RANDOM.normal(size=(3, 6, 8)).astype("float32")
CONTEXT = RANDOM.normal(size=(3, 4, 5)).astype("float32")
MASK = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0]], bool)
CONTEXT_MASK = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]], bool)
OPTIONS = [
    {"dropout": 0.1},
    {"norm": "post", "activation": "relu"},
    {"activation": "swiglu", "positions": "rotary"},
    {"norm": "post", "positions": "relative"},
]
TABLE = list(
    itertools.product(
        (False, True), ("pre", "post"), ("relu", "gelu", "swiglu"), (None, "rotary", "relative")
    )
)


def filled(block, *inputs):
    """Calls a block once and fills all its weights, those of the norms too."""
    random = np.random.default_rng(1)
    block(*inputs)
    block.set_weights([random.normal(size=weight.shape) / 2 for weight in block.get_weights()])
    return block


def run(block, x, state):
    """Outputs of `step` for each time step, stacked over time."""
    outputs = []
    for time in range(x.shape[1]):
        output, state = block.step(x[:, time], state)
        outputs.append(output)
    return np.stack(outputs, axis=1)


@pytest.mark.parametrize(("cross", "norm", "activation", "positions"), TABLE, ids=str)
def test_steps_equal_the_whole_sequence(cross, norm, activation, positions):
    block = DecoderBlock(2, 8, cross_attention=cross, norm=norm, activation=activation, positions=positions)
    context = {"context": CONTEXT, "context_mask": CONTEXT_MASK} if cross else {}
    x = STEPS[:, :3]
    block = filled(block, x, *([CONTEXT] if cross else []))
    outputs = run(block, x, block.initial_state(3, 4, **context))
    np.testing.assert_allclose(outputs, block(x, **context), atol=1e-5)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_padding_may_hold_anything_and_gives_zeros(options):
    block = filled(DecoderBlock(2, 8, cross_attention=True, **options), STEPS, CONTEXT)

    def call(padding, mask):
        steps, context = with_padding(STEPS, mask, padding), with_padding(CONTEXT, CONTEXT_MASK, padding)
        return block(steps, context, mask=mask, context_mask=CONTEXT_MASK)

    for mask in (MASK, MASK[:, ::-1]):
        check_nothing_of_padding(block, lambda padding, mask=mask: call(padding, mask), mask)
        assert not np.asarray(call(np.nan, mask))[~mask].any()


def test_steps_run_in_a_graph_with_an_open_batch():
    block = filled(DecoderBlock(2, 8, cross_attention=True, positions="rotary"), STEPS, CONTEXT)

    @tf.function(input_signature=[tf.TensorSpec((None, None, 8)), tf.TensorSpec((None, None, 5))])
    def loop(x, context):
        outputs = tf.TensorArray("float32", size=tf.shape(x)[1], element_shape=(None, 8))
        state = block.initial_state(tf.shape(x)[0], 6, context)
        for time in tf.range(tf.shape(x)[1]):
            output, state = block.step(x[:, time], state)
            outputs = outputs.write(time, output)
        return tf.transpose(outputs.stack(), (1, 0, 2))

    for rows in (1, 3):
        expected = block(STEPS[:rows], CONTEXT[:rows])
        np.testing.assert_allclose(loop(STEPS[:rows], CONTEXT[:rows]), expected, atol=1e-5)


@pytest.mark.parametrize("positions", [PositionEmbedding(4), SinePositions()], ids=["learned", "sine"])
def test_steps_of_a_decoder_with_positions_before_it(positions):
    """Two blocks on top of each other, and more steps than learned positions."""
    positions(STEPS)
    blocks = [filled(DecoderBlock(2, 8, norm=norm), STEPS) for norm in ("pre", "post")]
    expected = positions(STEPS)
    for block in blocks:
        expected = block(expected)
    state, states = positions.initial_state(3), [block.initial_state(3, 6) for block in blocks]
    for time in range(6):
        x, state = positions.step(STEPS[:, time], state)
        for number, block in enumerate(blocks):
            x, states[number] = block.step(x, states[number])
        np.testing.assert_allclose(x, expected[:, time], atol=1e-5)


# Every norm and activation and both kinds of positions, with and without a context.
@pytest.mark.parametrize(
    "options",
    [
        {"positions": "relative"},
        {"positions": "relative", "cross_attention": True, "norm": "post", "activation": "relu"},
        {"positions": "rotary", "cross_attention": True, "activation": "swiglu"},
    ],
    ids=str,
)
def test_a_step_converts_to_the_operations_of_tflite(options):
    context = [CONTEXT[:1]] if options.get("cross_attention") else []
    block = filled(DecoderBlock(2, 8, **options), STEPS[:1], *context)
    start = block.initial_state(1, 6, *context)

    def step(x, keys, values, position):
        own = {"keys": keys, "values": values, "position": position}
        y, state = block.step(x, {**start, "self": own})
        return y, state["self"]["keys"], state["self"]["values"], state["self"]["position"]

    keys, values = RANDOM.normal(size=(2, 1, 2, 6, 4)).astype("float32")
    check_tflite(step, [STEPS[:1, 0], keys, values, np.array([3], "int32")])


def attention_by_keras(own, *shapes):
    attention = keras.layers.MultiHeadAttention(2, 4)
    attention.build(*shapes)
    attention.set_weights(own.get_weights())
    return attention


def like(layer, own):
    layer.build(STEPS.shape)
    layer.set_weights(own.get_weights())
    return layer


def by_keras(block, x):
    """The block of Keras' layers with its weights: outputs, and the weights of both attentions."""
    attend = attention_by_keras(block.attention, STEPS.shape, STEPS.shape)
    cross = attention_by_keras(block.context_attention, STEPS.shape, CONTEXT.shape)
    expand = like(keras.layers.Dense(8, activation="gelu"), block.expand)
    contract = like(keras.layers.Dense(8), block.contract)
    norms = [
        like(keras.layers.LayerNormalization(), own)
        for own in (block.attention_norm, block.context_norm, block.feedforward_norm)
    ]
    scored = {"return_attention_scores": True}
    parts = [
        lambda x: attend(x, x, use_causal_mask=True, **scored),
        lambda x: cross(x, CONTEXT, attention_mask=CONTEXT_MASK[:, None], **scored),
        lambda x: (contract(expand(x)),),
    ]
    found = []
    for norm, part in zip(norms, parts, strict=True):
        change, *weights = part(norm(x) if block.norm == "pre" else x)
        x = x + change if block.norm == "pre" else norm(x + change)
        found += weights
    return np.asarray(x), *found


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_equals_keras_layers(norm):
    block = filled(DecoderBlock(2, 8, cross_attention=True, norm=norm), STEPS, CONTEXT)
    masks = {"mask": MASK, "context_mask": CONTEXT_MASK}
    outputs, *weights = block(STEPS, CONTEXT, **masks, return_attention_scores=True)
    expected, *expected_weights = by_keras(block, STEPS)
    np.testing.assert_allclose(np.asarray(outputs)[MASK], expected[MASK], atol=1e-5)
    for own, other in zip(weights, expected_weights, strict=True):
        np.testing.assert_allclose(own, other * MASK[:, None, :, None], atol=1e-5)


def cross_block(**options):
    return filled(DecoderBlock(2, 8, cross_attention=True, **options), STEPS, CONTEXT)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_batch_equals_one_by_one_and_padding_changes_nothing(options):
    block = cross_block(**options)
    outputs = np.asarray(block(STEPS, CONTEXT, mask=MASK, context_mask=CONTEXT_MASK))
    for row in range(3):
        real, context = MASK[row].sum(), CONTEXT_MASK[row].sum()
        alone = block(STEPS[row : row + 1, :real], CONTEXT[row : row + 1, :context])
        np.testing.assert_allclose(outputs[row, :real], alone[0], atol=1e-5)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_rows_without_a_real_token_give_zeros(options):
    block, empty = cross_block(**options), np.array([[1], [0], [1]], bool)
    outputs = np.asarray(block(STEPS, CONTEXT, mask=MASK & empty, context_mask=CONTEXT_MASK))
    assert not outputs[1].any() and outputs[0].any()
    without = {"context": CONTEXT, "context_mask": CONTEXT_MASK & empty}
    outputs = np.asarray(block(STEPS, **without))
    assert np.isfinite(outputs).all()
    np.testing.assert_allclose(run(block, STEPS, block.initial_state(3, 6, **without)), outputs, atol=1e-5)


def test_an_empty_context_adds_nothing():
    block, plain = cross_block(), filled(DecoderBlock(2, 8), STEPS)
    for name in ("attention", "attention_norm", "feedforward_norm", "feed_forward"):
        getattr(plain, name).set_weights(getattr(block, name).get_weights())
    outputs = block(STEPS, CONTEXT, context_mask=np.zeros_like(CONTEXT_MASK))
    np.testing.assert_allclose(outputs, plain(STEPS), atol=1e-5)


def test_later_steps_are_not_seen():
    block = filled(DecoderBlock(2, 8, positions="relative"), STEPS)
    changed = np.concatenate([STEPS[:, :4], -STEPS[:, 4:]], axis=1)
    before, after = np.asarray(block(STEPS)), np.asarray(block(changed))
    np.testing.assert_allclose(after[:, :4], before[:, :4], atol=1e-6)
    assert np.abs(after[:, 4:] - before[:, 4:]).max() > 0.1


@pytest.mark.parametrize(("policy", "tolerance"), [("mixed_float16", 0.05), ("mixed_bfloat16", 0.3)])
def test_half_precision(policy, tolerance):
    block, exact = cross_block(dtype=policy), cross_block()
    outputs = block(STEPS, CONTEXT, mask=MASK, context_mask=CONTEXT_MASK)
    assert outputs.dtype == block.compute_dtype
    expected = np.asarray(exact(STEPS, CONTEXT, mask=MASK, context_mask=CONTEXT_MASK))
    assert np.abs(np.asarray(outputs, "float32") - expected).max() < tolerance
    steps = run(block, STEPS, block.initial_state(3, 6, CONTEXT, CONTEXT_MASK))
    assert steps.dtype == block.compute_dtype
    assert np.abs(steps.astype("float32")[MASK] - expected[MASK]).max() < tolerance


def test_a_model_hands_over_both_masks_trains_and_is_saved(tmp_path):
    inputs = [keras.Input((None,), dtype="int32") for _ in range(2)]
    vectors = [keras.layers.Embedding(9, 8, mask_zero=True)(ids) for ids in inputs]
    x = DecoderBlock(2, 8, cross_attention=True, positions="rotary", name="block")(*vectors)
    model = keras.Model(inputs, keras.layers.Dense(3)(x))
    ids = np.array([[5, 6, 0], [7, 0, 0]], "int32")
    context = np.array([[3, 4, 8, 1], [2, 1, 0, 0]], "int32")
    trimmed = model([ids[1:, :1], context[1:, :2]])
    np.testing.assert_allclose(model([ids, context])[1:, :1], trimmed, atol=1e-5)
    before = model.get_weights()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, run_eagerly=True)
    model.fit([ids, context], np.array([[0, 1, 2], [2, 0, 0]]), verbose=0)
    moved = [np.abs(new - old).max() > 1e-6 for new, old in zip(model.get_weights(), before, strict=True)]
    assert all(moved) or [w.path for w, m in zip(model.weights, moved, strict=True) if not m] == [
        "block/context_attention/key/bias"
    ]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded([ids, context]), model([ids, context]), atol=1e-6)


def test_a_context_where_there_is_attention_to_it_and_only_there():
    needed = r"`context` is needed with `cross_attention=True`, and only then"
    with pytest.raises(InputError, match=rf"{needed}. Received: cross_attention=True, no context"):
        DecoderBlock(2, 8, cross_attention=True)(STEPS)
    with pytest.raises(InputError, match=rf"{needed}. Received: cross_attention=False, a context"):
        DecoderBlock(2, 8)(STEPS, CONTEXT)
    with pytest.raises(InputError, match=rf"{needed}. Received: cross_attention=True, no context"):
        cross_block()(STEPS)
    with pytest.raises(InputError, match=rf"{needed}. Received: cross_attention=True, no context"):
        cross_block().initial_state(3, 6)
