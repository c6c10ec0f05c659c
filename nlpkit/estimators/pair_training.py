"""What every estimator that is fitted to pairs does once it has them as numbers: train, and report."""

import datetime
import hashlib
import json
import time

import numpy as np

import nlpkit
from nlpkit.data import IdRows
from nlpkit.errors import InputError
from nlpkit.estimators.building import sixteen_bits
from nlpkit.estimators.facts import versions
from nlpkit.estimators.pair_lengths import length_limit
from nlpkit.estimators.settings import settings_of
from nlpkit.estimators.text_metrics import import_sacrebleu, text_metrics
from nlpkit.models import build_encoder_decoder
from nlpkit.training.language_model import perplexity_of
from nlpkit.training.teacher_forcing import train_encoder_decoder

HELD_OUT, MOST_HELD_OUT = 0.1, 2_000
# Validation pairs that are written after training, and those of them that the report shows.
MEASURED, EXAMPLES = 500, 10


def with_validation(train, given, seed, data):
    """The pairs to train with, and those to choose the best epoch.

    Args:
        train: Tuple of the sources, `IdRows` or an array, and the targets, `IdRows`.
        given: The same for validation, or `None`: a tenth of the pairs is held out.
        seed: int. Which ones.
        data: dict of facts for the report, to which those of what was held out are added.

    Returns:
        Two such tuples, and the numbers of the pairs that are held out, `None` if none are.

    Raises:
        InputError: If there is but one pair, of which nothing can be held out.
    """
    if given is not None:
        return train, given, None
    count = len(train[1])
    if count < 2:
        raise InputError(
            "A tenth of the pairs is held out to choose the best epoch, so that it takes 2. Received: 1 pair. Give "
            "more, or validation data."
        )
    order = np.random.default_rng(seed).permutation(count)
    held = max(min(int(HELD_OUT * count), MOST_HELD_OUT), 1)
    data["validation"] = {"rows": held, "held_out": True, "files": data["train"].get("files", [])}
    order[:held].sort()
    kept = [tuple(_take(side, rows) for side in train) for rows in (np.sort(order[held:]), order[:held])]
    return *kept, order[:held]


def _take(side, rows):
    """Some rows of `IdRows` or of an array, in the order given."""
    return side.take(rows) if isinstance(side, IdRows) else side[rows]


def add_examples(model, X, y, seed):
    """Writes the targets of validation sources, and adds to the report how good they are and some to look at.

    Args:
        model: `TextToText` or `ImageCaptioner` with its report.
        X: Sources, as `predict` takes them.
        y: List of str, or of lists of str.
        seed: int. Which ones are shown.
    """
    written = model.predict(X)
    try:
        import_sacrebleu()
    except InputError as error:  # an extra that is not installed must not cost the training
        model.report_["metrics_missing"] = str(error)
    else:
        model.report_["metrics"]["validation"] = text_metrics(written, y)
    rows = np.sort(np.random.default_rng(seed).permutation(len(written))[:EXAMPLES])
    model.report_["examples"] = [
        {
            "source": X[row] if isinstance(X[row], str) else None,
            "target": y[row] if isinstance(y[row], str) else y[row][0],
            "written": written[row],
        }
        for row in rows
    ]


def some_rows(count, seed):
    """Numbers of the pairs that are measured after training: all, or as many as take no long time.

    Args:
        count: int. Validation pairs.
        seed: int.

    Returns:
        Int array, sorted.

    Example:
        >>> from nlpkit.estimators.pair_training import some_rows
        >>> some_rows(3, seed=0).tolist()
        [0, 1, 2]
    """
    return np.sort(np.random.default_rng(seed).permutation(count)[:MEASURED])


def train_and_report(model, train, validation, network, training, data, reasons, run):
    """Builds and trains the network of an estimator, and writes its report.

    Args:
        model: `TextToText` or `ImageCaptioner`; gets `network_`, `report_` and what its spec needs.
        train: Tuple of the sources and the targets.
        validation: The same.
        network: dict. Arguments of `build_encoder_decoder`.
        training: `TextToTextSettings`.
        data: dict. Facts about the data.
        reasons: List of dicts. Why a setting is what it is; that of `max_new_tokens` is added.
        run: dict of `seed`, `started`, `checkpoint` and `resume`.
    """
    model._longest, reason = length_limit(train[1].lengths, "targets")
    reasons.append({"setting": "max_new_tokens", "value": model._longest, "reason": reason})
    if training.mixed_precision:
        network["dtype"] = sixteen_bits()
    with settings_of("network", "nlpkit.models.build_encoder_decoder"):
        model.network_ = build_encoder_decoder(**network)
    identity = [data, model.text_settings(), network, training.model_dump(), run["seed"]]
    result = train_encoder_decoder(
        model.network_,
        *train,
        training,
        validation=validation,
        seed=run["seed"],
        deadline=None if model.minutes is None else run["started"] + 60 * model.minutes,
        checkpoint=run["checkpoint"],
        resume=run["resume"],
        fingerprint=hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest(),
        verbose=model.verbose,
    )
    model._network_settings, model._training = network, training
    model.report_ = _report(model, result, data, reasons, run["started"])


def _report(model, result, data, reasons, started):
    now = datetime.datetime.now(datetime.timezone.utc)
    spec = model.spec().model_dump()
    return {
        "nlpkit": nlpkit.__version__,
        "task": spec["task"],
        "name": None,
        "created": now.isoformat(timespec="seconds"),
        "data": data,
        "choices": reasons,
        "history": result.history,
        "best_epoch": result.best_epoch,
        "averaged": result.averaged,
        "out_of_time": result.out_of_time,
        "perplexity": {"validation": perplexity_of(result.validation_loss)},
        "metrics": {},
        "seconds": time.monotonic() - started,
        "settings": spec,
        "versions": versions(),
    }
