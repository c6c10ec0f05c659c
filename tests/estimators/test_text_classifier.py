import json

import numpy as np
import pandas as pd
import pytest
import scipy.special
from estimators.small_texts import QUICK, THINGS, labels, quick, texts, topics
from sklearn.metrics import accuracy_score, log_loss

from nlpkit.data import TableReader
from nlpkit.errors import InputError

X, Y = texts(), labels()


def csv(path, rows, names=("neg", "pos")):
    lines = [f"{text},{label}\n" for text, label in zip(texts(rows), labels(rows, names), strict=True)]
    path.write_text("".join(["text,label\n", *lines]))
    return path


def test_probabilities_and_labels(fitted):
    probabilities = fitted.predict_proba(X)
    assert probabilities.shape == (60, 2)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    assert fitted.classes_.tolist() == ["neg", "pos"]
    assert fitted.predict(X).tolist() == [fitted.classes_[i] for i in probabilities.argmax(axis=1)]
    assert accuracy_score(Y, fitted.predict(X)) > 0.9


def test_the_decision_function_of_two_classes_is_the_log_odds(fitted):
    decision = fitted.decision_function(X)
    assert decision.shape == (60,)
    expected = scipy.special.logit(fitted.predict_proba(X)[:, 1])
    np.testing.assert_allclose(decision, expected, atol=1e-4)
    assert (np.array(fitted.classes_)[(decision > 0).astype(int)] == fitted.predict(X)).all()


def test_the_decision_function_of_three_classes_is_the_logits():
    names = [("low", "mid", "high")[i % 3] for i in range(60)]
    classifier = quick().fit(X, names)
    decision = classifier.decision_function(X)
    assert classifier.classes_.tolist() == ["high", "low", "mid"] and decision.shape == (60, 3)
    np.testing.assert_allclose(
        scipy.special.softmax(decision, axis=1), classifier.predict_proba(X), atol=1e-6
    )


@pytest.mark.parametrize("names", [(7, -2), (False, True)], ids=["int", "bool"])
def test_labels_keep_their_type(names, tmp_path):
    from nlpkit import load

    classifier = quick(epochs=1).fit(X, labels(names=names))
    assert classifier.classes_.tolist() == sorted(names)
    assert set(classifier.predict(X).tolist()) <= set(names)
    classifier.save(tmp_path / "model")
    loaded = load(tmp_path / "model").classes_
    assert loaded.dtype.kind == classifier.classes_.dtype.kind and loaded.tolist() == sorted(names)


def test_one_seed_gives_the_same_classifier_and_another_one_another(fitted):
    np.random.seed(4)
    expected = np.random.random()
    np.random.seed(4)
    again = quick().fit(np.array(X), pd.Series(Y))
    assert np.random.random() == expected, "fitting must not disturb the caller's random numbers"
    np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))
    other = quick(random_state=1).fit(X, Y)
    assert not np.array_equal(other.predict_proba(X), fitted.predict_proba(X))


def test_several_labels_a_text(fitted_topics):
    probabilities = fitted_topics.predict_proba(X)
    assert fitted_topics.classes_.tolist() == sorted(["praise", *THINGS])
    assert ((probabilities > 0) & (probabilities < 1)).all()
    predicted = fitted_topics.predict(X)
    for row, found in zip(probabilities, predicted, strict=True):
        assert found == [name for name, p in zip(fitted_topics.classes_, row, strict=True) if p >= 0.5]
    exact = np.mean([set(found) == set(true) for found, true in zip(predicted, topics(), strict=True)])
    assert fitted_topics.score(X, topics()) == pytest.approx(exact)
    assert exact > 0.5
    np.testing.assert_allclose(
        scipy.special.expit(fitted_topics.decision_function(X)), probabilities, atol=1e-6
    )


def test_a_reader_gives_what_lists_give(fitted, tmp_path):
    path = csv(tmp_path / "train.csv", 60)
    from_file = quick().fit(TableReader(path, chunk_rows=7))
    np.testing.assert_array_equal(from_file.predict_proba(X), fitted.predict_proba(X))
    assert from_file.report_["data"]["train"]["files"] == [str(path)]
    expected, found = fitted.evaluate(X, Y), fitted.evaluate(TableReader(path, chunk_rows=7))
    assert found["accuracy"] == expected["accuracy"] and found["rows"] == 60
    assert found["log_loss"] == pytest.approx(expected["log_loss"])
    assert found["mistakes"] == expected["mistakes"]


def test_texts_as_they_are_or_changed_by_switches():
    given = [(True, {}), (False, {}), (False, {"html": True})]
    found = [quick(epochs=1, normalize=normalize, options={"text": text}) for normalize, text in given]
    switches = [each.fit(texts(), labels()).text_to_ids_.settings()["normalizer"] for each in found]
    assert [(each["html"], each["case"]) for each in switches] == [
        (True, "lower"),
        (False, None),
        (True, None),
    ]


def test_validation_data_as_a_tuple_and_as_a_reader(tmp_path):
    reader = TableReader(csv(tmp_path / "dev.csv", 20))
    one = quick().fit(X, Y, validation_data=(texts(20), labels(20)))
    two = quick().fit(X, Y, validation_data=reader)
    assert one.report_["data"]["validation"]["rows"] == 20 == two.report_["data"]["validation"]["rows"]
    assert one.report_["history"] == two.report_["history"]
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))
    assert one.report_["data"]["train"]["rows"] == 60


@pytest.mark.parametrize("names", [(7, -2), (False, True)], ids=["int", "bool"])
def test_numbers_and_booleans_as_labels_of_a_reader(names, tmp_path):
    reader = TableReader(csv(tmp_path / "dev.csv", 20, names))
    given = (texts(20), labels(20, names))
    classifier = quick(epochs=1).fit(X, labels(names=names), validation_data=reader)
    expected = quick(epochs=1).fit(X, labels(names=names), validation_data=given)
    assert classifier.report_["history"] == expected.report_["history"]
    assert classifier.evaluate(reader) == expected.evaluate(*given)
    assert classifier.score(reader) == classifier.score(*given)
    with pytest.raises(InputError, match=f"number 0: the label '{names[0]}' was not among"):
        classifier.evaluate(given[0], [str(label) for label in given[1]])


@pytest.mark.parametrize("names", [(7, -2, 0, 3, 5), (False, True) * 3], ids=["int", "bool"])
def test_several_numbers_and_booleans_as_labels_of_a_reader(names, tmp_path):
    several = [sorted({names[i % 2], names[i % 5]}) for i in range(60)]
    given = (texts(20), several[:20])
    rows = [{"text": text, "label": label} for text, label in zip(*given, strict=True)]
    (tmp_path / "dev.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    reader = TableReader(tmp_path / "dev.jsonl")
    classifier = quick(epochs=1, multi_label=True).fit(X, several, validation_data=reader)
    expected = quick(epochs=1, multi_label=True).fit(X, several, validation_data=given)
    assert classifier.classes_.tolist() == sorted(set(names))
    assert classifier.report_["history"] == expected.report_["history"]
    assert classifier.evaluate(reader) == expected.evaluate(*given)


def test_a_part_is_held_out_only_if_there_are_enough_texts(fitted):
    assert fitted.report_["data"]["validation"]["rows"] == 6
    few = quick().fit(X[:10], Y[:10])
    assert "validation" not in few.report_["data"] and few.report_["evaluation"] == {}
    assert few.temperature_ == 1.0


def test_more_labels_than_held_out_texts():
    rare = [[f"label {i}"] for i in range(30)]
    assert len(quick(epochs=1, multi_label=True).fit(texts(30), rare).classes_) == 30
    assert len(quick(epochs=1).fit(texts(30), [row[0] for row in rare]).classes_) == 30


def test_the_temperature_lowers_the_log_loss_of_the_validation_part():
    random = np.random.default_rng(0)
    noisy = [label if random.random() < 0.7 else "pos" for label in Y]
    part = (texts(40), [noisy[i] for i in range(40)])
    classifier = quick(epochs=10).fit(X, noisy, validation_data=part)
    assert classifier.temperature_ != 1.0
    calibrated = classifier.predict_proba(part[0])
    logits = classifier.network_(classifier.text_to_ids_(part[0]), training=False).numpy()
    raw = scipy.special.softmax(logits.astype(float), axis=1)
    np.testing.assert_allclose(
        calibrated, scipy.special.softmax(logits.astype(float) / classifier.temperature_, axis=1), atol=1e-6
    )
    truth = [label == "pos" for label in part[1]]
    assert log_loss(truth, calibrated[:, 1]) < log_loss(truth, raw[:, 1])


def test_add_test_puts_the_result_into_the_report():
    classifier = quick(epochs=1).fit(X, Y)
    result = classifier.add_test(texts(30), labels(30))
    assert classifier.report_["evaluation"]["test"] == result
    assert result["accuracy"] == classifier.score(texts(30), labels(30))
    assert classifier.report_["data"]["test"]["labels"] == {"neg": 15, "pos": 15}


def test_score_with_weights(fitted):
    wrong = ["neg"] * 60
    weights = np.array([label == "neg" for label in Y], float)
    assert fitted.score(X, wrong, sample_weight=weights) == np.mean(fitted.predict(X)[::2] == "neg")


def test_the_report_is_data(fitted):
    report = json.loads(json.dumps(fitted.report_))
    assert report["data"]["train"]["labels"] == {"neg": 27, "pos": 27}
    assert report["data"]["train"]["tokens"]["max"] == 4
    assert report["settings"]["labels"] == ["neg", "pos"]
    assert len(report["history"]["loss"]) == 2 and report["best_epoch"] in (1, 2)
    assert report["temperature"] == fitted.temperature_


def test_class_weights_act_as_weights_of_the_texts(monkeypatch):
    """`class_weight` must reach the training as the weight of each text, and change its result."""
    from nlpkit.estimators import candidates

    seen = []
    real = candidates.train

    def spy(model, rows, targets, settings, **more):
        seen.append((targets, more["sample_weight"]))
        return real(model, rows, targets, settings, **more)

    monkeypatch.setattr(candidates, "train", spy)
    plain = {**QUICK["training"], "class_weight": None}
    uneven = ["pos" if i % 3 == 0 else "neg" for i in range(60)]
    results = []
    for weight in (None, {"pos": 5.0}, "balanced"):
        options = {**QUICK, "training": {**plain, "class_weight": weight}}
        results.append(quick(options=options).fit(X, uneven).predict_proba(X)[:, 1].mean())
    (_, none), (targets, given), (_, balanced) = seen
    assert none is None
    np.testing.assert_allclose(given, np.where(targets == 1, 5.0, 1.0))
    counts = np.bincount(targets)
    np.testing.assert_allclose(balanced, len(targets) / (2 * counts[targets]), rtol=1e-6)
    assert results[1] > results[0] and results[2] > results[0]


def test_class_weights_of_int_labels():
    options = {**QUICK, "training": {"class_weight": {0: 1.0, 1: 3.0}}}
    assert quick(options=options).fit(X, labels(names=(0, 1))).classes_.tolist() == [0, 1]


def test_mixed_precision():
    options = {**QUICK, "training": {"mixed_precision": True}, "network": {"embedding_dim": 4, "units": 4}}
    classifier = quick(encoder="gru", options=options).fit(X, Y)
    assert classifier.network_.get_layer("embedding").compute_dtype == "bfloat16"
    assert np.isfinite(classifier.predict_proba(X)).all()


def test_layers_of_the_user_stay_untrained_and_fitting_again_starts_anew():
    import keras

    layers = [keras.layers.Dense(3, activation="relu"), keras.layers.Dropout(0.1)]
    classifier = quick(encoder=layers, options={"network": {"embedding_dim": 4}}, epochs=1)
    first = classifier.fit(X, Y).predict_proba(X)
    assert not layers[0].built
    np.testing.assert_array_equal(classifier.fit(X, Y).predict_proba(X), first)


def test_the_time_limit_ends_training():
    classifier = quick(minutes=1e-9, epochs=50).fit(X, Y)
    assert classifier.report_["out_of_time"] and len(classifier.report_["history"]["loss"]) == 1


def test_a_finished_run_is_resumed_without_training(tmp_path, monkeypatch):
    import keras

    finished = quick(epochs=1).fit(X, Y, checkpoint=tmp_path)
    monkeypatch.setattr(keras.Model, "train_step", lambda *args, **more: pytest.fail("trained again"))
    resumed = quick(epochs=1).fit(X, Y, checkpoint=tmp_path, resume=True)
    assert resumed.report_["history"] == finished.report_["history"]
    np.testing.assert_array_equal(resumed.predict_proba(X), finished.predict_proba(X))


def test_an_interrupted_fit_is_resumed_to_the_same_result(fitted, tmp_path, monkeypatch):
    import keras

    folder = tmp_path / "checkpoint"

    class Cut(BaseException):
        pass

    real = keras.Model.fit

    def cut(self, *args, callbacks=(), **more):
        def stop(epoch, logs):
            raise Cut

        return real(
            self, *args, callbacks=[*callbacks, keras.callbacks.LambdaCallback(on_epoch_end=stop)], **more
        )

    with monkeypatch.context() as patch:
        patch.setattr(keras.Model, "fit", cut)
        with pytest.raises(Cut):
            quick().fit(X, Y, checkpoint=folder)
    with pytest.raises(InputError, match="other data or settings"):
        quick(random_state=1).fit(X, Y, checkpoint=folder, resume=True)
    with pytest.raises(InputError, match="other data or settings"):
        quick().fit(X, Y[::-1], checkpoint=folder, resume=True)
    resumed = quick().fit(X, Y, checkpoint=folder, resume=True)
    assert resumed.report_["history"] == fitted.report_["history"]
    np.testing.assert_array_equal(resumed.predict_proba(X), fitted.predict_proba(X))
