"""What `TextClassifier.fit` does, step by step."""

import datetime
import hashlib
import json
import time
from dataclasses import dataclass

import numpy as np
import sklearn
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state

import nlpkit
from nlpkit.data.readers import TableReader
from nlpkit.errors import InputError
from nlpkit.estimators.building import build_network
from nlpkit.estimators.choices import DataFacts, choose, default_max_length
from nlpkit.estimators.facts import TextsOfRows, label_counts, token_facts, versions
from nlpkit.estimators.label_codes import encode_labels, learn_classes
from nlpkit.estimators.labelled_texts import LabelledTexts
from nlpkit.models.encoders import check_encoder
from nlpkit.text import text_to_ids
from nlpkit.training import Predictor, epochs_that_fit, evaluate_probabilities, fit_temperature, train
from nlpkit.training.checkpoint import Checkpoint
from nlpkit.training.seeding import seeded

HELD_OUT = 0.1
MAX_HELD_OUT = 10_000
MIN_ROWS_TO_HOLD_OUT = 20
OPTION_GROUPS = ("text", "network", "training")


@dataclass
class Part:
    """Encoded texts with their targets.

    Args:
        rows: `IdRows`.
        targets: Array of the targets.
        texts: Where the report finds the text of a row.
    """

    rows: object
    targets: np.ndarray
    texts: object


def fit_classifier(classifier, X, y, validation_data, checkpoint, resume):
    """Fits a `TextClassifier` in place.

    Args:
        classifier: `TextClassifier`.
        X: List of str or `TableReader`.
        y: List of labels, or `None` with a reader.
        validation_data: Tuple of texts and labels, `TableReader`, or `None`.
        checkpoint: Path of the checkpoint's folder, or `None`.
        resume: bool. Whether to continue from the checkpoint.

    Raises:
        InputError: If texts, labels or settings cannot be used.
    """
    started = time.monotonic()
    if not (isinstance(classifier.encoder, str) and classifier.encoder == "auto"):
        check_encoder(classifier.encoder)
    options = _options(classifier.options)
    seed = _seed(classifier.random_state)
    with seeded(seed):
        classifier.text_to_ids_ = _text_layer(classifier, options["text"])
        whole, data = _read(classifier, LabelledTexts(X, y, "training texts"))
        choices = _choose(classifier, whole.rows.lengths, options)
        parts = _parts(classifier, whole, validation_data, data, seed)
        fingerprint = _fingerprint(data, classifier, choices, seed)
        result = _train(classifier, parts, choices, seed, started, checkpoint, resume, fingerprint)
    _calibrate(classifier, parts[1])
    classifier.n_features_in_ = 1
    classifier._training = choices.training
    classifier.report_ = {
        "nlpkit": nlpkit.__version__,
        "task": "classifier",
        "name": None,
        "created": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "seconds": time.monotonic() - started,
        "data": data,
        "choices": choices.reasons,
        "history": result.history,
        "best_epoch": result.best_epoch,
        "out_of_time": result.out_of_time,
        "temperature": classifier.temperature_,
        "evaluation": _evaluation(classifier, parts[1]),
        "settings": classifier.spec().model_dump(),
        "versions": versions(),
    }


def _options(options):
    given = options or {}
    unknown = sorted(set(given) - set(OPTION_GROUPS))
    if unknown:
        raise InputError(f"`options` has the groups {list(OPTION_GROUPS)}. Received: {unknown}")
    return {group: dict(given.get(group) or {}) for group in OPTION_GROUPS}


def _text_layer(classifier, options):
    max_length = classifier.max_length
    if max_length is None:
        max_length = default_max_length(classifier.encoder)
    try:
        return text_to_ids(classifier.tokenizer, **{"max_length": max_length, **options})
    except InputError:
        raise
    except (TypeError, ValueError) as error:
        raise InputError(f"The text settings cannot be used: {error}. See nlpkit.text.text_to_ids.") from None


def _seed(random_state):
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def _read(classifier, stream):
    """All training texts as ids and targets, and the facts about them; learns vocabulary and classes."""
    rows = classifier.text_to_ids_.fit_encode(stream)
    classifier.classes_ = learn_classes(stream.labels, classifier.multi_label)
    targets = encode_labels(stream.labels, classifier.classes_, classifier.multi_label, stream.place)
    return Part(rows, targets, stream), {"train": {**stream.facts(), **token_facts(rows)}}


def _parts(classifier, whole, validation_data, data, seed):
    """Training and validation part; the latter is `None` where there are too few texts to hold some out."""
    if validation_data is not None:
        texts, labels = (
            (validation_data, None) if isinstance(validation_data, TableReader) else validation_data
        )
        stream = LabelledTexts(texts, labels, "validation texts", classifier.classes_)
        rows = classifier.text_to_ids_.encode(stream)
        targets = encode_labels(stream.labels, classifier.classes_, classifier.multi_label, stream.place)
        data["validation"] = {**stream.facts(), **token_facts(rows)}
        return whole, Part(rows, targets, stream)
    count = len(whole.rows)
    if count < MIN_ROWS_TO_HOLD_OUT:
        return whole, None
    strata = None if classifier.multi_label or np.bincount(whole.targets).min() < 2 else whole.targets
    size = max(min(int(count * HELD_OUT), MAX_HELD_OUT), 1 if strata is None else len(classifier.classes_))
    kept, held = train_test_split(np.arange(count), test_size=size, stratify=strata, random_state=seed)
    kept = np.sort(kept)
    held_out = whole.rows.pop(held)  # in place: a copy of the ids of a large file would take gigabytes
    parts = [
        Part(rows, whole.targets[part], (whole.texts, part))
        for rows, part in ((whole.rows, kept), (held_out, held))
    ]
    data["validation"] = {"files": data["train"]["files"], "held_out": True}
    for name, part in zip(("train", "validation"), parts, strict=True):
        data[name].update(
            rows=len(part.rows), labels=label_counts(classifier, part.targets), **token_facts(part.rows)
        )
    return parts


def _choose(classifier, lengths, options):
    words = classifier.tokenizer == "word"
    facts = DataFacts(len(lengths), float(lengths.mean()), len(classifier.classes_), words)
    own = {name: getattr(classifier, name) for name in ("units", "num_layers", "bidirectional")}
    own["encoder"] = (
        None if isinstance(classifier.encoder, str) and classifier.encoder == "auto" else classifier.encoder
    )
    network = {**{name: value for name, value in own.items() if value is not None}, **options["network"]}
    meant_for_deep = sorted({"vectors", "units", "num_layers", "bidirectional"} & set(network))
    if meant_for_deep and network.setdefault("encoder", "lstm") == "bag":
        raise InputError(
            f"The encoder 'bag' has no {', '.join(meant_for_deep)}. Leave them out, or take another encoder, such as "
            "lstm."
        )
    training = {
        **({"epochs": classifier.epochs} if classifier.epochs is not None else {}),
        **options["training"],
    }
    return choose(facts, network, training)


def _train(classifier, parts, choices, seed, started, checkpoint, resume, fingerprint):
    train_part, validation = parts
    model, network = build_network(classifier, choices, train_part)
    deadline = None if classifier.minutes is None else started + 60 * classifier.minutes
    keeper = Checkpoint(checkpoint, fingerprint, {})
    if deadline and any(reason["setting"] == "epochs" for reason in choices.reasons):
        _fit_epochs_to_time(model, train_part, choices, deadline, keeper if resume else None)
    result = train(
        model,
        train_part.rows,
        train_part.targets,
        choices.training,
        validation=None if validation is None else (validation.rows, validation.targets),
        sample_weight=_class_weights(classifier, choices.training.class_weight, train_part.targets),
        seed=seed,
        deadline=deadline,
        checkpoint=checkpoint,
        resume=resume,
        fingerprint=fingerprint,
        verbose=classifier.verbose,
    )
    keeper.remove()
    classifier.network_ = model
    classifier._network_settings = network
    return result


def _fit_epochs_to_time(model, part, choices, deadline, keeper):
    """Lowers the chosen number of epochs to what the time allows; a resumed run keeps its own number."""
    settings, seconds = choices.training, deadline - time.monotonic()
    if keeper:
        epochs = keeper.planned_epochs()
    else:
        epochs = epochs_that_fit(model, part.rows, part.targets, settings, seconds)
    if epochs < settings.epochs:
        chosen = next(reason for reason in choices.reasons if reason["setting"] == "epochs")
        chosen.update(
            value=epochs, reason=f"as many as fit into the time allowed; without limit {settings.epochs}"
        )
    choices.training = settings.model_copy(update={"epochs": epochs})


def _class_weights(classifier, class_weight, targets):
    if class_weight is None:
        return None
    if classifier.multi_label:
        raise InputError("`class_weight` is for texts with one label each. Received: multi_label=True")
    if class_weight == "balanced":
        return sklearn.utils.class_weight.compute_sample_weight("balanced", targets).astype(np.float32)
    unknown = sorted(set(class_weight) - {str(label) for label in classifier.classes_})
    if unknown:
        raise InputError(
            f"`class_weight` names labels that do not occur: {unknown}. Labels: {list(classifier.classes_)}"
        )
    return np.array([class_weight.get(str(label), 1.0) for label in classifier.classes_], np.float32)[targets]


def _calibrate(classifier, validation):
    classifier.temperature_ = 1.0
    classifier._predictor = Predictor(classifier.network_)
    if validation is not None:
        logits = classifier._predictor.logits(validation.rows)
        classifier.temperature_ = fit_temperature(logits, validation.targets, classifier.multi_label)


def _evaluation(classifier, validation):
    if validation is None:
        return {}
    probabilities = classifier._probabilities(classifier._predictor.logits(validation.rows))
    texts = TextsOfRows(validation.texts, classifier.text_to_ids_, validation.rows)
    return {
        "validation": evaluate_probabilities(
            validation.targets, probabilities, classifier.classes_.tolist(), texts, classifier.multi_label
        )
    }


def _fingerprint(data, classifier, choices, seed):
    hashes = [part.get("sha256") for part in data.values()]
    facts = [
        hashes,
        repr(choices.network),
        choices.training.model_dump(),
        classifier.text_to_ids_.settings(),
        seed,
    ]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
