import math
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from sklearn.base import clone

import nlpkit
from nlpkit import InputError, TextGenerator
from nlpkit.data import TableReader
from nlpkit.estimators.report_language import write_examples
from nlpkit.text.vocabulary import END

# Two kinds of sentences, told apart by their first word.
TEXTS = ["one two three four five .", "red green blue white black ."] * 60


def quick(**more):
    training = {"batch_size": 4, "learning_rate": 0.03, "sequence_length": 14}
    options = {"training": training, "network": {"dropout": 0.0}}
    settings = {"units": 16, "num_layers": 1, "epochs": 10, "random_state": 0, "options": options}
    return TextGenerator(**{**settings, **more})


@pytest.fixture(scope="module")
def fitted():
    return quick().fit(TEXTS)


@pytest.fixture(scope="module", params=["char", "byte", "transformer", "nplm", "space"])
def other(request):
    kinds = {"transformer": {"cell": "transformer"}, "nplm": {"cell": "nplm"}, "space": {"normalize": False}}
    return quick(**kinds.get(request.param, {"level": request.param}), epochs=1).fit(TEXTS)


def test_it_writes_what_it_has_read(fitted):
    assert fitted.generate("one two", temperature=0) == " three four five."
    assert fitted.generate(["red", "one"], temperature=0, max_new_tokens=2) == [" green blue", " two three"]
    assert fitted.generate("", seed=1, top_k=1) in ("one two three four five.", "red green blue white black.")


def test_scores_are_sums_of_log_probabilities(fitted):
    likely, unlikely = fitted.score([TEXTS[0], "five four . one two three"])
    assert likely > -3 > unlikely
    details = fitted.generate_details("", seed=4, logprobs=3)[0]
    assert details["score"] == pytest.approx(sum(details["logprobs"]), abs=1e-4)
    # What was drawn is a whole text, so that its score is that of the text.
    assert details["score"] == pytest.approx(fitted.score([details["text"]])[0], abs=1e-3)
    best = details["top_logprobs"][0]
    assert len(best) == 3 and sum(math.exp(value) for value in best.values()) < 1


def test_measuring_again_makes_no_graph_again(fitted, monkeypatch):
    fitted.score(TEXTS[:1])
    fitted.embed(TEXTS[:1])
    monkeypatch.setattr(tf, "function", None)
    assert fitted.score(TEXTS[:4]).shape == (4,) and fitted.embed(TEXTS[:4]).shape[0] == 4


def test_an_embedding_is_the_mean_hidden_state_over_the_tokens_of_a_text(fitted, other):
    texts = [" ".join(TEXTS[:3]), "", "red", "one two three four", "unknown blue ."]
    for generator in (fitted, other):
        embedded = generator.embed(texts)
        for text, together in zip(texts, embedded, strict=True):
            ids = generator.text_to_ids_.encode([text])[0]
            # A text is read behind the end of another; the last state is the one that expects its own end.
            hidden, _ = generator.network_.hidden(np.array([[END, *ids[:-1]]], "int32"))
            expected = hidden.numpy()[0].mean(axis=0)
            np.testing.assert_allclose(together, expected, atol=1e-5)
            np.testing.assert_allclose(generator.embed([text])[0], expected, atol=1e-5)


def test_fitted_again_it_measures_with_its_new_weights():
    model = quick(epochs=1).fit(TEXTS)
    before = model.score(TEXTS[:2]), model.embed(TEXTS[:2])
    model.set_params(random_state=5).fit(TEXTS)
    fresh = clone(model).fit(TEXTS)
    found = model.score(TEXTS[:2]), model.embed(TEXTS[:2])
    for own, other, old in zip(found, (fresh.score(TEXTS[:2]), fresh.embed(TEXTS[:2])), before, strict=True):
        np.testing.assert_array_equal(own, other)
        assert not np.allclose(own, old)


def test_perplexity_is_the_exponential_of_the_mean_score(fitted):
    # Read as a stream, texts know those before them; one text alone has none.
    evaluation = fitted.evaluate(TEXTS[:1])
    assert evaluation["tokens"] == 7 and evaluation["texts"] == 1 and evaluation["unknown"] == 0
    alone = math.exp(-fitted.score(TEXTS[:1])[0] / 7)
    assert evaluation["perplexity"] == pytest.approx(alone, rel=1e-4)
    bits = math.log2(alone) * 7 / (len(TEXTS[0]) + 1)
    assert evaluation["bits_per_character"] == pytest.approx(bits, rel=1e-4)
    assert fitted.perplexity(TEXTS[:1]) == evaluation["perplexity"]
    assert fitted.perplexity(TEXTS[:1] * 8) != pytest.approx(alone, rel=1e-4)


def test_every_level_and_cell_writes_measures_and_comes_back(other, tmp_path):
    text = other.generate("one ", max_new_tokens=6, seed=3)
    assert isinstance(text, str) and other.generate("one ", max_new_tokens=6, seed=3) == text
    assert "".join(other.stream("one ", max_new_tokens=6, seed=3)) == text
    assert other.embed(["one", "two three"]).shape == (2, 16)
    other.save(tmp_path / "model")
    loaded = nlpkit.load(tmp_path / "model")
    assert loaded.generate("one ", max_new_tokens=6, seed=3) == text
    np.testing.assert_array_equal(loaded.score(TEXTS[:2]), other.score(TEXTS[:2]))
    assert loaded.spec() == other.spec()


def test_rows_of_a_batch_write_as_alone_but_for_chance(fitted):
    prompts = ["one", "red green blue", "", "nothing that it knows"]
    together = fitted.generate(prompts, temperature=0, max_new_tokens=5)
    assert together == [fitted.generate(prompt, temperature=0, max_new_tokens=5) for prompt in prompts]


def test_stop_strings_cut_wherever_they_lie(fitted):
    assert fitted.generate("one two", stop="fou", temperature=0) == " three "
    assert fitted.generate("one two", stop=["e four f", "white"], temperature=0) == " thre"
    assert list(fitted.stream("one two", stop="four f", temperature=0)) == [" three", " "]
    assert fitted.generate(["one", "red"], stop="blue", temperature=0) == [" two three four five.", " green "]


def test_beams_find_the_likely_text(fitted):
    first, second = fitted.generate_details("one", beam_size=4, num_results=2, max_new_tokens=8)
    assert first["text"] == " two three four five." and first["score"] >= second["score"]
    assert fitted.generate(["one", "red"], beam_size=2, max_new_tokens=3) == [
        " two three four",
        " green blue white",
    ]


def test_beams_give_the_texts_that_there_are(fitted):
    # The end, and each of the eleven words.
    several = {"beam_size": 14, "num_results": 14, "max_new_tokens": 1}
    found = fitted.generate_details(["one", "red"], **several)
    assert len(found) == 24 and all(math.isfinite(row["score"]) for row in found)
    first, second = fitted.generate(["one", "red"], **several)
    assert first == [row["text"] for row in found[:12]] and len(set(second)) == 12
    assert [row["prompt"] for row in found] == ["one"] * 12 + ["red"] * 12
    # No text at all keeps to such rules.
    rules = {"bad_words": TEXTS[0].split() + TEXTS[1].split(), "min_new_tokens": 1, "beam_size": 2}
    assert fitted.generate_details("one", **rules) == []
    assert fitted.generate(["one", "red"], **rules) == ["", ""]
    assert fitted.generate("one", num_results=2, **rules) == []


def test_options_reach_the_search(fitted):
    assert "three" not in fitted.generate("one two", bad_words=["three"], temperature=0, max_new_tokens=4)
    assert fitted.generate("one two", temperature=0, max_new_tokens=0) == ""
    several = fitted.generate("one", seed=1, num_results=3, temperature=5.0, max_new_tokens=4)
    assert len(several) == 3 and len(set(several)) > 1
    long = fitted.generate_details("one", temperature=0, min_new_tokens=12, max_new_tokens=12)[0]
    assert long["tokens"] == 12


def test_scores_come_with_the_numbers_of_tokens(fitted):
    texts = np.array([TEXTS[0], "", "two unheard words"])
    details = fitted.score_details(texts)
    assert [row["text"] for row in details] == texts.tolist()
    assert [row["log_probability"] for row in details] == fitted.score(texts).tolist()
    assert [(row["tokens"], row["unknown"]) for row in details] == [(7, 0), (1, 0), (4, 2)]


def test_pickle_and_clone(fitted):
    assert fitted.generate("one", temperature=0)
    again = pickle.loads(pickle.dumps(fitted))
    assert again.generate("one", seed=2) == fitted.generate("one", seed=2)
    assert clone(fitted).get_params()["units"] == 16


def test_the_end_of_the_texts_is_held_out_and_what_was_chosen_is_reported():
    generator = TextGenerator(random_state=0, units=8, epochs=1).fit(TEXTS)
    report = generator.report_
    assert report["data"]["validation"] == {
        "files": [], "held_out": True, "total_tokens": 84, "characters": sum(len(text) + 1 for text in TEXTS[-12:]),
    }  # fmt: skip
    chosen = {row["setting"]: row["value"] for row in report["choices"]}
    assert chosen == {"sequence_length": 35, "batch_size": 1, "dropout": 0.3, "variational": True}
    assert report["perplexity"]["validation"] == pytest.approx(math.exp(report["history"]["val_loss"][0]))


def test_a_reader_and_validation_data(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("\n\n".join(TEXTS) + "\n")
    reader = TableReader(path, label=False)
    generator = quick(epochs=1).fit(reader, validation_data=TEXTS[:9])
    assert generator.report_["data"]["train"]["rows"] == 120  # blank lines are no texts
    assert generator.report_["data"]["validation"]["rows"] == 9
    same = quick(epochs=1).fit(TEXTS, validation_data=TEXTS[:9])
    np.testing.assert_allclose(generator.score(TEXTS[:2]), same.score(TEXTS[:2]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"level": "letter"},
            r"`level` \(--level\) must be one of byte, char, subword, word. Received: 'letter'",
        ),
        ({"cell": "cnn"}, "`cell` must be one of .*Received: cell='cnn'"),
        ({"options": {"net": {}}}, r"`options` has the groups .* Received: \['net'\]"),
        (
            {"options": {"network": {"hidden": 3}}},
            "network settings cannot be used: .*hidden.* See nlpkit.models",
        ),
        ({"options": {"text": {"size": 3}}}, "text settings cannot be used: .*size.* See nlpkit.text"),
        ({"options": {"training": {"epoch": 3}}}, "1 setting.* cannot be used"),
        ({"options": {"training": {"batch_size": 9_999}}}, "9999 parallel streams, .*Give more text"),
    ],
)
def test_settings_that_cannot_be_used(options, message):
    with pytest.raises(InputError, match=message):
        TextGenerator(**{"units": 8, "epochs": 1, **options}).fit(TEXTS)


def test_texts_that_cannot_be_used():
    with pytest.raises(InputError, match="The training texts must hold text. Received: blank ones only."):
        quick().fit(["", "  "])
    with pytest.raises(InputError, match="must be a list of texts. Received: str"):
        quick().fit("a text")
    with pytest.raises(
        InputError, match="words for the vocabulary, .*Received: 2 words in 1 texts, none of them"
    ):
        quick(normalize=False).fit(["<unk> <unk>"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": -1}, "`value` must be|`temperature` must be"),
        ({"top_p": 0}, "`p` must be|`top_p` must be"),
        (
            {"max_new_tokens": -1},
            "`max_new_tokens` must be an integer, 0 or more. Received: max_new_tokens=-1",
        ),
        ({"top": 3}, "The options of a generation are .*top_k.*Received: top"),
        ({"stop": ""}, "`stop` must be a string or several, none of them empty"),
        ({"seed": "one"}, "`seed` must be an integer from -2147483648 to 2147483647. Received: seed='one'"),
        ({"seed": 2**40}, "`seed` must be an integer from -2147483648 to 2147483647"),
        ({"length_penalty": 0.5}, "belongs to a search with beams. Received: length_penalty=0.5 without"),
        ({"num_results": 0}, "`num_results` must be an integer, 1 or more"),
        (
            {"min_new_tokens": 5, "max_new_tokens": 4},
            "`min_new_tokens` must be at most `max_new_tokens`, .*: min_new_tokens=5, max_new_tokens=4. Write more",
        ),
        (
            {"beam_size": 3, "seed": 1, "top_k": 3},
            "belongs to drawing one. Received: beam_size=3 with top_k=3, seed=1",
        ),
    ],
)
def test_options_that_cannot_be_used(fitted, options, message):
    with pytest.raises(InputError, match=message):
        fitted.generate("one", **options)


def test_mixed_precision_learns_too():
    options = {
        "training": {"batch_size": 4, "learning_rate": 0.03, "sequence_length": 14, "mixed_precision": True}
    }
    options["network"] = {"dropout": 0.0}
    generator = quick(options=options).fit(TEXTS)
    assert generator.network_.embedding.compute_dtype == "bfloat16"
    assert generator.generate("one two", temperature=0) == " three four five."


def test_a_text_without_any_token_is_nothing_but_its_end(fitted, other):
    begins = fitted.generate_details("", max_new_tokens=1, logprobs=15, temperature=0)[0]["top_logprobs"][0]
    empty, blank = fitted.score(["", "  "])
    assert empty == blank == pytest.approx(begins[3], abs=1e-4)
    spaces = other.score(["", " "])
    # A space is a token where characters or bytes are.
    assert (abs(spaces[0] - spaces[1]) < 1e-5) == (other.level == "word")


def test_no_text_is_too_short_to_be_measured(fitted):
    for text in ("red", "the red"):
        found = fitted.evaluate([text])
        expected = np.exp(-fitted.score([text])[0] / found["tokens"])
        assert found["perplexity"] == pytest.approx(expected, rel=1e-4)


def test_a_text_shorter_than_a_segment_is_enough_to_train():
    short = quick(epochs=2, options={"training": {"sequence_length": 50}, "network": {"dropout": 0.0}})
    short.fit(["to be or not to be"], validation_data=["to be"])
    assert np.isfinite(short.perplexity(["to be"]))


def test_documents_are_read_by_themselves_everywhere(tmp_path):
    training = {"batch_size": 8, "learning_rate": 0.03, "sequence_length": 4, "documents": True}
    texts = [*TEXTS[:40], "one red ."]
    generator = quick(epochs=2, options={"training": training, "network": {"dropout": 0.0}})
    generator.fit(texts, validation_data=texts[-7:])
    evaluation = generator.evaluate(texts)
    loss = -generator.score(texts).sum() / evaluation["tokens"]
    assert math.log(evaluation["perplexity"]) == pytest.approx(loss, rel=1e-5)
    assert generator.report_["perplexity"]["validation"] == pytest.approx(
        generator.perplexity(texts[-7:]), rel=1e-5
    )
    generator.save(tmp_path / "model")
    loaded = nlpkit.load(tmp_path / "model")
    assert loaded.spec().training.documents and loaded.evaluate(texts[::-1]) == pytest.approx(evaluation)


def test_whole_documents_are_held_out():
    training = {"documents": True, "sequence_length": 4}
    generator = quick(epochs=1, options={"training": training}).fit(["one two three ."] * 9 + ["one"])
    assert generator.report_["data"]["validation"]["total_tokens"] == 5 + 2
    assert generator.report_["choices"][0]["reason"] == "texts side by side, one for 5,000 tokens of all"
    with pytest.raises(
        InputError, match="With `documents` .--documents. the last texts are held out.*Received: 1 text"
    ):
        quick(options={"training": training}).fit(["one two three " * 20])


def test_a_prompt_may_be_longer_than_the_context_and_than_any_segment():
    settings = {"network": {"context": 3, "dropout": 0.0}, "training": {"sequence_length": 5}}
    looks_back = quick(cell="transformer", epochs=1, options=settings).fit(TEXTS[:40])
    long = " ".join(TEXTS[:6])
    written = looks_back.generate(long, max_new_tokens=4, temperature=0)
    # What the layer does not look back to does not count.
    end = " ".join(long.split()[-5:])
    logits = [
        looks_back.generate_details(text, max_new_tokens=1, logprobs=3, temperature=0)[0]["logprobs"]
        for text in (long, end)
    ]
    assert len(written.split()) <= 4
    np.testing.assert_allclose(*logits, atol=1e-4)


def test_a_text_that_is_held_out_in_part_counts_by_its_share():
    data = quick(level="char", epochs=1).fit(["x" * 999]).report_["data"]["validation"]
    assert (data["total_tokens"], data["characters"]) == (100, 100)
    data = quick(level="byte", epochs=1).fit(["é" * 999]).report_["data"]["validation"]
    assert data["total_tokens"] == 200 and data["characters"] == 100


def test_the_report_shows_texts_that_the_model_writes(fitted):
    texts = fitted.report_["examples"]
    options = {"num_results": 3, "seed": 0, "temperature": 0.8, "max_new_tokens": 40}
    assert texts and texts == [text for text in fitted.generate(**options) if text]
    assert any("two three" in text or "blue white" in text for text in texts)


def test_blank_texts_are_not_shown():
    model = SimpleNamespace(level="char", generate=lambda **options: ["", "\n", "a"])
    assert write_examples(model) == ["a"]
