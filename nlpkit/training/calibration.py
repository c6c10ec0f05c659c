"""Temperature scaling and expected calibration error: do probabilities mean what they say?"""

import numpy as np
from scipy.optimize import minimize_scalar

from nlpkit.errors import InputError

TEMPERATURE_RANGE = (0.01, 100.0)


def fit_temperature(logits, targets, multi_label=False):
    """Finds the temperature that makes `softmax(logits / temperature)` fit the targets best.

    Minimises the negative log likelihood over the logarithm of the temperature, with a standard normal
    prior on that logarithm. The prior weighs about as much as one text, so it vanishes on real validation
    sets; on a handful of texts, or on perfectly separated ones, it keeps the answer near 1 where the
    likelihood alone would run away.

    Args:
        logits: float array of shape `(rows, classes)`. Outputs of the network before softmax or sigmoid.
        targets: int array of shape `(rows,)` with class indices, or multi-hot of shape `(rows, classes)` when
            `multi_label` is true.
        multi_label: bool. Whether every class has a sigmoid of its own. Defaults to `False`.

    Returns:
        float between 0.01 and 100. Above 1: the network was too sure of itself. 1.0 when there are no rows.

    Raises:
        InputError: If a logit is not a finite number.

    Example:
        >>> import numpy as np
        >>> from nlpkit.training.calibration import fit_temperature
        >>> logits = np.tile([[6.0, 0.0]], (1000, 1))
        >>> targets = np.repeat([0, 1], [800, 200])  # sure of itself (99.8 %), right only 80 % of the time
        >>> round(fit_temperature(logits, targets), 1)
        4.3

    Reference:
        [Guo et al., 2017](https://arxiv.org/abs/1706.04599)
    """
    logits, targets = np.asarray(logits, np.float64), np.asarray(targets)
    if not len(logits):
        return 1.0
    if not np.isfinite(logits).all():
        raise InputError(
            "`logits` must be finite numbers. Received: NaN or infinity, so the training has diverged. "
            "Train again with a lower learning rate."
        )
    likelihood = _sigmoid_loss(logits, targets) if multi_label else _softmax_loss(logits, targets)
    found = minimize_scalar(
        lambda log_temperature: likelihood(np.exp(-log_temperature)) + 0.5 * log_temperature**2,
        bounds=np.log(TEMPERATURE_RANGE),
        method="bounded",
    )
    return float(np.exp(found.x))


def _softmax_loss(logits, targets):
    shifted = logits - logits.max(axis=1, keepdims=True)  # the largest exponent is 0 at any temperature
    chosen = shifted[np.arange(len(targets)), targets].sum()
    return lambda scale: np.log(np.exp(shifted * scale).sum(axis=1)).sum() - chosen * scale


def _sigmoid_loss(logits, targets):
    margins = np.where(targets > 0, logits, -logits)
    return lambda scale: np.logaddexp(0.0, -margins * scale).sum()


def calibration_bins(confidence, correct, bins=10):
    """Sorts predictions into equal-width bins of confidence and compares confidence with accuracy in each.

    Args:
        confidence: float array of shape `(n,)`. Probability given to each prediction, between 0 and 1.
        correct: bool array of shape `(n,)`. Whether the prediction came true.
        bins: int. Number of bins. Defaults to 10.

    Returns:
        list of `bins` dicts: `"confidence"` and `"accuracy"` (means, `None` in an empty bin) and `"count"`.

    Example:
        >>> from nlpkit.training.calibration import calibration_bins
        >>> calibration_bins([0.5, 0.75, 1.0], [True, False, True], bins=2)[1]
        {'confidence': 0.75, 'accuracy': 0.6666666666666666, 'count': 3}
    """
    confidence, correct = np.asarray(confidence, np.float64), np.asarray(correct, np.float64)
    index = np.clip((confidence * bins).astype(np.int64), 0, bins - 1)
    counts = np.bincount(index, minlength=bins)
    sums = [np.bincount(index, weights, minlength=bins) for weights in (confidence, correct)]
    return [
        {
            "confidence": float(sure / count) if count else None,
            "accuracy": float(right / count) if count else None,
            "count": int(count),
        }
        for sure, right, count in zip(*sums, counts, strict=True)
    ]


def expected_calibration_error(confidence, correct, bins=10):
    """Measures how far confidence is from accuracy on average: 0 is perfect, 0.1 is ten points off.

    Args:
        confidence: float array of shape `(n,)`. Probability given to each prediction, between 0 and 1.
        correct: bool array of shape `(n,)`. Whether the prediction came true.
        bins: int. Number of equal-width bins. Defaults to 10.

    Returns:
        float. Mean over the predictions of |confidence - accuracy| of their bin; 0.0 without predictions.

    Example:
        >>> from nlpkit.training.calibration import expected_calibration_error
        >>> expected_calibration_error([0.75, 0.75, 0.75, 0.75], [True, True, False, False])
        0.25

    Reference:
        [Guo et al., 2017](https://arxiv.org/abs/1706.04599)
    """
    filled = [part for part in calibration_bins(confidence, correct, bins) if part["count"]]
    total = sum(part["count"] for part in filled)
    gaps = sum(part["count"] * abs(part["confidence"] - part["accuracy"]) for part in filled)
    return gaps / total if total else 0.0
