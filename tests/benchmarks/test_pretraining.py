"""Language model and classifiers of `pretraining.py` on small data; what is judged and written."""

import gzip

import corpora
import numpy as np
import pretraining
import pytest

FILMS = [
    "a good film",
    "a dull film",
    "a lovely song .<br />Again!",
    "an awful song",
    "good good book",
    "poor book",
]


@pytest.fixture
def reviews(data, monkeypatch):
    """IMDb and SST-2 of a few words, with texts of their own in each part."""
    rows = [(text, 1 - number % 2) for number, text in enumerate(FILMS)]
    for part in ("train", "test"):
        path = data / "imdb" / f"{part}.tsv.gz"
        path.parent.mkdir(exist_ok=True)
        lines = "".join(f"{label}\t7\t{text} imdb{part}\n" for text, label in rows * 20)
        path.write_bytes(gzip.compress(lines.encode()))
    for part in ("train", "dev", "test"):
        path = data / "sst2" / f"{part}.tsv"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(f"{label}\t{text.lower()} sst{part}\n" for text, label in rows * 12))
    monkeypatch.setattr(pretraining, "MODELS", data / "saved_models")
    return data


def test_the_language_model_reads_no_text_of_a_test_part(reviews, quick, monkeypatch):
    import nlpkit

    seen = {}
    fit = nlpkit.TextGenerator.fit

    def watched(self, texts, validation_data):
        seen.update(train=texts, validation=validation_data)
        return fit(self, texts, validation_data=validation_data)

    monkeypatch.setattr(nlpkit.TextGenerator, "fit", watched)
    quick("pretraining", "--data", "sst2")
    assert {text.split()[-1] for part in seen.values() for text in part} == {"imdbtrain"}
    assert len(seen["train"]) == 108 and len(seen["validation"]) == 12


def test_what_a_run_writes(reviews, quick):
    found = quick("pretraining", "--data", "imdb")
    assert found["generator"]["texts"] == 108 and found["generator"]["perplexity"] > 1
    starts = found["data"]["imdb"]
    assert list(starts) == [*pretraining.STARTS, *pretraining.VOTES]
    for row in starts.values():
        assert 0 <= row["test_accuracy"] <= 1 and "probabilities" not in row["runs"][0]
    for tail in ("", " + default"):
        own, scratch = starts["generator" + tail], starts["scratch" + tail]
        assert own["gain"] == pytest.approx(own["test_accuracy"] - scratch["test_accuracy"], abs=1e-4)
        assert (own["asked"], own["goal"]) == (0.915, 0.925) and "gain" not in scratch
    text = (reviews / "pretraining_quick.md").read_text(encoding="utf-8")
    assert "the language model: 108 texts" in text and "92.8 (Dai & Le 2015)" in text
    assert (reviews / "saved_models" / "pretraining_generator_quick" / "spec.json").is_file()


def test_a_vote_is_the_mean_of_two():
    first = {
        "seed": 3,
        "seconds": 1.0,
        "classes": ["a", "b"],
        "probabilities": {"dev": [[0.6, 0.4], [0.45, 0.55]], "test": [[0.9, 0.1]]},
    }
    second = {
        "seed": 3,
        "seconds": 2.0,
        "probabilities": {"dev": [[0.1, 0.9], [0.8, 0.2]], "test": [[0.2, 0.8]]},
    }
    found = pretraining.vote([first, second], {"dev": ["b", "b"], "test": ["a"]})
    assert found == {"seed": 3, "dev_accuracy": 0.5, "test_accuracy": 1.0, "seconds": 3.0}


def test_accuracies_are_the_classifiers_own(reviews, monkeypatch):
    import nlpkit

    seen = []
    fit = nlpkit.TextClassifier.fit

    def watched(self, *given, **more):
        seen.append(self)
        return fit(self, *given, **more)

    monkeypatch.setattr(nlpkit.TextClassifier, "fit", watched)
    run = pretraining.measure("sst2", None, "default", seed=0, limit=None, epochs=1)
    corpus = corpora.load("sst2")
    assert run["test_accuracy"] == seen[0].evaluate(*corpus.test)["accuracy"]
    assert len(run["probabilities"]["dev"]) == len(corpus.validation[0])


def test_from_scratch_means_random_weights(reviews, quick, monkeypatch):
    import nlpkit

    seen = []
    fit = nlpkit.TextClassifier.fit

    def watched(self, *given, **more):
        if self.encoder_from is not None:
            seen.append(self.encoder_from.network_.get_weights()[0])
        return fit(self, *given, **more)

    monkeypatch.setattr(nlpkit.TextClassifier, "fit", watched)
    quick("pretraining", "--data", "imdb", "--seeds", "2")
    scratch, (first, second) = seen[::2], seen[1::2]
    np.testing.assert_array_equal(first, second)
    assert len(scratch) == 2 and not np.allclose(*scratch) and not np.allclose(scratch[0], first)
