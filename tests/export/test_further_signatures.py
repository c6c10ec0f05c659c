"""Signatures beside those that any machine runs: kernels of cuDNN, and what XLA compiles."""

import time

import numpy as np
import pytest
import tensorflow as tf
from estimators.small_texts import labels, quick, texts
from estimators.untrained import untrained

from nlpkit import TextGenerator, TextToText
from nlpkit.errors import InputError
from nlpkit.export import explain, saved_model
from nlpkit.export.compiled import Compiled, compare_times
from nlpkit.export.verify import check_portable

X = ["a good film", "", "Ünknown  wörds <br /> & more"]
OF_CLASSIFIER = ["classify", "ids", "serving_default"]
SMALL = {"units": 4, "epochs": 1, "random_state": 0}


def recurrent(cell, **network):
    options = {"network": {"units": 4, "embedding_dim": 4, **network}}
    return quick(encoder=cell, epochs=1, options=options).fit(texts(), labels())


MODELS = {
    "classifier": (lambda: recurrent("gru", bidirectional=True), OF_CLASSIFIER),
    "generator": (lambda: TextGenerator(**SMALL).fit(["One two, three four five."] * 20), ["score"]),
    "text_to_text": (
        lambda: TextToText(level="word", **SMALL).fit(
            ["one two", "two three"] * 10, ["two one", "three two"] * 10
        ),
        ["greedy", "ids", "init", "score", "serving_default", "translate"],
    ),
}


@pytest.fixture(scope="module")
def classifier():
    return recurrent("lstm")


@pytest.mark.parametrize("name", MODELS)
def test_kernels_of_cudnn_are_under_names_of_their_own(name, unverified, tmp_path):
    make, signatures = MODELS[name]
    with untrained():
        model = make()
    (plain,), (result,) = model.export(tmp_path), model.export(tmp_path, device="gpu")
    added = [f"gpu_{signature}" for signature in signatures]
    there = bool(tf.config.list_logical_devices("GPU"))
    assert plain.gpu is None and result.gpu == {"signatures": added, "compared": there}
    kernels = {signature.name: signature.kernels for signature in explain(tmp_path)[0].signatures}
    assert {name for name, found in kernels.items() if found == ["cuDNN"]} == {*added}
    assert all(not kernels[signature] for signature in signatures)
    check_portable(result.path)
    variables = [tf.train.list_variables(f"{each.path}/variables/variables") for each in (plain, result)]
    assert variables[0] == variables[1], "the weights are there twice"


def test_a_server_without_a_gpu_runs_the_others(classifier, unverified, tmp_path):
    (result,) = classifier.export(tmp_path, device="gpu")
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:  # as TF Serving does
        found = tf.compat.v1.saved_model.load(session, ["serve"], result.path).signature_def[
            "serving_default"
        ]
        fed = {found.inputs["text"].name: X}
        probabilities = session.run(found.outputs["probabilities"].name, fed)
    np.testing.assert_allclose(probabilities, classifier.predict_proba(X), atol=1e-5)


def test_the_model_runs_as_before_afterwards(classifier, unverified, tmp_path):
    before = classifier.predict_proba(X)
    classifier.export(tmp_path, device="gpu")
    np.testing.assert_array_equal(classifier.predict_proba(X), before)


def test_devices_that_nothing_can_be_added_for(classifier, tmp_path):
    with pytest.raises(
        InputError, match="`device` must be left out for this model: none of nlpkit's recurrent layers in it"
    ):
        quick(epochs=1).fit(texts(), labels()).export(tmp_path, device="gpu")
    with pytest.raises(InputError, match="`device` must be \"gpu\", .* or None. Received: 'tpu'"):
        classifier.export(tmp_path, device="tpu")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("written", [True, False])
def test_what_xla_compiles_is_there_if_it_is_faster(classifier, tmp_path, monkeypatch, written):
    times = {"milliseconds": 1.0, "milliseconds_without": 2.0, "written": written}
    monkeypatch.setattr(saved_model, "compare_times", lambda *given: times)
    monkeypatch.setattr(saved_model, "verification_texts", lambda: X)  # each length is compiled anew
    (result,) = classifier.export(tmp_path, jit=True)
    assert result.jit == times and 0 <= result.max_difference <= 1e-5
    kernels = {signature.name: signature.kernels for signature in explain(tmp_path)[0].signatures}
    added = {f"jit_{name}": ["XLA"] for name in OF_CLASSIFIER} if written else {}
    assert kernels == {**{name: [] for name in OF_CLASSIFIER}, **added}


def test_few_shapes_are_compiled_and_padding_changes_nothing():
    seen = []

    def network(token_ids, training):
        seen.append(token_ids.shape.as_list())
        return tf.cast(tf.reduce_sum(token_ids, axis=1), "float32")

    compiled = Compiled(network)
    for shape in ((1, 1), (1, 16), (3, 17), (4, 32), (4, 20), (2, 0)):
        ids = np.arange(np.prod(shape), dtype="int32").reshape(shape)
        np.testing.assert_array_equal(compiled(tf.constant(ids)), ids.sum(axis=1))
    assert sorted(map(tuple, seen)) == [(1, 16), (2, 16), (4, 32)]


@pytest.mark.parametrize("slow", ["compiled", "plain"])
def test_times_are_compared(slow):
    calls = []

    def function(name):
        def run(row):
            calls.append(name)
            time.sleep(0.005 if name == slow else 0)

        return run

    times = compare_times(function("compiled"), function("plain"), [[[1, 2]], [[3]], [[4]]])
    assert times["written"] == (slow == "plain") == (times["milliseconds"] < times["milliseconds_without"])
    assert max(times["milliseconds"], times["milliseconds_without"]) >= 5
    assert calls[:6] == ["compiled"] * 3 + ["plain"] * 3, "each is called once before its time is taken"


def test_what_xla_cannot_compile_is_told():
    compiled = Compiled(lambda token_ids, training: tf.strings.length(tf.strings.as_string(token_ids)))
    with pytest.raises(InputError, match=r"XLA cannot compile this model: .*Leave `jit` out"):
        compare_times(compiled, compiled, [[[1, 2]]])
