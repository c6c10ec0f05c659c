"""Runs exported TFLite files with ai-edge-litert, ONNX models with onnxruntime, and NumPy: no TensorFlow, no Keras.

`nlpkit.lite.load("saved_models/x/model.tflite")`, or of `model.onnx`, takes texts like the estimator that was exported.
"""

from nlpkit._lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "LiteChatbot": ".text_to_text",
        "LiteClassifier": ".classifier",
        "LiteGenerator": ".generator",
        "LiteImageCaptioner": ".text_to_text",
        "LiteTextToText": ".text_to_text",
        "TextToIds": ".text_to_ids",
        "load": ".loading",
    },
)
