"""nlpkit: from a file of texts to a trained, measured, deployed model."""

from nlpkit._lazy import lazy_names

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "InputError": ".errors",
        "TextClassifier": ".estimators.text_classifier",
        "load": ".estimators.saving",
    },
)
