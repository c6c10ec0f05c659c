"""The recurrent block against Keras' own layers and a NumPy formula."""

import keras
import numpy as np
import pytest

from nlpkit import InputError
from nlpkit.layers import RecurrentBlock

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


def test_use_cudnn_survives_the_config_and_reaches_the_kernel():
    block = RecurrentBlock.from_config(RecurrentBlock(2, bidirectional=True, use_cudnn=False).get_config())
    assert (block.use_cudnn, block.forward_rnn.use_cudnn, block.backward_rnn.use_cudnn) == (
        False,
        False,
        False,
    )


def test_errors():
    with pytest.raises(
        InputError, match=r"`cell` must be one of \['gru', 'lstm', 'rnn'\]. Received: cell='elman'"
    ):
        RecurrentBlock(3, "elman")
    with pytest.raises(
        InputError, match=r"needs an input as wide as the output \(3 features\). Received: 4 features"
    ):
        RecurrentBlock(3, residual=True)(STEPS)
