import pytest

from nlpkit.errors import InputError
from nlpkit.estimators.choices import DataFacts, candidates, choose, default_max_length
from nlpkit.models.encoders import ENCODERS

FACTS = DataFacts(rows=3000, mean_length=20.0, classes=2, words=True)


def test_what_is_given_is_kept_and_has_no_reason():
    choices = choose(FACTS, {"encoder": "gru", "units": 7}, {"batch_size": 5, "weight_decay": 0.1})
    assert choices.network["encoder"] == "gru" and choices.network["units"] == 7
    assert choices.training.batch_size == 5 and choices.training.weight_decay == 0.1
    chosen = {reason["setting"] for reason in choices.reasons}
    assert not chosen & {"encoder", "units", "batch_size", "weight_decay"}


@pytest.mark.parametrize("encoder", [None, *ENCODERS])
def test_every_choice_has_a_reason_and_its_value(encoder):
    choices = choose(FACTS, {"encoder": encoder} if encoder else {}, {})
    settings = {**choices.network, **choices.training.model_dump()}
    assert {"epochs", "batch_size", "learning_rate"} <= {reason["setting"] for reason in choices.reasons}
    for reason in choices.reasons:
        assert settings[reason["setting"]] == reason["value"] and len(reason["reason"]) > 5
    assert choices.network["encoder"] == encoder or encoder is None and choices.network["encoder"] in ENCODERS


def test_wrong_training_settings_are_refused():
    with pytest.raises(InputError, match="training settings: 1 setting.*\n  epochs: .*Received: 0"):
        choose(FACTS, {}, {"epochs": 0})


def test_recurrent_networks_read_shorter_texts():
    assert default_max_length("lstm") < default_max_length("bag")


def test_tokens():
    assert FACTS.tokens == 60_000


@pytest.mark.parametrize(
    ("minutes", "network", "expected"),
    [
        (None, {}, ["bag"]),
        (5.0, {}, ["bag", "lstm"]),
        (5.0, {"encoder": "gru"}, ["gru"]),
        (5.0, {"dropout": 0.1}, ["bag"]),
    ],
)
def test_several_encoders_are_tried_only_in_a_given_time_and_if_nothing_is_said(minutes, network, expected):
    assert candidates(DataFacts(3000, 20.0, 2, minutes=minutes), network) == expected


@pytest.mark.parametrize(
    ("rows", "minutes", "size"),
    [
        (19_999, 100.0, (64, 1)),  # too few texts
        (20_000, 3.9, (64, 1)),  # 0.4 million tokens: less than 10 minutes for a million of them
        (20_000, 4.0, (128, 2)),
        (20_000, None, (64, 1)),
    ],
)
def test_large_recurrent_networks_need_texts_and_time(rows, minutes, size):
    network = choose(DataFacts(rows, 20.0, 2, minutes=minutes), {"encoder": "lstm"}, {}).network
    assert (network["units"], network["num_layers"]) == size


def test_a_residual_connection_gets_a_second_layer():
    assert choose(FACTS, {"encoder": "gru", "residual": True}, {}).network["num_layers"] == 2


def test_an_encoder_from_a_language_model_has_its_size():
    encoder = {"cell": "gru", "units": 7}
    choices = choose(FACTS, {"encoder": encoder, "pooling": "mean"}, {"layer_decay": 0.9})
    assert choices.network["encoder"] == encoder and choices.network["pooling"] == "mean"
    assert not {"units", "num_layers", "bidirectional"} & set(choices.network)
    assert not choices.training.gradual_unfreezing and choices.training.layer_decay == 0.9
    reasons = {reason["setting"]: reason["value"] for reason in choices.reasons}
    assert reasons["learning_rate"] == 0.005 and not {"encoder", "pooling", "layer_decay"} & set(reasons)
    assert default_max_length("lstm") < default_max_length(encoder) < default_max_length("bag")


def test_another_optimizer_needs_its_rate():
    with pytest.raises(
        InputError, match="suit AdamW. Received: optimizer='sgd' without a learning rate. Give"
    ):
        choose(FACTS, {}, {"optimizer": "sgd"})
    assert choose(FACTS, {}, {"optimizer": "sgd", "learning_rate": 0.5}).training.learning_rate == 0.5
