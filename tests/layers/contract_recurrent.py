"""The recurrent layers and what decodes with them."""

import keras
import numpy as np
from contract_calls import (
    CELL,
    ENCODED,
    ENCODED_WITH_STATES,
    GAPS,
    IDS,
    MASK,
    MASKED,
    OTHER_MASK,
    OTHERS,
    RANDOM,
    SCORES,
    STATE,
    STEPS,
    WITH_CONTEXT,
    noise,
    rows,
    with_options,
)
from layer_calls import LayerCall

from nlpkit import layers


def run_over_time(cell):
    return keras.layers.RNN(cell, return_sequences=True, return_state=True, dtype=cell.dtype_policy)


RECURRENT = [
    *rows(
        layers.RecurrentBlock,
        MASKED,
        *({"units": 3, "cell": cell} for cell in ("rnn", "lstm", "gru", "layer_norm_lstm")),
        {"units": 3, "cell": "peephole_lstm", "bidirectional": True, "return_sequences": False},
        {"units": 2, "bidirectional": True, "residual": True, "layer_norm": True, "dropout": 0.3},
        {"units": 4, "highway": True, "input_dropout": 0.3, "weight_drop": 0.3, "seed": 1},
        {"units": 3, "zoneout": [0.2, 0.1], "return_state": True},
        {"units": 3, "return_sequences": False, "use_cudnn": False},
        {
            "units": 3,
            "cell": "gru",
            "bidirectional": True,
            "return_sequences": False,
            "recurrent_dropout": 0.3,
        },
        {"units": 3, "cell": "gru", "reset_after": False, "zoneout": 0.2},
    ),
    *rows(
        layers.RecurrentBlock,
        LayerCall(STEPS, GAPS),
        {"units": 2, "bidirectional": True, "return_state": True},
        {"units": 3, "cell": "rnn", "bidirectional": True, "return_sequences": False},
    ),
    *rows(
        layers.RecurrentBlock,
        LayerCall({"inputs": STEPS, "initial_state": [STATE, CELL]}, {"inputs": MASK}),
        {"units": 3, "return_state": True},
    ),
    # Distinct rows, of which the first is padding, and where they stand.
    *rows(
        layers.RecurrentBlock,
        LayerCall([noise(10, 4), IDS], [np.arange(10) > 0, None], unbatched=(0,)),
        {"units": 3, "cell": "gru", "return_state": True},
    ),
    *rows(
        layers.RecurrentStack,
        MASKED,
        {
            "blocks": lambda dtype: [
                layers.RecurrentBlock(3, "rnn", return_state=True, dtype=dtype),
                layers.RecurrentBlock(3, "gru", residual=True, return_state=True, dtype=dtype),
            ]
        },
    ),
    *rows(
        layers.Highway,
        LayerCall([STEPS, noise(3, 5, 4)], [MASK, None], time_axes={1: (1,)}),
        {"gate_bias": -2.0},
    ),
]

DECODERS = [
    *rows(
        layers.AttentionDecoder,
        ENCODED,
        {"units": 4, "cell": "rnn", "attention": "dot"},
        {"units": 3, "cell": "gru", "attention": "concat", "use_cudnn": False},
        {"units": 3, "attention": "additive", "input_feeding": "context"},
        {
            "units": 3,
            "attention": lambda dtype: layers.AdditiveAttention(5, coverage=True, dtype=dtype),
            "input_feeding": True,
        },
    ),
    *rows(layers.AttentionDecoder, with_options(ENCODED_WITH_STATES, **SCORES), {"units": 3}),
    *rows(
        layers.RecurrentDecoder,
        MASKED,
        {"units": 3, "num_layers": 2, "cell": "rnn"},
        {"units": 3, "num_layers": 4, "cell": "gru", "residual": True, "dropout": 0.1},
    ),
    *rows(
        layers.RecurrentDecoder,
        WITH_CONTEXT,
        {"units": 3, "attention": "general"},
        {"units": 3, "num_layers": 2, "attention": "additive", "input_feeding": "context"},
        {
            "units": 3,
            "num_layers": 3,
            "cell": "gru",
            "attention": "concat",
            "input_feeding": True,
            "residual": True,
        },
        {
            "units": 4,
            "num_layers": 2,
            "attention": lambda dtype: layers.AdditiveAttention(5, coverage=True, dtype=dtype),
            "use_cudnn": False,
        },
    ),
    *rows(
        layers.RecurrentDecoder,
        WITH_CONTEXT,
        {"units": 4, "num_layers": 2, "attention": "multi_head", "input_feeding": True},
        unreached=("heads/key/bias",),
    ),
    # Without attention, with the encoder's result, which is all that a padded step ends with.
    *rows(
        layers.RecurrentDecoder,
        LayerCall({"inputs": STEPS, "result": noise(3, 2)}, {"inputs": MASK}),
        {"units": 3, "num_layers": 2, "cell": "gru", "peeky": True},
    ),
    *rows(
        layers.RecurrentDecoder,
        LayerCall(
            {
                "inputs": STEPS,
                "context": OTHERS,
                "result": noise(3, 2),
                "states": [[STATE, CELL], [noise(3, 3), noise(3, 3)]],
            },
            {"inputs": MASK, "context": OTHER_MASK},
            SCORES,
        ),
        {"units": 3, "num_layers": 2, "attention": "additive", "input_feeding": True, "peeky": True},
    ),
    *rows(
        layers.StateBridge,
        LayerCall([[STATE, CELL], noise(3, 2)]),
        {"state_sizes": [5, [3, 2]]},
        {"state_sizes": 4, "activation": "linear"},
    ),
    *rows(
        layers.StateBridge,
        LayerCall([[STATE, CELL], noise(3, 2)]),
        {"state_sizes": [3, 3, 2], "mode": "copy"},
        trains=False,
    ),
    *rows(
        layers.StateBridge,
        LayerCall([[STATE, CELL]]),
        {"state_sizes": [6], "mode": "copy", "bidirectional": True},
        trains=False,
    ),
    *rows(
        layers.StateBridge,
        LayerCall([STATE, CELL]),
        {"state_sizes": [5, 6], "mode": "zero"},
        trains=False,
        exceptions={"no row is zero": "zeros are what it gives"},
    ),
    *rows(
        layers.PointerHead,
        LayerCall(
            {
                "context": noise(3, 5, 4),
                "state": noise(3, 5, 3),
                "inputs": noise(3, 5, 2),
                "logits": noise(3, 5, 10),
                "attention": RANDOM.random((3, 5, 6)).astype("float32"),
                "source_ids": np.where(OTHER_MASK, RANDOM.integers(1, 13, (3, 6)), 0).astype("int32"),
            },
            {"context": MASK},
            time_axes={
                **dict.fromkeys(("state", "inputs", "logits"), (1,)),
                "attention": (1, 2),
            },
        ),
        {"vocabulary_size": 10, "extra_ids": 3},
        full_precision=True,
    ),
]

# A memory, a weighting of its slots for each of two heads, what was read, and the state of an LSTM.
NTM_STATES = [
    noise(3, 21),
    *(RANDOM.dirichlet(np.ones(7), 3).astype("float32") for _ in range(2)),
    *(noise(3, size) for size in (3, 5, 5)),
]
ONE_STEP = LayerCall({"inputs": STEPS[:, 0], "states": [STATE, CELL]})
CELL_SIZES = {"units": 5, "memory_slots": 7, "memory_size": 3}
# The cells of LSTMs run over time in `RecurrentBlock`.
CELLS = [
    *rows(layers.PeepholeLSTMCell, ONE_STEP, {"units": 3}),
    *rows(layers.LayerNormLSTMCell, ONE_STEP, {"units": 3, "epsilon": 0.01}),
    *rows(layers.NTMCell, LayerCall({"inputs": STEPS[:, 0], "states": NTM_STATES}), CELL_SIZES),
    *rows(
        layers.NTMCell,
        LayerCall(STEPS[:, :3], MASK[:, :3]),
        {**CELL_SIZES, "controller": "dense", "num_read_heads": 2, "num_write_heads": 3, "shift_range": 2},
        around=run_over_time,
    ),
]
