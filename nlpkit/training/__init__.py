"""Training, calibration and evaluation."""

from nlpkit._lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "SmoothedCrossentropy": ".losses",
        "TrainingResult": ".fit",
        "evaluate_probabilities": ".evaluation",
        "expected_calibration_error": ".calibration",
        "fit_temperature": ".calibration",
        "Predictor": ".predict",
        "epochs_that_fit": ".timing",
        "train": ".fit",
    },
)
