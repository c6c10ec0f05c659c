"""The recurrent block against Keras' own layers and a NumPy formula."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlpkit import InputError
from nlpkit.layers import RecurrentBlock
from nlpkit.layers.recurrent_cells import CELLS

RANDOM = np.random.default_rng(0)
STEPS = RANDOM.normal(size=(3, 6, 4)).astype("float32")
MASK = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0]], bool)
KERAS = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}


@pytest.mark.parametrize("cell", KERAS)
def test_weights_and_outputs_are_those_of_the_keras_layer(cell):
    block, reference = RecurrentBlock(5, cell), KERAS[cell](5, return_sequences=True)
    block(STEPS)
    reference(STEPS)
    reference.set_weights(block.get_weights())
    masked = reference(STEPS, mask=MASK) * MASK[:, :, None]
    np.testing.assert_allclose(block(STEPS, mask=MASK), masked, atol=1e-6)


@pytest.mark.parametrize("cell", KERAS)
@pytest.mark.parametrize("sequences", [True, False])
def test_both_directions_equal_keras_bidirectional_with_a_mask(cell, sequences):
    block = RecurrentBlock(5, cell, bidirectional=True, return_sequences=sequences)
    reference = keras.layers.Bidirectional(KERAS[cell](5, return_sequences=sequences))
    block(STEPS)
    reference(STEPS)
    reference.set_weights(block.get_weights())
    expected = np.asarray(reference(STEPS, mask=MASK))
    real = MASK[:, :, None] if sequences else 1.0
    np.testing.assert_allclose(block(STEPS, mask=MASK), expected * real, atol=1e-6)


def test_a_row_without_real_tokens_gives_zeros():
    nothing = np.zeros((3, 6), bool)
    for sequences in (True, False):
        block = RecurrentBlock(2, bidirectional=True, return_sequences=sequences)
        assert not np.asarray(block(STEPS, mask=nothing)).any()


def test_forget_gate_starts_open_and_recurrent_matrix_orthogonal():
    block = RecurrentBlock(4)
    block(STEPS)
    _, recurrent, bias = block.get_weights()
    np.testing.assert_array_equal(bias[4:8], np.ones(4))
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(4), atol=1e-5)


def test_use_cudnn_survives_the_config_and_reaches_both_directions():
    block = RecurrentBlock.from_config(RecurrentBlock(2, bidirectional=True, use_cudnn=False).get_config())
    assert not any(part.use_cudnn for part in (block, block.forward, block.backward))


@pytest.mark.parametrize("cell", KERAS)
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "padded"])
def test_returned_states_are_those_of_keras(cell, both, mask):
    block = RecurrentBlock(5, cell, bidirectional=both, return_state=True)
    reference = KERAS[cell](5, return_sequences=True, return_state=True)
    reference = keras.layers.Bidirectional(reference) if both else reference
    outputs, *states = block(STEPS, mask=mask)
    reference(STEPS)
    reference.set_weights(block.get_weights())
    expected = reference(STEPS, mask=mask)[1:]
    assert len(states) == len(expected) == (2 if both else 1) * (2 if cell == "lstm" else 1)
    for own, other in zip(states, expected, strict=True):
        np.testing.assert_allclose(own, other, atol=1e-6)
    shapes = block.compute_output_shape(STEPS.shape)
    assert [tuple(x.shape) for x in (outputs, *states)] == shapes


@pytest.mark.parametrize("options", [{}, {"residual": True}, {"layer_norm": True}], ids=str)
@pytest.mark.parametrize("cell", KERAS)
def test_steps_give_the_whole(cell, options):
    block = RecurrentBlock(4, cell, return_state=True, dropout=0.5, **options)
    expected, *last = block(STEPS)
    state, outputs = block.initial_state(len(STEPS)), []
    for time in range(STEPS.shape[1]):
        output, state = block.step(STEPS[:, time], state)
        outputs.append(output)
    np.testing.assert_allclose(np.stack(outputs, axis=1), expected, atol=1e-5)
    for own, other in zip(state, last, strict=True):
        np.testing.assert_allclose(own, other, atol=1e-5)


@pytest.mark.parametrize("cell", KERAS)
def test_the_state_of_one_segment_starts_the_next(cell):
    block = RecurrentBlock(4, cell, return_state=True)
    expected, *last = block(STEPS)
    first, *state = block(STEPS[:, :2])
    second, *state = block(STEPS[:, 2:], initial_state=state)
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), expected, atol=1e-6)
    np.testing.assert_allclose(np.stack(state), np.stack(last), atol=1e-6)


@pytest.mark.parametrize("cell", KERAS)
def test_a_row_without_real_tokens_keeps_its_state(cell):
    block = RecurrentBlock(4, cell, return_state=True)
    _, *state = block(STEPS)
    _, *kept = block(STEPS, mask=np.zeros_like(MASK), initial_state=state)
    assert np.abs(np.stack(state)).min() > 0
    np.testing.assert_array_equal(np.stack(kept), np.stack(state))


def test_states_pass_through_a_model(tmp_path):
    steps = keras.Input((None, 4))
    encoded, *state = RecurrentBlock(3, return_state=True)(steps)
    model = keras.Model(steps, RecurrentBlock(3, return_sequences=False)(encoded, initial_state=state))
    expected = np.asarray(model(STEPS))
    model.save(tmp_path / "model.keras")
    np.testing.assert_allclose(keras.saving.load_model(tmp_path / "model.keras")(STEPS), expected, atol=1e-6)


def test_a_bidirectional_block_has_no_step():
    block = RecurrentBlock(3, bidirectional=True, name="both")
    block(STEPS)
    for what, call in {
        "step": lambda: block.step(STEPS[:, 0], []),
        "initial state": lambda: block.initial_state(3),
    }.items():
        with pytest.raises(InputError, match=f"A bidirectional block has no {what}, since.*Received: both"):
            call()
    with pytest.raises(InputError, match="A bidirectional block has no initial state"):
        block(STEPS, initial_state=[])


def test_errors():
    with pytest.raises(InputError, match=r"`cell` must be one of \['gru', .*'rnn'\]. Received: cell='elman'"):
        RecurrentBlock(3, "elman")
    for name in ("residual", "highway"):
        words = rf"`{name}=True` needs an input as wide as the output \(3 features\). Received: 4 features"
        with pytest.raises(InputError, match=words):
            RecurrentBlock(3, **{name: True})(STEPS)
    with pytest.raises(InputError, match="Only one of `residual` and `highway` can be True. Received: both"):
        RecurrentBlock(3, residual=True, highway=True)
    for name in ("dropout", "input_dropout", "recurrent_dropout", "weight_drop"):
        for rate in (1.5, "half"):
            words = f"`{name}` must be at least 0 and below 1. Received: {name}={rate!r}"
            with pytest.raises(InputError, match=words):
                RecurrentBlock(3, **{name: rate})
    for zoneout in (1.0, [0.1, 0.1, 0.1], np.array([0.1, 0.2])):
        with pytest.raises(
            InputError, match="`zoneout` must be a number of at least 0 and below 1, or one for"
        ):
            RecurrentBlock(3, zoneout=zoneout)


@pytest.mark.parametrize("units", [0, 4.5, "8", None])
def test_units_that_are_no_number_of_units(units):
    words = f"`units` must be an integer of at least 1. Received: units={units!r}"
    with pytest.raises(InputError, match=words):
        RecurrentBlock(units)


@pytest.mark.parametrize("use_cudnn", ["never", None, 1])
def test_use_cudnn_has_three_values(use_cudnn):
    words = f'`use_cudnn` must be "auto", True or False. Received: use_cudnn={use_cudnn!r}'
    with pytest.raises(InputError, match=words):
        RecurrentBlock(3, use_cudnn=use_cudnn)
    with pytest.raises(InputError, match=words):
        RecurrentBlock(3).use_cudnn = use_cudnn


def test_use_cudnn_that_is_set_later_reaches_both_directions():
    block = RecurrentBlock(2, bidirectional=True)
    block.use_cudnn = False
    assert not any(part.use_cudnn for part in (block, block.forward, block.backward))
    assert block.get_config()["use_cudnn"] is False
    assert "use_cudnn=False" in block.kernel_report()["reason"]


def test_a_block_reads_float_sequences_only():
    words = (
        r"reads float sequences of shape \(batch, time, features\). Received: {}. Of ids, a `TokenEmbedding`"
    )
    for inputs in (STEPS.astype("int64"), keras.Input((None, 4), dtype="int64")):
        with pytest.raises(InputError, match=words.format("int64")):
            RecurrentBlock(3)(inputs)
    for ids, shape in ((np.ones((2, 5), int), r"\(2, 5\)"), (keras.Input((None,)), r"\(None, None\)")):
        with pytest.raises(InputError, match=words.format(f"shape {shape}")):
            RecurrentBlock(3)(ids)


def test_training_in_a_graph_is_known_when_it_is_traced():
    block = RecurrentBlock(3, dropout=0.5, seed=1)
    expected = RecurrentBlock.from_config(block.get_config())
    expected.build(STEPS.shape)
    block.build(STEPS.shape)
    expected.set_weights(block.get_weights())
    given = block(STEPS, training=tf.constant(True))
    np.testing.assert_array_equal(given, expected(STEPS, training=True))
    run = tf.function(lambda training: block(STEPS, training=training), autograph=False)
    with pytest.raises(InputError, match="`training` must be True or False while a graph is traced, since"):
        run(tf.constant(True))


ZEROED = [{}, {"return_sequences": False}, {"zoneout": 0.1, "recurrent_dropout": 0.1}, {"highway": True}]


@pytest.mark.parametrize("options", ZEROED, ids=str)
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("mask", [None, np.ones((2, 0), bool)], ids=["whole", "masked"])
def test_no_steps_give_no_outputs_and_leave_the_state(cell, options, mask):
    block = RecurrentBlock(4, cell, return_state=True, **options)
    start = [np.full((2, 4), number + 1, "float32") for number in range(CELLS[cell].states)]
    outputs, *states = block(np.zeros((2, 0, 4), "float32"), mask=mask, initial_state=start)
    assert outputs.shape == ((2, 0, 4) if block.return_sequences else (2, 4)) and not np.any(outputs)
    np.testing.assert_array_equal(np.stack(states), np.stack(start))


@pytest.mark.parametrize("cell", KERAS)
def test_a_graph_takes_no_steps_too(cell):
    block = RecurrentBlock(4, cell, bidirectional=True, return_sequences=False, return_state=True)
    block.build(STEPS.shape)
    run = tf.function(block, input_signature=[tf.TensorSpec((None, None, 4))])
    for found in run(np.zeros((2, 0, 4), "float32")):
        assert not np.any(found) and found.shape[0] == 2
    for found, expected in zip(run(STEPS), block(STEPS), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("both", [False, True])
def test_generators_are_made_only_for_what_is_drawn(both):
    """A file of a block that draws nothing holds no state of a generator of its own."""
    block = RecurrentBlock(3, bidirectional=both)
    parts = [block.drop_inputs, block.forward, *([block.backward] if both else [])]
    assert [part.seed_generator for part in parts] == [None] * len(parts)
    for rate in ("recurrent_dropout", "weight_drop", "zoneout"):
        assert RecurrentBlock(3, **{rate: 0.1}).forward.seed_generator is not None


def second_derivatives(layer):
    inputs = tf.constant(STEPS)
    with tf.GradientTape() as outer:
        outer.watch(inputs)
        with tf.GradientTape() as inner:
            inner.watch(inputs)
            loss = tf.reduce_sum(layer(inputs) ** 2)
        slope = tf.reduce_sum(inner.gradient(loss, inputs) ** 2)
    return outer.gradient(slope, inputs)


@pytest.mark.parametrize("cell", KERAS)
def test_second_derivatives_are_those_of_keras_or_an_error(cell):
    block = RecurrentBlock(4, cell, use_cudnn=False)
    with pytest.raises(LookupError, match="no second derivatives; take Keras' layers"):
        second_derivatives(block)
    # The loop over steps, in which so little zoneout changes nothing.
    steps = RecurrentBlock(4, cell, zoneout=1e-9)
    reference = KERAS[cell](4, return_sequences=True, **({} if cell == "rnn" else {"use_cudnn": False}))
    for layer in (steps, reference):
        layer.build(STEPS.shape)
        layer.set_weights(block.get_weights())
    np.testing.assert_allclose(second_derivatives(steps), second_derivatives(reference), atol=1e-5)


def test_a_state_that_does_not_fit_is_refused():
    block = RecurrentBlock(4, "gru")
    block.build(STEPS.shape)
    state = block.initial_state(3)
    words = r"cell='gru' is a list of 1 tensors, as `initial_state\(\)` gives it. Received: 2. To start"
    with pytest.raises(InputError, match=words):
        block(STEPS, initial_state=[*state, *state])
    with pytest.raises(InputError, match=words):
        block.step(STEPS[:, 0], [*state, *state])
    with pytest.raises(InputError, match="Received: one tensor without a list"):
        block(STEPS, initial_state=state[0])
    new = RecurrentBlock(4, "gru")
    with pytest.raises(
        InputError, match="The layer has no weights yet. Call it, or its `build`, before it runs"
    ):
        new.step(STEPS[:, 0], state)


@pytest.mark.parametrize("cell", [*KERAS, "peephole_lstm"])
@pytest.mark.parametrize("both", [False, True])
def test_padding_that_is_no_number_reaches_nothing(cell, both):
    block = RecurrentBlock(4, cell, bidirectional=both)
    expected = np.asarray(block(STEPS, mask=MASK))
    for filler in (np.inf, np.nan):
        noise = np.where(MASK[..., None], STEPS, filler).astype("float32")
        np.testing.assert_array_equal(block(noise, mask=MASK), expected)
    nothing = block(np.full_like(STEPS, np.inf), mask=np.zeros_like(MASK))
    assert not np.asarray(nothing).any()


def test_a_mask_of_numbers_is_one_of_truths():
    block = RecurrentBlock(4)
    np.testing.assert_array_equal(block(STEPS, mask=2 * MASK.astype("int32")), block(STEPS, mask=MASK))


@pytest.mark.parametrize(
    ("cell", "options"),
    [
        ("lstm", {}),
        ("gru", {"reset_after": False}),
        ("peephole_lstm", {}),
        ("lstm", {"recurrent_dropout": 0.5}),
    ],
    ids=str,
)
def test_a_training_step_is_compiled_by_xla(cell, options):
    block = RecurrentBlock(4, cell, **options)
    block(STEPS)

    def train():
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(block(STEPS, mask=MASK, training=True) ** 2)
        return tape.gradient(loss, [weight.value for weight in block.trainable_weights])

    for gradient in tf.function(train, jit_compile=True)():
        assert np.isfinite(gradient).all() and np.asarray(gradient).any()
