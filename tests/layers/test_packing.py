"""Padding anywhere: packing, its way back, and blocks on packed rows beside Keras' masked layers."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_cudnn_kernel import MASKS

from nlpkit.layers import RecurrentBlock
from nlpkit.layers.packing import first_step, last_step, pack, reverse, unpack

RANDOM = np.random.default_rng(1)
STEPS = tf.constant(RANDOM.normal(size=(4, 6, 3)), tf.float32)
KERAS = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
PADDED = {name: mask for name, mask in MASKS.items() if mask is not None}


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("mask", PADDED.values(), ids=PADDED)
def test_packing_and_back(mask, traced):
    def there_and_back(steps):
        packed = pack(steps, mask)
        return packed, unpack(packed, mask)

    packed, back = (tf.function(there_and_back) if traced else there_and_back)(STEPS)
    for row, (real, found) in enumerate(zip(mask, np.asarray(packed), strict=True)):
        np.testing.assert_array_equal(found[: real.sum()], STEPS[row][real])
    np.testing.assert_array_equal(back, STEPS)


def test_positions_are_packed_beside_their_rows():
    mask, positions = MASKS["gaps"], RANDOM.integers(0, 7, (4, 6))
    rows = RANDOM.normal(size=(7, 3))
    same, packed = pack((rows, tf.constant(positions)), mask)
    assert same is rows
    np.testing.assert_array_equal(packed[1, :2], positions[1][mask[1]])


def test_the_gradient_goes_to_the_steps_that_were_moved():
    mask, weights = MASKS["gaps"], RANDOM.normal(size=(4, 6, 3)).astype("float32")
    with tf.GradientTape() as tape:
        tape.watch(STEPS)
        loss = tf.reduce_sum(pack(STEPS, mask) * weights)
    expected = unpack(tf.constant(weights), mask)
    np.testing.assert_array_equal(tape.gradient(loss, STEPS), expected)


def test_reversing_within_the_length():
    lengths = np.array([6, 3, 1, 0])
    found = np.asarray(reverse(STEPS, tf.constant(lengths, "int32")))
    for row, length in enumerate(lengths):
        np.testing.assert_array_equal(found[row, :length], np.asarray(STEPS)[row, :length][::-1])
        np.testing.assert_array_equal(found[row, length:], STEPS[row, length:])
    np.testing.assert_array_equal(reverse(STEPS, None), np.asarray(STEPS)[:, ::-1])


def test_first_and_last_step():
    last = last_step(STEPS, tf.constant([6, 3, 1, 0]))
    np.testing.assert_array_equal(last, [*(STEPS[row, at] for row, at in enumerate((5, 2, 0))), np.zeros(3)])
    np.testing.assert_array_equal(last_step(STEPS, None), STEPS[:, 5])
    np.testing.assert_array_equal(first_step(STEPS), STEPS[:, 0])
    for found in (last_step(STEPS[:, :0], None), last_step(STEPS[:, :0], tf.zeros(4, "int32"))):
        np.testing.assert_array_equal(found, np.zeros((4, 3)))


@pytest.mark.parametrize("mask", PADDED.values(), ids=PADDED)
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("cell", KERAS)
def test_the_block_equals_keras_masked_layer(cell, both, mask):
    """States, sequences, gradients; rows without a real step give zeros, whatever Keras makes of them."""
    block = RecurrentBlock(5, cell, bidirectional=both, return_state=True)
    reference = (
        KERAS[cell](5, return_sequences=True, return_state=True, use_cudnn=False)
        if cell != "rnn"
        else (KERAS[cell](5, return_sequences=True, return_state=True))
    )
    reference = keras.layers.Bidirectional(reference) if both else reference
    block.build(STEPS.shape)
    reference.build(STEPS.shape)
    reference.set_weights(block.get_weights())
    real = mask[..., None].astype("float32")

    def run(layer):
        with tf.GradientTape() as tape:
            tape.watch(STEPS)
            outputs, *states = layer(STEPS, mask=mask)
            loss = tf.reduce_sum(tf.square(outputs * real + 0.1)) + tf.reduce_sum(tf.square(tf.stack(states)))
        return outputs, states, tape.gradient(loss, [STEPS, *[w.value for w in layer.trainable_weights]])

    outputs, states, gradients = run(block)
    expected, expected_states, expected_gradients = run(reference)
    np.testing.assert_allclose(outputs, expected * real, atol=1e-6)
    np.testing.assert_allclose(np.stack(states), np.stack(expected_states), atol=1e-6)
    for found, other in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(found, other, atol=2e-5)


@pytest.mark.parametrize("both", [False, True])
def test_the_last_step_of_left_padded_rows(both):
    """`pad_sequences` of Keras pads on the left by default."""
    mask = MASKS["left"]
    block = RecurrentBlock(5, bidirectional=both, return_sequences=False)
    reference = keras.layers.LSTM(5, use_cudnn=False)
    reference = keras.layers.Bidirectional(reference) if both else reference
    block.build(STEPS.shape)
    reference.build(STEPS.shape)
    reference.set_weights(block.get_weights())
    np.testing.assert_allclose(block(STEPS, mask=mask), reference(STEPS, mask=mask), atol=1e-6)


@pytest.mark.parametrize(
    "options", [{"residual": True}, {"highway": True}, {"zoneout": 0.2}, {"layer_norm": True}]
)
def test_every_option_on_gappy_rows_equals_the_short_rows(options):
    block, mask = RecurrentBlock(3, **options), MASKS["gaps"]
    found = np.asarray(block(STEPS, mask=mask))
    assert not found[~mask].any()
    for row, real in enumerate(mask):
        alone = block(tf.boolean_mask(STEPS[row], real)[None])
        np.testing.assert_allclose(found[row][real], alone[0], atol=1e-5)
