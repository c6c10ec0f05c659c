"""nlpkit: from a file of texts to a trained, measured, deployed model."""

import os

from nlpkit._lazy import lazy_names

__version__ = "0.1.0"

# Read by TensorFlow when it is imported. By itself it takes oneDNN's matrix kernels on some processors only; on the
# others recurrent layers train about half as fast. What the user has set stays.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "Chatbot": ".estimators.chatbot",
        "ImageCaptioner": ".estimators.image_captioner",
        "InputError": ".errors",
        "TextClassifier": ".estimators.text_classifier",
        "TextGenerator": ".estimators.text_generator",
        "TextToText": ".estimators.text_to_text",
        "load": ".estimators.saving",
    },
)
