"""Running `step` over time gives what the layer gives for the whole sequence: every layer that has one, every option.

A layer with a `step` that is missing here, or one of its arguments that no row changes, fails a test.
"""

import inspect
from itertools import product
from typing import NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlpkit import layers
from nlpkit.layers import (
    AdditiveAttention,
    AttentionDecoder,
    CachedAttention,
    DecoderBlock,
    DecoderStack,
    LayerNormLSTMCell,
    LocalAttention,
    LocationAttention,
    NTMCell,
    PeepholeLSTMCell,
    PositionEmbedding,
    RecurrentBlock,
    RecurrentDecoder,
    RecurrentStack,
    SinePositions,
    WindowNetwork,
)

RANDOM = np.random.default_rng(0)
BATCH, TIME, SIZE = 3, 5, 4
STEPS = RANDOM.normal(size=(BATCH, TIME, SIZE)).astype("float32")
CONTEXT = RANDOM.normal(size=(BATCH, 6, SIZE)).astype("float32")
CONTEXT_MASK = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0]], bool)
RESULT = RANDOM.normal(size=(BATCH, 3)).astype("float32")
STATES = [RANDOM.normal(size=(BATCH, SIZE)).astype("float32") / 2 for _ in range(2)]

TOLERANCE = 1e-5
# The full pass keeps its states in 32 bits and rounds its outputs to 16 at the end; between steps the states are
# rounded, too. That changes numbers by up to 2 ** -11 (float16) or 2 ** -8 (bfloat16) of the largest: room for four.
HALVES = {"mixed_float16": 4 * 2.0**-11, "mixed_bfloat16": 4 * 2.0**-8}


class Way(NamedTuple):
    """How a layer is built, called for the whole sequence, and given its first state."""

    build: object
    whole: object
    start: object


def whole_of_cell(cell):
    return keras.layers.RNN(cell, return_sequences=True, dtype=cell.dtype_policy)(STEPS)


def states_of(decoder):
    return STATES[: len(decoder.rnn.initial_state(1))]


def states_of_layers(decoder):
    return [STATES[: len(sizes)] for sizes in decoder.state_sizes]


ALONE = Way(
    lambda layer: layer.build(STEPS.shape),
    lambda layer: layer(STEPS),
    lambda layer: layer.initial_state(BATCH),
)
A_CELL = ALONE._replace(build=lambda cell: cell.build((BATCH, SIZE)), whole=whole_of_cell)
# Room for more steps than there are.
CACHED = ALONE._replace(start=lambda layer: layer.initial_state(BATCH, TIME + 2))
OVER_CONTEXT = Way(
    lambda layer: layer.build(STEPS.shape, CONTEXT.shape),
    lambda layer: layer(STEPS, CONTEXT, context_mask=CONTEXT_MASK),
    lambda layer: layer.context_state(CONTEXT, CONTEXT_MASK),
)
BOTH = OVER_CONTEXT._replace(start=lambda layer: layer.initial_state(BATCH, TIME + 2, CONTEXT, CONTEXT_MASK))
DECODING = Way(
    lambda layer: layer.build([STEPS.shape, CONTEXT.shape]),
    lambda layer: layer([STEPS, CONTEXT, *states_of(layer)], mask=[None, CONTEXT_MASK]),
    lambda layer: layer.initial_state(CONTEXT, CONTEXT_MASK, states_of(layer)),
)
DECODING_IN_LAYERS = Way(
    lambda layer: layer.build(STEPS.shape, CONTEXT.shape, RESULT.shape),
    lambda layer: layer(STEPS, CONTEXT, RESULT, context_mask=CONTEXT_MASK, states=states_of_layers(layer)),
    lambda layer: layer.initial_state(BATCH, CONTEXT, RESULT, CONTEXT_MASK, states_of_layers(layer)),
)


class Row(NamedTuple):
    """A layer, its options, and how it runs. Arguments that are functions are called with the dtype of the layer."""

    layer_class: type
    arguments: dict
    way: Way = ALONE

    def make(self, dtype="float32"):
        """The layer with weights that leave no part of it idle."""
        made = {name: value(dtype) if callable(value) else value for name, value in self.arguments.items()}
        layer = self.layer_class(**made, dtype=dtype)
        self.way.build(layer)
        random = np.random.default_rng(1)
        layer.set_weights([random.normal(size=weight.shape) / 2 for weight in layer.get_weights()])
        return layer

    def __str__(self):
        parts = [f"{name}={getattr(value, '__name__', value)}" for name, value in self.arguments.items()]
        return " ".join([self.layer_class.__name__, *parts])


CELLS = ("rnn", "lstm", "gru", "peephole_lstm", "layer_norm_lstm")
# Of one direction; what is random in training must not be in steps.
RECURRENT = [
    {},
    {"dropout": 0.5, "input_dropout": 0.5, "recurrent_dropout": 0.5, "weight_drop": 0.5},
    {"zoneout": 0.3},
    {"residual": True},
    {"highway": True},
    {"zoneout": 0.1, "residual": True, "layer_norm": True},
]
FEEDINGS = (False, True, "context")
ATTENTIONS = {
    "dot": "dot",
    "concat": "concat",
    "additive": "additive",
    "coverage": lambda dtype: AdditiveAttention(3, coverage=True, dtype=dtype),
    "location": lambda dtype: LocationAttention(5, dtype=dtype),
    "local": lambda dtype: LocalAttention(2, dtype=dtype),
}
for name, attention in ATTENTIONS.items():
    if callable(attention):
        attention.__name__ = name
NTM = {"units": 4, "memory_slots": 7, "memory_size": 3}
DECODER = {"num_heads": 2, "intermediate_dim": 6}
ACTIVATIONS = ("gelu", "relu", "swiglu")


def a_stack(**options):
    def blocks(dtype):
        parts = [{"cell": "gru"}, {"cell": "lstm", **options}, {"cell": "rnn", "layer_norm": True}]
        return [RecurrentBlock(SIZE, **part, dtype=dtype) for part in parts]

    blocks.__name__ = str(options)
    return blocks


TABLE = [
    *(
        Row(RecurrentBlock, {"units": SIZE, "cell": cell, **options})
        for cell, options in product(CELLS, RECURRENT)
    ),
    *(
        Row(RecurrentBlock, {"units": SIZE, "cell": "gru", "reset_after": False, **options})
        for options in RECURRENT[:3]
    ),
    Row(RecurrentBlock, {"units": SIZE, "cell": "lstm", "zoneout": [0.4, 0.1]}),
    *(
        Row(RecurrentStack, {"blocks": a_stack(**options)})
        for options in ({}, {"residual": True}, {"highway": True, "zoneout": 0.2})
    ),
    Row(PeepholeLSTMCell, {"units": SIZE}, A_CELL),
    Row(LayerNormLSTMCell, {"units": SIZE}, A_CELL),
    Row(LayerNormLSTMCell, {"units": SIZE, "epsilon": 0.1}, A_CELL),
    *(
        Row(NTMCell, {**NTM, "controller": controller, **heads}, A_CELL)
        for controller in ("lstm", "dense")
        for heads in ({}, {"num_read_heads": 2, "num_write_heads": 3, "shift_range": 2}, {"shift_range": 0})
    ),
    *(
        Row(
            AttentionDecoder,
            {"units": SIZE, "cell": cell, "input_feeding": feeding},
            DECODING,
        )
        for cell, feeding in product(CELLS, FEEDINGS)
    ),
    # Every pair of a cell, an attention and a feeding.
    *(
        Row(
            AttentionDecoder,
            {
                "units": SIZE,
                "cell": ("rnn", "lstm", "gru")[(one + other) % 3],
                "attention": attention,
                "input_feeding": feeding,
            },
            DECODING,
        )
        for one, attention in enumerate(ATTENTIONS.values())
        for other, feeding in enumerate(FEEDINGS)
    ),
    # Every pair of an attention and a feeding, and of a cell and a feeding.
    *(
        Row(
            RecurrentDecoder,
            {
                "units": SIZE,
                "num_layers": 1 + (one + other) % 3,
                "cell": CELLS[(one + other) % 5],
                "attention": attention,
                "input_feeding": feeding,
                "peeky": one % 2 == 1,
                "residual": (one + other) % 3 == 2,
            },
            DECODING_IN_LAYERS,
        )
        for one, attention in enumerate(["general", "multi_head", *ATTENTIONS.values()])
        for other, feeding in enumerate(FEEDINGS)
    ),
    *(
        Row(RecurrentDecoder, {"units": SIZE, "cell": cell, **options}, DECODING_IN_LAYERS)
        for cell in CELLS
        for options in (
            {},
            {"num_layers": 4, "residual": True, "dropout": 0.5},
            {"num_layers": 2, "peeky": True},
        )
    ),
    Row(CachedAttention, {"num_heads": 2}, OVER_CONTEXT),
    *(
        Row(CachedAttention, {"num_heads": 2, "causal": True, **options}, CACHED)
        for options in (
            {},
            {"key_dim": 3, "dropout": 0.5},
            {"positions": "rotary"},
            {"positions": "relative"},
            {"positions": "relative", "max_distance": 2},
            {"window": 2},
        )
    ),
    # Every pair of a norm, positions and an activation; `test_decoder_block` has all of them.
    *(
        Row(
            DecoderBlock,
            {
                **DECODER,
                "norm": norm,
                "positions": positions,
                "activation": ACTIVATIONS[(one + other) % 3],
                **more,
            },
            way,
        )
        for more, way in (
            ({"dropout": 0.5}, CACHED),
            ({"cross_attention": True}, BOTH),
        )
        for one, norm in enumerate(("pre", "post"))
        for other, positions in enumerate((None, "rotary", "relative"))
    ),
    Row(DecoderBlock, {**DECODER, "positions": "rotary", "window": 2}, CACHED),
    *(
        Row(DecoderStack, {"num_layers": 2, **DECODER, **options}, CACHED)
        for options in (
            {"window": 2},
            {"positions": None, "activation": "swiglu"},
            {"positions": "relative", "dropout": 0.5},
        )
    ),
    *(
        Row(DecoderStack, {"num_layers": 2, **DECODER, "cross_attention": True, "norm": norm}, BOTH)
        for norm in ("pre", "post")
    ),
    Row(WindowNetwork, {"units": SIZE, "window": 3}),
    Row(WindowNetwork, {"units": SIZE, "direct": True}),
    Row(PositionEmbedding, {"max_length": 9}),
    Row(PositionEmbedding, {"max_length": 3}),
    Row(SinePositions, {}),
    Row(SinePositions, {"max_wavelength": 20.0}),
]
EVERY_ROW = pytest.mark.parametrize("row", TABLE, ids=str)
# One of each layer.
ROWS_IN_A_LOOP = list({row.layer_class: row for row in TABLE}.values())

# Arguments that no row can change, and why.
FIXED = {
    "units": "the size of the layer",
    "num_heads": "the size of the layer",
    "num_layers": "the size of the layer",
    "memory_slots": "the size of the layer",
    "memory_size": "the size of the layer",
    "intermediate_dim": "the size of the layer",
    "max_length": "two sizes of the layer",
    "blocks": "the parts of the layer",
    "bidirectional": "has no step",
    "return_sequences": "a step gives one output either way",
    "return_state": "a step gives its state either way",
    "use_cudnn": "a step is too short for cuDNN's kernel",
    "seed": "nothing is random outside of training",
}


def in_steps(layer, state, step=None, frozen=False):
    """Outputs of one step after the other, stacked over time."""
    step, outputs = step or layer.step, []
    for time in range(TIME):
        output, after = step(tf.constant(STEPS[:, time]), state)
        assert form(after) == form(state), "a loop needs a state that keeps its form, shapes and types"
        state = state if frozen else after
        outputs.append(output)
    return tf.stack(outputs, axis=1)


def form(state):
    return keras.tree.map_structure(lambda x: (tuple(x.shape), x.dtype.name), state)


def assert_near(found, expected, tolerance):
    assert found.dtype == expected.dtype and found.shape == expected.shape
    found, expected = np.asarray(found, "float32"), np.asarray(expected, "float32")
    np.testing.assert_allclose(found, expected, atol=tolerance)


@EVERY_ROW
def test_steps_equal_the_full_pass(row):
    layer = row.make()
    state, expected = row.way.start(layer), row.way.whole(layer)
    assert_near(in_steps(layer, state), expected, TOLERANCE)
    step = tf.function(layer.step)
    assert_near(in_steps(layer, state, step), expected, TOLERANCE)
    assert step.experimental_get_tracing_count() == 1
    if row.way is OVER_CONTEXT:
        return  # the state of an attention to a context stays the same
    # Always starting from the first state is far off, also for the tolerance of bfloat16: so the tests can fail.
    found = np.asarray(in_steps(layer, state, step, frozen=True))
    np.testing.assert_allclose(found[:, 0], expected[:, 0], atol=TOLERANCE)
    size = max(1.0, np.abs(expected).max())
    assert np.abs(found - expected)[:, 1:].max() > 2 * HALVES["mixed_bfloat16"] * size


@EVERY_ROW
def test_steps_equal_the_full_pass_in_half_precision(row):
    for policy, tolerance in HALVES.items():
        layer = row.make(policy)
        expected = row.way.whole(layer)
        size = max(1.0, np.abs(np.asarray(expected, "float32")).max())
        assert_near(in_steps(layer, row.way.start(layer)), expected, tolerance * size)


@pytest.mark.parametrize("row", ROWS_IN_A_LOOP, ids=str)
def test_steps_in_a_loop_of_the_graph(row):
    layer = row.make()

    @tf.function
    def loop(steps, state):
        def body(time, state, outputs):
            output, state = layer.step(steps[:, time], state)
            return time + 1, state, outputs.write(time, output)

        outputs = tf.TensorArray("float32", size=TIME)
        *_, outputs = tf.while_loop(lambda time, *_: time < TIME, body, (0, state, outputs))
        return tf.transpose(outputs.stack(), (1, 0, 2))

    assert_near(loop(STEPS, row.way.start(layer)), row.way.whole(layer), TOLERANCE)


@pytest.mark.parametrize("cell", CELLS)
def test_steps_go_on_from_the_states_of_a_full_pass(cell):
    block = Row(RecurrentBlock, {"units": SIZE, "cell": cell, "zoneout": 0.2}).make()
    returning = RecurrentBlock.from_config({**block.get_config(), "return_state": True})
    returning.build(STEPS.shape)
    returning.set_weights(block.get_weights())
    outputs, *state = returning(STEPS[:, :2])
    for time in range(2, TIME):
        output, state = block.step(STEPS[:, time], state)
        np.testing.assert_allclose(output, np.asarray(block(STEPS))[:, time], atol=1e-5)


def test_every_layer_with_a_step_has_a_row():
    public = [getattr(layers, name) for name in layers.__all__]
    assert {each for each in public if hasattr(each, "step")} == {row.layer_class for row in TABLE}


@pytest.mark.parametrize("layer_class", dict.fromkeys(row.layer_class for row in TABLE))
def test_every_argument_is_changed_by_a_row(layer_class):
    parameters = inspect.signature(layer_class.__init__).parameters
    names = set(parameters) - {"self", "kwargs", *FIXED}
    rows = [row.arguments for row in TABLE if row.layer_class is layer_class]
    changed = {name for row in rows for name, value in row.items() if value != parameters[name].default}
    assert names <= changed, f"arguments that every row leaves as they are: {names - changed}"
