"""Recurrent layers beside those of Keras, for layer_speed.py."""

from functools import partial

import keras
from layer_pairs import Pair, built, reader

from nlpkit import layers

KERAS = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
RATE = 0.3  # of every dropout
ALWAYS = {"passes": ("forward", "training")}


def recurrent(sizes, cell, bidirectional=False, padded=False):
    own = layers.RecurrentBlock(sizes.units, cell, bidirectional=bidirectional)
    peer = KERAS[cell](sizes.units, return_sequences=True)
    peer = keras.layers.Bidirectional(peer) if bidirectional else peer
    alone = cell != "rnn" and not bidirectional and not padded
    passes = ("forward", "forward, XLA", "training") if alone else ("forward", "training")
    inputs = ("x", "mask") if padded else ("x",)
    return Pair(reader(built(own, sizes)), reader(built(peer, sizes)), inputs, passes=passes)


def recurrent_option(sizes, cell, own, peer, passes=("training",)):
    """With arguments of the block and of Keras' layer; those of dropout matter in training alone."""
    own = layers.RecurrentBlock(sizes.units, cell, **own)
    peer = KERAS[cell](sizes.units, return_sequences=True, **peer)
    return Pair(reader(built(own, sizes)), reader(built(peer, sizes)), passes=passes)


def recurrent_cell(sizes, cell, name):
    """Keras has no such cell; the peer is its loop over nlpkit's."""
    own = layers.RecurrentBlock(sizes.units, cell)
    peer = keras.layers.RNN(getattr(layers, name)(sizes.units), return_sequences=True)
    return Pair(reader(built(own, sizes)), reader(built(peer, sizes)))


def _recurrent_pairs():
    """Every cell of Keras, in one direction and in both, with whole rows and with padded ones."""
    for cell, layer in KERAS.items():
        for bidirectional in (False, True):
            for padded in (False, True):
                words = [", both directions" * bidirectional, ", padded" * padded]
                peer = f"Bidirectional({layer.__name__})" if bidirectional else layer.__name__
                options = {"cell": cell, "bidirectional": bidirectional, "padded": padded}
                yield f"RecurrentBlock {cell}{''.join(words)}", (peer, partial(recurrent, **options))


def _option(cell, own, peer, **options):
    """Name, peer and function of a block with options beside Keras' layer with options."""
    described = [", ".join(f"{name}={value}" for name, value in side.items()) for side in (own, peer)]
    make = partial(recurrent_option, cell=cell, own=own, peer=peer, **options)
    return f"RecurrentBlock {cell}, {described[0]}", (f"{KERAS[cell].__name__}, {described[1]}", make)


RECURRENT_PAIRS = dict(
    [
        *_recurrent_pairs(),
        _option("gru", {"reset_after": False}, {"reset_after": False}, **ALWAYS),
        _option("lstm", {"input_dropout": RATE}, {"dropout": RATE}),
        _option("lstm", {"recurrent_dropout": RATE}, {"recurrent_dropout": RATE}),
        _option("gru", {"recurrent_dropout": RATE}, {"recurrent_dropout": RATE}),
        _option("lstm", {"weight_drop": RATE}, {"recurrent_dropout": RATE}),
        _option("gru", {"weight_drop": RATE}, {"recurrent_dropout": RATE}),
    ]
) | {
    "PeepholeLSTMCell in RecurrentBlock": (
        "RNN of the cell",
        partial(recurrent_cell, cell="peephole_lstm", name="PeepholeLSTMCell"),
    ),
    "LayerNormLSTMCell in RecurrentBlock": (
        "RNN of the cell",
        partial(recurrent_cell, cell="layer_norm_lstm", name="LayerNormLSTMCell"),
    ),
}
