"""Settings that the user left open, chosen from the data, each with its reason."""

from dataclasses import dataclass, field

from nlpkit.errors import InputError
from nlpkit.models.encoders import RECURRENT
from nlpkit.spec import TrainingSettings, parse_settings

# Tokens beyond which a data set counts as large.
LARGE = 1_000_000
# Training texts from which on they are many. With fewer, character n-grams misled and large batches learned less.
MANY = 4_000
# What a large recurrent network needs: training texts (with 7,000 it was no better than a small one), and time for
# each million of their tokens, so that it reads them several times.
TEXTS_FOR_LARGE, MINUTES_FOR_LARGE = 20_000, 10.0


@dataclass(frozen=True)
class DataFacts:
    """What the choice is made from.

    Args:
        rows: int. Training texts.
        mean_length: float. Tokens per text.
        classes: int. Number of classes.
        words: bool. Whether tokens are words. Defaults to `True`.
        minutes: float. Time allowed for training; `None` sets no limit, the default.

    Example:
        >>> from nlpkit.estimators.choices import DataFacts
        >>> DataFacts(rows=2000, mean_length=20, classes=2).tokens
        40000.0
    """

    rows: int
    mean_length: float
    classes: int
    words: bool = True
    minutes: float | None = None

    @property
    def tokens(self):
        """Tokens of all training texts."""
        return float(self.rows * self.mean_length)


@dataclass
class Choices:
    """A complete set of settings with the reasons for those that were chosen here.

    Args:
        network: dict. Keyword arguments of `build_classifier`.
        training: `TrainingSettings`.
        reasons: list of dict with `setting`, `value` and `reason`, for the report.
        start_from: `GeneratorNetwork` whose weights the encoder begins with. Defaults to `None`: with random ones.

    Example:
        >>> from nlpkit.estimators.choices import DataFacts, choose
        >>> choose(DataFacts(rows=2000, mean_length=20, classes=2), {}, {}).network["encoder"]
        'bag'
    """

    network: dict
    training: TrainingSettings
    reasons: list = field(default_factory=list)
    start_from: object = None


def default_max_length(encoder):
    """Longest text that an encoder reads unless told otherwise, in tokens.

    Args:
        encoder: The estimator's `encoder`; a dict of settings where it comes from a language model.

    Returns:
        int.

    Example:
        >>> from nlpkit.estimators.choices import default_max_length
        >>> default_max_length("lstm"), default_max_length("auto")
        (256, 1024)
    """
    if isinstance(encoder, dict):
        return 512
    return 1024 if encoder in ("auto", "bag", "cnn") else 256


def candidates(facts, network):
    """Encoders to train, of which the validation part keeps one: the first at any rate, the others if time is left.

    Args:
        facts: `DataFacts`.
        network: dict. Settings of the network that the user gave. They are meant for one encoder, so that no other
            is tried.

    Returns:
        List of encoders.

    Example:
        >>> from nlpkit.estimators.choices import DataFacts, candidates
        >>> candidates(DataFacts(rows=2000, mean_length=20, classes=2, minutes=5), {})
        ['bag', 'lstm']
    """
    if network:
        return [network.get("encoder", "bag")]
    return ["bag"] if facts.minutes is None else ["bag", "lstm"]


def choose(facts, network, training):
    """Completes the settings of network and training.

    Args:
        facts: `DataFacts`.
        network: dict. Settings of the network that the user gave; without `"encoder"` it is the bag.
        training: dict. Settings of the training that the user gave.

    Returns:
        `Choices`.

    Raises:
        InputError: If a training setting is unknown or out of range, or an optimizer is given without its rate.

    Example:
        >>> from nlpkit.estimators.choices import DataFacts, choose
        >>> facts = DataFacts(rows=2000, mean_length=20, classes=2)
        >>> choose(facts, {"encoder": "lstm"}, {"epochs": 4}).training.epochs
        4
    """
    encoder = network.get("encoder", "bag")
    if training.get("optimizer", "adamw") != "adamw" and "learning_rate" not in training:
        raise InputError(
            "The learning rates that are chosen suit AdamW. Received: "
            f"optimizer={training['optimizer']!r} without a learning rate. Give `learning_rate` too."
        )
    rules = _rules(encoder, facts, network.get("residual"))
    chosen = {
        name: (value, reason)
        for name, (value, reason) in rules.items()
        if name not in network and name not in training
    }
    training_names = TrainingSettings.model_fields
    values = {name: value for name, (value, _) in chosen.items()}
    return Choices(
        network={**{name: value for name, value in values.items() if name not in training_names}, **network},
        training=parse_settings(
            TrainingSettings,
            {**{name: value for name, value in values.items() if name in training_names}, **training},
            "training settings",
        ),
        reasons=[
            {"setting": name, "value": value, "reason": reason} for name, (value, reason) in chosen.items()
        ],
    )


def _rules(encoder, facts, residual):
    if isinstance(encoder, dict):
        return _pretrained_rules(facts)
    return _bag_rules(facts) if encoder == "bag" else _deep_rules(encoder, facts, residual)


def _bag_rules(facts):
    several, large, many = facts.classes > 2, facts.tokens > LARGE, facts.rows >= MANY
    spelling = facts.words and facts.mean_length <= 64 and many
    size = f"{facts.rows:,} training texts of {facts.mean_length:.0f} tokens"
    return {
        "encoder": (
            "bag",
            "without pretrained vectors as accurate as recurrent networks or better, and faster",
        ),
        "embedding_dim": (0, "an embedding beside the weights made the bag worse"),
        "ngrams": (3, "word order within three words, negation above all"),
        "buckets": (
            2 ** (18 if several else 21 if large else 20),
            f"few collisions of n-grams; {facts.classes} classes",
        ),
        "naive_bayes": (True, "naive-Bayes ratios let the weights learn from little data"),
        "character_ngrams": (
            2**17 if spelling else 0,
            f"{size}: spelling helps many short texts, misleads few",
        ),
        "min_count": (
            2 if facts.tokens > 300_000 else 1,
            f"{size}: n-grams seen once are noise in much text, and needed in little",
        ),
        "batch_size": (128 if large else 64, size),
        "epochs": (4 if large else 6 if many else 10, f"{size}; the best epoch is kept"),
        "learning_rate": (0.01, "measured to suit the bag"),
    }


def _deep_rules(encoder, facts, residual):
    size = f"{facts.rows:,} training texts of {facts.mean_length:.0f} tokens"
    return {
        "units": (100 if encoder == "cnn" else 64, size),
        **(_recurrent_rules(facts, size, residual) if encoder in RECURRENT else {}),
        "dropout": (0.5 if facts.rows < 50_000 else 0.3, size),
        "batch_size": (64, "larger batches took more memory and learned less from each text"),
        "epochs": (5 if facts.tokens > LARGE else 10, f"{size}; the best epoch is kept"),
        "learning_rate": (0.002, "measured to suit networks of this size"),
    }


def _pretrained_rules(facts):
    """Measured on SST-2 with a small language model, where layers that wait or learn less did worse."""
    size = f"{facts.rows:,} training texts of {facts.mean_length:.0f} tokens"
    return {
        "pooling": (["last", "max", "mean"], "what decides may stand anywhere in a text"),
        "dropout": (0.4, "before the output; the encoder has the dropouts of its language model"),
        "batch_size": (64, "larger batches took more memory and learned less from each text"),
        "epochs": (6 if facts.tokens > LARGE else 10, f"{size}; the best epoch is kept"),
        "learning_rate": (0.005, "learned more than lower rates, and than lower ones for lower layers"),
    }


def _recurrent_rules(facts, size, residual):
    """A small network, or a large one where there are texts to fill it and time to train it."""
    minutes = None if facts.minutes is None else facts.minutes / (facts.tokens / 1e6)
    time = "no time limit" if minutes is None else f"{minutes:.1f} minutes per million tokens"
    large = facts.rows >= TEXTS_FOR_LARGE and minutes is not None and minutes >= MINUTES_FOR_LARGE
    reason = (
        f"{size}, {time}; 128 units in 2 layers from {TEXTS_FOR_LARGE:,} texts and {MINUTES_FOR_LARGE:.0f} minutes "
        "per million tokens on"
    )
    return {
        "units": (128 if large else 64, reason),
        "num_layers": (2, "a residual connection needs a second layer")
        if residual
        else (2 if large else 1, reason),
        "bidirectional": (True, "every step sees the words before and after it"),
    }
