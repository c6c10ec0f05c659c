"""An exported captioner: pixels or features in, captions out, as Python writes them."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from estimators.untrained import untrained

import nlpkit.export.verify_text_to_text as verification
from nlpkit import ImageCaptioner
from nlpkit.data import make_shape_captions
from nlpkit.errors import VerificationError
from nlpkit.export.written_from import FromImages
from nlpkit.text.vocabulary import END

IMAGES, WORDINGS, _ = make_shape_captions(12, seed=3)
CAPTIONS = [first for first, *_ in WORDINGS]
FEATURES = np.random.default_rng(0).normal(size=(12, 5, 7)).astype("float32")
VARIANTS = {
    "image": (IMAGES, {"level": "subword", "options": {"target": {"vocabulary_size": 300}}}),
    "features": (FEATURES, {"preset": "transformer", "num_layers": 1}),
}


@pytest.fixture(scope="module", params=list(VARIANTS))
def exported(request, tmp_path_factory):
    """A captioner with random weights, its images, what its export said, and the signatures that it wrote."""
    images, settings = VARIANTS[request.param]
    with untrained():
        model = ImageCaptioner(units=8, random_state=0, **settings).fit(images, CAPTIONS)
    draw, network = np.random.default_rng(1), model.network_
    for weight in network.trainable_weights:
        weight.assign_add(draw.normal(scale=0.3, size=weight.shape))
    bias = np.zeros(network.output_layer.bias.shape)
    bias[END] = -8.0  # it goes on for as long as it may
    network.output_layer.bias.assign(bias)
    (export,) = model.export(tmp_path_factory.mktemp("exports"), beam_size=2)
    return SimpleNamespace(
        name=request.param, model=model, images=images, export=export,
        signatures=tf.saved_model.load(export.path).signatures,
    )  # fmt: skip


def ask(exported, signature, images, **inputs):
    specs = exported.signatures[signature].structured_input_signature[1]
    inputs = {exported.name: images, **inputs}
    found = exported.signatures[signature](
        **{key: tf.constant(value, specs[key].dtype) for key, value in inputs.items()}
    )
    return {key: value.numpy() for key, value in found.items()}


def test_it_was_compared_and_names_its_inputs(exported):
    assert exported.export.max_difference <= 1e-5 and exported.export.texts_compared == 7
    assert sorted(exported.signatures) == ["caption", "greedy", "init", "score", "serving_default", "step"]
    (given,) = exported.signatures["serving_default"].structured_input_signature[1].values()
    shapes = {"image": ([None, 32, 32, 3], "uint8"), "features": ([None, None, 7], "float32")}
    assert (given.name, (given.shape.as_list(), given.dtype.name)) == (exported.name, shapes[exported.name])
    assert [path.name for path in Path(exported.export.path, "assets.extra").iterdir()] == ["target"]


@pytest.mark.parametrize(("signature", "beams"), [("caption", 2), ("greedy", 1)])
def test_it_writes_what_python_writes(exported, signature, beams):
    options = {"max_new_tokens": 9, "length_penalty": 0.5}
    found = ask(exported, signature, exported.images, **options)
    expected = exported.model.predict_nbest(exported.images, n=1, beam_size=beams, **options)
    assert [text.decode("utf-8") for text in found["text"]] == [best["text"] for best, *_ in expected]
    np.testing.assert_allclose(found["score"], [best["score"] for best, *_ in expected], rtol=1e-5, atol=1e-5)
    assert len(set(found["score"].round(4))) > 6, "the images change nothing"
    assert beams > 1 or all(found["text"])  # of several targets the empty one is the likeliest
    one = ask(exported, signature, exported.images[4:5], **options)
    assert one["text"] == found["text"][4:5]


def test_it_scores_as_python_does(exported):
    found = ask(exported, "score", exported.images, target=CAPTIONS)["score"]
    np.testing.assert_allclose(found, exported.model.score(exported.images, CAPTIONS), rtol=1e-5)


def test_an_artefact_that_writes_something_else_is_refused(exported, monkeypatch):
    model, sources = exported.model, FromImages(exported.model.target_, exported.model.network_)
    pairs = [(exported.images[:2], CAPTIONS[:2]), (exported.images[:1], CAPTIONS[:1])]

    def read(folder, run, given, needs_text, prefix):
        assert needs_text == (exported.name == "image") and "ids" not in given
        first = np.array(given["first"][exported.name], "float32")
        logits = model.network_([first, np.array([given["token_ids"]])])[0].numpy()
        return {"logits": logits, "written": [["another", -1.0]] * 9}

    monkeypatch.setattr(verification, "read_saved_model", read)
    with pytest.raises(
        VerificationError, match="writes 'another' with a score of -1 for the image 1 of `caption`, the"
    ):
        verification.verify_text_to_text("folder", model, pairs, 2, sources)
