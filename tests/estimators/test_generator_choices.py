import numpy as np
import pytest

from nlpkit import InputError
from nlpkit.estimators.generator_choices import choose_for_generator


def test_little_text_is_read_more_often_in_fewer_streams():
    _, little, _ = choose_for_generator(3_000, True, {}, {})
    _, much, _ = choose_for_generator(900_000, True, {}, {})
    assert (little.batch_size, little.epochs) == (1, 35) and (much.batch_size, much.epochs) == (20, 15)
    assert 3_000 // (little.batch_size * 35) * little.epochs > 2_900


def test_what_was_given_stays_and_has_no_reason():
    network, training, reasons = choose_for_generator(
        10_000, False, {"cell": "gru", "dropout": 0.0}, {"epochs": 2, "batch_size": 3, "sequence_length": 9}
    )
    assert network == {"cell": "gru", "dropout": 0.0, "variational": True}
    assert (training.epochs, training.batch_size, training.sequence_length) == (2, 3, 9)
    assert [row["setting"] for row in reasons] == ["variational"]
    assert all(row["reason"] for row in reasons)


def test_a_transformer_looks_back_as_far_as_it_was_trained_to():
    network, training, _ = choose_for_generator(10_000, False, {"cell": "transformer"}, {})
    assert network["context"] == training.sequence_length == 100
    assert "variational" not in network


def test_with_a_time_limit_the_schedule_does_not_count_on_the_epochs():
    assert choose_for_generator(10_000, True, {}, {})[1].schedule == "cosine"
    assert choose_for_generator(10_000, True, {}, {}, minutes=3.0)[1].schedule == "plateau"


@pytest.mark.parametrize("optimizer", ["sgd", "averaged_sgd"])
def test_gradient_descent_gets_a_rate_of_its_own(optimizer):
    _, training, reasons = choose_for_generator(10_000, True, {}, {"optimizer": optimizer})
    assert (training.learning_rate, training.clip_norm) == (20.0, 0.25)
    assert {"learning_rate", "clip_norm"} <= {row["setting"] for row in reasons}
    _, training, _ = choose_for_generator(10_000, True, {}, {"optimizer": optimizer, "learning_rate": 1.0})
    assert training.learning_rate == 1.0
    assert choose_for_generator(10_000, True, {}, {})[1].clip_norm == 1.0


def test_an_average_gets_the_time_to_begin():
    training = choose_for_generator(10_000, True, {}, {"optimizer": "averaged_sgd"}, minutes=3.0)[1]
    assert (training.schedule, training.patience) == ("constant", 10)


def test_a_setting_that_is_not_known():
    with pytest.raises(InputError, match="options\\['training'\\]: 1 setting"):
        choose_for_generator(10_000, True, {}, {"epoch": 2})
    with pytest.raises(InputError, match="batch_size: .*greater than or equal to 1. Received: 0"):
        choose_for_generator(10_000, True, {}, {"batch_size": 0})


def test_updates_over_documents_are_counted():
    lengths = [4] * 50 + [90] * 5
    _, training, reasons = choose_for_generator(
        650, True, {}, {"batch_size": 10, "sequence_length": 30}, lengths=np.array(lengths)
    )
    # Five batches of short texts, and one of long ones that takes three segments.
    assert training.epochs == 60 and reasons[0]["reason"].startswith("8 updates in each")
    _, training, reasons = choose_for_generator(650, True, {}, {}, lengths=np.array(lengths))
    assert training.batch_size == 1 and reasons[1]["reason"].startswith("texts side by side, one for 5,000")


@pytest.mark.parametrize("setting", [{"label_smoothing": 0.1}, {"gradual_unfreezing": True}])
def test_what_only_classifiers_have_is_refused(setting):
    with pytest.raises(InputError, match=f"{next(iter(setting))}: Extra inputs are not permitted"):
        choose_for_generator(10_000, True, {}, setting)
