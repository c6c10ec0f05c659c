"""Settings that the user left open, chosen from the data and the time allowed, each with its reason."""

from dataclasses import dataclass, field

from nlpkit.spec import TrainingSettings, parse_settings

# Tokens beyond which a data set counts as large.
LARGE = 1_000_000


@dataclass
class Choices:
    """A complete set of settings with the reasons for those that were chosen here.

    Args:
        network: dict. Keyword arguments of `build_classifier`.
        training: `TrainingSettings`.
        reasons: list of dict with `setting`, `value` and `reason`, for the report.

    Example:
        >>> from nlpkit.estimators.choices import DataFacts, choose
        >>> choose(DataFacts(rows=2000, mean_length=20, longest=80, classes=2), {}, {}).network["encoder"]
        'bag'
    """

    network: dict
    training: TrainingSettings
    reasons: list = field(default_factory=list)


@dataclass(frozen=True)
class DataFacts:
    """What the choice is made from.

    Args:
        rows: int. Training texts.
        mean_length: float. Tokens per text.
        longest: int. Tokens of the longest text.
        classes: int. Number of classes.
        words: bool. Whether tokens are words. Defaults to `True`.

    Example:
        >>> from nlpkit.estimators.choices import DataFacts
        >>> DataFacts(rows=2000, mean_length=20, longest=80, classes=2).tokens
        40000.0
    """

    rows: int
    mean_length: float
    longest: int
    classes: int
    words: bool = True

    @property
    def tokens(self):
        """Tokens of all training texts."""
        return self.rows * self.mean_length


def default_max_length(encoder):
    """Longest text that an encoder reads unless told otherwise, in tokens.

    Args:
        encoder: The estimator's `encoder`.

    Returns:
        int.

    Example:
        >>> from nlpkit.estimators.choices import default_max_length
        >>> default_max_length("lstm"), default_max_length("auto")
        (256, 1024)
    """
    return 1024 if encoder in ("auto", "bag", "cnn") else 256


def choose(facts, network, training):
    """Completes the settings of network and training.

    Args:
        facts: `DataFacts`.
        network: dict. Settings of the network that the user gave; without `"encoder"` it is chosen.
        training: dict. Settings of the training that the user gave.

    Returns:
        `Choices`.

    Raises:
        InputError: If a training setting is unknown or out of range.

    Example:
        >>> from nlpkit.estimators.choices import DataFacts, choose
        >>> facts = DataFacts(rows=2000, mean_length=20, longest=80, classes=2)
        >>> choose(facts, {"encoder": "lstm"}, {"epochs": 4}).training.epochs
        4
    """
    reasons = []

    def pick(given, setting, value, reason):
        if setting not in given:
            reasons.append({"setting": setting, "value": value, "reason": reason})
        return given.get(setting, value)

    encoder = pick(
        network,
        "encoder",
        "bag",
        (
            "words and n-grams with naive-Bayes weights: on texts without pretrained vectors as accurate as "
            "recurrent networks or better, and many times faster"
        ),
    )
    chosen = {"encoder": encoder, **_network(encoder, facts, network, pick)}
    settings = _training(encoder, facts, training, pick)
    return Choices(
        {**chosen, **network}, parse_settings(TrainingSettings, settings, "training settings"), reasons
    )


def _network(encoder, facts, given, pick):
    if encoder == "bag":
        several, long = facts.classes > 2, facts.tokens > LARGE
        short = facts.mean_length <= 64 and facts.words
        return {
            "embedding_dim": pick(given, "embedding_dim", 0, "an embedding beside the weights made the bag worse"),
            "ngrams": pick(given, "ngrams", 3, "word order within three words, negation above all"),
            "buckets": pick(given, "buckets", 2 ** (18 if several else 21 if long else 20), (
                "few collisions of n-grams; each class of more than two needs weights of its own"
            )),
            "naive_bayes": pick(given, "naive_bayes", True, "naive-Bayes ratios let weights learn from little data"),
            "character_ngrams": pick(given, "character_ngrams", 2**17 if short else 0, (
                f"a text has {facts.mean_length:.0f} tokens on average: the spelling of rare words helps short texts"
            )),
            "min_count": pick(given, "min_count", 2 if facts.tokens > 300_000 else 1, (
                f"{facts.tokens:,.0f} training tokens: n-grams seen once are needed in little text and noise in much"
            )),
        }  # fmt: skip
    units = 100 if encoder == "cnn" else 64
    dropout = 0.5 if facts.rows < 50_000 else 0.3
    return {
        "units": pick(given, "units", units, "enough for the amount of data"),
        "dropout": pick(given, "dropout", dropout, f"{facts.rows} training texts"),
    }


def _training(encoder, facts, given, pick):
    bag, large = encoder == "bag", facts.tokens > LARGE
    batch_size = 128 if large else 64
    passes = (4 if large else 6) if bag else (5 if large else 10)
    return {
        "batch_size": pick(given, "batch_size", batch_size, f"{facts.rows} training texts"),
        "epochs": pick(
            given, "epochs", passes, f"{facts.tokens:,.0f} training tokens; the best epoch is kept"
        ),
        "learning_rate": pick(given, "learning_rate", 0.01 if bag else 0.002, f"measured to suit {encoder}"),
        **given,
    }
