"""Attention against Keras' layer and NumPy formulas, and step by step against the whole sequence."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from attention_checks import check_nothing_of_padding, with_padding
from tflite_checks import check_tflite

from nlpkit.errors import InputError
from nlpkit.layers.cached_attention import CachedAttention
from nlpkit.layers.rotary_positions import rotate, waves

RANDOM = np.random.default_rng(0)
STEPS = RANDOM.normal(size=(3, 6, 8)).astype("float32")
CONTEXT = RANDOM.normal(size=(3, 4, 5)).astype("float32")
MASK = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0]], bool)
CONTEXT_MASK = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]], bool)
OPTIONS = [
    {"causal": causal, "positions": positions, "max_distance": 2}
    for causal in (False, True)
    for positions in (None, "rotary", "relative")
]
CAUSAL = [options for options in OPTIONS if options["causal"]]


def with_random_weights(layer, *inputs):
    """Calls a layer once and fills all its weights, biases too."""
    random = np.random.default_rng(1)
    layer(*inputs)
    layer.set_weights([random.normal(size=weight.shape) / 2 for weight in layer.get_weights()])
    return layer


def softmax(scores):
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def run(layer, x, state, **kwargs):
    """Outputs of `step` for each time step, stacked over time."""
    outputs = []
    for time in range(x.shape[1]):
        output, state, *weights = layer.step(x[:, time], state, **kwargs)
        outputs.append([output, *weights])
    return [np.stack(list(part), axis=1) for part in zip(*outputs, strict=True)]


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("mask", [None, MASK], ids=["plain", "masked"])
def test_equals_keras(causal, mask):
    layer = with_random_weights(CachedAttention(2, 3, causal=causal), STEPS)
    reference = keras.layers.MultiHeadAttention(2, 3)
    reference.build(STEPS.shape, STEPS.shape)
    reference.set_weights(layer.get_weights())
    expected, scores = reference(
        STEPS,
        STEPS,
        attention_mask=None if mask is None else mask[:, None],
        use_causal_mask=causal,
        return_attention_scores=True,
    )
    outputs, weights = layer(STEPS, mask=mask, return_attention_scores=True)
    real = np.ones((3, 6, 1)) if mask is None else mask[:, :, None]
    np.testing.assert_allclose(outputs, expected * real, atol=1e-5)
    np.testing.assert_allclose(weights, scores * real[:, None], atol=1e-6)


@pytest.mark.parametrize("mask", [None, CONTEXT_MASK], ids=["plain", "masked"])
def test_attention_to_a_context_equals_keras(mask):
    layer = with_random_weights(CachedAttention(2), STEPS, CONTEXT)
    reference = keras.layers.MultiHeadAttention(2, 4)
    reference.build(STEPS.shape, CONTEXT.shape)
    reference.set_weights(layer.get_weights())
    keys = None if mask is None else mask[:, None]
    expected, scores = reference(STEPS, CONTEXT, attention_mask=keys, return_attention_scores=True)
    outputs, weights = layer(STEPS, CONTEXT, context_mask=mask, return_attention_scores=True)
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
    np.testing.assert_allclose(weights, scores, atol=1e-6)
    padded = layer(STEPS, CONTEXT, mask=MASK, context_mask=mask)
    np.testing.assert_allclose(padded, expected * MASK[:, :, None], atol=1e-5)


def scores_by_the_papers(layer, query, key):
    """Scores `(heads, time, time)` of one row, whose queries and keys are `(heads, time, key_dim)`."""
    time = query.shape[1]
    if layer.positions == "rotary":
        # Each pair of features is a complex number, turned by the position times 10000^(-2 pair / size).
        angles = np.arange(time)[:, None] * 10000.0 ** (-2 * np.arange(2) / 4)
        turned = [(heads[..., :2] + 1j * heads[..., 2:]) * np.exp(1j * angles) for heads in (query, key)]
        scores = np.einsum("ntd,nsd->nts", turned[0], turned[1].conj()).real / np.sqrt(4)
    else:
        scores = np.einsum("ntd,nsd->nts", query, key) / np.sqrt(4)
    for now in range(time):
        for before in range(time):
            if layer.positions == "relative":
                distance = min(max(now - before, -2), 2)
                scores[:, now, before] += layer.distance_bias.numpy()[distance + (0 if layer.causal else 2)]
            if layer.causal and before > now:
                scores[:, now, before] = -np.inf
    return scores


def by_the_papers(layer, x):
    """Weights and outputs of one row without padding."""
    parts = [layer.query_dense, layer.key_dense, layer.value_dense, layer.output_dense]
    *inner, (kernel, bias) = [part.get_weights() for part in parts]
    query, key, value = (np.einsum("tf,fnd->ntd", x, k) + b[:, None] for k, b in inner)
    weights = softmax(scores_by_the_papers(layer, query, key))
    return weights, np.einsum("ntd,ndf->tf", weights @ value, kernel) + bias


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_papers_formulas(options):
    layer = with_random_weights(CachedAttention(2, **options), STEPS)
    outputs, weights = layer(STEPS, mask=MASK, return_attention_scores=True)
    for row, length in enumerate((6, 3, 1)):
        expected_weights, expected = by_the_papers(layer, STEPS[row, :length])
        np.testing.assert_allclose(weights[row, :, :length, :length], expected_weights, atol=1e-5)
        np.testing.assert_allclose(outputs[row, :length], expected, atol=1e-5)


def test_rotary_scores_depend_on_the_distance_alone():
    query, key = tf.constant(RANDOM.normal(size=(2, 1, 1, 1, 8)), "float32")

    def score(query_position, key_position):
        places = ((query, query_position), (key, key_position))
        turned = [rotate(x, waves(tf.constant([[place]]), 8)) for x, place in places]
        return float(tf.reduce_sum(turned[0] * turned[1]))

    assert score(7, 3) == pytest.approx(score(107, 103), abs=1e-4)
    assert score(0, 0) == pytest.approx(float(tf.reduce_sum(query * key)), abs=1e-5)
    assert abs(score(7, 3) - score(3, 7)) > 0.1


@pytest.mark.parametrize("options", CAUSAL, ids=str)
def test_steps_equal_the_whole_sequence(options):
    layer = with_random_weights(CachedAttention(2, **options), STEPS)
    expected, scores = layer(STEPS, return_attention_scores=True)
    # Room for more steps than there are: what is not written yet must stay unseen.
    outputs, weights = run(layer, STEPS, layer.initial_state(3, 9), return_attention_scores=True)
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
    np.testing.assert_allclose(weights[..., :6], np.swapaxes(scores, 1, 2), atol=1e-5)
    assert not weights[..., 6:].any()


@pytest.mark.parametrize("mask", [None, CONTEXT_MASK], ids=["plain", "masked"])
def test_steps_over_a_context_equal_the_whole_sequence(mask):
    layer = with_random_weights(CachedAttention(2), STEPS, CONTEXT)
    expected, scores = layer(STEPS, CONTEXT, context_mask=mask, return_attention_scores=True)
    state = layer.context_state(CONTEXT, mask)
    outputs, weights = run(layer, STEPS, state, return_attention_scores=True)
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
    np.testing.assert_allclose(weights, np.swapaxes(scores, 1, 2), atol=1e-5)


def test_rows_step_at_positions_of_their_own():
    layer = with_random_weights(CachedAttention(2, causal=True, positions="rotary"), STEPS)
    state = layer.initial_state(3, 6)
    for time in range(3):
        _, state = layer.step(STEPS[:, time], state)
    # The first row goes on from step 3, the second one from 2, the last one from the start.
    state["position"] = tf.constant([3, 2, 0])
    output, _ = layer.step(STEPS[[0, 1, 2], [3, 2, 0]], state)
    expected = np.asarray(layer(STEPS))[[0, 1, 2], [3, 2, 0]]
    np.testing.assert_allclose(output, expected, atol=1e-5)


@pytest.mark.parametrize("options", CAUSAL, ids=str)
def test_steps_run_in_a_graph_with_an_open_batch(options):
    layer = with_random_weights(CachedAttention(2, **options), STEPS)

    @tf.function(input_signature=[tf.TensorSpec((None, None, 8))])
    def loop(x):
        outputs = tf.TensorArray("float32", size=tf.shape(x)[1], element_shape=(None, 8))
        state = layer.initial_state(tf.shape(x)[0], 6)
        for time in tf.range(tf.shape(x)[1]):
            output, state = layer.step(x[:, time], state)
            outputs = outputs.write(time, output)
        return tf.transpose(outputs.stack(), (1, 0, 2))

    for rows in (1, 3):
        np.testing.assert_allclose(loop(STEPS[:rows]), layer(STEPS[:rows]), atol=1e-5)


@pytest.mark.parametrize("options", CAUSAL, ids=str)
def test_a_step_converts_to_the_operations_of_tflite(options):
    layer = with_random_weights(CachedAttention(2, **options), STEPS[:1])
    context = with_random_weights(CachedAttention(2), STEPS[:1], CONTEXT[:1])
    fixed = context.context_state(CONTEXT[:1])

    def step(x, keys, values, position):
        y, state = layer.step(x, {"keys": keys, "values": values, "position": position})
        return context.step(y, fixed)[0], state["keys"], state["values"]

    keys, values = RANDOM.normal(size=(2, 1, 2, 6, 4)).astype("float32")
    check_tflite(step, [STEPS[:1, 0], keys, values, np.array([3], "int32")])


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_rows_without_a_real_token_give_zeros(options):
    layer = with_random_weights(CachedAttention(2, **options), STEPS)
    mask = MASK & np.array([[1], [0], [1]], bool)
    with tf.GradientTape() as tape:
        outputs, weights = layer(STEPS, mask=mask, return_attention_scores=True)
        loss = tf.reduce_sum(tf.square(outputs))
    assert not outputs[1].numpy().any() and not weights[1].numpy().any()
    assert outputs[0].numpy().any()
    gradients = tape.gradient(loss, [weight.value for weight in layer.trainable_weights])
    assert all(np.isfinite(tf.convert_to_tensor(gradient)).all() for gradient in gradients)


def test_a_context_without_a_real_token_gives_zeros():
    layer = with_random_weights(CachedAttention(2), STEPS, CONTEXT)
    mask = CONTEXT_MASK & np.array([[1], [0], [1]], bool)
    outputs, weights = layer(STEPS, CONTEXT, context_mask=mask, return_attention_scores=True)
    assert not outputs[1].numpy().any() and not weights[1].numpy().any()
    steps, step_weights = run(layer, STEPS, layer.context_state(CONTEXT, mask), return_attention_scores=True)
    np.testing.assert_allclose(steps, outputs, atol=1e-5)
    assert not step_weights[1].any()


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_padding_may_hold_anything(options):
    layer = with_random_weights(CachedAttention(2, **options), STEPS)
    for mask in (MASK, MASK[:, ::-1]):
        check_nothing_of_padding(layer, lambda x, m=mask: layer(with_padding(STEPS, m, x), mask=m), mask)


def test_padding_of_the_context_may_hold_anything():
    layer = with_random_weights(CachedAttention(2), STEPS, CONTEXT)

    def context(padding):
        return with_padding(CONTEXT, CONTEXT_MASK, padding)

    def whole(padding):
        steps = with_padding(STEPS, MASK, padding)
        return layer(steps, context(padding), mask=MASK, context_mask=CONTEXT_MASK)

    check_nothing_of_padding(layer, whole, MASK)
    states = [layer.context_state(context(padding), CONTEXT_MASK) for padding in (0.0, np.nan)]
    outputs = [layer.step(STEPS[:, 0], state)[0] for state in states]
    np.testing.assert_allclose(outputs[1], outputs[0], atol=1e-6)


def test_padding_of_the_context_changes_nothing():
    layer = with_random_weights(CachedAttention(2), STEPS, CONTEXT)
    longer = np.concatenate([CONTEXT, CONTEXT[:, ::-1]], axis=1)
    mask = np.concatenate([CONTEXT_MASK, np.zeros_like(CONTEXT_MASK)], axis=1)
    expected = layer(STEPS, CONTEXT, context_mask=CONTEXT_MASK)
    np.testing.assert_allclose(layer(STEPS, longer, context_mask=mask), expected, atol=1e-5)
    for row in range(3):
        real = CONTEXT[row : row + 1, : CONTEXT_MASK[row].sum()]
        np.testing.assert_allclose(layer(STEPS[row : row + 1], real)[0], expected[row], atol=1e-5)


def test_steps_in_half_precision():
    for policy, tolerance in (("mixed_float16", 0.02), ("mixed_bfloat16", 0.1)):
        for positions in (None, "rotary", "relative"):
            layer = CachedAttention(2, causal=True, positions=positions, dtype=policy)
            outputs, weights = with_random_weights(layer, STEPS)(STEPS, return_attention_scores=True)
            assert weights.dtype == "float32" and outputs.dtype == layer.compute_dtype
            np.testing.assert_allclose(np.sum(weights, axis=-1), 1.0, atol=1e-6)
            state = layer.initial_state(3, 6)
            assert state["keys"].dtype == layer.compute_dtype
            (steps,) = run(layer, STEPS, state)
            assert steps.dtype == layer.compute_dtype
            difference = np.abs(steps.astype("float32") - np.asarray(outputs, "float32"))
            assert difference.max() < tolerance


def model_with_context():
    ids = keras.Input((None,), dtype="int32")
    other = keras.Input((None,), dtype="int32")
    vectors = [keras.layers.Embedding(9, 8, mask_zero=True)(part) for part in (ids, other)]
    outputs, weights = CachedAttention(2)(*vectors, return_attention_scores=True)
    return keras.Model([ids, other], [outputs, weights])


def test_a_model_hands_over_both_masks_and_is_saved(tmp_path):
    model = model_with_context()
    ids = np.array([[5, 6, 0], [7, 0, 0]], "int32")
    other = np.array([[3, 4, 8, 1], [2, 1, 0, 0]], "int32")
    outputs, weights = model([ids, other])
    assert model.outputs[1].shape == (None, 2, None, None)
    assert (np.abs(outputs).sum(axis=-1) > 0).tolist() == (ids > 0).tolist()
    assert (np.asarray(weights)[:, 0, 0] > 0).tolist() == (other > 0).tolist()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded([ids, other])[0], outputs, atol=1e-6)


def test_training_reaches_every_weight_of_attention_to_a_context():
    layer = with_random_weights(CachedAttention(2, dropout=0.1), STEPS, CONTEXT)
    before = layer.get_weights()
    optimizer = keras.optimizers.SGD(0.1)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(layer(STEPS, CONTEXT, context_mask=CONTEXT_MASK, training=True)))
    variables = layer.trainable_variables
    optimizer.apply(tape.gradient(loss, [variable.value for variable in variables]), variables)
    for weight, old in zip(layer.weights, before, strict=True):
        moved = np.abs(weight.numpy() - old).max() > 1e-4
        assert moved or weight.path.endswith("key/bias")


def test_dropout_is_for_training_only():
    layer = with_random_weights(CachedAttention(2, dropout=0.5), STEPS)
    np.testing.assert_array_equal(layer(STEPS), layer(STEPS))
    assert np.abs(layer(STEPS, training=True) - layer(STEPS)).max() > 0.1


def test_the_config_is_the_same_before_and_after_the_layer_is_built():
    for key_dim in (None, 3):
        layer = CachedAttention(2, key_dim)
        before = layer.get_config()
        layer(STEPS)
        assert layer.get_config() == before and layer.key_dim == key_dim
    # A copy for other features has heads of another size.
    CachedAttention.from_config(CachedAttention(2).get_config())(CONTEXT)


def test_unknown_positions():
    with pytest.raises(
        InputError, match=r"`positions` must be one of .*'rotary'.* Received: positions='sine'"
    ):
        CachedAttention(2, positions="sine")


def test_as_many_heads_as_features_at_most_unless_their_size_is_given():
    for heads in (0, 9):
        with pytest.raises(
            InputError, match=rf"`num_heads` must be between 1 and the number of features \(8\).*={heads}"
        ):
            CachedAttention(heads)(STEPS)
    assert CachedAttention(9, key_dim=2)(STEPS).shape == STEPS.shape


def test_rotary_heads_have_an_even_size():
    with pytest.raises(InputError, match=r"size of a head must be even. Received: key_dim=3. Give an even"):
        CachedAttention(2, key_dim=3, positions="rotary")(STEPS)


@pytest.mark.parametrize("options", [{"causal": True}, {"positions": "relative"}], ids=str)
def test_a_context_has_no_order(options):
    layer = CachedAttention(2, **options)
    layer.build(STEPS.shape, CONTEXT.shape)
    heads = np.zeros((2, 2, 3, 4), "float32")
    calls = (
        lambda: layer(STEPS, CONTEXT),
        lambda: layer.context_state(CONTEXT),
        lambda: layer.attend(STEPS, heads, heads),
    )
    for attend in calls:
        with pytest.raises(
            InputError, match=r"order the steps of one sequence(.|\n)*Received: causal=.*Leave them out"
        ):
            attend()


def test_steps_need_weights_and_causal_attention():
    with pytest.raises(InputError, match="The layer has no weights yet. Call it"):
        CachedAttention(2, causal=True).initial_state(3, 5)
    with pytest.raises(InputError, match="The layer has no weights yet. Call it"):
        CachedAttention(2).context_state(CONTEXT)
    with pytest.raises(InputError, match="Only causal attention runs step by step. Received: causal=False"):
        with_random_weights(CachedAttention(2), STEPS).initial_state(3, 5)


def test_a_full_cache():
    layer = with_random_weights(CachedAttention(2, causal=True), STEPS)
    _, state = layer.step(STEPS[:, 0], layer.initial_state(3, 1))
    with pytest.raises(InputError, match="room for 1 steps.* larger `max_length`. Received: position=1"):
        layer.step(STEPS[:, 1], state)
    with pytest.raises(tf.errors.InvalidArgumentError, match="room for 1 steps"):
        tf.function(layer.step)(STEPS[:, 1], state)


def test_gradients_are_those_of_keras():
    own, theirs = CachedAttention(2), keras.layers.MultiHeadAttention(2, 4)
    own.build(STEPS.shape)
    theirs(STEPS, STEPS)
    pairs = zip(own.get_weights(), theirs.weights, strict=True)
    theirs.set_weights([value.reshape(weight.shape) for value, weight in pairs])
    found = []
    for layer, call in ((own, lambda: own(STEPS)), (theirs, lambda: theirs(STEPS, STEPS))):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.sin(call()))
        found.append(tape.gradient(loss, layer.trainable_weights))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(np.ravel(one), np.ravel(other), atol=1e-5)
