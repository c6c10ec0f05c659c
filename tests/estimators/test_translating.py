"""What a text-to-text model writes, of networks that were never trained: nothing here depends on what was learned."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.exceptions import NotFittedError

from nlpkit import InputError, TextToText
from nlpkit.estimators.text_levels import text_layer
from nlpkit.estimators.translating import pieces_of
from nlpkit.models import build_encoder_decoder

SOURCES = ["ein Hund und eine Katze", "Hund", "", "eine Maus und ein Elefant , eine Maus"]
TARGETS = ["a dog and a cat", "a dog", "a mouse"]
ATTENTION = {"cell": "gru", "attention": "additive", "input_feeding": "context"}


def model_of(level="word", shared=False, copy=0, **network):
    """A model with random weights, as it would be after `fit`."""
    options = {"min_frequency": 1} if level == "word" else {}
    model = TextToText(level=level, normalize=False, shared=shared)
    model.source_ = text_layer(level, False, options)
    model.target_ = model.source_ if shared else text_layer(level, False, options)
    model.source_.fit_encode([*SOURCES[:2], *TARGETS] if shared else SOURCES[:2])
    if not shared:
        model.target_.fit_encode(TARGETS)
    keras.utils.set_random_seed(0)
    sizes = model.source_.vocabulary_size, model.target_.vocabulary_size
    model.network_ = build_encoder_decoder(*sizes, units=8, copy=copy, **network)
    random = np.random.default_rng(4)
    model.network_.set_weights([random.normal(size=w.shape, scale=0.6) for w in model.network_.get_weights()])
    model._copy, model._longest = copy, 7
    return model


@pytest.fixture(scope="module")
def model():
    return model_of(**ATTENTION)


@pytest.fixture(scope="module")
def plain():
    """Without attention."""
    return model_of(peeky=True)


@pytest.fixture(scope="module")
def copying():
    return model_of(shared=True, copy=2, **ATTENTION)


def test_with_one_beam_the_most_likely_token_is_always_taken(plain):
    network = plain.network_
    for source, written in zip(SOURCES, plain.predict(SOURCES, max_new_tokens=5), strict=True):
        ids, found = plain.source_([source]), []
        while len(found) < 5 and 3 not in found:
            logits = network([ids, np.array([[2, *found]])])[0, -1].numpy()
            logits[:3] = -np.inf  # padding, unknown, start
            found.append(int(logits.argmax()))
        assert written == plain.target_.detokenize([found]).numpy()[0].decode()


@pytest.mark.parametrize("beams", [1, 4])
def test_scores_are_log_probabilities_over_the_length_penalty(plain, beams):
    options = {"n": beams, "beam_size": beams}
    results = plain.predict_nbest(SOURCES, length_penalty=0.0, **options)
    for source, found in zip(SOURCES, results, strict=True):
        assert len(found) == beams
        scores = [one["score"] for one in found]
        assert scores == sorted(scores, reverse=True) and len({one["text"] for one in found}) == beams
        for one in found:
            words = len(one["text"].split())
            if one["tokens"] == words + 1:  # it came to its end
                assert plain.score([source], [one["text"]])[0] == pytest.approx(one["score"], abs=1e-4)
            else:
                assert one["tokens"] == words == 7
    longer = plain.predict_nbest(SOURCES, length_penalty=1.5, **options)
    before = {(row, one["text"]): one for row, found in enumerate(results) for one in found}
    same = [(one, before[row, one["text"]]) for row, found in enumerate(longer) for one in found
            if (row, one["text"]) in before]  # fmt: skip
    assert same
    for one, other in same:
        assert one["score"] == pytest.approx(other["score"] / ((5 + one["tokens"]) / 6) ** 1.5, rel=1e-4)


@pytest.mark.parametrize("beams", [1, 3])
def test_sources_of_any_length_keep_their_places(model, beams, monkeypatch):
    options = {"n": beams, "beam_size": beams, "coverage_penalty": 0.2 * (beams > 1)}
    together = model.predict_nbest(SOURCES, **options)
    for source, expected in zip(SOURCES, together, strict=True):
        (alone,) = model.predict_nbest([source], **options)
        assert [one["text"] for one in alone] == [one["text"] for one in expected]
        np.testing.assert_allclose(
            [one["score"] for one in alone], [one["score"] for one in expected], atol=1e-4
        )
    monkeypatch.setattr("nlpkit.estimators.translating.BATCH_SIZE", 3)
    again = model.predict_nbest(SOURCES, **options)
    assert [[one["text"] for one in found] for found in again] == [
        [one["text"] for one in found] for found in together
    ]
    assert model.predict(SOURCES, **{k: v for k, v in options.items() if k != "n"}) == [
        found[0]["text"] for found in together
    ]


@pytest.mark.parametrize("reverse", [False, True])
def test_alignments_say_what_each_token_was_written_from(reverse):
    model = model_of(reverse_source=reverse, **ATTENTION)
    results = model.predict_nbest(SOURCES, n=2, beam_size=2, alignments=True)
    for source, found in zip(SOURCES, results, strict=True):
        for one in found:
            words = [w if w in "ein Hund und eine Katze".split() else "<unk>" for w in source.split()]
            assert one["source_tokens"] == [*words, "</s>"]
            assert len(one["target_tokens"]) == one["tokens"] == len(one["attention"])
            ids = model.source_([source])
            target = [4 + model.target_.tokenizer.vocabulary.tokens[4:].index(w) if w != "</s>" else 3
                      for w in one["target_tokens"] if w != "<unk>"]  # fmt: skip
            if len(target) == one["tokens"]:
                expected = model.network_.attention_scores(ids, np.array([target]))[0]
                np.testing.assert_allclose(one["attention"], expected, atol=1e-3)
            np.testing.assert_allclose(np.sum(one["attention"], axis=1), 1.0, atol=1e-3)
    assert "attention" not in model.predict_nbest(SOURCES, n=1, beam_size=1)[0][0]


def surely_unknown(model):
    bias = model.network_.output_layer.bias
    bias.assign(np.eye(bias.shape[0])[1] * 60.0)


def test_the_most_attended_source_word_takes_the_place_of_an_unknown_one(monkeypatch):
    model = model_of(**ATTENTION)
    surely_unknown(model)

    def attention_scores(source, ids):
        """The first token is written from the last word, the second from the first."""
        lengths = np.count_nonzero(source, axis=1)
        weights = np.zeros((*ids.shape, source.shape[1]), "float32")
        for row, length in enumerate(lengths):
            weights[row, 0, max(length - 2, 0)] = weights[row, 1:, 0] = 1.0
        return tf.constant(weights)

    monkeypatch.setattr(model.network_, "attention_scores", attention_scores)
    found = model.predict(["Hund Elefant Maus", "Maus"], max_new_tokens=2)
    assert found == ["Maus Hund", "Maus Maus"]
    best = model.predict_nbest(["Elefant und Hund"], n=1, beam_size=3, max_new_tokens=1)
    assert best[0][0]["text"] == "Hund"
    # Nothing stands in an empty source.
    assert model.predict([""], max_new_tokens=1) in ([""], ["<unk>"])


@pytest.mark.parametrize("level", ["byte", "char", "word"])
def test_unknown_words_are_only_written_where_they_can_be_replaced(level, plain):
    without = model_of(level, peeky=True)
    if level != "byte":
        surely_unknown(without)
    assert all("<unk>" not in text for text in without.predict(SOURCES[:2], max_new_tokens=3))
    assert without._writer().allow_unknown is False
    assert model_of(level, **ATTENTION)._writer().allow_unknown == (level != "byte")


def test_words_are_copied_as_they_stand_in_their_source(copying):
    model = model_of(shared=True, copy=2, **ATTENTION)
    kernel, bias = model.network_.pointer.gate.get_weights()
    model.network_.pointer.gate.set_weights([0 * kernel, bias - 50.0])  # nothing is written, all is copied
    found = model.predict_nbest(["Zebra", "Yak Zebra", "Hund"], n=1, beam_size=2, max_new_tokens=1)
    assert found[0][0]["text"] in ("Zebra", "") and found[1][0]["text"] in ("Yak", "Zebra", "")
    texts = {
        one["text"]
        for (one,) in model.predict_nbest(["Zebra", "Yak", "Uhu"], n=1, beam_size=1, max_new_tokens=1)
    }
    assert texts <= {"Zebra", "Yak", "Uhu", ""} and model._writer().allow_unknown is False
    # Beams so wide that they hold ids of words that the source does not have.
    wide = copying.predict_nbest(["Hund", "Zebra"], n=30, beam_size=30, max_new_tokens=2)
    assert [len(found) for found in wide] == [30, 30]
    assert any("Zebra" in one["text"] for one in wide[1]) and not any(
        "Zebra" in one["text"] for one in wide[0]
    )


def test_a_third_unknown_word_is_more_than_can_be_copied(copying):
    rows = copying._source_rows(["Zebra Yak Uhu Yak"])
    size = copying.source_.vocabulary_size
    assert rows[0].tolist() == [size, size + 1, 1, size + 1, 3]


def test_nothing_to_write(model):
    found = model.predict_nbest(SOURCES, n=2, beam_size=2, max_new_tokens=0)
    assert [[one["text"], one["tokens"]] for results in found for one in results[:1]] == [["", 0]] * 4
    assert model.predict(SOURCES, max_new_tokens=0) == [""] * 4


def test_the_graphs_are_those_of_the_network_there_is():
    model = model_of(**ATTENTION)
    first = model._writer()
    assert model._writer() is first
    model.network_ = model_of(peeky=True).network_
    assert model._writer().network is model.network_


@pytest.mark.parametrize(
    ("level", "text", "pieces"),
    [
        ("word", "ein Hund", ["ein", "Hund", "</s>"]),
        ("word", "Zebra", ["<unk>", "</s>"]),
        ("char", "n H", ["n", " ", "H", "</s>"]),
        ("byte", "aé", ["a", "�", "�", "</s>"]),
        ("word", "", ["</s>"]),
        ("byte", "", ["</s>"]),
    ],
)
def test_tokens_as_strings(level, text, pieces):
    layer = text_layer(level, False, {"min_frequency": 1} if level == "word" else {})
    layer.fit_encode(SOURCES[:2])
    assert pieces_of(layer, layer([text]).numpy()[0]) == pieces
    if level == "word":
        assert pieces_of(layer, np.array([layer.vocabulary_size + 1, 3])) == ["<unk>", "</s>"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beam_size": 0}, "`beam_size` must be an integer, 1 or more. Received: beam_size=0"),
        ({"beam_size": True}, "`beam_size` must be an integer, 1 or more. Received: beam_size=True"),
        ({"n": 6}, "`n` must be an integer from 1 to `beam_size`, 5. Received: n=6"),
        ({"n": 0}, "`n` must be an integer from 1 to `beam_size`, 5. Received: n=0"),
        (
            {"max_new_tokens": -1},
            "`max_new_tokens` must be an integer, 0 or more. Received: max_new_tokens=-1",
        ),
        (
            {"max_new_tokens": 2.5},
            "`max_new_tokens` must be an integer, 0 or more. Received: max_new_tokens=2.5",
        ),
        ({"length_penalty": "1"}, "`length_penalty` must be a number. Received: length_penalty='1'"),
        (
            {"coverage_penalty": -1, "beam_size": 1, "n": 1},
            "`coverage_penalty` must be 0 .off. or more. Received: coverage_penalty=-1",
        ),
        (
            {"coverage_penalty": 0.5, "beam_size": 1, "n": 1},
            "`coverage_penalty` chooses among beams. Received: coverage_penalty=0.5 with beam_size=1. Leave it out, or",
        ),
        ({"coverage_penalty": -1}, "`coverage_penalty` must be 0 .* or more. Received: coverage_penalty=-1"),
    ],
)
def test_options_that_cannot_be_used(model, options, message):
    with pytest.raises(InputError, match=message):
        model.predict_nbest(SOURCES, **options)


@pytest.mark.parametrize(("name", "value"), [("coverage_penalty", 0.5), ("alignments", True)])
def test_what_needs_attention(plain, name, value):
    message = f"`{name}` is about what is attended to. Received: {name}={value} for a network without attention. Leave"
    with pytest.raises(InputError, match=message):
        plain.predict_nbest(SOURCES, **{name: value})


def test_texts_that_cannot_be_used(model):
    with pytest.raises(InputError, match="X must be a list of texts. Received: str. Write"):
        model.predict("ein Hund")
    with pytest.raises(InputError, match="X must hold at least one text"):
        model.predict([])
    with pytest.raises(NotFittedError):
        TextToText().predict(["ein Hund"])
