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


def test_a_setting_that_is_not_known():
    with pytest.raises(InputError, match="options\\['training'\\]: 1 setting"):
        choose_for_generator(10_000, True, {}, {"epoch": 2})
    with pytest.raises(InputError, match="batch_size: .*greater than or equal to 1. Received: 0"):
        choose_for_generator(10_000, True, {}, {"batch_size": 0})
