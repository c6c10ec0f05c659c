"""What `TextClassifier.fit` does, step by step."""

import datetime
import time

import nlpkit
from nlpkit.errors import InputError
from nlpkit.estimators.candidates import Run, train_best
from nlpkit.estimators.choices import DataFacts, candidates, choose, default_max_length
from nlpkit.estimators.facts import TextsOfRows, versions
from nlpkit.estimators.label_codes import check_known
from nlpkit.estimators.parts import read_training, with_validation
from nlpkit.estimators.pretrained_encoder import PretrainedEncoder, check_decided, check_no_layers
from nlpkit.estimators.settings import option_groups, random_seed, settings_of
from nlpkit.models.encoders import check_encoder
from nlpkit.text import text_to_ids
from nlpkit.text.levels import LEVELS
from nlpkit.training import Predictor, evaluate_probabilities, fit_temperature
from nlpkit.training.seeding import seeded

# Without an encoder, each of these asks for a recurrent one; the bag has none of them.
MEANT_FOR_RECURRENT = {"vectors", "units", "num_layers", "bidirectional", "pooling", "residual", "layer_norm"}

# Switches of `text_to_ids` that leave texts as they are.
AS_THEY_ARE = {"html": False, "case": None, "collapse_whitespace": False}


def fit_classifier(classifier, X, y, validation_data, test_labels, checkpoint, resume):
    """Fits a `TextClassifier` in place.

    Args:
        classifier: `TextClassifier`.
        X: List of str or `TableReader`.
        y: List of labels, or `None` with a reader.
        validation_data: Tuple of texts and labels, `TableReader`, or `None`.
        test_labels: dict of label to its place, all of which must occur in `y`; or `None`.
        checkpoint: Path of the checkpoint's folder, or `None`.
        resume: bool. Whether to continue from the checkpoint.

    Raises:
        InputError: If texts, labels or settings cannot be used.
    """
    started = time.monotonic()
    if not _is_auto(classifier):
        check_encoder(classifier.encoder)
    options = option_groups(classifier.options)
    pretrained = _pretrained(classifier, options)
    seed = random_seed(classifier.random_state)
    with seeded(seed):
        classifier.text_to_ids_ = _text_layer(classifier, options["text"], pretrained)
        whole, data = read_training(classifier, X, y, learn_vocabulary=pretrained is None)
        check_known(test_labels or {}, classifier.classes_)
        plans = _plans(classifier, whole.rows.lengths, options, pretrained)
        parts = with_validation(classifier, whole, validation_data, data, seed)
    deadline = None if classifier.minutes is None else started + 60 * classifier.minutes
    identity = [[part.get("sha256") for part in data.values()], classifier.text_to_ids_.settings()]
    identity += [] if pretrained is None else [pretrained.digest()]
    run = Run(seed, deadline, checkpoint, resume, identity, classifier.verbose)
    kept = train_best(classifier, plans, parts, run)
    classifier.n_features_in_ = 1
    classifier.network_, classifier._predictor = kept.model, Predictor(kept.model)
    classifier._label_separator = getattr(X, "label_separator", None)
    classifier._network_settings, classifier._training = kept.network, kept.choices.training
    logits = None if parts[1] is None else classifier._predictor.logits(parts[1].rows)
    classifier.temperature_ = _temperature(classifier, parts[1], logits)
    evaluation = _evaluation(classifier, parts[1], logits)
    classifier.report_ = _report(classifier, kept, data, evaluation, started)


def _is_auto(classifier):
    return isinstance(classifier.encoder, str) and classifier.encoder == "auto"


def _pretrained(classifier, options):
    if classifier.encoder_from is None:
        check_no_layers(options)
        return None
    check_decided(classifier, options)
    return PretrainedEncoder(classifier.encoder_from)


def _text_layer(classifier, options, pretrained):
    if classifier.tokenizer not in LEVELS:
        raise InputError(
            f"`tokenizer` (--tokenizer) must be one of {', '.join(LEVELS)}. Received: {classifier.tokenizer!r}"
        )
    max_length = classifier.max_length
    if max_length is None:
        max_length = default_max_length(classifier.encoder if pretrained is None else pretrained.settings())
    if pretrained is not None:
        return pretrained.text_layer(options.get("max_length", max_length))
    with settings_of("text", "nlpkit.text.text_to_ids"):
        own = {"max_length": max_length, **({} if classifier.normalize else AS_THEY_ARE)}
        return text_to_ids(classifier.tokenizer, **{**own, **options})


def _plans(classifier, lengths, options, pretrained):
    """Complete settings of each network that comes into question."""
    words = classifier.tokenizer == "word"
    facts = DataFacts(
        len(lengths), float(lengths.mean()), len(classifier.classes_), words, classifier.minutes
    )
    network = _given_network(classifier, options["network"], pretrained)
    training = {} if classifier.epochs is None else {"epochs": classifier.epochs}
    training |= options["training"]
    if pretrained is not None:
        choices = choose(facts, network, training)
        choices.reasons.insert(0, pretrained.reason())
        choices.start_from = pretrained.network
        return [choices]
    first, *others = candidates(facts, network)
    return [
        choose(facts, network, training),
        *(choose(facts, {"encoder": encoder}, training) for encoder in others),
    ]


def _given_network(classifier, options, pretrained):
    """Settings of the network that the user gave; without any of them, all is left to choose."""
    if pretrained is not None:
        return {**options, "encoder": pretrained.settings()}
    own = {name: getattr(classifier, name) for name in ("units", "num_layers", "bidirectional")}
    own["encoder"] = None if _is_auto(classifier) else classifier.encoder
    network = {**{name: value for name, value in own.items() if value is not None}, **options}
    recurrent = sorted(MEANT_FOR_RECURRENT & set(network))
    if recurrent and network.setdefault("encoder", "lstm") == "bag":
        raise InputError(
            f"The encoder 'bag' has no {', '.join(recurrent)}. Leave them out, or take another encoder, such as lstm."
        )
    return network


def _temperature(classifier, validation, logits):
    if validation is None:
        return 1.0
    return fit_temperature(logits, validation.targets, classifier.multi_label)


def _evaluation(classifier, validation, logits):
    if validation is None:
        return {}
    probabilities = classifier._probabilities(logits)
    texts = TextsOfRows(validation.texts, classifier.text_to_ids_, validation.rows)
    return {
        "validation": evaluate_probabilities(
            validation.targets, probabilities, classifier.classes_.tolist(), texts, classifier.multi_label
        )
    }


def _report(classifier, kept, data, evaluation, started):
    now = datetime.datetime.now(datetime.timezone.utc)
    return {
        "nlpkit": nlpkit.__version__,
        "task": "classifier",
        "name": None,
        "created": now.isoformat(timespec="seconds"),
        "data": data,
        "choices": kept.choices.reasons,
        "history": kept.result.history,
        "best_epoch": kept.result.best_epoch,
        "out_of_time": kept.result.out_of_time,
        "temperature": classifier.temperature_,
        "evaluation": evaluation,
        "seconds": time.monotonic() - started,
        "settings": classifier.spec().model_dump(),
        "versions": versions(),
    }
