"""Settings of a text generator that the user left open, chosen from the size of the data, each with its reason."""

from nlpkit.spec import LanguageModelSettings, parse_settings

# Updates that a network needs to learn anything, however little text there is, and epochs that are worth it.
UPDATES, MOST_EPOCHS, EPOCHS = 3_000, 60, 15
# Parallel streams: more make better use of the processor, fewer more updates of the same text.
STREAMS, TOKENS_PER_STREAM = 20, 5_000
# With less text than that a network begins to know it by heart.
MUCH = 20_000_000
WHERE = "options['training']"


def choose_for_generator(tokens, words, network, training, minutes=None):
    """Completes the settings of network and training.

    Args:
        tokens: int. Tokens of the training texts.
        words: bool. Whether tokens are words or parts of words, no characters or bytes.
        network: dict. Keyword arguments of `build_generator` that the user gave.
        training: dict. Fields of `LanguageModelSettings` that the user gave.
        minutes: float. Time that training may take. Defaults to `None`, no limit.

    Returns:
        Tuple of the keyword arguments, the `LanguageModelSettings` and a list of dicts with `setting`, `value` and
        `reason`, for the report.

    Raises:
        InputError: If a training setting is unknown or out of range.

    Example:
        >>> from nlpkit.estimators.generator_choices import choose_for_generator
        >>> network, training, reasons = choose_for_generator(900_000, True, {}, {"epochs": 2})
        >>> network["dropout"], training.batch_size, training.epochs
        (0.3, 20, 2)
    """
    parse_settings(LanguageModelSettings, training, WHERE)  # before anything is reckoned from them
    reasons = []

    def chosen(given, name, value, reason):
        if name not in given:
            given[name] = value
            reasons.append({"setting": name, "value": value, "reason": reason})

    network, training = dict(network), dict(training)
    chosen(
        training, "sequence_length", 35 if words else 100, "a sentence or two" if words else "a line or two"
    )
    streams = min(max(tokens // TOKENS_PER_STREAM, 1), STREAMS)
    chosen(
        training,
        "batch_size",
        streams,
        f"parallel streams, with {TOKENS_PER_STREAM:,} tokens or more in each",
    )
    steps = max(tokens // (training["batch_size"] * training["sequence_length"]), 1)
    epochs = min(max(UPDATES // steps, EPOCHS), MOST_EPOCHS)
    chosen(training, "epochs", epochs, f"{steps:,} updates in each; it ends before when nothing improves")
    if minutes is not None:
        chosen(training, "schedule", "plateau", "the time may be over before the epochs are")
    chosen(network, "cell", "lstm", "learns well from little text")
    dropout = 0.3 if tokens < MUCH else 0.1
    chosen(
        network,
        "dropout",
        dropout,
        "against learning the text by heart" if tokens < MUCH else "there is much text",
    )
    if network["cell"] in ("lstm", "gru", "rnn"):
        chosen(
            network, "variational", True, "one mask for all steps of a row disturbs a recurrent state less"
        )
    if network["cell"] == "transformer":
        chosen(network, "context", training["sequence_length"], "as far back as it is trained to look")
    return network, parse_settings(LanguageModelSettings, training, WHERE), reasons
