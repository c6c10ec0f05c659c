"""What `TextToText.fit` does, step by step."""

import time
from itertools import chain

from nlpkit.errors import InputError
from nlpkit.estimators.copied_words import check_words, extended_rows
from nlpkit.estimators.facts import token_facts
from nlpkit.estimators.pair_training import train_and_report, with_validation
from nlpkit.estimators.settings import option_groups, random_seed
from nlpkit.estimators.text_levels import text_layer
from nlpkit.estimators.text_pairs import TextPairs
from nlpkit.estimators.text_to_text_choices import choose_for_text_to_text
from nlpkit.training.seeding import seeded

SIDES = ("source", "target")
GROUPS = (*SIDES, "network", "training")


def fit_text_to_text(model, X, y, validation_data, checkpoint, resume):
    """Fits a `TextToText` in place.

    Args:
        model: `TextToText`.
        X: List of str or `TableReader`.
        y: List of str or `None`.
        validation_data: Pair of lists, `TableReader`, or `None`.
        checkpoint: Path of the checkpoint's folder, or `None`.
        resume: bool. Whether to continue from the checkpoint.

    Raises:
        InputError: If texts or settings cannot be used.
    """
    started = time.monotonic()
    options = option_groups(model.options, GROUPS)
    seed = random_seed(model.random_state)
    pairs = TextPairs(X, y, "training pairs")
    facts = pairs.facts()
    network, training, reasons = choose_for_text_to_text(model, options, facts["rows"])
    model._copy = network.get("copy", 0)
    with seeded(seed):
        _make_layers(model, options)
        train = _learned(model, pairs)
        data = {"train": {**facts, **token_facts(train[1])}}
        train, validation = with_validation(
            train, _given_validation(model, validation_data, data), seed, data
        )
        sizes = {f"{side}_vocabulary_size": getattr(model, f"{side}_").vocabulary_size for side in SIDES}
        run = {"seed": seed, "started": started, "checkpoint": checkpoint, "resume": resume}
        train_and_report(model, train, validation, {**sizes, **network}, training, data, reasons, run)


def _make_layers(model, options):
    levels = {side: getattr(model, f"{side}_level") or model.level for side in SIDES}
    if not model.shared:
        model.source_, model.target_ = (
            text_layer(level, model.normalize, options[side], argument=f"{side}_level", group=side)
            for side, level in levels.items()
        )
    elif levels["source"] != levels["target"] or options["target"] not in ({}, options["source"]):
        raise InputError(
            "With `shared` (--shared) both sides have one vocabulary. Received: "
            f"{levels['source']} and {levels['target']}, with options['source'] {options['source']} and "
            f"options['target'] {options['target']}. Give the same for both, or leave out `shared`."
        )
    else:
        model.target_ = model.source_ = text_layer(
            levels["source"], model.normalize, options["source"], group="source"
        )
    if model._copy:
        if not model.shared:
            raise InputError(
                "`copy` writes words of the source with the vocabulary of the target. Received: shared=False. Set "
                "`shared=True` (--shared)."
            )
        check_words(model.source_)


def _learned(model, pairs):
    """Learns the vocabularies, and encodes the pairs."""
    if not model.shared:
        return model.source_.fit_encode(pairs.sources), model.target_.fit_encode(pairs.targets)
    model.source_.fit_encode(_Both(pairs))
    return encoded(model, pairs)


class _Both:
    """The texts of both sides, which can be read again."""

    def __init__(self, pairs):
        self.pairs = pairs

    def __iter__(self):
        return chain(self.pairs.sources, self.pairs.targets)


def encoded(model, pairs):
    """Pairs as ids, with the vocabularies there are.

    Args:
        model: `TextToText`.
        pairs: `TextPairs`.

    Returns:
        Tuple of `IdRows` of the sources and of the targets.
    """
    if model._copy:
        return extended_rows(model.source_, pairs.chunks(), model._copy)
    return model.source_.encode(pairs.sources), model.target_.encode(pairs.targets)


def _given_validation(model, validation_data, data):
    """The validation pairs as ids, if there are any; facts about them go to `data`."""
    if validation_data is None:
        return None
    given = validation_data if isinstance(validation_data, tuple) else (validation_data,)
    pairs = TextPairs(*given, name="validation pairs")
    validation = encoded(model, pairs)
    data["validation"] = {**pairs.facts(), **token_facts(validation[1])}
    return validation
