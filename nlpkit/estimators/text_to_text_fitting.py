"""What `TextToText.fit` does, step by step."""

import time
from itertools import chain

from nlpkit.data.columns import shorten
from nlpkit.data.readers import TableReader
from nlpkit.errors import InputError
from nlpkit.estimators.copied_words import check_words, extended_rows
from nlpkit.estimators.facts import token_facts
from nlpkit.estimators.pair_lengths import limit_sources
from nlpkit.estimators.pair_training import add_examples, some_rows, train_and_report, with_validation
from nlpkit.estimators.settings import option_groups, random_seed
from nlpkit.estimators.text_levels import text_layer
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
    run = {"started": time.monotonic(), "checkpoint": checkpoint, "resume": resume}
    options, seed = option_groups(model.options, GROUPS), random_seed(model.random_state)
    pairs, held_out = model._pairs(X, y, "training pairs"), _validation_pairs(model, validation_data)
    facts = pairs.facts()
    network, training, reasons = choose_for_text_to_text(model, options, facts["rows"])
    model._copy = network.get("copy", 0)
    with seeded(seed):
        _make_layers(model, options)
        train = _learned(model, pairs)
        data, given = {"train": {**facts, **token_facts(train[1])}}, None
        if held_out is not None:
            given = encoded(model, held_out)
            data["validation"] = {**held_out.facts(), **token_facts(given[1])}
        train, validation, rows = with_validation(train, given, seed, data)
        sizes = {f"{side}_vocabulary_size": getattr(model, f"{side}_").vocabulary_size for side in SIDES}
        known = sizes["target_vocabulary_size"]
        train, validation, training = limit_sources(train, validation, training, reasons, known)
        run["seed"] = seed
        train_and_report(model, train, validation, {**sizes, **network}, training, data, reasons, run)
    rows = some_rows(len(validation[1]), seed) if rows is None else rows[some_rows(len(rows), seed)]
    add_examples(model, *(held_out or pairs).pick(rows), seed)


def _validation_pairs(model, validation_data):
    if validation_data is None:
        return None
    if isinstance(validation_data, TableReader):
        return model._pairs(validation_data, name="validation pairs")
    if not isinstance(validation_data, tuple | list) or len(validation_data) != 2:
        raise InputError(
            "`validation_data` must be a pair of lists, sources and targets, or a TableReader. Received: "
            f"{shorten(validation_data)}"
        )
    sources, targets = validation_data
    return model._pairs(sources, targets, "validation pairs")


def _make_layers(model, options):
    levels = {side: getattr(model, f"{side}_level") or model.level for side in SIDES}
    if not model.shared:
        model.source_, model.target_ = (
            text_layer(level, model.normalize, options[side], argument=_argument(model, side), group=side)
            for side, level in levels.items()
        )
    elif levels["source"] != levels["target"] or options["target"] not in ({}, options["source"]):
        raise InputError(
            "With `shared` (--shared) both sides have one vocabulary. Received: "
            f"{levels['source']} and {levels['target']}, with options['source'] {options['source']} and "
            f"options['target'] {options['target']}. Give the same for both, or leave out `shared`."
        )
    else:
        # A name that stands on both sides of one pair is counted twice.
        model.target_ = model.source_ = text_layer(
            levels["source"], model.normalize, options["source"], group="source", seen=2
        )
    if model._copy:
        if not model.shared:
            raise InputError(
                "`copy` writes words of the source with the vocabulary of the target. Received: shared=False. Set "
                "`shared=True` (--shared)."
            )
        check_words(model.source_)


def _argument(model, side):
    """The argument that says what a token of a side is."""
    return f"{side}_level" if getattr(model, f"{side}_level") else "level"


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
