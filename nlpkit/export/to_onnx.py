"""Classifiers, language models and models that write targets as ONNX graphs."""

import tensorflow as tf

from nlpkit.export.classifier_lite import classifier_task
from nlpkit.export.generator_lite import generator_task
from nlpkit.export.onnx import write_onnx
from nlpkit.export.portable import portable_model
from nlpkit.export.text_to_text_lite import text_to_text_task
from nlpkit.layers.dense_array import dense_arrays


def export_classifier_onnx(folder, text_to_ids, network, labels, temperature=1.0, multi_label=False):
    """Writes `model.onnx`, and proves it before it is there.

    Its input is `token_ids`, int32 `(batch, time)`, padded with 0 on the right; its output `probabilities`, float32
    `(batch, classes)` in the order of the labels. `model.onnx.json` holds the labels, the vocabulary and all that
    `nlpkit.lite.load` makes ids of texts by.

    Args:
        folder: Path of the model folder.
        text_to_ids: `TextToIds`.
        network: `keras.Model` from ids to logits.
        labels: List of labels.
        temperature: float. The logits are divided by it. Defaults to 1.
        multi_label: bool. Whether a text has any number of labels. Defaults to `False`.

    Returns:
        `ExportResult`.

    Raises:
        InputError: If tf2onnx or onnxruntime is not installed, or an operation has no counterpart in ONNX.
        VerificationError: If the graph differs from the model; an earlier export stays.

    Example:
        ```python
        import tempfile
        from nlpkit.export import export_classifier_onnx
        from nlpkit.models import build_classifier
        from nlpkit.text import text_to_ids

        text = text_to_ids("byte", max_length=50)
        network = build_classifier(text.vocabulary_size, 2, encoder="cnn", units=4, embedding_dim=4)
        result = export_classifier_onnx(tempfile.mkdtemp(), text, network, ["no", "yes"])
        print(result.path, result.max_difference)
        ```
    """
    ids = tf.TensorSpec([None, None], tf.int32)
    model = text_to_ids, network, labels, temperature, multi_label
    return write_onnx(folder, classifier_task(*model, portable_model(network), ids, dense_arrays()))


def export_generator_onnx(folder, text_to_ids, network):
    """Writes `model.onnx` and its other graphs, and proves them before they are there.

    Each graph is a signature of `export_generator_tflite`, of one text at a time: `model.onnx` is `score`,
    `model.generate.onnx`, `model.init.onnx` and `model.step.onnx` the others. An output that would have the name of
    an input has `new_` before it: `new_token_ids`, `new_state_0`. The weights are in `model.onnx.weights`, once for all
    graphs, and `model.onnx.json` holds the vocabulary and all that `nlpkit.lite.load` makes ids of texts by.

    Args:
        folder: Path of the model folder.
        text_to_ids: `TextToIds` that adds the end to each text.
        network: `GeneratorNetwork`.

    Returns:
        `ExportResult`.

    Raises:
        InputError: If tf2onnx or onnxruntime is not installed, or an operation has no counterpart in ONNX.
        VerificationError: If a graph differs from the model; an earlier export stays.

    Example:
        ```python
        import tempfile
        from nlpkit.export import export_generator_onnx
        from nlpkit.models import build_generator
        from nlpkit.text import text_to_ids

        text = text_to_ids("byte", end=True)
        result = export_generator_onnx(tempfile.mkdtemp(), text, build_generator(text.vocabulary_size, units=8))
        print(result.path, result.max_difference)
        ```
    """
    return write_onnx(folder, generator_task(text_to_ids, network, dense=True))


def export_text_to_text_onnx(folder, model, beam_size=5):
    """Writes `model.onnx` and its other graphs, and proves them before they are there.

    Each graph is a signature of `export_text_to_text_tflite`, of one source at a time: `model.onnx` is `score`,
    `model.translate.onnx` (of a captioner `model.caption.onnx`), `model.greedy.onnx`, `model.attention.onnx`,
    `model.init.onnx` and `model.step.onnx` the others. See `export_generator_onnx` for the names of outputs and the
    files beside them.

    Args:
        folder: Path of the model folder.
        model: A fitted `TextToText`, `Chatbot` or `ImageCaptioner`.
        beam_size: int. Targets that `translate` carries on side by side. Defaults to 5.

    Returns:
        `ExportResult`.

    Raises:
        InputError: If `beam_size` is less than 1, the model copies words, tf2onnx or onnxruntime is not installed, or
            an operation has no counterpart in ONNX.
        VerificationError: If a graph differs from the model; an earlier export stays.

    Example:
        ```python
        import tempfile
        from nlpkit import TextToText
        from nlpkit.export import export_text_to_text_onnx

        sources, targets = ["one two", "two three"] * 20, ["two one", "three two"] * 20
        model = TextToText(level="word", units=8, epochs=1).fit(sources, targets)
        result = export_text_to_text_onnx(tempfile.mkdtemp(), model, beam_size=2)
        print(result.path, result.max_difference)
        ```
    """
    return write_onnx(folder, text_to_text_task(model, beam_size, dense=True))
