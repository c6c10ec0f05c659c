"""A classifier as a TFLite file: ids of one text in, probabilities out."""

import contextlib
from functools import partial

import numpy as np
import tensorflow as tf

from nlpkit.checks import check_number
from nlpkit.export.lite_graphs import called, traced
from nlpkit.export.lite_task import LiteTask, vocabulary_files
from nlpkit.export.portable import portable_model
from nlpkit.export.quantization import NONE
from nlpkit.export.saved_model import probabilities_of
from nlpkit.export.tflite import write_tflite
from nlpkit.export.verify import verification_texts
from nlpkit.layers.one_text import one_text
from nlpkit.layers.small_numbers import small_numbers
from nlpkit.lite.texts import fit_steps

BATCH = 16  # texts side by side in the comparison of a graph that takes batches


def export_classifier_tflite(
    folder,
    text_to_ids,
    network,
    labels,
    temperature=1.0,
    multi_label=False,
    steps=None,
    quantization=NONE,
    quality=None,
    fused_lstm=False,
    examples=(),
):
    """Writes `model.tflite`, and proves it before it is there.

    Its signature `classify` takes `token_ids`, int32 `(1, time)`, and returns `probabilities`, float32 `(1, classes)`
    in the order of `labels.txt`. A zip behind the model holds `labels.txt`, the vocabulary, and `nlpkit.json`, by
    which `nlpkit.lite.load` makes ids of texts.

    Args:
        folder: Path of the model folder.
        text_to_ids: `TextToIds`.
        network: `keras.Model` from ids to logits.
        labels: List of labels.
        temperature: float. The logits are divided by it. Defaults to 1.
        multi_label: bool. Whether a text has any number of labels. Defaults to `False`.
        steps: int. Time steps that the model always reads, shorter texts padded with 0. Defaults to `None`, as many as
            the text has.
        quantization: `Quantization`. Defaults to none.
        quality: `Quality`. Defaults to `None`: not measured.
        fused_lstm: bool. Whether LSTMs become TFLite's `UNIDIRECTIONAL_SEQUENCE_LSTM`, whose state a runtime must reset
            before each call. Defaults to `False`: loops, which keep no state.
        examples: List of str. Texts that show the range of each number to a quantisation that needs it. Defaults to
            none.

    Returns:
        `ExportResult`.

    Raises:
        InputError: If `steps` is less than 1, an operation has no counterpart in TFLite, or there is no LSTM to fuse.
        VerificationError: If the file differs from the model, or is worth less; an earlier file stays.

    Example:
        ```python
        import tempfile
        from nlpkit.export import export_classifier_tflite
        from nlpkit.models import build_classifier
        from nlpkit.text import text_to_ids

        text = text_to_ids("byte", max_length=50)
        network = build_classifier(text.vocabulary_size, 2, encoder="lstm", units=4, embedding_dim=4)
        result = export_classifier_tflite(tempfile.mkdtemp(), text, network, ["no", "yes"])
        print(result.path, result.max_difference)
        ```
    """
    if steps is not None:
        check_number("steps", steps, "an integer, 1 or more", lambda x: x >= 1, whole=True)
    portable, ids = portable_model(network, fused_lstm), tf.TensorSpec([1, steps], tf.int32)
    model = text_to_ids, network, labels, temperature, multi_label
    # Accelerators make 8 bits of a fused model by themselves.
    tracing = _tracing(one=fused_lstm, small=quantization.calibrated or fused_lstm)
    task = classifier_task(*model, portable, ids, tracing)
    task.spec["stateful"] = fused_lstm
    rows = (fit_steps(row.tolist(), steps) for row in text_to_ids.encode(list(examples)))
    task.examples = [("classify", {"token_ids": np.array([row], "int32")}) for row in rows]
    return write_tflite(folder, task, quantization, quality)


@contextlib.contextmanager
def _tracing(one, small):
    """What the graph is traced within: of one text, and of small numbers."""
    with one_text() if one else contextlib.nullcontext():
        with small_numbers() if small else contextlib.nullcontext():
            yield


def classifier_task(text_to_ids, network, labels, temperature, multi_label, portable, ids, tracing=None):
    """What a classifier hands over for formats without strings.

    Args:
        text_to_ids: `TextToIds`.
        network: `keras.Model` from ids to logits.
        labels: List of labels.
        temperature: float. The logits are divided by it.
        multi_label: bool. Whether a text has any number of labels.
        portable: `keras.Model`. The copy of the network that is exported.
        ids: `tf.TensorSpec` of its inputs, `(batch, time)`.
        tracing: Context manager within which it is traced. Defaults to `None`.

    Returns:
        `LiteTask` with the signature `classify`.
    """

    def classify(model, token_ids):
        return {"probabilities": probabilities_of(model, token_ids, temperature, multi_label)}

    with tracing or contextlib.nullcontext():
        signatures = {"classify": traced(partial(classify, portable), token_ids=ids)}
    batch, steps = ids.shape
    spec = {
        "task": "classifier",
        "text": text_to_ids.settings(),
        "labels": labels,
        "multi_label": multi_label,
        "steps": steps,
        "stateful": False,
    }
    files = {
        "labels.txt": "".join(f"{label}\n" for label in labels).encode(),
        **vocabulary_files(text_to_ids),
    }
    texts, expected = verification_texts(), traced(partial(classify, network), token_ids=ids)
    inputs = [np.array([fit_steps(row.tolist(), steps)], "int32") for row in text_to_ids.encode(texts)]
    if batch is None:
        inputs += [text_to_ids(texts[start : start + BATCH]) for start in range(0, len(texts), BATCH)]
    calls = [called("classify", expected, token_ids=token_ids) for token_ids in inputs]
    return LiteTask(portable, signatures, spec, files, calls)
