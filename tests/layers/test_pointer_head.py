"""Pointer head against the paper's formula, word by word in Python."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import check_config

from nlpkit.layers.pointer_head import PointerHead, extended_ids

RANDOM = np.random.default_rng(0)
LENGTHS = [5, 3, 1]
SOURCE_MASK = np.arange(5) < np.array(LENGTHS)[:, None]
SOURCE = np.where(SOURCE_MASK, [[4, 10, 4, 11, 1], [12, 6, 12, 9, 9], [7, 9, 9, 9, 9]], 0).astype("int32")
CONTEXT, STATE, INPUTS = (RANDOM.normal(size=(3, 4, size)).astype("float32") for size in (6, 5, 3))
LOGITS = RANDOM.normal(size=(3, 4, 10)).astype("float32")
ATTENTION = RANDOM.random((3, 4, 5)) * SOURCE_MASK[:, None]
ATTENTION = (ATTENTION / ATTENTION.sum(axis=-1, keepdims=True)).astype("float32")
ALL = [CONTEXT, STATE, INPUTS, LOGITS, ATTENTION, SOURCE]


def make(inputs=ALL, **more):
    keras.utils.set_random_seed(1)
    layer = PointerHead(10, extra_ids=3, **more)
    layer(*inputs)
    layer.gate.bias.assign([0.3])
    return layer


def reference(layer):
    """P(w) = p_gen P_vocab(w) + (1 - p_gen) sum of a_i over the positions i at which w stands."""
    kernel, bias = (weight.numpy().astype("float64")[..., 0] for weight in layer.gate.weights)
    result = np.zeros((3, 4, 13))
    for row in range(3):
        for step in range(4):
            read = np.concatenate([CONTEXT[row, step], STATE[row, step], INPUTS[row, step]])
            write = 1 / (1 + np.exp(-(read @ kernel + bias)))
            scores = np.exp(LOGITS[row, step].astype("float64"))
            result[row, step, :10] = write * scores / scores.sum()
            for position in range(LENGTHS[row]):
                result[row, step, SOURCE[row, position]] += (1 - write) * ATTENTION[row, step, position]
    return result


def test_distribution_equals_the_formula_and_sums_to_one():
    layer = make()
    probabilities = np.asarray(layer(*ALL))
    np.testing.assert_allclose(probabilities, reference(layer), atol=1e-6)
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1.0, atol=1e-6)
    in_graph = tf.function(layer.__call__)(*map(tf.constant, ALL))
    np.testing.assert_allclose(in_graph, probabilities, atol=1e-6)


def test_padding_is_never_copied_and_changes_nothing():
    layer = make()
    attention = RANDOM.random((3, 4, 9)).astype("float32")
    source = np.pad(SOURCE, [(0, 0), (0, 4)])
    attention[:, :, :5] = np.where(SOURCE_MASK[:, None], ATTENTION, attention[:, :, :5])
    probabilities = layer(CONTEXT, STATE, INPUTS, LOGITS, attention, source)
    np.testing.assert_allclose(probabilities, layer(*ALL), atol=1e-6)


def test_nothing_to_copy_means_writing():
    layer = make()
    nothing = layer(*ALL[:4], np.zeros_like(ATTENTION), np.zeros_like(SOURCE))
    expected = np.asarray(tf.nn.softmax(LOGITS))
    np.testing.assert_allclose(nothing[..., :10], expected, atol=1e-6)
    assert not np.any(nothing[..., 10:])


def test_ids_beyond_the_extra_ones_count_as_unknown():
    layer = make()
    beyond = layer(*ALL[:5], np.where(SOURCE == 11, 13, SOURCE))
    unknown = layer(*ALL[:5], np.where(SOURCE == 11, 1, SOURCE))
    np.testing.assert_array_equal(beyond, unknown)
    np.testing.assert_allclose(np.asarray(beyond).sum(axis=-1), 1.0, atol=1e-6)


def test_batch_is_one_by_one_and_time_step_by_step():
    layer = make()
    whole = np.asarray(layer(*ALL))
    for row in range(3):
        alone = layer(*(part[row : row + 1] for part in ALL))
        np.testing.assert_allclose(alone[0], whole[row], atol=1e-6)
    for step in range(4):
        alone = layer(*(part[:, step : step + 1] for part in ALL[:5]), SOURCE)
        np.testing.assert_allclose(alone[:, 0], whole[:, step], atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_keeps_the_sum(policy):
    exact, mixed = make(), make(dtype=policy)
    mixed.set_weights(exact.get_weights())
    rounded = [tf.cast(part, mixed.compute_dtype) for part in ALL[:5]]
    probabilities = mixed(*rounded, SOURCE)
    assert probabilities.dtype == "float32"
    assert all(weight.dtype == "float32" for weight in mixed.weights)
    np.testing.assert_allclose(np.asarray(probabilities).sum(axis=-1), 1.0, atol=1e-5)
    np.testing.assert_allclose(probabilities, exact(*ALL), atol=0.02)
    # Nothing but the gate is rounded: float32 logits and weights stay what they are.
    for layer in (exact, mixed):
        layer.gate.set_weights([np.zeros((14, 1)), np.zeros(1)])
    np.testing.assert_allclose(mixed(*ALL), exact(*ALL), atol=1e-6)


def test_file_config_and_open_shapes(tmp_path):
    sources = [keras.Input((None, part.shape[-1])) for part in ALL[:4]]
    sources += [keras.Input((None, None)), keras.Input((None,), dtype="int32")]
    layer = PointerHead(10, extra_ids=3)
    model = keras.Model(sources, layer(*sources))
    assert tuple(model.output_shape) == (None, None, 13)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(ALL), model(ALL), atol=1e-6)
    check_config(layer)


def test_gradients_equal_finite_differences_and_reach_everything():
    layer = make(dtype="float64")
    parts = [tf.Variable(part.astype("float64")) for part in ALL[:5]]
    variables = [*parts, *(weight.value for weight in layer.trainable_weights)]
    targets = np.array([[4, 10, 1, 2], [12, 6, 5, 4], [7, 7, 3, 9]])

    def loss():
        picked = tf.gather(layer(*parts, SOURCE), targets, batch_dims=2)
        return -tf.reduce_sum(tf.math.log(picked))

    with tf.GradientTape() as tape:
        gradients = tape.gradient(loss(), variables)
    for variable, gradient in zip(variables, gradients, strict=True):
        value, gradient = variable.numpy(), gradient.numpy()
        assert np.abs(gradient).max() > 1e-3
        for place in RANDOM.permutation(value.size)[:5]:
            sides = []
            for change in (1e-6, -1e-6):
                moved = value.copy()
                moved.flat[place] += change
                variable.assign(moved)
                sides.append(float(loss()))
            variable.assign(value)
            np.testing.assert_allclose(
                gradient.flat[place], (sides[0] - sides[1]) / 2e-6, rtol=1e-5, atol=1e-7
            )


def python_ids(ids, tokens, source_ids, source_tokens):
    result = ids.copy()
    for row in range(len(ids)):
        extra = []
        for number, token in zip(source_ids[row], source_tokens[row], strict=True):
            if number == 1 and token not in extra:
                extra.append(token)
        for position, token in enumerate(tokens[row]):
            if ids[row, position] == 1 and token in extra:
                result[row, position] = 100 + extra.index(token)
    return result


@pytest.mark.parametrize("in_graph", [False, True])
def test_extended_ids_equal_python(in_graph):
    words = np.array(["", "电影", "ab", "cd", "ef", "the", "of"])
    known = np.array([0, 1, 1, 1, 1, 8, 9], "int32")
    source, target = RANDOM.integers(1, 7, (20, 9)), RANDOM.integers(1, 7, (20, 5))
    source[:5, 4:], target[:7, 2:] = 0, 0  # padding
    source[5] = 6  # nothing unknown
    in_target = np.where(words == "cd", 7, known)  # a target may have a vocabulary of its own
    parts = known[source], words[source].astype(object), in_target[target], words[target].astype(object)
    source_ids, source_tokens, target_ids, target_tokens = map(tf.constant, parts)
    run = tf.function(extended_ids) if in_graph else extended_ids
    for ids, tokens in ((source_ids, source_tokens), (target_ids, target_tokens)):
        expected = python_ids(*(x.numpy() for x in (ids, tokens, source_ids, source_tokens)))
        np.testing.assert_array_equal(run(ids, tokens, source_ids, source_tokens, 100), expected)
        assert (expected >= 101).any()


@pytest.mark.parametrize("shape", [(0, 0), (2, 0)])
def test_extended_ids_of_no_words(shape):
    nothing = tf.zeros(shape, "int32"), tf.fill(shape, "")
    run = tf.function(extended_ids)
    assert run(*nothing, *nothing, 100).shape == shape
    if shape[0]:  # a target of words whose source has none
        ids = tf.constant([[1, 5], [3, 0]])
        np.testing.assert_array_equal(run(ids, tf.fill((2, 2), "Ada"), *nothing, 100), ids)


def test_a_word_outside_the_vocabulary_can_be_copied():
    layer = make()
    layer.gate.set_weights([np.zeros((14, 1)), np.array([-50.0])])
    certain = np.zeros((3, 4, 5), "float32")
    certain[:, :, 0] = 1
    best = np.asarray(layer(CONTEXT, STATE, INPUTS, LOGITS, certain, SOURCE)).argmax(axis=-1)
    assert best.tolist() == [[4] * 4, [12] * 4, [7] * 4]
