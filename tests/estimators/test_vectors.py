"""Pretrained vectors start a network's embedding."""

import numpy as np
import pytest

from nlpkit import InputError, TextClassifier, load

TEXTS, LABELS = ["good film", "bad film", "good day", "bad day"] * 4, ["yes", "no"] * 8


def options(path):
    # A tiny learning rate, so that the vectors are still to be seen after training.
    return {"network": {"vectors": path}, "training": {"learning_rate": 1e-9, "epochs": 1}}


@pytest.fixture
def vectors(tmp_path):
    path = tmp_path / "glove.txt"
    path.write_text("good 1 2 3\nfilm 4 5 6\n", encoding="utf-8")
    return str(path)


def test_found_words_start_from_the_file_and_the_report_says_how_many(vectors):
    model = TextClassifier(units=2, options=options(vectors), random_state=0).fit(TEXTS, LABELS)
    words = model.text_to_ids_.tokenizer.vocabulary
    matrix = model.network_.get_layer("embedding").embeddings.numpy()
    np.testing.assert_allclose(matrix[words.index["good"]], [1, 2, 3], atol=1e-5)
    assert np.abs(matrix[words.index["bad"]]).max() < 0.5
    note = next(choice for choice in model.report_["choices"] if choice["setting"] == "vectors")
    assert note["reason"].startswith("50.0% of the vocabulary found")


def test_bytes_cannot_take_vectors(vectors):
    with pytest.raises(InputError, match="Pretrained vectors need a tokenizer with a vocabulary: word, char"):
        TextClassifier(tokenizer="byte", options=options(vectors)).fit(TEXTS, LABELS)


def test_a_bag_refuses_what_it_cannot_use(vectors):
    with pytest.raises(InputError, match="The encoder 'bag' has no vectors. Leave them out, or take another"):
        TextClassifier("bag", options=options(vectors)).fit(TEXTS, LABELS)
    with pytest.raises(InputError, match="The encoder 'bag' has no num_layers, units. Leave them out"):
        TextClassifier("bag", units=3, num_layers=2).fit(TEXTS, LABELS)
    with pytest.raises(InputError, match="The encoder 'bag' has no residual. Leave them out"):
        TextClassifier("bag", options={"network": {"residual": True}}).fit(TEXTS, LABELS)
    with pytest.raises(InputError, match="The encoder 'bag' has no pooling. Leave them out"):
        TextClassifier("bag", options={"network": {"pooling": "attention"}}).fit(TEXTS, LABELS)


def test_settings_of_recurrent_networks_choose_one():
    model = TextClassifier(units=2, epochs=1, random_state=0).fit(TEXTS, LABELS)
    assert model.spec().network["encoder"] == "lstm"


def test_residual_connections_reach_the_network_and_the_saved_settings(tmp_path):
    settings = {"network": {"residual": True, "layer_norm": True, "embedding_dim": 4}}
    model = TextClassifier(units=2, epochs=1, options=settings, random_state=0).fit(TEXTS, LABELS)
    model.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    for classifier in (model, loaded):
        network = classifier.spec().network
        assert (network["encoder"], network["num_layers"], network["residual"]) == ("lstm", 2, True)
        blocks = [classifier.network_.get_layer(f"block_{i}") for i in range(2)]
        assert [block.residual for block in blocks] == [False, True] and blocks[0].layer_norm
    np.testing.assert_allclose(loaded.predict_proba(TEXTS), model.predict_proba(TEXTS), atol=1e-6)
