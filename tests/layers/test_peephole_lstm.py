"""The peephole LSTM against the papers' formulas in NumPy and against Keras' LSTM."""

import keras
import numpy as np
import tensorflow as tf

from nlpkit.layers.peephole_lstm import PeepholeLSTMCell, peephole_lstm_drive, peephole_lstm_step

RANDOM = np.random.default_rng(0)
STEPS = RANDOM.normal(size=(3, 6, 4))


def make_rnn():
    layer = keras.layers.RNN(PeepholeLSTMCell(5, dtype="float64"), return_sequences=True, dtype="float64")
    layer.build(STEPS.shape)
    layer.set_weights([RANDOM.normal(size=weight.shape) for weight in layer.get_weights()])
    return layer


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def by_paper(steps, kernel, recurrent, bias, peephole):
    """Outputs for one sequence, gate by gate."""
    w, u, b = (np.split(weight, 4, axis=-1) for weight in (kernel, recurrent, bias))
    h, c, outputs = np.zeros(5), np.zeros(5), []
    for x in steps:
        net = [x @ w[gate] + h @ u[gate] + b[gate] for gate in range(4)]
        i = sigmoid(net[0] + peephole[0] * c)
        f = sigmoid(net[1] + peephole[1] * c)
        c = f * c + i * np.tanh(net[2])
        o = sigmoid(net[3] + peephole[2] * c)
        h = o * np.tanh(c)
        outputs.append(h)
    return np.array(outputs)


def test_outputs_are_those_of_the_papers():
    layer = make_rnn()
    expected = [by_paper(sequence, *layer.get_weights()) for sequence in STEPS]
    np.testing.assert_allclose(layer(STEPS), expected, atol=1e-12)


def test_without_peepholes_it_is_the_lstm_of_keras():
    layer, reference = make_rnn(), keras.layers.LSTM(5, return_sequences=True, dtype="float64")
    reference.build(STEPS.shape)
    *shared, peephole = layer.get_weights()
    reference.set_weights(shared)
    assert np.abs(layer(STEPS) - reference(STEPS)).max() > 0.1
    layer.set_weights([*shared, np.zeros_like(peephole)])
    np.testing.assert_allclose(layer(STEPS), reference(STEPS), atol=1e-12)


def test_peepholes_start_at_zero():
    cell = PeepholeLSTMCell(5)
    cell.build((None, 4))
    np.testing.assert_array_equal(cell.get_weights()[3], np.zeros((3, 5)))


def test_dropout_reaches_the_product_with_the_state_only():
    weights = [tf.constant(weight) for weight in make_rnn().get_weights()]
    states = [tf.constant(RANDOM.normal(size=(3, 5))) for _ in range(2)]
    drive = peephole_lstm_drive(STEPS[:, 0], weights)
    found = peephole_lstm_step(drive, states, weights, tf.zeros_like(states[0]))
    kernel, recurrent, *others = weights
    weights = [kernel, tf.zeros_like(recurrent), *others]
    expected = peephole_lstm_step(drive, states, weights, states[0])
    np.testing.assert_array_equal(np.stack(found), np.stack(expected))
