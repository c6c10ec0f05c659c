"""Settings of a text generator that the user left open, chosen from the size of the data, each with its reason."""

from nlpkit.spec import LanguageModelSettings, parse_settings
from nlpkit.training.documents import segments_in

# Updates that a network needs to learn anything, however little text there is, and epochs that are worth it.
UPDATES, MOST_EPOCHS, EPOCHS = 3_000, 60, 15
# Parallel streams, or documents side by side: more make better use of the processor, fewer more updates of the same
# text.
STREAMS, TOKENS_PER_STREAM = 20, 5_000
# With less text than that a network begins to know it by heart.
MUCH = 20_000_000
# Zaremba et al. (2014) have 1 and 5 for a sum over 20 steps.
DESCENT = {"learning_rate": 20.0, "clip_norm": 0.25}
# Epochs without improvement: more than `AverageWeights` waits for.
PATIENCE = 10
WHERE = "options['training']"


def choose_for_generator(tokens, words, network, training, minutes=None, lengths=None):
    """Completes the settings of network and training.

    Args:
        tokens: int. Tokens of the training texts.
        words: bool. Whether tokens are words or parts of words, no characters or bytes.
        network: dict. Keyword arguments of `build_generator` that the user gave.
        training: dict. Fields of `LanguageModelSettings` that the user gave.
        minutes: float. Time that training may take. Defaults to `None`, no limit.
        lengths: int array of shape `(texts,)`. Tokens of each document. Defaults to `None`: all are one long text.

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
    side_by_side = (
        f"parallel streams, with {TOKENS_PER_STREAM:,} tokens or more in each"
        if lengths is None
        else f"texts side by side, one for {TOKENS_PER_STREAM:,} tokens of all"
    )
    chosen(training, "batch_size", streams, side_by_side)
    steps = _updates(tokens, lengths, training)
    epochs = min(max(UPDATES // steps, EPOCHS), MOST_EPOCHS)
    chosen(training, "epochs", epochs, f"{steps:,} updates in each; it ends before when nothing improves")
    if training.get("optimizer", "adamw") != "adamw":
        for name, value in DESCENT.items():
            chosen(training, name, value, "what gradient descent on a mean over tokens wants")
    if training.get("optimizer") == "averaged_sgd":
        chosen(training, "schedule", "constant", "the average takes the place of a falling rate")
        chosen(training, "patience", PATIENCE, "the average begins where others stop")
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


def _updates(tokens, lengths, training):
    """Updates in an epoch."""
    batch_size, sequence_length = training["batch_size"], training["sequence_length"]
    if lengths is None:
        return max(tokens // (batch_size * sequence_length), 1)
    return segments_in(lengths, min(batch_size, len(lengths)), sequence_length)
