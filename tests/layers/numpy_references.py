"""The recurrent cells in NumPy, written from the papers: one sequence, one step and one gate at a time.

A step takes the input x, the states before it and the weights, and gives the new states, the first of which is the
output. The weights are lists in the order and shape that nlpkit and Keras keep them in; they multiply from the right.
Names are those of the papers: W for the inputs, U for the state, b for biases, i, f, o for the gates.
"""

from typing import NamedTuple

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def in_gates(count, weights):
    """Splits each weight into those of the gates, which stand side by side."""
    return [np.split(weight, count, axis=-1) for weight in weights]


def simple_rnn(x, states, weights):
    """Elman, 1990."""
    (h,), (W, U, b) = states, weights
    return [np.tanh(x @ W + h @ U + b)]


def lstm(x, states, weights):
    """Hochreiter & Schmidhuber, 1997, with the forget gate of Gers et al., 2000."""
    h, c = states
    (Wi, Wf, Wc, Wo), (Ui, Uf, Uc, Uo), (bi, bf, bc, bo) = in_gates(4, weights)
    i = sigmoid(x @ Wi + h @ Ui + bi)
    f = sigmoid(x @ Wf + h @ Uf + bf)
    c = f * c + i * np.tanh(x @ Wc + h @ Uc + bc)
    o = sigmoid(x @ Wo + h @ Uo + bo)
    return [o * np.tanh(c), c]


def peephole_lstm(x, states, weights):
    """Gers, Schraudolph & Schmidhuber, 2002: the gates see the cell, the output gate the new one."""
    (h, c), (pi, pf, po) = states, weights[3]
    (Wi, Wf, Wc, Wo), (Ui, Uf, Uc, Uo), (bi, bf, bc, bo) = in_gates(4, weights[:3])
    i = sigmoid(x @ Wi + h @ Ui + pi * c + bi)
    f = sigmoid(x @ Wf + h @ Uf + pf * c + bf)
    c = f * c + i * np.tanh(x @ Wc + h @ Uc + bc)
    o = sigmoid(x @ Wo + h @ Uo + po * c + bo)
    return [o * np.tanh(c), c]


def layer_norm(x, gain, epsilon=1e-3):
    """Ba, Kiros & Hinton, 2016, equation 4, without a shift."""
    return gain * (x - x.mean()) / np.sqrt(x.var() + epsilon)


def layer_norm_lstm(x, states, weights):
    """Ba, Kiros & Hinton, 2016, supplement, equations 20 to 22; b is the sum of the shifts of both gate norms."""
    (h, c), (W, U, b, input_gain, state_gain, cell_gain, cell_shift) = states, weights
    gates = layer_norm(h @ U, state_gain) + layer_norm(x @ W, input_gain) + b
    i, f, g, o = np.split(gates, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return [sigmoid(o) * np.tanh(layer_norm(c, cell_gain) + cell_shift), c]


def gru_reset_before(x, states, weights):
    """Cho et al., 2014, equations 5 to 8: the reset gate scales the state."""
    (h,), ((Wz, Wr, W), (Uz, Ur, U), (bz, br, b)) = states, in_gates(3, weights)
    z = sigmoid(x @ Wz + h @ Uz + bz)
    r = sigmoid(x @ Wr + h @ Ur + br)
    candidate = np.tanh(x @ W + (r * h) @ U + b)
    return [z * h + (1 - z) * candidate]


def gru_reset_after(x, states, weights):
    """The same, but the reset gate scales what the state's matrix and bias make of it, as in cuDNN."""
    (h,), (inputs, state, (b, s)) = states, weights
    (Wz, Wr, W), (Uz, Ur, U) = in_gates(3, [inputs, state])
    (bz, br, b), (sz, sr, s) = in_gates(3, [b, s])
    z = sigmoid(x @ Wz + h @ Uz + bz + sz)
    r = sigmoid(x @ Wr + h @ Ur + br + sr)
    candidate = np.tanh(x @ W + b + r * (h @ U + s))
    return [z * h + (1 - z) * candidate]


class Cell(NamedTuple):
    """A cell: arguments of its `RecurrentBlock`, its step, and the number of its states."""

    arguments: dict
    step: object
    states: int


CELLS = {
    "rnn": Cell({"cell": "rnn"}, simple_rnn, 1),
    "lstm": Cell({"cell": "lstm"}, lstm, 2),
    "gru": Cell({"cell": "gru"}, gru_reset_after, 1),
    "gru, reset before": Cell({"cell": "gru", "reset_after": False}, gru_reset_before, 1),
    "peephole_lstm": Cell({"cell": "peephole_lstm"}, peephole_lstm, 2),
    "layer_norm_lstm": Cell({"cell": "layer_norm_lstm"}, layer_norm_lstm, 2),
}


def zoneout(step, rates):
    """Krueger et al., 2017, at inference: of each state the expectation, d h' + (1 - d) h."""

    def mixed(x, states, weights):
        new = step(x, states, weights)
        triples = zip(rates, states, new, strict=True)
        return [d * before + (1 - d) * after for d, before, after in triples]

    return mixed


def highway(x, output, weights):
    """Srivastava et al., 2015, equation 3: a gate between what the layer makes of its input and the input."""
    W, b = weights
    T = sigmoid(x @ W + b)
    return output * T + x * (1 - T)


def run(step, sequence, mask, states, weights, backwards=False):
    """Runs a step over the real steps of one sequence, as if the others were not there.

    Args:
        step: One of the functions above.
        sequence: Array of shape `(time, features)`.
        mask: Bool array of shape `(time,)`.
        states: List of arrays of shape `(units,)`, before the first step.
        weights: List of arrays.
        backwards: bool. From the last step to the first.

    Returns:
        Outputs of shape `(time, units)`, each at its step and zero elsewhere, and the states after the last real step.
    """
    outputs = np.zeros((len(sequence), len(states[0])))
    steps = [time for time in range(len(sequence)) if mask[time]]
    for time in reversed(steps) if backwards else steps:
        states = step(sequence[time], states, weights)
        outputs[time] = states[0]
    return outputs, states
