"""Artefacts that run without nlpkit, each compared with the model before it is handed over."""

from nlpkit._lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "Explained": ".explained",
        "ExportResult": ".versions",
        "explain": ".explained",
        "export_classifier_onnx": ".to_onnx",
        "export_classifier_text_tflite": ".classifier_text_lite",
        "export_classifier_tflite": ".classifier_lite",
        "export_generator": ".generator",
        "export_generator_onnx": ".to_onnx",
        "export_generator_tflite": ".generator_lite",
        "export_saved_model": ".saved_model",
        "export_text_to_text": ".text_to_text",
        "export_text_to_text_onnx": ".to_onnx",
        "export_text_to_text_tflite": ".text_to_text_lite",
        "portable_model": ".portable",
    },
)
