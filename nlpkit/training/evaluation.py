"""One evaluation of a classifier: every number of the report, from true labels and probabilities."""

import numpy as np
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    log_loss,
    precision_recall_fscore_support,
    roc_auc_score,
)

from nlpkit.errors import InputError
from nlpkit.training.calibration import calibration_bins, expected_calibration_error

MISTAKES = 10
MISTAKE_CHARACTERS = 600  # a mistake must be recognisable; a whole book in the report helps nobody


def evaluate_probabilities(y_true, probabilities, classes, texts=None, multi_label=False):
    """Compares predicted probabilities with the truth.

    A value that is undefined is `None`: the ROC AUC of a class that has no (or only) examples here, the
    precision of a class never predicted, the recall of a class without examples. Averages are taken over the
    classes where the value is defined, as scikit-learn does for classes that do not occur.

    Args:
        y_true: int array of shape `(rows,)` with class indices, or multi-hot of shape `(rows, classes)` when
            `multi_label` is true.
        probabilities: float array of shape `(rows, classes)`.
        classes: sequence of labels, one per column of `probabilities`.
        texts: sequence of str. Only the texts of the reported mistakes are read from it. Defaults to `None`:
            no mistakes are listed.
        multi_label: bool. Whether a text may have any number of labels; a label is predicted from a
            probability of 0.5 on. Defaults to `False`.

    Returns:
        dict of plain Python values: `"rows"`, `"accuracy"` (multi-label: the whole set of labels is right),
        `"macro_f1"`, `"weighted_f1"`, (multi-label: `"micro_f1"`), `"log_loss"`, `"ece"`, `"roc_auc"` (macro,
        one class against the rest), `"per_class"`, `"confusion_matrix"` (`None` for multi-label),
        `"calibration"` (10 bins; multi-label: the probability of every label of every text against how
        often it applies) and `"mistakes"` (the 10 most confident).

    Raises:
        InputError: If there are no rows, shapes disagree, or a probability is not a finite number.

    Example:
        >>> import numpy as np
        >>> from nlpkit.training.evaluation import evaluate_probabilities
        >>> probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]])
        >>> result = evaluate_probabilities([0, 1, 0], probabilities, ["bad", "good"], ["ugh", "wow", "hm"])
        >>> round(result["accuracy"], 2), result["confusion_matrix"]["counts"]
        (0.67, [[1, 1], [0, 1]])
        >>> result["mistakes"]
        [{'text': 'hm', 'label': 'bad', 'predicted': 'good', 'confidence': 0.6}]
    """
    truth, probabilities = np.asarray(y_true), np.asarray(probabilities, np.float64)
    classes = [str(label) for label in classes]
    _check(truth, probabilities, classes, multi_label)
    chosen = truth > 0 if multi_label else truth[:, None] == np.arange(len(classes))
    if multi_label:
        predicted = (probabilities >= 0.5).astype(np.int64)
        confidence, correct = probabilities.ravel(), chosen.ravel()
        wrong = np.where(predicted == chosen, -1.0, np.maximum(probabilities, 1 - probabilities)).max(axis=1)
    else:
        predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
        correct = predicted == truth
        wrong = np.where(correct, -1.0, confidence)
    per_class = _per_class(truth, predicted, chosen, probabilities, classes)
    areas = [row["roc_auc"] for row in per_class.values() if row["roc_auc"] is not None]
    return {
        "rows": len(truth),
        "accuracy": float(accuracy_score(truth, predicted)),
        **_averages(truth, predicted, len(classes), multi_label),
        "log_loss": _log_loss(truth, probabilities, multi_label),
        "ece": expected_calibration_error(confidence, correct),
        "roc_auc": float(np.mean(areas)) if areas else None,
        "per_class": per_class,
        "confusion_matrix": None if multi_label else _confusion(truth, predicted, classes),
        "calibration": calibration_bins(confidence, correct),
        "mistakes": [] if texts is None else _mistakes(texts, truth, predicted, wrong, classes),
    }


def _log_loss(truth, probabilities, multi_label):
    if multi_label:
        return float(log_loss(truth.ravel() > 0, probabilities.ravel(), labels=[False, True]))
    if probabilities.shape[1] == 1:
        return 0.0
    shares = probabilities / probabilities.sum(axis=1, keepdims=True)  # float32 rows miss 1 by a little
    return float(log_loss(truth, shares, labels=np.arange(probabilities.shape[1])))


def _confusion(truth, predicted, classes):
    counts = confusion_matrix(truth, predicted, labels=np.arange(len(classes)))
    return {"labels": classes, "counts": counts.tolist()}


def _averages(truth, predicted, num_classes, multi_label):
    kinds = ("macro", "weighted", "micro") if multi_label else ("macro", "weighted")
    options = {"labels": np.arange(num_classes), "zero_division": np.nan}
    return {f"{kind}_f1": _number(f1_score(truth, predicted, average=kind, **options)) for kind in kinds}


def _per_class(truth, predicted, chosen, probabilities, classes):
    scores = precision_recall_fscore_support(
        truth, predicted, labels=np.arange(len(classes)), average=None, zero_division=np.nan
    )
    return {
        label: {
            "precision": _number(precision),
            "recall": _number(recall),
            "f1": _number(f1),
            "support": int(support),
            "roc_auc": _area(chosen[:, i], probabilities[:, i]),
        }
        for i, (label, precision, recall, f1, support) in enumerate(zip(classes, *scores, strict=True))
    }


def _area(truth, probability):
    return float(roc_auc_score(truth, probability)) if truth.any() and not truth.all() else None


def _number(value):
    return None if np.isnan(value) else float(value)


def _mistakes(texts, truth, predicted, wrong, classes):
    """The most confident mistakes; `wrong` is the confidence of each mistaken row, -1 for a correct one."""
    listed = []
    for row in np.argsort(-wrong, kind="stable")[:MISTAKES]:
        if wrong[row] < 0:
            break
        text = str(texts[row])
        listed.append(
            {
                "text": text if len(text) <= MISTAKE_CHARACTERS else text[:MISTAKE_CHARACTERS] + "…",
                "label": _labels_of(truth[row], classes),
                "predicted": _labels_of(predicted[row], classes),
                "confidence": float(wrong[row]),
            }
        )
    return listed


def _labels_of(target, classes):
    return [classes[i] for i in np.flatnonzero(target)] if target.ndim else classes[target]


def _check(truth, probabilities, classes, multi_label):
    expected = (len(truth), len(classes))
    if not len(truth):
        raise InputError("An evaluation needs at least one text. Received: 0 rows. Give texts with labels.")
    if probabilities.shape != expected:
        raise InputError(
            f"`probabilities` must have one row per text and one column per class, {expected}. "
            f"Received: shape {probabilities.shape}. Pass what `predict_proba` returns for these texts."
        )
    if truth.shape != (expected if multi_label else expected[:1]):
        rule = "multi-hot, (rows, classes)," if multi_label else "class indices, (rows,),"
        raise InputError(
            f"`y_true` must be {rule} when multi_label={multi_label}. Received: shape {truth.shape}. "
            "Set `multi_label` to match the labels."
        )
    if not np.isfinite(probabilities).all():
        raise InputError(
            "`probabilities` must be finite numbers. Received: NaN or infinity, so the training has "
            "diverged. Train again with a lower learning rate."
        )
