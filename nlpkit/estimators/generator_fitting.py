"""What `TextGenerator.fit` does, step by step."""

import datetime
import hashlib
import json
import time

import numpy as np

import nlpkit
from nlpkit.data import IdRows
from nlpkit.data.whole_files import WholeFileReader
from nlpkit.errors import InputError
from nlpkit.estimators.building import sixteen_bits
from nlpkit.estimators.facts import token_facts, versions
from nlpkit.estimators.generator_choices import WHERE, choose_for_generator
from nlpkit.estimators.plain_texts import PlainTexts
from nlpkit.estimators.report_language import write_examples
from nlpkit.estimators.settings import option_groups, random_seed, settings_of
from nlpkit.estimators.text_levels import text_layer
from nlpkit.models import build_generator
from nlpkit.spec import LanguageModelSettings, parse_settings
from nlpkit.text.vocabulary import SPECIAL_TOKENS
from nlpkit.training.language_model import perplexity_of, train_language_model
from nlpkit.training.seeding import seeded

HELD_OUT = 0.1


def fit_generator(generator, X, validation_data, checkpoint, resume):
    """Fits a `TextGenerator` in place.

    Args:
        generator: `TextGenerator`.
        X: List of str or `TableReader`.
        validation_data: The same, or `None`.
        checkpoint: Path of the checkpoint's folder, or `None`.
        resume: bool. Whether to continue from the checkpoint.

    Raises:
        InputError: If texts or settings cannot be used.
    """
    started = time.monotonic()
    options = option_groups(generator.options)
    seed = random_seed(generator.random_state)
    generator.text_to_ids_ = text_layer(generator.level, generator.normalize, options["text"])
    training = {
        **({} if generator.epochs is None else {"epochs": generator.epochs}),
        **options["training"],
    }
    documents = parse_settings(LanguageModelSettings, training, WHERE).documents
    with seeded(seed):
        ids, validation, data = _read(generator.text_to_ids_, X, validation_data, documents)
        words = generator.level not in ("byte", "char")
        network = _network_settings(generator, options["network"])
        tokens, lengths = (len(ids.ids), ids.lengths) if documents else (len(ids), None)
        network, settings, reasons = choose_for_generator(
            tokens, words, network, training, generator.minutes, lengths
        )
        if settings.mixed_precision:
            network["dtype"] = sixteen_bits()
        with settings_of("network", "nlpkit.models.build_generator"):
            generator.network_ = build_generator(generator.text_to_ids_.vocabulary_size, **network)
        identity = [data, generator.text_to_ids_.settings(), network, settings.model_dump(), seed]
        result = train_language_model(
            generator.network_,
            ids,
            settings,
            validation=validation,
            seed=seed,
            deadline=None if generator.minutes is None else started + 60 * generator.minutes,
            checkpoint=checkpoint,
            resume=resume,
            fingerprint=hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest(),
            verbose=generator.verbose,
        )
    generator._network_settings, generator._training = network, settings
    generator._whole_files = isinstance(X, WholeFileReader)
    generator.report_ = _report(generator, result, data, reasons, started)
    generator.report_["examples"] = write_examples(generator)


def _read(text_to_ids, X, validation_data, documents):
    """The texts for training and for validation, all in a row or as documents, and facts about both."""
    stream = PlainTexts(X, "training texts")
    rows = text_to_ids.fit_encode(stream)
    _check_vocabulary(text_to_ids, rows)
    data = {"train": {**stream.facts(), **token_facts(rows)}}
    if validation_data is not None:
        stream = PlainTexts(validation_data, "validation texts")
        held = text_to_ids.encode(stream)
        data["validation"] = {**stream.facts(), **token_facts(held)}
        return (rows, held, data) if documents else (rows.ids, held.ids, data)
    train, held = _last_documents(rows) if documents else _last_part(rows)
    tokens = len(held.ids) if documents else len(held)
    data["validation"] = {
        "files": data["train"]["files"],
        "held_out": True,
        "total_tokens": tokens,
        "characters": _last_characters(rows, stream.lengths, tokens),
    }
    return train, held, data


def _last_characters(rows, lengths, tokens):
    """The characters of the last tokens; of a text that they begin in, as large a part as they are of its tokens."""
    ends = np.concatenate([[0], np.cumsum(lengths)])
    return round(ends[-1] - np.interp(len(rows.ids) - tokens, rows.offsets, ends))


def _check_vocabulary(text_to_ids, rows):
    if text_to_ids.vocabulary_size == len(SPECIAL_TOKENS):
        raise InputError(
            "The training texts must hold words for the vocabulary, such as are not <unk> and occur "
            f"{text_to_ids.min_frequency or 1} times or more (`min_frequency`). Received: "
            f"{len(rows.ids) - len(rows):,} words in {len(rows):,} texts, none of them such. Give more text."
        )


def _last_part(rows):
    """All tokens but the last tenth, and that: it begins with a text, or within one that is longer than that."""
    wanted = int((1 - HELD_OUT) * len(rows.ids))
    nearest = int(rows.offsets[np.abs(rows.offsets - wanted).argmin()])
    cut = nearest if 0 < nearest < len(rows.ids) and abs(nearest - wanted) < wanted // 20 else wanted
    return rows.ids[:cut], rows.ids[cut:]


def _last_documents(rows):
    """All texts but those that hold about the last tenth of the tokens, and these."""
    if len(rows) < 2:
        raise InputError(
            "With `documents` (--documents) the last texts are held out to choose the best epoch, so that it takes 2. "
            "Received: 1 text. Give more, or validation data, or leave out `documents`."
        )
    wanted = (1 - HELD_OUT) * len(rows.ids)
    cut = 1 + int(np.abs(rows.offsets[1:-1] - wanted).argmin())
    place = rows.offsets[cut]
    return (
        IdRows(rows.ids[:place], rows.offsets[: cut + 1]),
        IdRows(rows.ids[place:], rows.offsets[cut:] - place),
    )


def _network_settings(generator, options):
    own = {name: getattr(generator, name) for name in ("cell", "units", "num_layers")}
    return {**{name: value for name, value in own.items() if value is not None}, **options}


def _report(generator, result, data, reasons, started):
    now = datetime.datetime.now(datetime.timezone.utc)
    loss = result.history["val_loss"][result.best_epoch - 1]
    return {
        "nlpkit": nlpkit.__version__,
        "task": "generator",
        "name": None,
        "created": now.isoformat(timespec="seconds"),
        "data": data,
        "choices": reasons,
        "history": result.history,
        "best_epoch": result.best_epoch,
        "out_of_time": result.out_of_time,
        "perplexity": {"validation": perplexity_of(loss)},
        "seconds": time.monotonic() - started,
        "settings": generator.spec().model_dump(),
        "versions": versions(),
    }
