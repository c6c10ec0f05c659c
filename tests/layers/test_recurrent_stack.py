"""The recurrent stack against its blocks called by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import TOLERANCE, check_keras_file

from nlpkit.errors import InputError
from nlpkit.layers.distinct_tokens import DistinctTokens
from nlpkit.layers.recurrent_block import RecurrentBlock
from nlpkit.layers.recurrent_stack import RecurrentStack

RANDOM = np.random.default_rng(0)
STEPS = RANDOM.normal(size=(3, 6, 4)).astype("float32")
MASK = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0]], bool)
GAPS = np.array([[0, 0, 1, 1, 1, 1], [1, 0, 1, 0, 0, 1], [0, 0, 0, 0, 0, 0]], bool)
STATES = 2 + 1 + 2


def make_stack(last=None, **options):
    """An LSTM, a GRU with a residual connection, and an LSTM with options of its own."""
    kinds = [{"cell": "lstm"}, {"cell": "gru", "residual": True}, {"cell": "lstm", **(last or {})}]
    return RecurrentStack([RecurrentBlock(5, **options, **kind) for kind in kinds])


def test_saved_inside_a_model():
    check_keras_file(make_stack(last={"highway": True}), STEPS)


@pytest.mark.parametrize("mask", [None, MASK, GAPS], ids=["whole", "padded", "gaps"])
@pytest.mark.parametrize(
    "last",
    [
        {"residual": True},
        {"bidirectional": True},
        {"highway": True, "cell": "peephole_lstm", "return_sequences": False},
    ],
    ids=str,
)
def test_it_is_its_blocks_one_after_another(mask, last):
    stack = make_stack(return_state=True, last=last)
    outputs, *states = stack(STEPS, mask=mask)
    x, expected = STEPS, []
    for block in stack.blocks:
        x, *own = block(x, mask=mask)
        expected += own
    np.testing.assert_allclose(outputs, x, atol=1e-6)
    assert len(states) == STATES + 2 * ("bidirectional" in last)
    for found, wanted in zip(states, expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-6)
    assert [tuple(x.shape) for x in (outputs, *states)] == stack.compute_output_shape(STEPS.shape)


def test_only_real_steps_reach_a_block_and_its_mask_goes_on():
    stack = make_stack()
    inputs = keras.layers.Masking()(STEPS * MASK[:, :, None])
    outputs = stack(inputs)
    np.testing.assert_allclose(outputs, stack(STEPS, mask=MASK), atol=1e-6)
    np.testing.assert_array_equal(outputs._keras_mask, MASK)
    assert not np.asarray(outputs)[~MASK].any()
    with_states = make_stack(return_state=True)
    masks = with_states.compute_mask(STEPS, MASK)
    assert masks[0] is MASK and masks[1:] == [None] * STATES
    assert make_stack(last={"return_sequences": False}).compute_mask(STEPS, MASK) is None


def test_a_residual_block_adds_what_the_block_before_gave():
    below, residual, above = RecurrentBlock(5), RecurrentBlock(5, residual=True), RecurrentBlock(5)
    outputs = RecurrentStack([below, residual])(STEPS)
    above.build((None, None, 5))
    above.set_weights(residual.get_weights())
    np.testing.assert_allclose(outputs, below(STEPS) + above(below(STEPS)), atol=1e-6)


@pytest.mark.parametrize("last", [{"residual": True}, {"highway": True, "cell": "peephole_lstm"}], ids=str)
def test_steps_give_the_whole(last):
    stack = make_stack(return_state=True, dropout=0.5, last=last)
    expected, *last = stack(STEPS)
    state = stack.initial_state(len(STEPS))
    assert [tuple(part.shape) for part in state] == [(3, 5)] * STATES
    for time in range(STEPS.shape[1]):
        output, state = stack.step(STEPS[:, time], state)
        np.testing.assert_allclose(output, expected[:, time], atol=TOLERANCE)
    np.testing.assert_allclose(np.stack(state), np.stack(last), atol=TOLERANCE)


def test_the_states_of_one_segment_start_the_next():
    stack = make_stack(return_state=True)
    expected, *last = stack(STEPS)
    first, *state = stack(STEPS[:, :2])
    second, *state = stack(STEPS[:, 2:], initial_state=state)
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), expected, atol=TOLERANCE)
    np.testing.assert_allclose(np.stack(state), np.stack(last), atol=TOLERANCE)


def test_distinct_tokens_give_the_same_as_their_sequence(tmp_path):
    ids = np.array([[3, 5, 3, 7, 5, 5], [7, 3, 3, 0, 0, 0]], "int32")
    source = keras.Input((None,), dtype="int32")
    tokens, positions = DistinctTokens()(source)
    vectors = keras.layers.Embedding(9, 4, mask_zero=True)(tokens)
    model = keras.Model(source, make_stack(return_state=True)([vectors, positions]))
    outputs, *states = model(ids)
    assert model.output_shape[0] == (None, None, 5)
    _, _, embedding, stack = model.layers
    expected = stack(tf.gather(embedding.embeddings, ids), mask=ids != 0)
    assert not np.asarray(outputs)[ids == 0].any()
    for found, wanted in zip([outputs, *states], expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-6)
    model.save(tmp_path / "model.keras")
    np.testing.assert_allclose(keras.saving.load_model(tmp_path / "model.keras")(ids)[0], outputs, atol=1e-6)


def test_states_pass_through_a_model_and_its_clone(tmp_path):
    source = keras.Input((None, 4))
    encoded, *state = make_stack(return_state=True)(source)
    assert [x.shape for x in state] == [(None, 5)] * STATES
    model = keras.Model(source, make_stack(last={"return_sequences": False})(encoded, initial_state=state))
    expected = np.asarray(model(STEPS))
    model.save(tmp_path / "model.keras")
    loaded, clone = keras.saving.load_model(tmp_path / "model.keras"), keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    for copy in (loaded, clone):
        np.testing.assert_allclose(copy(STEPS), expected, atol=1e-6)
        assert [weight.path for weight in copy.weights] == [weight.path for weight in model.weights]


def test_dropout_runs_in_training_only():
    stack = make_stack(dropout=0.5)
    expected = np.asarray(stack(STEPS))
    np.testing.assert_array_equal(stack(STEPS, training=False), expected)
    assert (np.asarray(stack(STEPS, training=True)) == 0).any()


def test_each_block_keeps_its_dtype():
    exact = RecurrentStack([RecurrentBlock(5, dtype="float64"), RecurrentBlock(3, dtype="float64")])
    assert exact(STEPS.astype("float64")).dtype == "float64"
    assert exact(keras.Input((None, 4), dtype="float64")).dtype == "float64"
    first, second = exact.blocks
    steps = STEPS.astype("float64") + 1e-9
    np.testing.assert_allclose(exact(steps), second(first(steps)), atol=1e-14)


def test_a_bidirectional_block_has_no_step():
    last = {"bidirectional": True, "name": "both"}
    stack = make_stack(return_state=True, last=last)
    outputs, *states = stack(STEPS)
    assert outputs.shape == (3, 6, 10) and len(states) == STATES + 2
    for call in (
        lambda: stack.initial_state(3),
        lambda: stack.step(STEPS[:, 0], states),
        lambda: stack(STEPS, initial_state=states),
    ):
        with pytest.raises(InputError, match="bidirectional block has no .*both"):
            call()


def test_too_few_states():
    stack = make_stack(return_state=True)
    _, *states = stack(STEPS)
    message = r"has 5 tensors, \[2, 1, 2\] in turn. Received: 4. Take those of `initial_state\(\)`"
    for call in (
        lambda: stack(STEPS, initial_state=states[:4]),
        lambda: stack.step(STEPS[:, 0], states[:4]),
    ):
        with pytest.raises(InputError, match=message):
            call()


@pytest.mark.parametrize(
    "blocks", [[], [keras.layers.LSTM(3)], RecurrentBlock(3)], ids=["none", "other", "one"]
)
def test_other_things_than_blocks(blocks):
    with pytest.raises(
        InputError, match="`blocks` must be a list of one or more RecurrentBlocks. Received: blocks="
    ):
        RecurrentStack(blocks)


def test_the_same_block_twice():
    with pytest.raises(InputError, match=r"layer of its own.*more than once: \['a', 'a'\]"):
        RecurrentStack([RecurrentBlock(3, name="a")] * 2)


def test_a_block_in_the_midst_returns_sequences():
    blocks = [RecurrentBlock(3), RecurrentBlock(3, return_sequences=False, name="end"), RecurrentBlock(3)]
    with pytest.raises(
        InputError,
        match="Every block but the last must have `return_sequences=True`.*Received: block 2 of 3, end,",
    ):
        RecurrentStack(blocks)


def test_all_blocks_return_states_or_none():
    blocks = [RecurrentBlock(3, name="a"), RecurrentBlock(3, return_state=True, name="b")]
    with pytest.raises(
        InputError, match=r"Either all blocks or none.*Received: \['a', 'b'\], .* in \['b'\] only"
    ):
        RecurrentStack(blocks)


def test_report_of_the_kernels():
    stack = RecurrentStack([RecurrentBlock(3), RecurrentBlock(3, zoneout=0.1)])
    first, second = stack.kernel_report()
    assert first == stack.blocks[0].kernel_report() and "zoneout" in second["reason"]
