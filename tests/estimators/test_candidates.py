"""With a time limit and nothing said about the network, the validation part decides between encoders."""

import json

import keras
import numpy as np
import pytest
from estimators.small_texts import labels, texts

from nlpkit import TextClassifier
from nlpkit.estimators import candidates
from nlpkit.training import TrainingResult

X, Y = texts(), labels()
PLENTY = 60.0


def ordered(rows=240):
    """Which of two words comes first decides; a bag of three words in a row cannot see it."""
    texts = [f"a b {'left a b right' if row % 2 else 'right a b left'} a b" for row in range(rows)]
    return texts, ["lr" if row % 2 else "rl" for row in range(rows)]


def auto(minutes=PLENTY, **more):
    return TextClassifier(minutes=minutes, random_state=0, **{"epochs": 3, **more})


def choices(classifier):
    """Rows of the report: the encoder, and what is told of each candidate."""
    rows = classifier.report_["choices"]
    encoder = [row for row in rows if row["setting"] == "encoder"]
    assert len(encoder) == 1
    return encoder[0], {row["value"]: row["reason"] for row in rows if row["setting"] == "candidate"}


def accuracy_of(story):
    return float(story.split("accuracy ")[1].split()[0])


@pytest.fixture(scope="module")
def both():
    return auto().fit(X, Y)


@pytest.fixture
def untimed(monkeypatch):
    """Saves the seconds that measuring the steps of a network takes."""
    monkeypatch.setattr(candidates, "epochs_that_fit", lambda *given: 3)


def test_both_are_tried_and_the_bag_is_kept_unless_it_is_worse(both):
    encoder, tried = choices(both)
    assert accuracy_of(tried["bag"]) >= accuracy_of(tried["lstm"])
    assert encoder["value"] == "bag" == both.spec().network["encoder"]
    assert encoder["reason"] == "no worse on the validation part than lstm, and simpler"
    assert "after 3 epochs in" in tried["lstm"]
    json.dumps(both.report_)


def test_each_candidate_is_announced(untimed, capsys):
    auto(epochs=1, verbose=1).fit(X[:40], Y[:40])
    shown = capsys.readouterr().err
    assert 0 <= shown.index("candidate bag:") < shown.index("epoch 1/1") < shown.index("candidate lstm:")


def test_a_bag_beside_another_candidate_is_the_bag_alone(both):
    alone = TextClassifier(random_state=0, epochs=3).fit(X, Y)
    np.testing.assert_array_equal(alone.predict_proba(X), both.predict_proba(X))


def test_the_network_with_the_better_validation_accuracy_is_kept(untimed):
    training = {"learning_rate": 0.01, "batch_size": 16}
    classifier = auto(options={"training": training}).fit(*ordered())
    encoder, tried = choices(classifier)
    assert accuracy_of(tried["lstm"]) > accuracy_of(tried["bag"])
    assert encoder["value"] == "lstm" and encoder["reason"] == "better on the validation part than bag"
    assert classifier.report_["evaluation"]["validation"]["accuracy"] == pytest.approx(
        accuracy_of(tried["lstm"]), abs=1e-4
    )
    told = {row["setting"]: row["value"] for row in classifier.report_["choices"]}
    assert (told["units"], told["num_layers"], told["bidirectional"]) == (64, 1, True)
    assert classifier.network_.get_layer("block_0").units == 64
    assert classifier.get_params()["encoder"] == "auto"


def test_with_little_time_only_the_bag_is_trained_and_the_report_says_why():
    encoder, tried = choices(auto(minutes=1e-9).fit(X, Y))
    assert encoder["value"] == "bag"
    assert encoder["reason"] == "the only one trained; lstm: 0 s were left, too short to train it"
    assert tried["lstm"] == "not trained: 0 s were left, too short to train it"


def test_a_network_of_which_too_few_epochs_fit_is_left_out(monkeypatch):
    monkeypatch.setattr(candidates, "epochs_that_fit", lambda *given: 2)
    encoder, tried = choices(auto().fit(X, Y))
    assert encoder["value"] == "bag" and "lstm: fewer than 3 epochs" in encoder["reason"]
    assert tried["lstm"] == "not trained: fewer than 3 epochs of it would have fitted into the time left"


def test_chosen_epochs_are_lowered_to_what_fits(monkeypatch):
    monkeypatch.setattr(candidates, "epochs_that_fit", lambda *given: 4)
    classifier = auto(epochs=None).fit(X, Y)
    epochs = next(row for row in classifier.report_["choices"] if row["setting"] == "epochs")
    assert epochs["value"] == 4 and epochs["reason"].startswith("as many as fit into the time allowed")
    assert all("after 4 epochs" in story for story in choices(classifier)[1].values())


def test_without_a_validation_part_nothing_could_decide():
    encoder, tried = choices(auto().fit(X[:10], Y[:10]))
    assert encoder["value"] == "bag" and "too few texts to hold out a validation part" in encoder["reason"]
    assert tried["bag"].startswith("3 epochs in ")


def test_other_encoders_are_not_tried_beside_one_that_was_asked_for():
    classifier = auto(encoder="bag").fit(X, Y)
    assert all(row["setting"] not in ("encoder", "candidate") for row in classifier.report_["choices"])


@pytest.mark.parametrize(
    ("own", "others", "better"),
    [
        ({"val_accuracy": [0.1, 0.9], "val_loss": [1, 1]}, {"val_accuracy": [0.8], "val_loss": [0]}, True),
        ({"val_accuracy": [0.9, 0.8], "val_loss": [0, 0]}, {"val_accuracy": [0.8], "val_loss": [1]}, False),
        ({"val_loss": [5.0, 0.3]}, {"val_loss": [0.4]}, True),
        ({"val_loss": [0.0, 0.4]}, {"val_loss": [0.4]}, False),
    ],
    ids=["higher accuracy", "equal accuracy, lower loss", "several labels: lower loss", "equal loss"],
)
def test_what_decides_between_candidates(own, others, better):
    one, other = (
        candidates.Trained(None, {}, None, TrainingResult(history, best, 1.0, False))
        for history, best in ((own, 2), (others, 1))
    )
    assert one.beats(other) == better


class Cut(BaseException):
    pass


@pytest.mark.parametrize("epochs_before", [1, 4], ids=["in the first candidate", "in the second"])
def test_an_interrupted_choice_is_resumed_to_the_same_result(
    both, untimed, tmp_path, monkeypatch, epochs_before
):
    folder, trained = tmp_path / "checkpoint", []
    real = keras.Model.fit

    def counting(self, *args, callbacks=(), **more):
        def count(epoch, logs):
            trained.append(epoch)
            if len(trained) == epochs_before:
                raise Cut

        return real(
            self, *args, callbacks=[*callbacks, keras.callbacks.LambdaCallback(on_epoch_end=count)], **more
        )

    monkeypatch.setattr(keras.Model, "fit", counting)
    with pytest.raises(Cut):
        auto().fit(X, Y, checkpoint=folder)
    assert {path.name for path in folder.iterdir()} == ({"bag"} if epochs_before == 1 else {"bag", "lstm"})
    resumed = auto().fit(X, Y, checkpoint=folder, resume=True)
    assert trained == [0, 1, 2, 0, 1, 2], "no epoch is trained twice"
    assert resumed.report_["history"] == both.report_["history"]
    np.testing.assert_array_equal(resumed.predict_proba(X), both.predict_proba(X))
