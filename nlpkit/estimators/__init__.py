"""scikit-learn estimators: text in, labels out, with saving and export."""

from nlpkit._lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "Chatbot": ".chatbot",
        "ImageCaptioner": ".image_captioner",
        "TextClassifier": ".text_classifier",
        "TextGenerator": ".text_generator",
        "TextToText": ".text_to_text",
        "image_features": ".image_features",
        "load": ".saving",
        "text_metrics": ".text_metrics",
        "write_report": ".report",
    },
)
