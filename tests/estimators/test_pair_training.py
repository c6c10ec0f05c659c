"""What is held out, what is measured, and what stands in the report of an estimator of pairs."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from nlpkit import InputError
from nlpkit.data import IdRows
from nlpkit.estimators.pair_training import (
    EXAMPLES,
    HELD_OUT,
    MEASURED,
    MOST_HELD_OUT,
    add_examples,
    some_rows,
    with_validation,
)
from nlpkit.estimators.text_metrics import text_metrics


def numbered(count):
    """Sources, a row of one id each, and targets that are an array of the same numbers."""
    return IdRows.from_lists([[number] for number in range(count)]), np.arange(count)


@pytest.mark.parametrize("count", [2, 9, 10, 57])
def test_a_tenth_is_held_out_and_the_sides_stay_together(count):
    data = {"train": {"rows": count, "files": ["a.tsv"]}}
    kept, held, rows = with_validation(numbered(count), None, 0, data)
    sides = [np.concatenate(list(sources)).tolist() for sources, _ in (kept, held)]
    assert sides == [kept[1].tolist(), held[1].tolist()] and held[1].tolist() == rows.tolist()
    assert sorted(sides[0] + sides[1]) == list(range(count)) and sides == [sorted(side) for side in sides]
    assert len(rows) == max(int(HELD_OUT * count), 1)
    assert data["validation"] == {"rows": len(rows), "held_out": True, "files": ["a.tsv"]}


def test_what_is_held_out_is_bounded_and_depends_on_the_seed():
    pairs = (np.arange(30_000), np.arange(30_000))
    rows = [with_validation(pairs, None, seed, {"train": {}})[2].tolist() for seed in (0, 0, 1)]
    assert len(rows[0]) == MOST_HELD_OUT and rows[0] == rows[1] != rows[2]
    assert max(rows[0]) > 28_000 and min(rows[0]) < 2_000  # from everywhere


def test_given_validation_data_stay_as_they_are():
    train, given, data = numbered(20), numbered(3), {"train": {}}
    assert with_validation(train, given, 0, data) == (train, given, None) and data == {"train": {}}


def test_one_pair_is_too_few():
    with pytest.raises(InputError) as caught:
        with_validation(numbered(1), None, 0, {"train": {}})
    assert str(caught.value) == (
        "A tenth of the pairs is held out to choose the best epoch, so that it takes 2. Received: 1 pair. Give more, "
        "or validation data."
    )


def test_all_pairs_are_measured_or_as_many_as_take_no_long_time():
    assert some_rows(MEASURED, 0).tolist() == list(range(MEASURED))
    rows = some_rows(10 * MEASURED, 0)
    assert len(set(rows)) == MEASURED and rows.tolist() == sorted(rows) and rows[-1] > 9 * MEASURED
    assert rows.tolist() == some_rows(10 * MEASURED, 0).tolist() != some_rows(10 * MEASURED, 1).tolist()


class Echo:
    """Writes each source as it is."""

    def __init__(self):
        self.report_ = {"metrics": {}}

    def predict(self, X):
        return [str(x) for x in X]


def test_examples_and_measures_of_texts():
    model = Echo()
    sources = [f"a text of {number} words" for number in range(25)]
    targets = [f"a text of {number // 2} words" for number in range(25)]
    add_examples(model, sources, targets, seed=0)
    assert model.report_["metrics"] == {"validation": text_metrics(sources, targets)}
    examples = model.report_["examples"]
    numbers = [sources.index(example["source"]) for example in examples]
    assert len(set(numbers)) == EXAMPLES and numbers == sorted(numbers)
    for number, example in zip(numbers, examples, strict=True):
        assert example == {"source": sources[number], "target": targets[number], "written": sources[number]}
    again = Echo()
    add_examples(again, sources, targets, seed=0)
    assert again.report_ == model.report_


def test_examples_without_a_source_and_with_several_targets():
    model = Echo()
    add_examples(model, np.arange(3), [["0", "nothing"], ["one"], ["two", "2"]], seed=1)
    assert model.report_["examples"] == [
        {"source": None, "target": "0", "written": "0"},
        {"source": None, "target": "one", "written": "1"},
        {"source": None, "target": "two", "written": "2"},
    ]
    assert model.report_["metrics"]["validation"]["exact_match"] == pytest.approx(200 / 3)


def test_without_sacrebleu_there_are_examples_and_a_reason(monkeypatch):
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    model = Echo()
    add_examples(model, ["a", "b"], ["a", "c"], seed=0)
    assert model.report_["metrics"] == {} and len(model.report_["examples"]) == 2
    assert model.report_["metrics_missing"] == (
        "BLEU and chrF need sacrebleu, which is not installed. Run: pip install 'nlpkit[text-to-text]'"
    )


@pytest.fixture(scope="module")
def reported():
    """What `train_and_report` gives to its parts, and the report it makes, without a training."""
    from nlpkit.estimators import pair_training
    from nlpkit.spec import TextToTextSettings
    from nlpkit.training import TrainingResult

    calls, history = {}, {"loss": [3.0, 2.0, 1.9], "val_loss": [2.5, np.log(7.0), 2.2]}
    result = TrainingResult(history, 2, 1.0, True)
    spec = SimpleNamespace(model_dump=lambda: {"task": "text_to_text", "network": {"units": 4}})
    model = SimpleNamespace(minutes=2, verbose=0, text_settings=lambda: {"target": {}}, spec=lambda: spec)

    def run(train_pairs, seed=3, result=result, **run_options):
        def train(network, sources, targets, settings, **options):
            calls.update(options, network=network, pairs=(sources, targets), settings=settings)
            return result

        settings = TextToTextSettings(epochs=3, **run_options)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pair_training, "train_encoder_decoder", train)
            patch.setattr(pair_training, "build_encoder_decoder", lambda **network: network)
            state = {"seed": seed, "started": 100.0, "checkpoint": "folder", "resume": True}
            given = ({"units": 4}, settings, {"train": {"rows": 3}}, [{"setting": "units"}], state)
            pair_training.train_and_report(model, train_pairs, "validation", *given)
        return dict(calls)

    return model, run


def test_what_training_is_given(reported):
    model, run = reported
    pairs = numbered(3)[0], IdRows.from_lists([[4, 3], [4, 5, 6, 3], [3]])
    calls = run(pairs)
    assert (
        calls["pairs"] == pairs and calls["validation"] == "validation" and calls["network"] == {"units": 4}
    )
    assert (calls["deadline"], calls["checkpoint"], calls["resume"], calls["seed"]) == (
        220.0,
        "folder",
        True,
        3,
    )
    assert model._longest == 4
    prints = {calls["fingerprint"], run(pairs)["fingerprint"]}
    assert len(prints) == 1  # the same run may go on
    assert (
        run(pairs, seed=4)["fingerprint"] not in prints
        and run(pairs, batch_size=7)["fingerprint"] not in prints
    )


def test_the_report(reported):
    model, run = reported
    run((numbered(1)[0], IdRows.from_lists([[3]])))
    report = model.report_
    assert report["perplexity"]["validation"] == pytest.approx(7.0)  # of the best epoch
    assert report["task"] == "text_to_text" and report["settings"]["network"] == {"units": 4}
    assert (report["best_epoch"], report["averaged"], report["out_of_time"]) == (2, 0, True)
    chosen = {"setting": "max_new_tokens", "value": 1, "reason": "the longest of the targets in training"}
    assert report["data"] == {"train": {"rows": 3}} and report["choices"] == [{"setting": "units"}, chosen]
    assert report["metrics"] == {} and report["name"] is None and report["versions"]


def test_the_perplexity_of_a_mean_is_that_of_the_mean(reported):
    from nlpkit.training import TrainingResult

    model, run = reported
    mean = TrainingResult({"val_loss": [2.5, np.log(7.0)]}, 2, 1.0, False, 2, np.log(5.0))
    run((numbered(1)[0], IdRows.from_lists([[3]])), result=mean)
    assert model.report_["perplexity"]["validation"] == pytest.approx(5.0)
    assert (model.report_["best_epoch"], model.report_["averaged"]) == (2, 2)


def test_the_perplexity_in_the_report_is_that_of_the_weights(monkeypatch):
    from nlpkit import TextToText
    from nlpkit.training.callbacks import BestEpoch

    # No mean is worse than such an epoch.
    monkeypatch.setattr(BestEpoch, "score", staticmethod(lambda logs: [0.0, -1e9]))
    texts = [f"{a}{b}" for a in "abcdef" for b in "abcdef"]
    training = {"average_epochs": 3, "learning_rate": 0.05, "batch_size": 4, "patience": None}
    model = TextToText(
        "seq2seq", level="char", units=4, epochs=4, random_state=0, options={"training": training}
    ).fit(texts, texts, validation_data=(texts, texts))
    assert model.report_["averaged"] == 3
    expected = np.exp(-model.score(texts, texts).sum() / (3 * len(texts)))  # two characters and the end
    assert model.report_["perplexity"]["validation"] == pytest.approx(expected, rel=1e-4)
    assert all(abs(np.exp(loss) / expected - 1) > 0.01 for loss in model.report_["history"]["val_loss"])


def test_sixteen_bits(reported):
    model, run = reported
    policy = run((numbered(1)[0], IdRows.from_lists([[3]])), mixed_precision=True)["network"]["dtype"]
    assert policy in ("mixed_bfloat16", "mixed_float16")
