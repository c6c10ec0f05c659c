"""One step of a simple recurrent network, computed by hand, and the same from every way to run it.

The network is h = tanh(W_xh x + W_hh h' + b) with two units and three features. A row of W_xh holds the weights of a
unit, a column those of a feature; the input and the state are column vectors:

    x    = (1, 2, 3)            W_xh = | 0.1  0.2  0.3 |      W_hh = | 0.7  0.8 |      b = (0.01, 0.02)
    h'   = (0.1, 0.2)                  | 0.4  0.5  0.6 |             | 0.9  1.0 |

1. What the input contributes, W_xh x:

    first unit     0.1 · 1 + 0.2 · 2 + 0.3 · 3  =  0.1 + 0.4 + 0.9  =  1.4
    second unit    0.4 · 1 + 0.5 · 2 + 0.6 · 3  =  0.4 + 1.0 + 1.8  =  3.2

2. What the state before contributes, W_hh h':

    first unit     0.7 · 0.1 + 0.8 · 0.2  =  0.07 + 0.16  =  0.23
    second unit    0.9 · 0.1 + 1.0 · 0.2  =  0.09 + 0.20  =  0.29

3. Their sum with the bias:

    first unit     1.4 + 0.23 + 0.01  =  1.64
    second unit    3.2 + 0.29 + 0.02  =  3.51

4. The new state, which is the output too, with tanh(a) = (exp(2a) - 1) / (exp(2a) + 1):

    first unit     tanh(1.64)  =  (26.5758 - 1) / (26.5758 + 1)      =  25.5758 / 27.5758      =  0.927473
    second unit    tanh(3.51)  =  (1118.7866 - 1) / (1118.7866 + 1)  =  1117.7866 / 1119.7866  =  0.998214

So h = (0.9275, 0.9982). Keras multiplies from the other side, with rows of a batch, x W + h' U + b: its kernels are
the transposes of the matrices above, of shape (features, units) and (units, units).
"""

import keras
import numpy as np
import pytest

from nlpkit.layers import RecurrentBlock

X, STATE = np.array([1.0, 2.0, 3.0]), np.array([0.1, 0.2])
W_XH = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
W_HH = np.array([[0.7, 0.8], [0.9, 1.0]])
BIAS = np.array([0.01, 0.02])

FROM_THE_INPUT = [1.4, 3.2]
FROM_THE_STATE = [0.23, 0.29]
SUM = [1.64, 3.51]
NEW_STATE = [0.927473, 0.998214]

# The same as Keras has it: rows of a batch, kernels that multiply from the right.
INPUTS, STATES = X[None].astype("float32"), [STATE[None].astype("float32")]
WEIGHTS = [W_XH.T, W_HH.T, BIAS]


def with_the_weights(layer):
    layer.build((None, None, 3))
    layer.set_weights(WEIGHTS)
    return layer


def test_every_number_of_the_account():
    np.testing.assert_allclose(W_XH @ X, FROM_THE_INPUT, rtol=1e-12)
    np.testing.assert_allclose(W_HH @ STATE, FROM_THE_STATE, rtol=1e-12)
    np.testing.assert_allclose(np.add(FROM_THE_INPUT, FROM_THE_STATE) + BIAS, SUM, rtol=1e-12)
    np.testing.assert_allclose(np.exp(2 * np.array(SUM)), [26.5758, 1118.7866], atol=5e-5)
    np.testing.assert_allclose(np.tanh(SUM), NEW_STATE, atol=5e-7)


def test_one_step():
    output, state = with_the_weights(RecurrentBlock(2, "rnn")).step(INPUTS, STATES)
    np.testing.assert_allclose(output[0], NEW_STATE, atol=1e-6)
    np.testing.assert_array_equal(state[0], output)


@pytest.mark.parametrize("make", [RecurrentBlock, None], ids=["RecurrentBlock", "keras.layers.SimpleRNN"])
def test_a_sequence_of_one_step(make):
    if make is None:
        layer = keras.layers.SimpleRNN(2, return_sequences=True, return_state=True)
    else:
        layer = make(2, "rnn", return_state=True)
    outputs, state = with_the_weights(layer)(INPUTS[:, None], initial_state=STATES)
    assert outputs.shape == (1, 1, 2)
    np.testing.assert_allclose(outputs[0, 0], NEW_STATE, atol=1e-6)
    np.testing.assert_allclose(state[0], NEW_STATE, atol=1e-6)


def test_the_matrices_are_not_interchangeable():
    """Forgetting a transpose, which the shape of W_hh does not show, gives other numbers."""
    wrong = np.tanh(W_XH @ X + W_HH.T @ STATE + BIAS)
    assert np.abs(wrong - NEW_STATE).max() > 1e-3
