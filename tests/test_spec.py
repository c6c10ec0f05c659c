"""Settings are checked all at once, and their messages name each that is wrong."""

import pytest

from nlpkit.errors import InputError
from nlpkit.spec import (
    FitSettings,
    LanguageModelSettings,
    TextToTextSettings,
    TrainingSettings,
    parse_settings,
)


@pytest.mark.parametrize("model", [FitSettings, TrainingSettings, LanguageModelSettings, TextToTextSettings])
def test_every_training_has_every_schedule(model):
    for name in ("cosine", "inverse_sqrt", "plateau", "constant"):
        assert parse_settings(model, {"schedule": name}, "options").schedule == name
    with pytest.raises(InputError, match="schedule: Input should be 'cosine', 'inverse_sqrt', .*'linear'"):
        parse_settings(model, {"schedule": "linear"}, "options")


def test_an_encoder_decoder_is_trained_plainly_unless_told_otherwise():
    plain = TextToTextSettings()
    assert (plain.batch_size, plain.batch_tokens, plain.average_epochs) == (64, None, 1)
    assert plain.label_smoothing == plain.scheduled_sampling == plain.coverage_loss == 0.0
    assert set(TextToTextSettings.model_fields) > set(FitSettings.model_fields)


@pytest.mark.parametrize(
    ("name", "within", "beyond"),
    [
        ("batch_size", 1, 0), ("batch_tokens", 1, 0), ("label_smoothing", 0.9, 1.0), ("scheduled_sampling", 1.0, 1.1),
        ("coverage_loss", 5.0, -0.1), ("average_epochs", 1, 0),
    ],
)  # fmt: skip
def test_settings_of_an_encoder_decoder_have_limits(name, within, beyond):
    assert getattr(parse_settings(TextToTextSettings, {name: within}, "options"), name) == within
    with pytest.raises(InputError, match=rf"options: 1 setting\(s\) .*\n  {name}: .* Received: {beyond}"):
        parse_settings(TextToTextSettings, {name: beyond}, "options")


def test_all_that_is_wrong_is_said_at_once():
    with pytest.raises(InputError) as caught:
        parse_settings(TextToTextSettings, {"average": 3, "epochs": 0}, "options")
    message = str(caught.value)
    assert message.startswith("options: 2 setting(s) cannot be used:\n")
    assert "\n  average: Extra inputs are not permitted. Received: 3\n" in message
    assert "\n  epochs: Input should be greater than or equal to 1. Received: 0\n" in message
    assert message.endswith("average_epochs")
