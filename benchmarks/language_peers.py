"""The peers of the language model benchmarks: LSTM language models as plain Keras and PyTorch scripts write them.

Libraries that nlpkit does not need are looked for in the folders of the environment variable PEER_PATH too, so that
they need no place beside nlpkit's: pip install --target FOLDER torch; PEER_PATH=FOLDER python benchmarks/...
"""

import importlib.util
import os
import sys
from importlib.metadata import version

from common import usable_cpus

# Behind all others: what nlpkit uses stays as it is.
sys.path += [folder for folder in os.environ.get("PEER_PATH", "").split(os.pathsep) if folder]
HINTS = {
    "torch": "pip install torch, or set PEER_PATH",
    "keras_hub": "pip install keras-hub, or set PEER_PATH",
}


def lacks(library):
    """What the table says where a library is absent; `None` where it is there."""
    found = importlib.util.find_spec(library)
    # A folder that only has the name of the library has no origin.
    return None if found and found.origin else f"no {library}: {HINTS[library]}"


def versions():
    """Versions of the libraries that are here."""
    return {library: version(library) for library in HINTS if not lacks(library)}


def use_threads(threads):
    """Gives this process and those that it starts so many threads; before TensorFlow and PyTorch are imported.

    No more than the processors that it may run on, where they would wait for each other.
    """
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        os.environ[name] = str(min(threads, usable_cpus()))


def initial_weights(vocabulary_size, units, layers):
    """The same first weights for all: table, kernel, recurrent kernel and bias of each layer, output, its bias.

    Returns:
        List of float32 arrays, laid out as Keras has them.
    """
    import numpy as np

    random = np.random.default_rng(0)
    gates = [(units, 4 * units), (units, 4 * units), (4 * units,)]
    shapes = [(vocabulary_size, units), *gates * layers, (units, vocabulary_size), (vocabulary_size,)]
    return [
        random.uniform(-0.1, 0.1, shape).astype("float32") if len(shape) > 1 else np.zeros(shape, "float32")
        for shape in shapes
    ]


def keras_model(vocabulary_size, units, layers, rows):
    """An LSTM language model as a tutorial writes it; the state goes on from batch to batch."""
    import keras

    model = keras.Sequential([
        keras.Input(batch_shape=(rows, None), dtype="int32"),
        keras.layers.Embedding(vocabulary_size, units),
        *(keras.layers.LSTM(units, return_sequences=True, stateful=True) for _ in range(layers)),
        keras.layers.Dense(vocabulary_size),
    ])  # fmt: skip
    model.set_weights(initial_weights(vocabulary_size, units, layers))
    return model


def own_model(vocabulary_size, units, layers, *, tie=False, dropout=0.0):
    """nlpkit's network of the same size and weights; with `tie` the output has the embedding's."""
    from nlpkit.models import build_generator

    network = build_generator(
        vocabulary_size, cell="lstm", units=units, num_layers=layers, tie=tie, dropout=dropout
    )
    table, *gates, output, bias = initial_weights(vocabulary_size, units, layers)
    network.embedding.set_weights([table])
    network.body.set_weights(gates)
    if not tie:
        network.table.set_weights([output.T])
    network.output_layer.set_weights([bias])
    return network


def torch_model(vocabulary_size, units, layers, *, tie=False, dropout=0.0):
    """The model of PyTorch's example word_language_model, with the same first weights.

    PyTorch keeps two biases a layer, of which one stays zero: if both learnt, their sum would move twice as fast.
    """
    import torch
    from torch import nn

    class LanguageModel(nn.Module):
        def __init__(self):
            super().__init__()
            self.drop = nn.Dropout(dropout)
            self.encoder = nn.Embedding(vocabulary_size, units)
            self.rnn = nn.LSTM(units, units, layers, batch_first=True, dropout=dropout)
            self.decoder = nn.Linear(units, vocabulary_size)

        def forward(self, ids, state=None):
            output, state = self.rnn(self.drop(self.encoder(ids)), state)
            return self.decoder(self.drop(output)), state

    model = LanguageModel()
    table, *gates, output, bias = map(torch.tensor, initial_weights(vocabulary_size, units, layers))
    with torch.no_grad():
        model.encoder.weight.copy_(table)
        model.decoder.weight.copy_(output.T)
        model.decoder.bias.copy_(bias)
        for layer in range(layers):
            kernel, recurrent, first = gates[3 * layer : 3 * layer + 3]
            getattr(model.rnn, f"weight_ih_l{layer}").copy_(kernel.T)
            getattr(model.rnn, f"weight_hh_l{layer}").copy_(recurrent.T)
            getattr(model.rnn, f"bias_ih_l{layer}").copy_(first)
            getattr(model.rnn, f"bias_hh_l{layer}").zero_().requires_grad_(False)
    if tie:
        model.decoder.weight = model.encoder.weight
    return model
