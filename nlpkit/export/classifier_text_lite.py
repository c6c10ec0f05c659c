"""A classifier as a TFLite file that reads strings."""

from functools import partial

import tensorflow as tf

from nlpkit.export.classifier_lite import classifier_task
from nlpkit.export.lite_graphs import called, traced
from nlpkit.export.portable import portable_model
from nlpkit.export.saved_model import probabilities_of
from nlpkit.export.text_ops import TextOps
from nlpkit.export.tflite import write_tflite
from nlpkit.export.verify import verification_texts

TEXT = tf.TensorSpec([1], tf.string)


def export_classifier_text_tflite(folder, text_to_ids, network, labels, temperature=1.0, multi_label=False):
    """Writes `model.text.tflite`, and proves it before it is there.

    Its signature `classify` takes `text`, string `(1,)`, and returns `probabilities`, float32 `(1, classes)` in the
    order of `labels.txt`. A runtime needs the operations of tensorflow-text beside TFLite's own: in Python
    `tensorflow_text.tflite_registrar.SELECT_TFTEXT_OPS`, in C++ and on Android the library of that name.

    Args:
        folder: Path of the model folder.
        text_to_ids: `TextToIds` of bytes, of tokens between spaces or of WordPiece, which takes texts as they are.
        network: `keras.Model` from ids to logits.
        labels: List of labels.
        temperature: float. The logits are divided by it. Defaults to 1.
        multi_label: bool. Whether a text has any number of labels. Defaults to `False`.

    Returns:
        `ExportResult`.

    Raises:
        InputError: If there are no such operations for the tokenizer, or an operation has no counterpart in TFLite.
        VerificationError: If the file differs from the model; an earlier file stays.

    Example:
        ```python
        import tempfile
        from nlpkit.export import export_classifier_text_tflite
        from nlpkit.models import build_classifier
        from nlpkit.text import text_to_ids

        text = text_to_ids("byte", html=False, case=None, collapse_whitespace=False)
        network = build_classifier(text.vocabulary_size, 2, encoder="lstm", units=4, embedding_dim=4)
        result = export_classifier_text_tflite(tempfile.mkdtemp(), text, network, ["no", "yes"])
        print(result.path, result.max_difference)
        ```
    """
    reader, portable = TextOps(text_to_ids), portable_model(network)

    def classify(model, read, text):
        return {"probabilities": probabilities_of(model, read(text), temperature, multi_label)}

    model = text_to_ids, network, labels, temperature, multi_label
    task = classifier_task(*model, portable, tf.TensorSpec([1, None], tf.int32))
    task.signatures = {"classify": traced(partial(classify, portable, reader), text=TEXT)}
    expected = traced(partial(classify, network, text_to_ids), text=TEXT)
    task.calls = [called("classify", expected, text=[text]) for text in verification_texts()]
    task.text_ops, task.spec["reads_strings"] = reader, True
    return write_tflite(folder, task)
