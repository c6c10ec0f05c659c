"""Settings of a text-to-text model: the preset's, what the user gave in their place, and why."""

from nlpkit.errors import InputError
from nlpkit.layers.recurrent_decoder import FIRST_RESIDUAL
from nlpkit.models.encoder_decoder_checks import OF_RECURRENT, OF_TRANSFORMERS
from nlpkit.models.presets import PRESETS, PRESETS_OF_TEXTS
from nlpkit.spec import TextToTextSettings, parse_settings

# Updates that a network needs to learn anything, however few pairs there are, and epochs that are worth it.
UPDATES, EPOCHS, MOST_EPOCHS = 3_000, 15, 60
# Fewer pairs in a step where there are few: more updates of the same pairs.
PAIRS_PER_STEP, BATCH_SIZE = 100, 64
WHERE = "options['training']"


def choose_for_text_to_text(model, options, pairs):
    """Joins the preset with what the user gave, and fits both to the size of the data.

    Args:
        model: `TextToText` or `ImageCaptioner`.
        options: dict of its option groups.
        pairs: int. Pairs to train with.

    Returns:
        Tuple of the keyword arguments of `build_encoder_decoder`, the `TextToTextSettings`, and a list of dicts with
        `setting`, `value` and `reason`, for the report.

    Raises:
        InputError: If the preset is unknown, or a training setting cannot be used.

    Example:
        >>> from nlpkit import TextToText
        >>> from nlpkit.estimators.text_to_text_choices import choose_for_text_to_text
        >>> model = TextToText("gnmt", units=64)
        >>> options = {"network": {}, "training": {}}
        >>> network, training, reasons = choose_for_text_to_text(model, options, pairs=2_000)
        >>> network["units"], network["num_layers"], training.batch_size, training.epochs
        (64, 4, 20, 30)
    """
    _check_preset(model)
    _check_reads_texts(model, options["training"])
    given = _given(model, options)
    # Checked, and "16" made a number, before anything is reckoned from them.
    given["training"] = parse_settings(TextToTextSettings, given["training"], WHERE).model_dump(
        exclude_unset=True
    )
    defaults, preset = _defaults(model, pairs, given), f"the preset {model.preset}"
    reasons = [
        {"setting": name, "value": value, "reason": reason or preset}
        for group, settings in defaults.items()
        for name, (value, reason) in settings.items()
        if name not in given[group]
    ]
    network, training = (
        {**{name: value for name, (value, _) in defaults[group].items()}, **given[group]}
        for group in ("network", "training")
    )
    return network, parse_settings(TextToTextSettings, training, WHERE), reasons


def _check_preset(model):
    captioner = model.task == "captioner"
    presets, flag = (PRESETS, "") if captioner else (PRESETS_OF_TEXTS, " (--preset)")
    if model.preset not in presets:
        raise InputError(f"`preset`{flag} must be one of {', '.join(presets)}. Received: {model.preset!r}")


def _check_reads_texts(model, training):
    if model.task == "captioner" and "max_source_length" in training:
        raise InputError(
            "`max_source_length` is about sources that are texts. Received: "
            f"max_source_length={training['max_source_length']!r} for an ImageCaptioner. Leave it out."
        )


def _given(model, options):
    own = {name: getattr(model, name) for name in ("cell", "units", "num_layers")}
    own = {name: value for name, value in own.items() if value is not None}
    epochs = {} if model.epochs is None else {"epochs": model.epochs}
    return {"network": {**own, **options["network"]}, "training": {**epochs, **options["training"]}}


def _defaults(model, pairs, given):
    """Value and reason of each setting that has one; no reason where it is the preset's."""
    preset = PRESETS[model.preset]
    defaults = {
        group: {name: (value, None) for name, value in preset[group].items()}
        for group in ("network", "training")
    }
    _fit_to_cell(defaults["network"], preset["network"]["cell"], given["network"])
    if model.preset in PRESETS_OF_TEXTS and given["network"].get("cell") == "transformer":
        _train_as_transformer(defaults)
    layers = given["network"].get("num_layers", preset["network"].get("num_layers", 1))
    if defaults["network"].get("residual") and layers <= FIRST_RESIDUAL:
        defaults["network"]["residual"] = (False, "it begins with the third layer")
    if model.shared:
        defaults["network"]["share"] = (True, "one vocabulary")
    training = defaults["training"]
    if "batch_tokens" not in given["training"]:
        _choose_batch_size(training, pairs, given["training"].get("batch_size"))
    size = given["training"].get("batch_size", training.get("batch_size", (BATCH_SIZE,))[0])
    epochs = min(max(UPDATES * size // pairs, EPOCHS), MOST_EPOCHS)
    training["epochs"] = (epochs, "it ends before when nothing improves")
    if model.minutes is not None:
        _fit_to_time(training, given["training"])
    return defaults


def _fit_to_cell(network, of_preset, given):
    """Takes out what a preset says of layers of another kind alone, and gives those of this kind its attention."""
    cell = given.get("cell", of_preset)
    of_others = ()
    if cell == "transformer":
        # Who asks for the preset that is about it asks for what a Transformer lacks, and is told so.
        of_others = ("bidirectional", *(name for name in OF_RECURRENT if name != "peeky"))
    elif of_preset == "transformer":
        network["attention"] = ("additive", "a Transformer attends too")
        if given.get("encoder") != "transformer":
            of_others = OF_TRANSFORMERS
    for name in of_others:
        network.pop(name, None)


def _train_as_transformer(defaults):
    """What recurrent layers bear, a Transformer may not: its preset says how it is trained."""
    own, reason = PRESETS["transformer"], "the cell transformer"
    defaults["training"] = {name: (value, reason) for name, value in own["training"].items()}
    defaults["network"]["dropout"] = (own["network"]["dropout"], reason)


def _fit_to_time(training, given):
    """A rate that does not wait for the last epochs, which may not come."""
    if training.get("schedule", ("cosine",))[0] == "cosine":
        training["schedule"] = ("plateau", "the time may be over before the epochs are")
    if given.get("schedule", training["schedule"][0]) == "inverse_sqrt":
        warmup = training.get("warmup", (TextToTextSettings.model_fields["warmup"].default,))[0]
        most = float(f"{0.5 / given.get('epochs', training['epochs'][0]):.3g}")
        if most < warmup:
            training["warmup"] = (
                most,
                "half of the first epoch, as the time may be over before the epochs are",
            )


def _choose_batch_size(training, pairs, given):
    """Pairs in a step where the preset's number, of pairs or tokens, would leave few steps or is overruled."""
    most = pairs // PAIRS_PER_STEP
    size, _ = training.get("batch_size", (BATCH_SIZE, None))
    if given is not None or most < size:
        training.pop("batch_tokens", None)
    if most < size:
        training["batch_size"] = (max(most, 8), "few pairs")
