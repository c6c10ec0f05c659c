import numpy as np
import pytest

from nlpkit.errors import InputError
from nlpkit.training.calibration import calibration_bins, expected_calibration_error, fit_temperature


def sampled(temperature, rows=20000, classes=3, seed=0):
    """Logits whose softmax at `temperature` is exactly the distribution the targets were drawn from."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(rows, classes)) * 3
    noise = random.gumbel(size=logits.shape)  # Gumbel-max draws from softmax(logits / temperature)
    return logits, (logits / temperature + noise).argmax(axis=1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_true_temperature_is_found(temperature):
    assert fit_temperature(*sampled(temperature)) == pytest.approx(temperature, rel=0.05)


def test_multi_label_temperature_is_found():
    random = np.random.default_rng(1)
    logits = random.normal(size=(8000, 4)) * 3
    targets = (random.uniform(size=logits.shape) < 1 / (1 + np.exp(-logits / 2))).astype(int)
    assert fit_temperature(logits, targets, multi_label=True) == pytest.approx(2.0, rel=0.05)


def test_sigmoid_of_a_margin_equals_softmax_of_two_logits():
    logits, targets = sampled(1.7, rows=500, classes=2)
    margins = logits[:, 1:] - logits[:, :1]
    one = fit_temperature(margins, targets[:, None], multi_label=True)
    assert one == pytest.approx(fit_temperature(logits, targets), rel=1e-3)


def test_no_validation_rows_leave_the_probabilities_alone():
    assert fit_temperature(np.zeros((0, 3)), np.zeros(0, int)) == 1.0
    assert fit_temperature(np.zeros((0, 3)), np.zeros((0, 3)), multi_label=True) == 1.0


@pytest.mark.parametrize("rows", [1, 3, 50, 20000])
def test_perfect_separation_stays_bounded(rows):
    logits = np.tile(np.float32([[2.0, -2.0], [-2.0, 2.0]]), (rows, 1))
    temperature = fit_temperature(logits, np.tile([0, 1], rows))
    assert 0.01 <= temperature <= 1.0
    if rows <= 3:
        assert temperature > 0.7  # a handful of correct texts is no evidence for five times the confidence


def test_every_prediction_wrong_reaches_the_upper_bound():
    assert fit_temperature(np.tile([[50.0, -50.0]], (100, 1)), np.ones(100, int)) == pytest.approx(
        100, rel=1e-3
    )


def test_huge_and_equal_logits_are_harmless():
    assert fit_temperature([[1e5, -1e5]], [1]) <= 100
    assert fit_temperature(np.zeros((10, 2)), np.zeros(10, int)) == pytest.approx(1.0, abs=1e-3)


def test_diverged_logits_are_named():
    with pytest.raises(
        InputError, match="`logits` must be finite numbers. Received: NaN or infinity.*learning rate"
    ):
        fit_temperature([[np.nan, 0.0]], [0])


def test_scaling_lowers_the_calibration_error():
    logits, targets = sampled(2.5)

    def error(temperature):
        scores = np.exp(logits / temperature)
        probabilities = scores / scores.sum(axis=1, keepdims=True)
        return expected_calibration_error(probabilities.max(axis=1), probabilities.argmax(axis=1) == targets)

    assert error(1.0) > 0.15
    assert error(fit_temperature(logits, targets)) < 0.02


def test_error_by_hand():
    # bin [0.5, 0.6): mean 0.55, one of two right; bin [0.9, 1]: mean 0.95, all right
    confidence, correct = [0.55, 0.55, 0.9, 1.0], [True, False, True, True]
    assert expected_calibration_error(confidence, correct) == pytest.approx((2 * 0.05 + 2 * 0.05) / 4)
    assert expected_calibration_error([], []) == 0.0


def test_bins_count_everything_and_keep_empty_bins():
    confidence = np.random.default_rng(2).uniform(0.5, 1, size=1000)
    bins = calibration_bins(np.append(confidence, [1.0, 1.0000001]), np.ones(1002))
    assert len(bins) == 10 and sum(part["count"] for part in bins) == 1002
    assert bins[0] == {"confidence": None, "accuracy": None, "count": 0}
    inside = confidence[(confidence >= 0.7) & (confidence < 0.8)]
    assert bins[7] == {"confidence": pytest.approx(inside.mean()), "accuracy": 1.0, "count": len(inside)}
