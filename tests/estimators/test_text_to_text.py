"""Text to text from end to end: what it learns, measures, keeps, and makes of texts that it has never seen."""

import itertools
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from sklearn.base import clone

import nlpkit
from nlpkit import InputError, TextToText
from nlpkit.data import TableReader
from nlpkit.estimators.text_to_text_fitting import GROUPS
from nlpkit.models.decoded import inputs_for
from nlpkit.training.callbacks import TimeLimit

HOME = Path(__file__).parents[2]
WORDS = ["one", "two", "three", "four", "five", "six"]
PAIRS = [(f"{a} and {b} .", f"{b} {a} .") for a, b in itertools.product(WORDS, WORDS)] * 4
SOURCES, TARGETS = (list(side) for side in zip(*PAIRS, strict=True))


def quick(**more):
    training = {"batch_size": 16, "learning_rate": 0.02, "patience": None, "average_epochs": 1}
    options = {"training": training, **more.pop("options", {})}
    settings = {"level": "word", "units": 24, "epochs": 12, "random_state": 0, "options": options}
    return TextToText(**{**settings, **more})


def tiny(**more):
    """One epoch of the smallest model: for what does not depend on what was learned."""
    return quick(**{"units": 8, "epochs": 1, **more})


@pytest.fixture(scope="module")
def fitted():
    return quick(units=32, epochs=30).fit(SOURCES, TARGETS)


def test_it_learns_to_turn_words_around(fitted):
    assert fitted.predict(["one and six .", "four and two ."]) == ["six one.", "two four."]
    assert fitted.predict(["one and six ."], beam_size=4) == ["six one."]
    best = fitted.predict_nbest(["five and three ."], n=3, beam_size=4, alignments=True)[0]
    assert best[0]["text"] == "three five." and best[0]["score"] > best[1]["score"] >= best[2]["score"]
    assert best[0]["source_tokens"] == ["five", "and", "three", ".", "</s>"]
    assert best[0]["target_tokens"] == ["three", "five", ".", "</s>"]


def test_scores_are_sums_of_log_probabilities(fitted):
    sources, targets = [*SOURCES[:3], "", "an unknown one"], ["two one .", "five", "", "one", TARGETS[4]]
    found = fitted.score(sources, targets)
    assert found.shape == (5,)
    for score, source, target in zip(found, sources, targets, strict=True):
        ids, wanted = fitted.source_([source]), fitted.target_([target])
        logits = fitted.network_([ids, inputs_for(wanted)])
        expected = tf.reduce_sum(tf.gather(tf.nn.log_softmax(logits), wanted, batch_dims=2))
        assert score == pytest.approx(float(expected), abs=1e-3)
    likely, unlikely = fitted.score(["one and two ."] * 2, ["two one .", "one two ."])
    assert likely > -1 and likely > unlikely + 2


def test_scoring_again_makes_no_graph_again(fitted, monkeypatch):
    fitted.score(SOURCES[:1], TARGETS[:1])
    monkeypatch.setattr(tf, "function", None)
    assert fitted.score(SOURCES[:40], TARGETS[:40]).shape == (40,)


def test_evaluation_and_test_parts(fitted):
    sources, targets = SOURCES[:30], TARGETS[:30]
    wrong = [*targets[:-3], "one", "two", "three"]
    # What it writes has its marks where they belong.
    tidy = [target.replace(" .", ".") for target in wrong]
    found = fitted.evaluate(sources, tidy)
    expected = 100 * np.mean([own == other for own, other in zip(fitted.predict(sources), tidy, strict=True)])
    assert found["exact_match"] == pytest.approx(expected) and 80 < expected < 100 and found["texts"] == 30
    assert {"bleu", "chrf", "rouge1", "rougeL", "bleu_signature"} <= set(found) and found["chrf"] > 80
    model = pickle.loads(pickle.dumps(fitted))
    assert model.add_test(sources, tidy) == found == model.report_["metrics"]["test"]
    assert model.report_["data"]["test"]["rows"] == 30 and "test" not in fitted.report_["metrics"]


def test_the_report_says_what_was_done(fitted):
    report = fitted.report_
    assert report["task"] == "text_to_text" and report["data"]["train"]["rows"] == len(PAIRS)
    assert (
        report["data"]["validation"]["held_out"] and report["data"]["validation"]["rows"] == len(PAIRS) // 10
    )
    assert (
        len(report["history"]["loss"]) == 30
        and report["history"]["loss"][-1] < report["history"]["loss"][0] / 4
    )
    chosen = {row["setting"]: row["value"] for row in report["choices"]}
    assert chosen == {
        "cell": "gru",
        "bidirectional": True,
        "attention": "additive",
        "dropout": 0.3,
        "label_smoothing": 0.1,
        "max_source_length": 5,
        "max_new_tokens": 4,
    }
    expected = np.exp(report["history"]["val_loss"][report["best_epoch"] - 1])
    assert report["perplexity"]["validation"] == pytest.approx(expected)


def test_it_comes_back_from_its_folder(fitted, tmp_path):
    folder = tmp_path / "model"
    fitted.save(folder)
    fitted.save(folder)  # in place of the one before
    assert (folder / "source" / "vocabulary.txt").is_file() and (
        folder / "target" / "vocabulary.txt"
    ).is_file()
    loaded = nlpkit.load(folder)
    assert isinstance(loaded, TextToText) and loaded.spec() == fitted.spec()
    assert loaded.get_params() == fitted.get_params()
    some = SOURCES[:5]
    assert loaded.predict_nbest(some, n=2, beam_size=3) == fitted.predict_nbest(some, n=2, beam_size=3)
    np.testing.assert_array_equal(loaded.score(some, TARGETS[:5]), fitted.score(some, TARGETS[:5]))
    code = f"import nlpkit; print(nlpkit.load({str(folder)!r}).predict({some!r}))"
    environment = {**os.environ, "PYTHONPATH": str(HOME)}
    found = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.splitlines()[-1] == str(fitted.predict(some))


def test_a_damaged_folder_is_noticed(fitted, tmp_path):
    for side in ("target", "source"):
        folder = tmp_path / side
        fitted.save(folder)
        vocabulary = folder / side / "vocabulary.txt"
        vocabulary.write_text("\n".join(vocabulary.read_text().splitlines()[:-1]) + "\n")
        size = getattr(fitted, f"{side}_").vocabulary_size
        found = f"{size - 1} {side} tokens in the vocabulary in place of {size}"
        with pytest.raises(
            InputError,
            match=f"do not belong together. Received: {found}. A file .*copy the whole folder again",
        ):
            nlpkit.load(folder)
    (folder / "source" / "vocabulary.txt").unlink()
    with pytest.raises(InputError, match="The vocabulary file vocabulary.txt is missing"):
        nlpkit.load(folder)


def test_pickle_and_clone(fitted):
    again = pickle.loads(pickle.dumps(fitted))
    assert again.predict(SOURCES[:4]) == fitted.predict(SOURCES[:4])
    assert again.report_ == fitted.report_ and again.get_params() == fitted.get_params()
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params() and not hasattr(copy, "network_")
    assert pickle.loads(pickle.dumps(copy)).units == 32


def test_the_constructor_only_stores():
    options = {"network": {"dropout": 0.1}}
    model = TextToText("gnmt", units=3, options=options)
    assert model.get_params()["options"] is options and set(vars(model)) == set(model.get_params())
    assert "units=3" in repr(model)


def test_texts_of_every_kind_are_answered(fitted):
    texts = ["", "   ", "ñ 🙂 Ω", "one " * 200, "one\tand\ntwo .", "\ud800"]
    found = fitted.predict(texts)
    assert len(found) == 6 and all(isinstance(text, str) for text in found)
    assert found[0] == found[1] and found[4] == fitted.predict(["one and two ."])[0]
    # Unknown words are all the same to it.
    assert fitted.source_(["ñ"]).numpy().tolist() == [[1, 3]]
    assert np.isfinite(fitted.score(texts, [""] * 6)).all()
    # However long, a source is read to its end.
    assert fitted.source_(["one " * 200]).shape == (1, 201)
    long, longer = fitted.score(["one " * 200, "one " * 200 + "five"], ["one", "one"])
    assert abs(long - longer) > 1e-6
    # At most as many tokens as the longest target had, unless more are asked for.
    assert max(one["tokens"] for (one,) in fitted.predict_nbest(texts, n=1)) <= fitted._longest == 4


KINDS = {
    "subword, reverse": {"preset": "reverse", "level": "subword", "options": {"source": {"max_length": 6}}},
    "char, transformer": {"preset": "transformer", "level": "char", "shared": True, "num_layers": 1},
    "byte to word": {"preset": "peeky", "source_level": "byte", "target_level": "word", "cell": "gru"},
    "gnmt of two layers": {"preset": "gnmt", "num_layers": 2, "normalize": False},
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_level_and_preset_writes_measures_and_comes_back(kind, tmp_path):
    model = tiny(**KINDS[kind]).fit(SOURCES[:40], TARGETS[:40])
    texts = ["one and two .", "", "ñ one", "one " * 30]
    written = model.predict(texts, beam_size=2)
    assert [model.predict([text], beam_size=2)[0] for text in texts] == written
    scores = model.score(texts[:2], ["two one .", ""])
    assert (scores < 0).all()
    model.save(tmp_path / "model")
    loaded = nlpkit.load(tmp_path / "model")
    assert loaded.predict(texts, beam_size=2) == written and loaded.spec() == model.spec()
    np.testing.assert_array_equal(loaded.score(texts[:2], ["two one .", ""]), scores)
    assert pickle.loads(pickle.dumps(model)).predict(texts, beam_size=2) == written
    assert (model.source_ is model.target_) == (loaded.source_ is loaded.target_) == bool(model.shared)
    assert (tmp_path / "model" / "source").exists() != bool(model.shared)
    if kind.startswith("subword"):
        # A source that is too long is cut.
        assert model.source_(["one " * 30]).shape == (1, 6)


def test_names_that_the_vocabulary_lacks_are_copied(tmp_path):
    names = [f"{a}{b}{c}" for a, b, c in itertools.product("BDKLMNRST", "aeiou", "klmnrst")]
    sources = [f"my name is {name} ." if n % 2 else f"call me {name} ." for n, name in enumerate(names)]
    targets = [f"hello {name} !" for name in names]
    # Each name stands on both sides of one pair.
    options = {"network": {"copy": 2, "dropout": 0.0}, "source": {"min_frequency": 3}}
    model = quick(shared=True, units=16, epochs=7, options=options).fit(sources, targets)
    assert model.source_ is model.target_ and model.network_.target is None
    assert not set(names) & set(model.source_.tokenizer.vocabulary.tokens)
    found = model.predict(["my name is Zorro .", "call me Quirin ."])
    assert found == ["hello Zorro!", "hello Quirin!"]
    # The name that stands there is likelier than another one, which counts as unknown.
    right, wrong = model.score(["my name is Zorro ."] * 2, ["hello Zorro !", "hello Quirin !"])
    assert right > wrong + 2
    model.save(tmp_path / "model")
    assert nlpkit.load(tmp_path / "model").predict(["call me Quirin ."]) == found[1:]


def test_unknown_words_are_replaced_after_training():
    """Each source word is written as it is; those that occur once are unknown to both vocabularies."""
    random = np.random.default_rng(0)
    rare = iter(f"x{n}" for n in range(9_999))
    rows = [
        [next(rare) if random.random() < 0.3 else WORDS[random.integers(6)] for _ in range(3)]
        for _ in range(240)
    ]
    texts = [" ".join(row) for row in rows]
    options = {"network": {"attention": "multiplicative", "input_feeding": False, "dropout": 0.0}}
    model = quick(preset="attention", units=24, epochs=20, options=options).fit(texts, texts)
    found = model.predict(["one zebra six", "quagga two", "two two yak"])
    assert sum("zebra" in text or "quagga" in text or "yak" in text for text in found) >= 2, found
    assert all("<unk>" not in text for text in found)


def test_readers_validation_data_and_a_limit_of_time(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"{a}\t{b}\n" for a, b in PAIRS[:40]))
    reader = TableReader(path, columns=["text", "label"])
    model = tiny(minutes=5).fit(reader, validation_data=(SOURCES[:8], TARGETS[:8]))
    assert model.report_["data"]["train"]["rows"] == 40 and model.report_["data"]["validation"]["rows"] == 8
    assert model.report_["settings"]["training"]["schedule"] == "plateau"
    same = tiny(minutes=5).fit(SOURCES[:40], TARGETS[:40], validation_data=(SOURCES[:8], TARGETS[:8]))
    np.testing.assert_allclose(
        model.score(SOURCES[:2], TARGETS[:2]), same.score(SOURCES[:2], TARGETS[:2]), atol=1e-6
    )
    assert model.evaluate(reader)["texts"] == 40


def stop_before_the_last(callback, epoch, logs=None):
    if epoch == 2:
        raise KeyboardInterrupt


def test_a_resumed_fit_is_an_uninterrupted_one(tmp_path, monkeypatch):
    def fit(**more):
        return tiny(epochs=3, options={"network": {"dropout": 0.2}}).fit(SOURCES[:40], TARGETS[:40], **more)

    whole = fit()
    with monkeypatch.context() as patch:
        patch.setattr(TimeLimit, "on_epoch_begin", stop_before_the_last, raising=False)
        with pytest.raises(KeyboardInterrupt):
            fit(checkpoint=tmp_path)
    resumed = fit(checkpoint=tmp_path, resume=True)
    assert resumed.report_["history"] == whole.report_["history"]
    for own, other in zip(resumed.network_.get_weights(), whole.network_.get_weights(), strict=True):
        np.testing.assert_array_equal(own, other)
    with pytest.raises(InputError, match="checkpoint"):
        tiny(epochs=3).fit(SOURCES[:30], TARGETS[:30], checkpoint=tmp_path, resume=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "best"}, r"`preset` \(--preset\) must be one of .* Received: 'best'"),
        ({"level": "letter"}, r"`level` \(--level\) must be one of .* Received: 'letter'"),
        (
            {"source_level": "letter"},
            r"`source_level` \(--source-level\) must be one of .* Received: 'letter'",
        ),
        (
            {"target_level": "letter"},
            r"`target_level` \(--target-level\) must be one of .* Received: 'letter'",
        ),
        ({"options": {"text": {}}}, rf"`options` has the groups \['{GROUPS[0]}', .*\]. Received: \['text'\]"),
        (
            {"options": {"network": {"hidden": 3}}},
            "network settings cannot be used: .*hidden.* See nlpkit.models",
        ),
        ({"options": {"target": {"size": 3}}}, "target settings cannot be used: .*size.* See nlpkit.text"),
        ({"options": {"training": {"epoch": 3}}}, r"options\['training'\]: 1 setting.* cannot be used"),
        (
            {"shared": True, "source_level": "char"},
            r"With `shared` \(--shared\) both sides .* Received: char and word, with .* leave out `shared`",
        ),
        (
            {"shared": True, "options": {"target": {"case": "lower"}}},
            r"With `shared` .*options\['target'\] {'case': 'lower'}. Give the same for both",
        ),
        (
            {"options": {"network": {"copy": 2}}},
            "`copy` writes words of the source .* Received: shared=False. Set",
        ),
        (
            {"shared": True, "level": "byte", "options": {"network": {"copy": 2}}},
            "`copy` takes whole words .* Received: a ByteTokenizer. Take level='word'",
        ),
        (
            {"preset": "seq2seq", "options": {"training": {"coverage_loss": 1.0}}},
            "`coverage_loss` is about what is attended to. Received: coverage_loss=1.0",
        ),
    ],
)
def test_settings_that_cannot_be_used(options, message):
    with pytest.raises(InputError, match=message):
        TextToText(**{"level": "word", "units": 8, "epochs": 1, **options}).fit(SOURCES[:40], TARGETS[:40])


@pytest.mark.parametrize("given", [SOURCES[:8], (SOURCES[:8],), (SOURCES[:8], TARGETS[:8], 1)])
def test_validation_data_are_a_pair(given):
    message = (
        r"`validation_data` must be a pair of lists, sources and targets, or a TableReader. Received: [\[(]"
    )
    with pytest.raises(InputError, match=message):
        tiny().fit(SOURCES[:40], TARGETS[:40], validation_data=given)


def test_fitted_again_it_measures_with_its_new_weights(fitted):
    again = pickle.loads(pickle.dumps(fitted))
    before = again.score(SOURCES[:3], TARGETS[:3])
    again.set_params(units=8, epochs=1).fit(SOURCES[:40], TARGETS[:40])
    fresh = clone(again).fit(SOURCES[:40], TARGETS[:40])
    found = again.score(SOURCES[:3], TARGETS[:3])
    np.testing.assert_array_equal(found, fresh.score(SOURCES[:3], TARGETS[:3]))
    assert not np.allclose(found, before)


def test_pairs_that_cannot_be_used():
    with pytest.raises(InputError, match="The training pairs need targets: .* Received: y=None"):
        tiny().fit(SOURCES)
    with pytest.raises(InputError, match="one target per source. Received: 144 sources and 3 targets"):
        tiny().fit(SOURCES, TARGETS[:3])
    with pytest.raises(InputError, match="A tenth of the pairs is held out .* Received: 1 pair. Give"):
        tiny(options={"source": {"min_frequency": 1}, "target": {"min_frequency": 1}}).fit(
            SOURCES[:1], TARGETS[:1]
        )
