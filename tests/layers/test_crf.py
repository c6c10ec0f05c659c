"""The CRF against sums over all paths, and as part of models that are trained, saved and exported."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import (
    check_batch_is_one_by_one,
    check_config,
    check_gradients,
    check_keras_file,
    check_symbolic_shape,
    check_twin,
)

from nlpkit import InputError
from nlpkit.layers.crf import CRF, CRFLoss, bio_transitions

RANDOM = np.random.default_rng(0)
TAGS = ["O", "B-X", "I-X", "B-Y"]
SIZE = len(TAGS)
LENGTHS = [5, 3, 1, 0]
MASK = np.arange(5) < np.array(LENGTHS)[:, None]
EMISSIONS = RANDOM.normal(size=(4, 5, SIZE), scale=2.0).astype("float32")
WEIGHTS = [RANDOM.normal(size=shape, scale=2.0) for shape in ((SIZE, SIZE), (SIZE,), (SIZE,))]
BIO = bio_transitions(TAGS)
FREE = np.ones_like(BIO)
CASES = pytest.mark.parametrize("constraints", [None, BIO], ids=["free", "BIO"])


def make(constraints=None, **arguments):
    layer = CRF(SIZE, constraints, **arguments)
    layer.build((None, None, SIZE))
    layer.set_weights(WEIGHTS)
    return layer


def path_score(emissions, path, allowed):
    """The score of one path, as the definition has it; minus infinity where it is not allowed."""
    transitions, start, end = WEIGHTS
    links = list(itertools.pairwise(path))
    if not all(allowed[link] for link in [(-1, path[0]), *links, (path[-1], -1)]):
        return -np.inf
    emitted = sum(emissions[step, tag] for step, tag in enumerate(path))
    return emitted + sum(transitions[link] for link in links) + start[path[0]] + end[path[-1]]


def all_paths(row, constraints):
    """All paths of a row's length, their scores, and the log of the sum of their weights."""
    allowed = FREE if constraints is None else constraints
    paths = list(itertools.product(range(SIZE), repeat=LENGTHS[row]))
    scores = np.array([path_score(EMISSIONS[row].astype("float64"), path, allowed) for path in paths])
    return np.array(paths), scores, np.logaddexp.reduce(scores)


def rows_and_probabilities(constraints):
    for row in range(3):
        paths, scores, partition = all_paths(row, constraints)
        yield row, paths, np.exp(scores - partition)


@CASES
def test_log_likelihood_is_the_score_less_the_log_of_the_sum_over_all_paths(constraints):
    layer = make(constraints)
    for row in range(3):
        paths, scores, partition = all_paths(row, constraints)
        tags = np.full((len(paths), 5), -1)
        tags[:, : LENGTHS[row]] = paths
        same = [np.repeat(x[row : row + 1], len(paths), axis=0) for x in (EMISSIONS, MASK)]
        found = np.asarray(layer.log_likelihood(same[0], tags, same[1]))
        possible = np.isfinite(scores)
        np.testing.assert_allclose(scores[possible] - found[possible], partition, rtol=1e-5)
        assert (found[~possible] < -1e8).all()
        assert possible.all() == (constraints is None)


@CASES
def test_decode_finds_the_best_of_all_paths(constraints):
    tags, scores = (np.asarray(x) for x in make(constraints).decode(EMISSIONS, MASK))
    for row, paths, probabilities in rows_and_probabilities(constraints):
        best = probabilities.argmax()
        assert tags[row, : LENGTHS[row]].tolist() == paths[best].tolist()
        np.testing.assert_allclose(scores[row], np.log(probabilities[best]), rtol=1e-5, atol=1e-6)
    assert tags.dtype == "int32" and not tags[~MASK].any()
    assert scores[3] == 0


@CASES
def test_marginals_are_sums_over_all_paths(constraints):
    marginals = np.asarray(make(constraints).marginals(EMISSIONS, MASK))
    for row, paths, probabilities in rows_and_probabilities(constraints):
        for step, tag in itertools.product(range(LENGTHS[row]), range(SIZE)):
            expected = probabilities[paths[:, step] == tag].sum()
            np.testing.assert_allclose(marginals[row, step, tag], expected, atol=1e-6)
    assert not marginals[~MASK].any()


@CASES
def test_span_marginals_are_sums_over_all_paths(constraints):
    spans = [(a, b) for a in range(5) for b in range(a + 1, 6)]
    starts, ends = (np.repeat([column], 4, axis=0) for column in zip(*spans, strict=True))
    tags = RANDOM.integers(0, SIZE, (4, len(spans), 5))
    tags[0, :, :2] = 1, 2  # an entity, so that some spans are likely
    found = np.asarray(make(constraints).span_marginals(EMISSIONS, MASK, starts, ends, tags))
    for row, paths, probabilities in rows_and_probabilities(constraints):
        for span, (start, end) in enumerate(spans):
            expected = 0.0
            if end <= LENGTHS[row]:
                expected = probabilities[
                    (paths[:, start:end] == tags[row, span, : end - start]).all(axis=1)
                ].sum()
            np.testing.assert_allclose(found[row, span], expected, atol=1e-6)
    assert not found[3].any()


def test_span_marginals_of_odd_spans():
    # Empty, running out of the tensor, and the whole row padded with -1.
    tags = [[[0, -1, -1, -1, -1, -1], [0] * 6, [0, 1, 2, 0, 1, -1]]]
    layer, row = make(), EMISSIONS[:1]
    found = np.asarray(layer.span_marginals(row, None, [[2, 3, 0]], [[2, 6, 5]], tags))[0]
    whole = np.exp(layer.log_likelihood(row, [[0, 1, 2, 0, 1]]))[0]
    np.testing.assert_allclose(found, [1.0, 0.0, whole], rtol=1e-5)


def likelihood_and_gradients(layer, tags):
    with tf.GradientTape() as tape:
        likelihood = tf.reduce_sum(layer.log_likelihood(EMISSIONS, tags, MASK))
    return [likelihood, *tape.gradient(likelihood, [weight.value for weight in layer.weights])]


def test_xla_computes_the_same():
    layer, tags = make(), np.zeros((4, 5), "int32")
    compiled = tf.function(lambda: likelihood_and_gradients(layer, tags), jit_compile=True)
    for found, expected in zip(compiled(), likelihood_and_gradients(layer, tags), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@CASES
def test_a_row_of_padding_alone_gives_zeros_and_no_nan(constraints):
    layer, mask = make(constraints), np.zeros((4, 5), bool)
    emissions = tf.Variable(EMISSIONS)
    with tf.GradientTape() as tape:
        likelihood = layer.log_likelihood(emissions, np.zeros((4, 5)), mask)
    assert not np.asarray(likelihood).any()
    for gradient in tape.gradient(likelihood, [emissions, *(w.value for w in layer.weights)]):
        assert not np.asarray(gradient).any()
    assert not np.asarray(layer.marginals(emissions, mask)).any()


def test_constraints_hold_where_the_emissions_are_against_them():
    layer = make(BIO)
    emissions = RANDOM.normal(size=(50, 7, SIZE)).astype("float32")
    emissions[:, :, 2] += np.repeat([0, 10, 1000, 1e5, 1e6], 10)[:, None]  # all for I-X
    emissions[::3, :, 1] -= 1e4  # against B-X
    mask = np.arange(7) < RANDOM.integers(1, 8, 50)[:, None]
    tags, scores = layer.decode(emissions, mask)
    for row, length in zip(np.asarray(tags), mask.sum(axis=1), strict=True):
        assert all(BIO[link] for link in itertools.pairwise([-1, *row[:length], -1])), row
    assert np.isfinite(scores).all() and (np.asarray(tags) == 2).any()


def is_bio(names):
    """Reads the tags one by one, remembering which type may go on."""
    open_type = None
    for name in names:
        if name.startswith("I-") and name[2:] != open_type:
            return False
        open_type = None if name == "O" else name[2:]
    return True


def test_bio_transitions_allow_what_a_reader_of_the_tags_accepts():
    names = ["O", "B-X", "I-X", "I-Y", "B-Y", "B-X-Y"]
    allowed = bio_transitions(names)
    for path in itertools.product(range(len(names)), repeat=4):
        found = all(allowed[link] for link in itertools.pairwise([-1, *path, -1]))
        assert found == is_bio([names[tag] for tag in path])


@CASES
def test_layer_contract(constraints):
    layer, emissions = make(constraints), EMISSIONS[:3]
    outputs = np.asarray(layer(emissions, mask=MASK[:3]))
    assert outputs.shape == (3, 5, SIZE, SIZE)
    check_config(layer)
    check_twin(layer, emissions, MASK[:3], outputs)
    check_symbolic_shape(CRF(SIZE, constraints), emissions, outputs)
    check_batch_is_one_by_one(layer, emissions, MASK[:3], outputs)
    check_keras_file(make(constraints), emissions)
    if constraints is None:  # by the square of an infinite loss
        check_gradients(layer, emissions, MASK[:3], ())


def test_padding_changes_nothing():
    layer = make()
    longer = np.concatenate([EMISSIONS, 100 + EMISSIONS], axis=1)
    mask = np.concatenate([MASK, np.zeros_like(MASK)], axis=1)
    outputs = np.asarray(layer(longer, mask=mask))
    np.testing.assert_allclose(outputs[:, :5], layer(EMISSIONS, mask=MASK), atol=1e-5)
    assert not outputs[~mask].any()


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16", "bfloat16"])
def test_sums_are_float32_in_every_precision(policy):
    layer = make(dtype=policy)
    reference = make()
    reference.set_weights([np.asarray(tf.cast(w.value, "float32")) for w in layer.weights])
    assert (
        layer(EMISSIONS).dtype
        == layer.compute_output_spec(keras.KerasTensor((4, 5, SIZE))).dtype
        == "float32"
    )
    np.testing.assert_array_equal(layer(EMISSIONS, mask=MASK), reference(EMISSIONS, mask=MASK))
    halves = tf.cast(EMISSIONS, layer.compute_dtype)
    np.testing.assert_array_equal(layer(halves), reference(tf.cast(halves, "float32")))


def test_long_sentences_lose_no_precision():
    emissions, tags = RANDOM.normal(size=(1, 1000, SIZE), scale=5.0), RANDOM.integers(0, SIZE, (1, 1000))
    found, exact = (
        tf.function(make(dtype=d).log_likelihood)(emissions, tags) for d in ("float32", "float64")
    )
    np.testing.assert_allclose(found, exact, rtol=1e-6)


def test_loss_is_the_mean_over_the_real_steps():
    layer, tags = make(), RANDOM.integers(0, SIZE, (4, 5))
    likelihood = np.asarray(layer.log_likelihood(EMISSIONS, tags, MASK))
    chain = keras.layers.Masking()(EMISSIONS * MASK[:, :, None])  # so that Keras knows the mask
    chain = layer(chain, mask=MASK)
    np.testing.assert_allclose(CRFLoss(reduction="sum")(tags, chain), -likelihood.sum(), rtol=1e-5)
    np.testing.assert_allclose(CRFLoss()(tags, chain), -likelihood.sum() / MASK.sum(), rtol=1e-5)
    weights = np.array([[2.0], [0.0], [1.0], [1.0]])
    weighted = CRFLoss(reduction="sum")(tags, chain, sample_weight=weights)
    np.testing.assert_allclose(weighted, -(weights[:, 0] * likelihood).sum(), rtol=1e-5)


def toy_data():
    """Words 1 and 2 begin a span of X and Y; word 3 goes on with whichever it was; word 4 is outside."""
    words = RANDOM.integers(1, 5, (64, 8))
    words[np.arange(8) >= RANDOM.integers(2, 9, 64)[:, None]] = 0
    tags = np.zeros_like(words)
    for row, step in np.argwhere(words):
        before = tags[row, step - 1] if step else 0
        goes_on = {0: 0, 1: 2, 2: 2, 3: 4, 4: 4}[before]
        tags[row, step] = {1: 1, 2: 3, 3: goes_on, 4: 0}[words[row, step]]
    return words, tags


def toy_model(policy, constraints):
    token_ids = keras.Input((None,), dtype="int32")
    embedded = keras.layers.Embedding(5, 8, mask_zero=True, dtype=policy)(token_ids)
    emissions = keras.layers.Dense(5, name="emissions", dtype=policy)(embedded)
    return keras.Model(token_ids, CRF(5, constraints, name="crf", dtype=policy)(emissions))


@pytest.mark.parametrize(("policy", "constrained"), [("float32", False), ("mixed_float16", True)])
def test_a_model_trains_and_trains_on_after_it_was_loaded(policy, constrained, tmp_path):
    keras.utils.set_random_seed(1)
    words, tags = toy_data()
    model = toy_model(policy, bio_transitions(["O", "B-X", "I-X", "B-Y", "I-Y"]) if constrained else None)
    model.compile(keras.optimizers.Adam(0.05), loss=CRFLoss(), jit_compile=False)
    before = model.fit(words, tags, epochs=5, verbose=0).history["loss"]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(words), model(words), atol=1e-5)
    assert loaded.optimizer.iterations == model.optimizer.iterations
    after = loaded.fit(words, tags, epochs=15, verbose=0).history["loss"]
    assert before[0] > 2 * before[-1] > 2 * after[0] > 4 * after[-1]
    # Word 3 alone does not tell what goes on: the transitions do.
    emissions = keras.Model(loaded.input, loaded.get_layer("emissions").output)(words)
    decoded, _ = loaded.get_layer("crf").decode(emissions, words != 0)
    assert (np.asarray(decoded) == tags).mean() > 0.95


def save_and_answer(folder, *shape):
    """Everything a tagger answers, saved for one shape of the emissions; gives the function that was saved."""
    layer = make(BIO)

    def answer(emissions, lengths):
        mask = tf.sequence_mask(lengths, tf.shape(emissions)[1])
        tags, scores = layer.decode(emissions, mask)
        return {"tags": tags, "scores": scores, "marginals": layer.marginals(emissions, mask)}

    archive = keras.export.ExportArchive()
    archive.track(layer)  # without which TFLite finds no weights
    specs = [
        tf.TensorSpec((*shape, SIZE), name="emissions"),
        tf.TensorSpec(shape[:1], "int32", name="lengths"),
    ]
    archive.add_endpoint("serve", answer, input_signature=specs)
    archive.write_out(folder, verbose=False)
    return answer


def check_served(served, answer, rows, steps):
    emissions, lengths = EMISSIONS[rows, :steps], np.minimum(LENGTHS, steps)[rows].astype("int32")
    found = served(emissions=tf.constant(emissions), lengths=tf.constant(lengths))
    for name, value in answer(emissions, lengths).items():
        np.testing.assert_allclose(found[name], value, atol=1e-5)


def test_saved_model_takes_any_batch_and_time(tmp_path):
    answer = save_and_answer(tmp_path, None, None)
    served = tf.saved_model.load(tmp_path).signatures["serve"]
    check_served(served, answer, slice(4), 5)
    check_served(served, answer, slice(2), 3)


def test_tflite_needs_built_in_ops_only(tmp_path):
    answer = save_and_answer(tmp_path, 1, 5)
    content = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path)).convert()
    served = tf.lite.Interpreter(model_content=content).get_signature_runner()
    for row in range(4):
        check_served(served, answer, slice(row, row + 1), 5)


def test_constraints_of_another_size():
    message = (
        r"`constraints` must have a row and a column for each tag.*shape \(4, 4\)\. Received: shape \(3, 3\)"
    )
    with pytest.raises(InputError, match=message):
        CRF(3, np.ones((3, 3)))


def test_emissions_of_another_size():
    with pytest.raises(
        InputError, match=r"one score for each of `num_tags` \(3\) tags.*Received: shape \(2, 5, 4\)"
    ):
        CRF(3)(np.zeros((2, 5, 4)))


def test_tags_that_are_not_bio():
    with pytest.raises(InputError, match=r"`tags` must be 'O' or begin with 'B-' or 'I-'\. Received: 'PER'"):
        bio_transitions(["O", "PER"])
    with pytest.raises(
        InputError, match=r"`tags` must have 'B-X'.* where they have 'I-X'\. Received: \['O', 'I-X'\]"
    ):
        bio_transitions(["O", "I-X"])
