"""A classifier begins with what a text generator has learned, and leaves the generator as it was."""

import copy
import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from estimators.small_texts import labels, texts, topics
from sklearn.base import clone
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline

import nlpkit
from nlpkit import InputError, TextClassifier, TextGenerator
from nlpkit.data import TableReader
from nlpkit.estimators.pretrained_encoder import PretrainedEncoder
from nlpkit.text.vocabulary import END

X, Y = texts(), labels()
WHOLE = {"learning_rate": 0.03, "batch_size": 8}
KINDS = {
    "transformer": {"cell": "transformer"},
    "char, gru": {"cell": "gru", "level": "char"},
    "subword, nplm": {"cell": "nplm", "num_layers": 1, "level": "subword", "text": {"vocabulary_size": 300}},
}


def generator_of(text=None, **more):
    training = {"batch_size": 4, "learning_rate": 0.03, "sequence_length": 14}
    options = {"training": training, "text": text or {}, "network": {"dropout": 0.1}}
    settings = {"units": 8, "num_layers": 2, "epochs": 1, "random_state": 0, "options": options}
    return TextGenerator(**{**settings, **more}).fit(X)


def classifier_from(encoder_from, **more):
    settings = {"epochs": 1, "random_state": 0, "options": {"training": WHOLE}}
    return TextClassifier(encoder_from=encoder_from, **{**settings, **more})


def lower_weights(network):
    """Weights of the embedding and of the blocks; the last normalisation of a Transformer learns with the output."""
    layers = [network.embedding, *getattr(network.body, "blocks", [network.body])]
    return [weight for layer in layers for weight in layer.get_weights()]


@pytest.fixture(scope="module")
def generator():
    return generator_of()


@pytest.fixture(scope="module")
def saved(generator, tmp_path_factory):
    folder = tmp_path_factory.mktemp("generators") / "lm"
    generator.save(folder)
    return folder


@pytest.fixture(scope="module")
def fitted(saved):
    return classifier_from(str(saved), epochs=8).fit(X, Y)


@pytest.fixture(scope="module", params=KINDS)
def any_kind(request):
    """A generator, and a classifier after one epoch in which only what stands above the encoder learned."""
    generator = generator_of(**KINDS[request.param])
    before = lower_weights(generator.network_)
    classifier = classifier_from(generator, options={"training": {"layer_decay": 1e-9}}, max_length=9).fit(
        X, Y
    )
    return generator, before, classifier


def test_it_learns(fitted):
    assert np.mean(fitted.predict(X) == np.array(Y)) > 0.9


def test_it_starts_from_the_generators_weights(any_kind):
    generator, before, classifier = any_kind
    for network in (generator.network_, classifier.network_.get_layer("encoder")):
        for own, given in zip(lower_weights(network), before, strict=True):
            np.testing.assert_allclose(own, given, atol=1e-8)
    assert np.abs(classifier.network_.get_layer("scores").bias).max() > 0


def test_the_text_layer_is_the_generators_but_for_the_length(any_kind, fitted, generator):
    for (own, length), given in (((any_kind[2], 9), any_kind[0]), ((fitted, 512), generator)):
        settings, expected = (each.text_to_ids_.settings() for each in (own, given))
        assert settings["packer"].pop("max_length") == length and expected["packer"].pop("max_length") is None
        assert settings == expected and settings["packer"]["end"]
        rows, whole = (each.text_to_ids_.encode(X[:1]) for each in (own, given))
        assert rows[0].tolist() == [*whole[0][: length - 1].tolist(), END][: len(whole[0])]


def test_lower_layers_move_less(generator):
    options = {"training": {**WHOLE, "layer_decay": 0.01}}
    classifier = classifier_from(generator, options=options).fit(X, Y)
    groups = (
        classifier.network_.get_layer("encoder").layer_groups,
        [generator.network_.embedding, *generator.network_.body.blocks],
    )
    embedding, first, second = (
        max(np.abs(a - b).max() for a, b in zip(own.get_weights(), given.get_weights(), strict=True))
        for own, given in zip(*groups, strict=True)
    )
    assert 0 < embedding < first / 10 < second / 100


def test_what_was_chosen_is_told(fitted, saved, generator, any_kind):
    network, origin = fitted.spec().network, fitted.report_["choices"][0]
    assert network["pooling"] == ["last", "max", "mean"] and "units" not in network
    assert (
        network["encoder"] == PretrainedEncoder(generator).settings() and network["encoder"]["cell"] == "lstm"
    )
    assert (origin["setting"], origin["value"]) == ("encoder_from", str(saved))
    told = "text layer, embedding and layers (lstm) of this language model, which read 60 texts; validation perplexity"
    assert origin["reason"] == f"{told} {generator.report_['perplexity']['validation']:.2f}"
    chosen = {row["setting"]: row["value"] for row in any_kind[2].report_["choices"]}
    assert chosen["encoder_from"] == "a TextGenerator"
    assert chosen["learning_rate"] == 0.005 and "layer_decay" not in chosen


def test_a_saved_classifier_needs_the_generator_no_more(any_kind, tmp_path):
    classifier = any_kind[2]
    classifier.save(tmp_path / "model")
    loaded = nlpkit.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict_proba(X), classifier.predict_proba(X))
    assert loaded.spec() == classifier.spec() and loaded.encoder_from is None
    page = (tmp_path / "model" / "report.html").read_text(encoding="utf-8")
    assert "encoder_from" in page and "a TextGenerator" in page


def test_the_path_is_kept_and_a_fresh_process_loads(fitted, saved, tmp_path):
    fitted.save(tmp_path / "model")
    assert json.loads((tmp_path / "model" / "spec.json").read_text())["estimator"]["encoder_from"] == str(
        saved
    )
    program = (
        "import json, sys, nlpkit\n"
        "print(json.dumps(nlpkit.load(sys.argv[1]).predict_proba(sys.argv[2:]).tolist()))"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "model"), *X[:3]]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]
    found = json.loads(run.stdout.splitlines()[-1])
    np.testing.assert_allclose(found, fitted.predict_proba(X[:3]), atol=1e-6)
    assert nlpkit.load(tmp_path / "model").get_params() == fitted.get_params()
    again = copy.copy(fitted).set_params(encoder_from=Path(saved))
    assert again.spec().estimator["encoder_from"] == str(saved)


def test_the_export_gives_the_same_without_nlpkit(any_kind, tmp_path):
    (result,) = any_kind[2].export(tmp_path)
    assert result.max_difference <= 1e-5 and result.texts_compared > 100


def test_pickles(fitted, generator):
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(fitted)).predict_proba(X), fitted.predict_proba(X)
    )
    again = pickle.loads(pickle.dumps(classifier_from(generator))).encoder_from
    for own, given in zip(lower_weights(again.network_), lower_weights(generator.network_), strict=True):
        np.testing.assert_array_equal(own, given)


def test_clone_keeps_the_generator(any_kind):
    generator, _, classifier = any_kind
    unfitted = clone(classifier)
    assert unfitted.encoder_from is generator and hasattr(generator, "network_")
    assert not hasattr(unfitted, "network_") and not hasattr(clone(generator), "network_")


def test_cross_validation(generator):
    scores = cross_val_score(classifier_from(generator), X, Y, cv=2, error_score="raise")
    assert scores.shape == (2,) and (scores > 0.2).all()


def test_a_grid_of_generators_is_told_to_name_folders(generator):
    search = GridSearchCV(classifier_from(None), {"encoder_from": [generator]}, cv=2, error_score="raise")
    with pytest.raises(InputError, match="one that is not fitted. .*GridSearchCV.* give the folder"):
        search.fit(X, Y)


def test_a_reader(generator, tmp_path):
    path = tmp_path / "data.tsv"
    rows = zip(Y, X, strict=True)
    path.write_text("label\ttext\n" + "".join(f"{label}\t{text}\n" for label, text in rows))
    options = {"training": WHOLE, "text": {"max_length": 4}}
    classifier = classifier_from(generator, options=options).fit(TableReader(path))
    assert classifier.report_["data"]["train"]["tokens"]["max"] == 4
    assert classifier.report_["data"]["validation"]["rows"] == 6


def test_several_labels_a_bag_beside_it_and_half_precision(generator):
    network = {"naive_bayes": True, "ngrams": 2, "buckets": 64}
    options = {"training": {**WHOLE, "mixed_precision": True}, "network": network}
    classifier = classifier_from(generator, multi_label=True, options=options).fit(X, topics())
    encoder = classifier.network_.get_layer("encoder")
    assert encoder.compute_dtype == encoder.embedding.compute_dtype == "bfloat16"
    assert classifier.network_.get_layer("bag") and classifier.predict_proba(X).shape == (60, 6)


def test_precision_and_kernel_are_the_classifiers_own(generator):
    other = copy.copy(generator)
    other._network_settings = {**generator._network_settings, "dtype": "mixed_bfloat16", "use_cudnn": False}
    assert PretrainedEncoder(other).settings() == PretrainedEncoder(generator).settings()


def test_a_checkpoint_is_that_of_one_generator(generator, tmp_path):
    first = classifier_from(generator).fit(X, Y, checkpoint=tmp_path)
    again = classifier_from(generator).fit(X, Y, checkpoint=tmp_path, resume=True)
    np.testing.assert_allclose(again.predict_proba(X), first.predict_proba(X), atol=1e-6)
    other = pickle.loads(pickle.dumps(generator))
    other.network_.set_weights([1.1 * weight for weight in generator.network_.get_weights()])
    with pytest.raises(InputError, match="other data or settings"):
        classifier_from(other).fit(X, Y, checkpoint=tmp_path, resume=True)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"encoder": "lstm"}, "encoder"),
        ({"units": 3, "num_layers": 2}, "units, num_layers"),
        ({"bidirectional": False}, "bidirectional"),
        ({"tokenizer": "char"}, "tokenizer"),
        ({"options": {"text": {"case": "lower", "max_length": 3}}}, r"options\['text'\]\['case'\]"),
        ({"options": {"network": {"vectors": "v.txt"}}}, r"options\['network'\]\['vectors'\]"),
        ({"options": {"network": {"embedding_dim": 3}}}, r"options\['network'\]\['embedding_dim'\]"),
    ],
)
def test_what_the_generator_decides_cannot_be_chosen(generator, given, named):
    message = (
        rf"`encoder_from` \(--encoder-from\) brings .*Received: encoder_from with {named}. Leave that out"
    )
    with pytest.raises(InputError, match=message):
        classifier_from(generator, **given).fit(X, Y)


def test_what_is_no_generator(generator, fitted, tmp_path):
    fitted.save(tmp_path / "classifier")
    (tmp_path / "empty").mkdir()
    for given, message in (
        (
            TextGenerator(),
            r"`encoder_from` \(--encoder-from\) must be a fitted TextGenerator. Received: one that is",
        ),
        (fitted, r"must be a fitted TextGenerator, or the folder of a saved one. Received: TextClassifier\("),
        (generator.network_, "must be a fitted TextGenerator, or the folder"),
        (
            tmp_path / "classifier",
            "the folder of a saved text generator. Received: .*, which holds a classifier",
        ),
        (str(tmp_path / "none"), "the folder of a saved text generator. There is no model folder .*none"),
        (tmp_path / "empty", "the folder of a saved text generator. .*empty is no complete nlpkit model"),
    ):
        with pytest.raises(InputError, match=message):
            classifier_from(given).fit(X, Y)


@pytest.mark.parametrize("setting", [{"gradual_unfreezing": True}, {"layer_decay": 0.5}])
def test_without_a_pretrained_encoder_no_layer_waits(setting):
    classifier = TextClassifier("lstm", options={"training": setting})
    with pytest.raises(
        InputError, match=f"{next(iter(setting))} in options.* need a pretrained encoder. Received"
    ):
        classifier.fit(["a text", "another"], [0, 1])


def test_the_generators_settings_are_none_of_the_classifiers(generator, saved):
    before = generator.get_params()
    for given in (generator, str(saved)):
        classifier = classifier_from(given)
        assert classifier.get_params(deep=True) == classifier.get_params(deep=False)
        assert classifier.get_params()["encoder_from"] is given
        pipeline = Pipeline([("classifier", classifier)])
        for estimator, prefix in ((classifier, ""), (pipeline, "classifier__")):
            with pytest.raises(ValueError) as told:
                estimator.set_params(**{prefix + "epochs": 7, prefix + "encoder_from__units": 5})
            assert str(told.value) == (
                "Invalid parameter 'encoder_from__units' for estimator TextClassifier: the generator is fitted and "
                "stays as it is. Received: encoder_from__units=5. Give `encoder_from` another generator."
            )
        assert classifier.epochs == 1, "half of the settings were taken"
        with pytest.raises(
            ValueError, match="(?s)Invalid parameter 'unit' for estimator TextClassifier.*'units'"
        ):
            classifier.set_params(unit=3)
    assert generator.get_params() == before
    classifier = classifier_from(str(saved)).set_params(encoder_from=generator, max_length=7)
    copied = clone(classifier)
    assert copied.encoder_from is generator and copied.max_length == 7
    assert copied.get_params() == classifier.get_params()


def test_it_votes_with_another_classifier(saved):
    voters = [("words", TextClassifier(epochs=1, random_state=0)), ("network", classifier_from(str(saved)))]
    both = VotingClassifier(voters, voting="soft").fit(X, Y)
    means = np.mean([voter.predict_proba(X[:4]) for voter in both.estimators_], axis=0)
    np.testing.assert_allclose(both.predict_proba(X[:4]), means)
    assert set(both.predict(X[:4])) <= set(Y)


def test_a_network_of_ones_own_begins_with_the_generator(generator):
    import keras

    encoder = generator.encoder()
    ids = generator.text_to_ids_(X[:3])
    np.testing.assert_allclose(
        np.where((ids != 0)[..., None], encoder(ids), 0),
        np.where((ids != 0)[..., None], generator.network_.hidden(ids)[0], 0),
        atol=1e-6,
    )
    before = lower_weights(generator.network_)
    token_ids = keras.Input((None,), dtype="int32")
    tagger = keras.Model(token_ids, keras.layers.Dense(2)(encoder(token_ids)))
    tagger.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    tagger.fit(ids, np.asarray(ids) % 2, verbose=0)
    for old, new in zip(before, lower_weights(generator.network_), strict=True):
        np.testing.assert_array_equal(old, new)


def test_an_unfitted_generator_has_no_encoder():
    with pytest.raises(NotFittedError, match="not fitted yet"):
        TextGenerator().encoder()
