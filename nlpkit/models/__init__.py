"""Builders: functions that assemble layers to a plain `keras.Model` over ids; and the n-gram model."""

from nlpkit._lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "NgramModel": ".ngram_model",
        "adapt_bag": ".bag",
        "build_classifier": ".classifier",
        "build_encoder_decoder": ".encoder_decoder",
        "build_generator": ".generator",
    },
)
