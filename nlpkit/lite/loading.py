"""From a file to something that predicts."""

import importlib
from pathlib import Path

from nlpkit.errors import InputError
from nlpkit.lite.model_file import ModelFile
from nlpkit.lite.onnx_files import OnnxFiles

# Module and class of each task.
RUNTIMES = {
    "classifier": ("classifier", "LiteClassifier"),
    "generator": ("generator", "LiteGenerator"),
    "text_to_text": ("text_to_text", "LiteTextToText"),
    "chatbot": ("text_to_text", "LiteChatbot"),
    "captioner": ("text_to_text", "LiteImageCaptioner"),
}


def load(path, num_threads=1):
    """Loads a TFLite file or an ONNX model that `nlpkit export` wrote.

    Args:
        path: Path of the file; of an ONNX model, of `model.onnx`, beside which the other files of the export lie.
        num_threads: int. Processor threads. Defaults to 1.

    Returns:
        An object with the `predict`, `predict_proba` or `generate` of the estimator that was exported.

    Raises:
        InputError: If the file is missing, foreign, damaged or of an unknown task, or a library is missing.

    Example:
        ```python
        import tempfile
        import nlpkit.lite
        from nlpkit import TextClassifier

        folder = tempfile.mkdtemp()
        TextClassifier(epochs=1).fit(["good", "bad"] * 4, ["yes", "no"] * 4).export(folder, to="tflite")
        print(nlpkit.lite.load(folder + "/model.tflite").predict(["good"]))
        ```
    """
    file = OnnxFiles.read(path) if Path(path).suffix == ".onnx" else ModelFile.read(path)
    task = file.spec.get("task")
    if task not in RUNTIMES:
        raise InputError(
            f"{path} must be of a task among {sorted(RUNTIMES)}. Received: {task!r}. "
            "Use the nlpkit version that wrote it."
        )
    if file.spec.get("reads_strings"):
        raise InputError(
            f"{path} reads strings by operations of tensorflow-text, which nlpkit.lite does without. "
            "Load model.tflite, which was written beside it."
        )
    module, name = RUNTIMES[task]
    runtime = getattr(importlib.import_module(f"nlpkit.lite.{module}"), name)
    try:
        return runtime(file, num_threads)
    except KeyError as error:
        raise InputError(
            f"{path} does not say {error} of its model: it was changed, or written by another program. Export it again."
        ) from None
