"""The recurrent cells by name: the layer that holds the weights, one step of it, and the kernels that run it."""

from collections.abc import Callable
from typing import NamedTuple

import keras

from nlpkit.layers.fused_lstm import fused_lstm
from nlpkit.layers.gru_loop import gru
from nlpkit.layers.layer_norm_lstm import LayerNormLSTMCell, layer_norm_lstm_drive, layer_norm_lstm_step
from nlpkit.layers.lstm_loop import lstm
from nlpkit.layers.peephole_lstm import PeepholeLSTMCell, peephole_lstm_drive, peephole_lstm_step
from nlpkit.layers.recurrent_steps import affine, gru_step, lstm_step, rnn_step
from nlpkit.layers.rnn_loop import rnn


class Cell(NamedTuple):
    """What a recurrent block knows of its cell.

    `drive(inputs, weights)` is what the inputs contribute to each step, `step(drive, states, weights, remembered)` the
    new states, `loop` a kernel of the cell's own, `cudnn` the name of cuDNN's, `fused` the loop that TFLite makes one
    operation of.
    """

    layer: type
    states: int
    step: Callable
    drive: Callable = affine
    loop: Callable | None = None
    cudnn: str | None = None
    fused: Callable | None = None


CELLS = {
    "gru": Cell(keras.layers.GRUCell, 1, gru_step, loop=gru, cudnn="gru"),
    "layer_norm_lstm": Cell(LayerNormLSTMCell, 2, layer_norm_lstm_step, layer_norm_lstm_drive),
    "lstm": Cell(keras.layers.LSTMCell, 2, lstm_step, loop=lstm, cudnn="lstm", fused=fused_lstm),
    "peephole_lstm": Cell(PeepholeLSTMCell, 2, peephole_lstm_step, peephole_lstm_drive),
    "rnn": Cell(keras.layers.SimpleRNNCell, 1, rnn_step, loop=rnn),
}
