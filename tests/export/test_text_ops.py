"""Classifiers as TFLite files that read strings."""

import json
import zipfile

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import InterpreterWithCustomOps
from estimators.small_texts import labels, quick, texts

import nlpkit.lite
from nlpkit.errors import InputError
from nlpkit.export.text_ops import TextOps
from nlpkit.text import text_to_ids

pytest.importorskip("tensorflow_text")
X = ["a lovely room", "", "  ", "Ünknown  wörds\tof\nmany kinds", "这家酒店很好", "so <unk> !" * 20]
PLAIN = {"html": False, "case": None, "collapse_whitespace": False}
PACKERS = [{}, {"max_length": 5}, {"max_length": 7, "truncate": "middle", "start": True},
           {"max_length": 4, "truncate": "start", "end": True}]  # fmt: skip


@pytest.mark.parametrize("packer", PACKERS, ids=str)
@pytest.mark.parametrize("level", ["byte", "space", "wordpiece"])
def test_the_ids_are_those_of_the_text_layer(level, packer):
    layer = text_to_ids(level, **packer, **PLAIN)
    layer.fit_encode([[*texts(30), *X]])
    read = TextOps(layer)
    for text in X:
        np.testing.assert_array_equal(read(tf.constant([text])), layer([text]))


@pytest.fixture(scope="module", params=["byte", "space", "wordpiece"])
def exported(request, tmp_path_factory):
    """A classifier and the path of its file."""
    options = {"network": {"units": 4, "embedding_dim": 4}}
    classifier = quick(encoder="lstm", tokenizer=request.param, normalize=False, epochs=1, options=options)
    folder = tmp_path_factory.mktemp("text_ops")
    results = classifier.fit(texts(), labels()).export(folder, to="tflite", text_ops=True)
    assert [result.path for result in results] == [
        str(folder / name) for name in ("model.tflite", "model.text.tflite")
    ]
    assert results[1].max_difference <= 1e-5 and results[1].texts_compared == 128
    return classifier, results[1].path


def test_strings_go_in(exported):
    from tensorflow_text import tflite_registrar

    classifier, path = exported
    more = tflite_registrar.SELECT_TFTEXT_OPS
    run = InterpreterWithCustomOps(model_path=path, custom_op_registerers=more).get_signature_runner(
        "classify"
    )
    found = [run(text=np.array([text.encode()], object))["probabilities"][0] for text in X]
    np.testing.assert_allclose(found, classifier.predict_proba(X), atol=1e-5)


def test_what_belongs_to_it_is_inside(exported):
    classifier, path = exported
    with zipfile.ZipFile(path) as pack:
        assert pack.read("labels.txt").decode().split() == classifier.classes_.tolist()
        assert json.loads(pack.read("nlpkit.json"))["reads_strings"] is True
    with pytest.raises(InputError, match="reads strings by operations of tensorflow-text.*Load model.tflite"):
        nlpkit.lite.load(path)


@pytest.mark.parametrize(
    ("tokenizer", "normalize", "found"),
    [
        ("word", False, r"'word' and the changes \[\]"),
        ("wordpiece", True, r"'wordpiece' and the changes \['html', 'case'"),
    ],
)
def test_texts_that_tflite_cannot_read(tokenizer, normalize, found, tmp_path):
    classifier = quick(tokenizer=tokenizer, normalize=normalize, epochs=1).fit(texts(), labels())
    message = (
        r"`text_ops` \(--text-ops\) needs a tokenizer among \['byte', 'space', 'wordpiece'\] and texts as .*"
    )
    with pytest.raises(InputError, match=message + "Received: a model with the tokenizer " + found):
        classifier.export(tmp_path, to="tflite", text_ops=True)
    assert list(tmp_path.iterdir()) == []
