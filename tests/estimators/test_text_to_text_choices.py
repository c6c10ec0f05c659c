import pytest

from nlpkit import Chatbot, ImageCaptioner, InputError, TextToText
from nlpkit.estimators.text_to_text_choices import EPOCHS, MOST_EPOCHS, choose_for_text_to_text
from nlpkit.models import build_encoder_decoder
from nlpkit.models.presets import PRESETS, PRESETS_OF_TEXTS


def choose(pairs=100_000, network=None, training=None, **arguments):
    options = {"network": network or {}, "training": training or {}}
    kind = TextToText if arguments.get("preset", "attention") in PRESETS_OF_TEXTS else ImageCaptioner
    return choose_for_text_to_text(kind(**arguments), options, pairs)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_taken_as_it_is_where_there_are_many_pairs(preset):
    network, training, reasons = choose(preset=preset)
    assert network == PRESETS[preset]["network"]
    assert training.model_dump().items() >= PRESETS[preset]["training"].items()
    rows = {row["setting"]: row for row in reasons}
    assert rows["cell"] == {"setting": "cell", "value": network["cell"], "reason": f"the preset {preset}"}
    assert rows["epochs"]["value"] == training.epochs == EPOCHS


def test_few_pairs_are_seen_in_small_batches_and_often():
    for pairs, batch_size, epochs in (
        (10, 8, MOST_EPOCHS),
        (2_000, 20, 30),
        (6_400, 64, 30),
        (9_600, 64, 20),
    ):
        _, training, reasons = choose(pairs)
        assert (training.batch_size, training.epochs) == (batch_size, epochs)
        assert ({"setting": "batch_size", "value": batch_size, "reason": "few pairs"} in reasons) == (
            batch_size < 64
        )


def test_what_is_given_takes_the_place_of_the_preset_and_has_no_reason():
    network, training, reasons = choose(
        units=32, cell="lstm", num_layers=2, epochs=7, network={"dropout": 0.2}, training={"batch_size": 5}
    )
    assert network == {
        **PRESETS["attention"]["network"],
        "units": 32,
        "cell": "lstm",
        "num_layers": 2,
        "dropout": 0.2,
    }
    assert training.epochs == 7 and training.batch_size == 5
    assert {row["setting"] for row in reasons} == {
        "bidirectional",
        "attention",
        "learning_rate",
        "label_smoothing",
        "average_epochs",
    }
    # The option says it more precisely than the argument.
    network, training, _ = choose(units=32, epochs=7, network={"units": 9}, training={"epochs": 3})
    assert network["units"] == 9 and training.epochs == 3
    # The number of epochs is reckoned from the batch that is given, also as a text.
    for size in (40, "40"):
        assert choose(2_000, training={"batch_size": size})[1].epochs == MOST_EPOCHS


def test_another_kind_of_layer_takes_nothing_that_it_does_not_have():
    for preset in PRESETS:
        for cell in ("gru", "transformer"):
            network, _, _ = choose(preset=preset, cell=cell)
            sizes = (None, 9) if preset.startswith("captioner") else (9, 9)
            features = {"features": 3} if preset.startswith("captioner") else {}
            given = {**network, **features, "units": 8, "num_layers": 3}
            if (preset, cell) == ("peeky", "transformer"):
                with pytest.raises(InputError, match="`peeky` is an option of recurrent decoders"):
                    build_encoder_decoder(*sizes, **given)
                continue
            assert build_encoder_decoder(*sizes, **given).vocabulary_size == 9


@pytest.mark.parametrize("preset", PRESETS_OF_TEXTS)
def test_a_transformer_is_trained_as_its_preset_whatever_was_asked_for(preset):
    own = PRESETS["transformer"]
    network, training, reasons = choose(preset=preset, cell="transformer")
    assert training.model_dump().items() >= own["training"].items()
    assert network["dropout"] == own["network"]["dropout"]
    row = {"setting": "learning_rate", "value": 1e-3, "reason": "the cell transformer"}
    assert row in reasons
    assert choose(preset=preset, cell="transformer", training={"learning_rate": 0.5})[1].learning_rate == 0.5
    assert choose(preset=preset, cell="lstm")[1].learning_rate == PRESETS[preset]["training"]["learning_rate"]


def test_a_limit_of_time_needs_a_rate_that_does_not_wait_for_the_last_epoch():
    assert choose()[1].schedule == "cosine"
    _, training, reasons = choose(minutes=3)
    assert training.schedule == "plateau"
    assert {
        "setting": "schedule",
        "value": "plateau",
        "reason": "the time may be over before the epochs are",
    } in reasons
    assert choose(minutes=3, preset="transformer")[1].schedule == "inverse_sqrt"
    assert choose(minutes=3, training={"schedule": "cosine"})[1].schedule == "cosine"


def test_one_vocabulary_has_one_embedding():
    network, _, reasons = choose(shared=True)
    assert network["share"] is True
    assert {"setting": "share", "value": True, "reason": "one vocabulary"} in reasons
    assert choose(shared=True, network={"share": False})[0]["share"] is False


@pytest.mark.parametrize("layers", [1, 2, 3, 8])
def test_gnmt_of_any_depth(layers):
    network, _, reasons = choose(preset="gnmt", num_layers=layers)
    assert network["residual"] == (layers > 2)
    assert any(row["setting"] == "residual" for row in reasons)
    TextToText("gnmt")  # its own depth is that of the preset
    assert choose(preset="gnmt")[0]["residual"] is True


def test_settings_that_cannot_be_used():
    with pytest.raises(InputError, match=r"(?s)options\['training'\]: 1 setting.*label_smoothing"):
        choose(training={"label_smoothing": 2})
    with pytest.raises(
        InputError, match=r"(?s)options\['training'\]: 1 setting.*batch_size.*Received: 'many'"
    ):
        choose(training={"batch_size": "many"})


@pytest.mark.parametrize(
    ("training", "pairs", "expected"),
    [
        ({}, 50_000, (64, 4096)),
        ({"batch_size": 16}, 50_000, (16, None)),
        ({"batch_tokens": 512}, 50_000, (64, 512)),
        ({}, 800, (8, None)),
        ({}, 3_000, (30, None)),
    ],
)
def test_pairs_of_a_step_where_a_preset_counts_tokens(training, pairs, expected):
    options = {"network": {}, "training": training}
    _, settings, _ = choose_for_text_to_text(TextToText("transformer"), options, pairs)
    assert (settings.batch_size, settings.batch_tokens) == expected


@pytest.mark.parametrize("network", [{}, {"encoder": "transformer"}], ids=str)
def test_a_transformer_with_another_cell_still_attends(network):
    row = {"setting": "attention", "value": "additive", "reason": "a Transformer attends too"}
    found, _, reasons = choose(preset="transformer", cell="gru", network=network)
    assert found["attention"] == "additive" and row in reasons
    built = build_encoder_decoder(9, 9, **{**found, "units": 8, "num_layers": 1})
    assert built.attends and not build_encoder_decoder(9, 9, cell="gru", units=8).attends
    for given in (None, "multiplicative"):
        found, _, reasons = choose(preset="transformer", cell="gru", network={**network, "attention": given})
        assert found["attention"] == given and row not in reasons
    assert "attention" not in choose(preset="transformer")[0]
    assert "attention" not in choose(preset="seq2seq", cell="gru")[0]


def warmup_of(preset="transformer", **arguments):
    """The warm-up, and the reason for it."""
    _, training, reasons = choose(preset=preset, **arguments)
    return training.warmup, next((row["reason"] for row in reasons if row["setting"] == "warmup"), None)


def test_a_limit_of_time_needs_a_warm_up_that_ends_in_the_first_epoch():
    short = "half of the first epoch, as the time may be over before the epochs are"
    for epochs in (6, 18, 400):
        warmup, reason = warmup_of(minutes=3, epochs=epochs)
        assert warmup * epochs == pytest.approx(0.5, rel=0.01) and reason == short
    assert warmup_of(minutes=3)[0] * EPOCHS == pytest.approx(0.5, rel=0.01)
    # The preset's own is no longer than that, or there is time for all epochs.
    for arguments in ({"minutes": 3, "epochs": 3}, {"minutes": None}):
        assert warmup_of(**arguments) == (0.1, "the preset transformer")
    # What is given stays, and so do other schedules.
    assert warmup_of(minutes=3, training={"warmup": 0.2}) == (0.2, None)
    assert warmup_of(minutes=3, training={"schedule": "cosine"}) == (0.1, "the preset transformer")
    assert warmup_of("attention", minutes=3) == (0.05, None)
    given = {"schedule": "inverse_sqrt", "epochs": "20"}
    assert warmup_of("attention", minutes=3, training=given) == (0.025, short)


def test_each_estimator_has_presets_of_its_own():
    options = {"network": {}, "training": {}}
    of_images = [name for name in PRESETS if name not in PRESETS_OF_TEXTS]
    assert of_images == ["captioner", "captioner_without_attention"]
    for kind in (TextToText, Chatbot):
        for preset in ("best", *of_images):
            with pytest.raises(InputError) as caught:
                choose_for_text_to_text(kind(preset), options, 100)
            assert str(caught.value) == (
                f"`preset` (--preset) must be one of {', '.join(PRESETS_OF_TEXTS)}. Received: {preset!r}"
            )
    for preset in PRESETS:
        network, _, _ = choose_for_text_to_text(ImageCaptioner(preset), options, 10_000)
        assert network == PRESETS[preset]["network"]
    with pytest.raises(InputError) as caught:
        choose_for_text_to_text(ImageCaptioner("best"), options, 100)
    assert str(caught.value) == f"`preset` must be one of {', '.join(PRESETS)}. Received: 'best'"
