"""The attention decoder against NumPy formulas written from the papers; its step against its forward pass."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from attention_checks import check_nothing_of_padding, with_padding
from checks import TOLERANCE, check_config, check_gradients, check_mixed_precision, check_twin

from nlpkit import InputError
from nlpkit.layers.additive_attention import AdditiveAttention, coverage_loss
from nlpkit.layers.attention_decoder import AttentionDecoder, default_heads
from nlpkit.layers.location_attention import LocalAttention, LocationAttention
from nlpkit.layers.multiplicative_attention import MultiplicativeAttention

RANDOM = np.random.default_rng(0)
INPUTS = RANDOM.normal(size=(3, 3, 5)).astype("float32")
# As many features as the decoder has units, for "dot".
ENCODED = RANDOM.normal(size=(3, 5, 3)).astype("float32")
STATES = [RANDOM.normal(size=(3, 3)).astype("float32") for _ in range(2)]
MASK = np.array([[1, 1, 1], [1, 1, 0], [1, 0, 0]], bool)
ENCODED_MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0]], bool)
MASKS = [MASK, ENCODED_MASK]

CELLS = ["rnn", "lstm", "gru"]
FEEDINGS = [False, True, "context"]
# Layers are made anew for each decoder, which keeps what it is given.
ATTENTIONS = {
    "general": lambda: "general",
    "additive": lambda: "additive",
    "dot": lambda: MultiplicativeAttention("dot"),
    "concat": lambda: "concat",
    "coverage": lambda: AdditiveAttention(7, coverage=True),
    "location": lambda: LocationAttention(4),
    "local": lambda: LocalAttention(2),
}
TABLE = [(cell, feeding, "general") for cell in CELLS for feeding in FEEDINGS] + [
    ("lstm", feeding, name) for feeding in FEEDINGS for name in ATTENTIONS if name != "general"
]
TABLE += [("peephole_lstm", False, "general"), ("layer_norm_lstm", True, "additive")]
CONTRACT = [row for row in TABLE if row[0] == "lstm" and (row[1] is True or row[2] == "coverage")]


def states_of(cell):
    return STATES if cell.endswith("lstm") else STATES[:1]


def built(cell, feeding, attention, **kwargs):
    """A decoder whose biases are not zero."""
    keras.utils.set_random_seed(1)
    decoder = AttentionDecoder(3, cell, attention, input_feeding=feeding, **kwargs)
    decoder.build([INPUTS.shape, ENCODED.shape])
    random = np.random.default_rng(1)
    decoder.set_weights([random.normal(size=weight.shape) for weight in decoder.get_weights()])
    return decoder


def run(decoder, inputs=INPUTS, encoded=ENCODED, states=(), mask=MASKS):
    """Outputs and weights as arrays."""
    outputs = decoder([inputs, encoded, *states], mask=mask, return_attention_scores=True)
    return [np.asarray(output) for output in outputs]


def run_in_steps(decoder, state, inputs=INPUTS):
    outputs, weights = [], []
    for time in range(inputs.shape[1]):
        output, state = decoder.step(inputs[:, time], state)
        outputs.append(np.asarray(output))
        weights.append(np.asarray(state["attention_scores"]))
    return np.stack(outputs, axis=1), np.stack(weights, axis=1)


def assert_equal(some, others, atol=TOLERANCE):
    for one, other in zip(some, others, strict=True):
        np.testing.assert_allclose(one, other, atol=atol)


@pytest.mark.parametrize(("cell", "feeding", "attention"), TABLE)
def test_step_and_rows_alone_equal_forward(cell, feeding, attention):
    decoder, states = built(cell, feeding, ATTENTIONS[attention]()), states_of(cell)
    expected = run(decoder, states=states)
    stepwise = run_in_steps(decoder, decoder.initial_state(ENCODED, ENCODED_MASK, states))
    assert_equal([part * MASK[:, :, None] for part in stepwise], expected)
    # A row with padding on both sides, in a batch of longer ones and without them.
    alone = [INPUTS[1:2, :2], ENCODED[1:2, :3]]
    outputs, weights = run(decoder, *alone, states=[state[1:2] for state in states], mask=None)
    assert_equal([outputs[0], weights[0]], [expected[0][1, :2], expected[1][1, :2, :3]])
    assert not expected[1][1, :, 3:].any()


@pytest.mark.parametrize(("cell", "feeding", "attention"), CONTRACT)
def test_padding_may_stand_anywhere(cell, feeding, attention):
    decoder, states = built(cell, feeding, ATTENTIONS[attention]()), states_of(cell)
    expected = run(decoder, states=states)
    order = [[0, 1, 2], [0, 2, 1], [1, 2, 0]]  # the second row has a gap, the last one stands at the end
    moved, mask = (np.stack([x[row][order[row]] for row in range(3)]) for x in (INPUTS, MASK))
    for one, other in zip(
        run(decoder, moved, states=states, mask=[mask, ENCODED_MASK]), expected, strict=True
    ):
        np.testing.assert_allclose(one[mask], other[MASK], atol=TOLERANCE)
        assert not one[~mask].any()


@pytest.mark.parametrize(("cell", "feeding", "attention"), CONTRACT)
def test_padding_may_hold_anything(cell, feeding, attention):
    decoder = built(cell, feeding, ATTENTIONS[attention]())

    def call(padding, mask=MASK):
        inputs = with_padding(INPUTS, mask, padding)
        return decoder([inputs, with_padding(ENCODED, ENCODED_MASK, padding)], mask=[mask, ENCODED_MASK])

    check_nothing_of_padding(decoder, call, MASK)
    left = MASK[:, ::-1]
    check_nothing_of_padding(decoder, lambda padding: call(padding, left), left)


@pytest.mark.parametrize(("cell", "feeding", "attention"), CONTRACT)
def test_contract(cell, feeding, attention):
    decoder = built(cell, feeding, ATTENTIONS[attention]())
    expected = run(decoder)
    assert expected[0].shape == (3, 3, 3) and expected[1].shape == (3, 3, 5)
    for part in expected:
        assert part[MASK].any(axis=-1).all() and not part[~MASK].any()
    assert decoder.compute_output_shape([(None, None, 5), (None, None, 3)]) == (None, None, 3)
    assert decoder.compute_mask([INPUTS, ENCODED], MASKS) is MASK
    check_config(decoder)
    check_twin(decoder, [INPUTS, ENCODED], MASKS, expected[0])
    check_gradients(decoder, [INPUTS, ENCODED], MASKS, ())


@pytest.mark.parametrize("feeding", FEEDINGS)
def test_the_first_state_makes_a_difference(feeding):
    decoder = built("lstm", feeding, "general")
    assert np.abs(run(decoder)[0] - run(decoder, states=STATES)[0])[MASK].max(axis=-1).min() > 0.01


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def cell_by_numpy(cell, weights, x, state):
    """One step of Keras' cells: gates i, f, candidate, o, and z, r, candidate with the reset gate after."""
    kernel, recurrent, bias = weights
    hidden = state[0]
    if cell == "rnn":
        return [np.tanh(x @ kernel + hidden @ recurrent + bias)]
    if cell == "lstm":
        i, f, candidate, o = np.split(x @ kernel + hidden @ recurrent + bias, 4, axis=-1)
        memory = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(candidate)
        return [sigmoid(o) * np.tanh(memory), memory]
    z, r, candidate = np.split(x @ kernel + bias[0], 3, axis=-1)
    before_z, before_r, before = np.split(hidden @ recurrent + bias[1], 3, axis=-1)
    update = sigmoid(z + before_z)
    candidate = np.tanh(candidate + sigmoid(r + before_r) * before)
    return [update * hidden + (1 - update) * candidate]


def decoder_by_numpy(decoder, inputs, encoded, state):
    """One row without padding, with the general score."""
    cell, (general,) = decoder.rnn.get_weights(), decoder.attention.get_weights()
    (attentional,) = decoder.attentional.get_weights()

    def context_of(query):
        exponentials = np.exp(encoded @ general @ query)
        return exponentials / exponentials.sum() @ encoded

    outputs, output = [], np.zeros(3)
    for x in inputs:
        if decoder.input_feeding == "context":
            context = context_of(state[0])
            state = cell_by_numpy(decoder.cell, cell, np.concatenate([x, context]), state)
        else:
            x = np.concatenate([x, output]) if decoder.input_feeding else x
            state = cell_by_numpy(decoder.cell, cell, x, state)
            context = context_of(state[0])
        output = np.tanh(np.concatenate([context, state[0]]) @ attentional)
        outputs.append(output)
    return np.array(outputs)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("feeding", FEEDINGS)
def test_the_papers_formulas(cell, feeding):
    decoder, states = built(cell, feeding, "general"), states_of(cell)
    outputs, _ = run(decoder, states=states)
    for row in range(3):
        length, source = MASK[row].sum(), ENCODED_MASK[row].sum()
        state = [state[row] for state in states]
        expected = decoder_by_numpy(decoder, INPUTS[row, :length], ENCODED[row, :source], state)
        np.testing.assert_allclose(outputs[row, :length], expected, atol=1e-5)


def test_vertical_attention_equals_keras_layers():
    decoder = built("lstm", False, "dot")
    rnn = keras.layers.LSTM(3, return_sequences=True)
    rnn.build(INPUTS.shape)
    rnn.set_weights(decoder.rnn.get_weights())
    hidden = rnn(INPUTS, initial_state=STATES)
    context, weights = keras.layers.Attention()(
        [hidden, ENCODED], mask=[None, ENCODED_MASK], return_attention_scores=True
    )
    expected = np.tanh(np.concatenate([context, hidden], axis=-1) @ decoder.attentional.get_weights()[0])
    assert_equal(run(decoder, states=STATES, mask=[None, ENCODED_MASK]), [expected, weights])


@pytest.mark.parametrize("feeding", FEEDINGS)
def test_the_attention_is_the_layer_that_was_given(feeding):
    attention = MultiplicativeAttention("concat", units=9)
    decoder = built("gru", feeding, attention)
    assert decoder.attention is attention and attention.vector.kernel.shape == (9, 1)
    copy = AttentionDecoder.from_config(decoder.get_config())
    assert copy.attention is not attention and copy.attention.units == 9


@pytest.mark.parametrize("feeding", FEEDINGS)
def test_coverage_adds_up(feeding):
    decoder = built("lstm", feeding, AdditiveAttention(7, coverage=True))
    _, weights = run(decoder, mask=[None, ENCODED_MASK])
    state = decoder.initial_state(ENCODED, ENCODED_MASK)
    for time in range(3):
        np.testing.assert_allclose(state["coverage"], weights[:, :time].sum(axis=1), atol=TOLERANCE)
        _, state = decoder.step(INPUTS[:, time], state)
    # Padded steps attend to nothing, so they cost nothing.
    assert not np.asarray(coverage_loss(run(decoder)[1]))[~MASK].any()


@pytest.mark.parametrize("feeding", FEEDINGS)
def test_a_search_can_reorder_the_state(feeding):
    decoder = built("lstm", feeding, AdditiveAttention(7, coverage=True))
    _, state = decoder.step(INPUTS[:, 0], decoder.initial_state(ENCODED, ENCODED_MASK, STATES))
    expected, _ = decoder.step(INPUTS[:, 1], state)
    order = [2, 0, 1]
    moved, _ = decoder.step(INPUTS[order, 1], keras.tree.map_structure(lambda x: tf.gather(x, order), state))
    np.testing.assert_allclose(moved, np.asarray(expected)[order], atol=TOLERANCE)


@pytest.mark.parametrize("feeding", FEEDINGS)
def test_the_encoder_is_projected_once(feeding):
    decoder = built("gru", feeding, "general")
    expected, _ = decoder.step(INPUTS[:, 0], decoder.initial_state(ENCODED))
    state = decoder.initial_state(ENCODED)
    decoder.attention.key.kernel.assign(np.zeros((3, 3)))
    np.testing.assert_allclose(decoder.step(INPUTS[:, 0], state)[0], expected, atol=TOLERANCE)


@pytest.mark.parametrize("feeding", FEEDINGS)
def test_an_encoder_row_without_a_real_step(feeding):
    decoder = built("lstm", feeding, "additive")
    outputs, weights = run(decoder, mask=[None, ENCODED_MASK & [[True], [False], [True]]])
    assert np.isfinite(outputs).all() and not weights[1].any() and weights[0].any()


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize(
    ("feeding", "attention"),
    # The last two are layers in float32 within a decoder in half precision.
    [(False, "additive"), (True, "general"), ("context", "dot"), (True, "coverage")],
)
def test_mixed_precision(policy, feeding, attention):
    make = ATTENTIONS[attention]
    decoder, exact = (built("lstm", feeding, make(), dtype=dtype) for dtype in (policy, "float32"))
    check_mixed_precision(decoder, [INPUTS, ENCODED], MASKS)
    outputs, weights = run(decoder, states=STATES, mask=[None, ENCODED_MASK])
    assert weights.dtype == "float32"
    np.testing.assert_allclose(weights.sum(axis=-1), 1.0, atol=1e-5)
    expected = run(exact, states=STATES, mask=[None, ENCODED_MASK])
    assert_equal([outputs.astype("float32"), weights], expected, atol=0.1)
    state = decoder.initial_state(ENCODED, ENCODED_MASK, STATES)
    stepwise = run_in_steps(decoder, state)
    assert_equal(
        [stepwise[0].astype("float32"), stepwise[1]], [outputs.astype("float32"), weights], atol=0.05
    )


@pytest.mark.parametrize("feeding", FEEDINGS)
def test_a_model_and_its_file(feeding, tmp_path):
    sources = [keras.Input((None, 5)), keras.Input((None, 3)), keras.Input((3,)), keras.Input((3,))]
    masked = [keras.layers.Masking()(source) for source in sources[:2]]
    decoder = AttentionDecoder(3, "lstm", AdditiveAttention(7, coverage=True), input_feeding=feeding)
    outputs = decoder([*masked, *sources[2:]], return_attention_scores=True)
    assert [output.shape for output in outputs] == [(None, None, 3), (None, None, None)]
    model = keras.Model(sources, outputs)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    inputs = [INPUTS * MASK[:, :, None], ENCODED * ENCODED_MASK[:, :, None]]
    expected = run(decoder, *inputs, states=STATES)
    for each in (model, loaded, keras.models.clone_model(model)):
        each.set_weights(model.get_weights())
        assert_equal(each([*inputs, *STATES]), expected)


@pytest.mark.parametrize(
    ("cell", "feeding"), [("lstm", False), ("lstm", "context"), ("rnn", True), ("lstm", True), ("gru", True)]
)
def test_one_graph_for_any_batch_and_time(cell, feeding):
    decoder = built(cell, feeding, AdditiveAttention(7, coverage=True))
    open_shape = (None, None)
    signature = [tf.TensorSpec((*open_shape, 5)), tf.TensorSpec((*open_shape, 3))]
    masks = [tf.TensorSpec(open_shape, "bool"), tf.TensorSpec(open_shape, "bool")]

    @tf.function(input_signature=[*signature, *masks])
    def graph(inputs, encoded, mask, encoded_mask):
        return decoder([inputs, encoded], mask=[mask, encoded_mask], return_attention_scores=True)

    assert_equal(graph(INPUTS, ENCODED, *MASKS), run(decoder))
    short = INPUTS[:2, :2], ENCODED[:2, :4], MASK[:2, :2], ENCODED_MASK[:2, :4]
    assert_equal(graph(*short), run(decoder, *short[:2], mask=list(short[2:])))


def test_a_compiled_training_step_equals_the_eager_one():
    decoder = built("rnn", True, "dot")

    def gradients(inputs, encoded):
        with tf.GradientTape() as tape:
            outputs = decoder([inputs, encoded], mask=MASKS)
            loss = tf.reduce_sum((outputs - 0.5) ** 2)
        return tape.gradient(loss, [weight.value for weight in decoder.trainable_weights])

    open_shapes = [tf.TensorSpec((None, None, 5)), tf.TensorSpec((None, None, 3))]
    compiled = tf.function(gradients, input_signature=open_shapes, jit_compile=True)
    assert_equal(compiled(INPUTS, ENCODED), gradients(INPUTS, ENCODED), atol=1e-4)


def test_attentions_by_name():
    for name in ("dot", "general", "concat"):
        assert AttentionDecoder(3, attention=name).attention.score == name
    assert AttentionDecoder(3, attention="additive").attention.units == 3


def test_unknown_options():
    with pytest.raises(InputError, match=r"`cell` must be one of \['gru', .*'rnn'\]. Received: cell='ntm'"):
        AttentionDecoder(3, "ntm")
    with pytest.raises(
        InputError,
        match=r"`input_feeding` must be one of \[False, True, 'context'\]. Received: input_feeding='both'",
    ):
        AttentionDecoder(3, input_feeding="both")
    for attention in ("cosine", None, keras.layers.Attention()):
        with pytest.raises(
            InputError, match=r"`attention` must be one of \['additive', .* Received: attention="
        ):
            AttentionDecoder(3, attention=attention)


def test_the_inputs_are_a_list():
    with pytest.raises(
        InputError, match=r"`inputs` must be a list of tensors: \[inputs, encoder outputs\]. Received"
    ):
        AttentionDecoder(3)(INPUTS)


def test_a_first_state_that_does_not_fit():
    with pytest.raises(
        InputError,
        match=r"cell='lstm' needs 2 tensor\(s\) with 3 features .* \[\(None, 3\)\]\. A `StateBridge`",
    ):
        AttentionDecoder(3)([keras.Input((None, 5)), keras.Input((None, 3)), keras.Input((3,))])
    with pytest.raises(
        InputError, match=r"cell='gru' needs 1 tensor\(s\) with 3 features .* \[\(3, 5\)\]\. A `StateBridge`"
    ):
        built("gru", True, "dot").initial_state(ENCODED, states=INPUTS[:, 0])


def test_steps_before_there_are_weights():
    with pytest.raises(
        InputError, match=r"no weights yet. Call it, or its `build`, before it runs step by step"
    ):
        AttentionDecoder(3).initial_state(ENCODED)


def test_the_kernel_report_is_that_of_the_recurrent_layer_unless_it_runs_step_by_step():
    decoder = AttentionDecoder(3)
    assert decoder.kernel_report() == decoder.rnn.kernel_report()
    report = AttentionDecoder(3, input_feeding=True).kernel_report(training=True)
    assert report["kernel"] == "nlpkit's loop over steps" and "`input_feeding`" in report["reason"]


@pytest.mark.parametrize("even", [False, True])
def test_heads_share_any_number_of_units_evenly(even):
    for units in range(2 if even else 1, 700, 2 if even else 1):
        heads = default_heads(units, even)
        assert units % heads == 0 and not (even and units // heads % 2)
        nearer = [other for other in range(1, units + 1) if abs(32 * other - units) < abs(32 * heads - units)]
        assert all(units % other or (even and units // other % 2) for other in nearer)
    assert [default_heads(units, even) for units in (8, 64, 256, 512, 1024)] == [1, 2, 8, 16, 32]
    assert [default_heads(units, True) for units in (100, 150, 200, 300, 400, 500)] == [2, 5, 5, 10, 10, 10]
