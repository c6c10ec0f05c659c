"""A classifier as a SavedModel: strings in, labels out."""

import tensorflow as tf

from nlpkit.export.compiled import Compiled, compare_times
from nlpkit.export.gpu_signatures import (
    check_device,
    compared_prefixes,
    gpu_facts,
    gpu_signatures,
    traced_signatures,
)
from nlpkit.export.portable import portable_model
from nlpkit.export.verify import JIT, verification_texts, verify_saved_model
from nlpkit.export.versions import ExportResult, write_version

MEASURED = 24  # texts on which the times with and without XLA are compared


class ClassifierModule(tf.Module):
    """The graph of an exported classifier.

    Args:
        text_to_ids: `TextToIds`.
        network: `keras.Model` from ids to logits.
        labels: List of labels.
        temperature: float. The logits are divided by it.
        multi_label: bool. Whether a text has any number of labels.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.export.saved_model import ClassifierModule
        >>> from nlpkit.models import build_classifier
        >>> from nlpkit.text import text_to_ids
        >>> text = text_to_ids("byte")
        >>> network = build_classifier(text.vocabulary_size, 2, units=4, embedding_dim=4)
        >>> module = ClassifierModule(text, network, ["no", "yes"], 1.0, False)
        >>> sorted(module.from_text(tf.constant(["a"])))
        ['label', 'probabilities']
    """

    def __init__(self, text_to_ids, network, labels, temperature, multi_label):
        super().__init__()
        self.text_to_ids, self.network = text_to_ids, network
        self.labels, self.temperature, self.multi_label = labels, temperature, multi_label

    def signatures(self):
        """The functions that are exported.

        Returns:
            dict from the names of the signatures to functions.
        """
        return {"serving_default": self.from_text, "ids": self.from_ids, "classify": self.from_examples}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def from_text(self, text):
        """Texts to labels: the signature `serving_default`."""
        return self._answer(self.text_to_ids(text))

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32, name="token_ids")])
    def from_ids(self, token_ids):
        """Padded ids to labels: the signature `ids`."""
        return self._answer(token_ids)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
    def from_examples(self, inputs):
        """Serialized `tf.Example`s to all labels, the most likely first: the signature `classify`."""
        text = tf.io.parse_example(inputs, {"text": tf.io.FixedLenFeature([], tf.string)})["text"]
        probabilities = self._probabilities(self.text_to_ids(text))
        scores, order = tf.math.top_k(probabilities, k=len(self.labels))
        return {"classes": tf.gather(self._names(), order), "scores": scores}

    def _answer(self, token_ids):
        names, probabilities = self._names(), self._probabilities(token_ids)
        if self.multi_label:
            label = tf.where(probabilities >= 0.5, names[None, :], "")
        else:
            label = tf.gather(names, tf.argmax(probabilities, axis=-1))
        return {"label": label, "probabilities": probabilities}

    def _names(self):
        return tf.constant([str(label) for label in self.labels])

    # Traced once for all signatures.
    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32)])
    def _probabilities(self, token_ids):
        return probabilities_of(self.network, token_ids, self.temperature, self.multi_label)


def probabilities_of(network, token_ids, temperature, multi_label):
    """Calibrated probabilities of the labels.

    Args:
        network: `keras.Model` from ids to logits.
        token_ids: int32 tensor of shape `(batch, time)`.
        temperature: float. The logits are divided by it.
        multi_label: bool. Whether a text has any number of labels.

    Returns:
        float32 tensor of shape `(batch, classes)`.
    """
    logits = network(token_ids, training=False) / temperature
    return tf.sigmoid(logits) if multi_label else tf.nn.softmax(logits)


def export_saved_model(
    folder, text_to_ids, network, labels, temperature=1.0, multi_label=False, device=None, jit=False
):
    """Writes the next free version folder for TF Serving, and proves it before it is there.

    The signature `serving_default` takes `text`, string `(batch,)`, and returns `label`, string `(batch,)`, and
    `probabilities`, float32 `(batch, classes)` in the order of `assets.extra/labels.txt`. With `multi_label`,
    `label` is string `(batch, classes)`, empty where a label does not apply. The signature `ids` takes
    `token_ids`, int32 `(batch, time)`. The signature `classify` is that of TF Serving's Classify API: `inputs`, string
    `(batch,)`, serialized `tf.Example`s with a feature `text`, to `classes`, string `(batch, classes)`, the most likely
    first, and their `scores`.

    Args:
        folder: Path of the model folder; versions are `folder/1`, `folder/2`, …
        text_to_ids: `TextToIds`.
        network: `keras.Model` from ids to logits.
        labels: List of labels.
        temperature: float. The logits are divided by it. Defaults to 1.
        multi_label: bool. Whether a text has any number of labels. Defaults to `False`.
        device: str. `"gpu"` adds all signatures once more, named `gpu_…`, with kernels of cuDNN. Defaults to `None`.
        jit: bool. Whether to add all signatures once more, named `jit_…`, with the network compiled by XLA where the
            first real texts show that to be faster. Defaults to `False`.

    Returns:
        `ExportResult`.

    Raises:
        InputError: If `device` is another one, there is no layer for it, or XLA cannot compile the network.
        VerificationError: If the artefact differs from the model; then nothing is left behind.

    Example:
        ```python
        import tempfile
        from nlpkit.export import export_saved_model
        from nlpkit.models import build_classifier
        from nlpkit.text import text_to_ids

        text = text_to_ids("byte", max_length=50)
        network = build_classifier(text.vocabulary_size, 2, encoder="bag", embedding_dim=4)
        result = export_saved_model(tempfile.mkdtemp(), text, network, ["no", "yes"])
        print(result.path, result.max_difference)
        ```
    """
    check_device(device)
    portable, texts = portable_model(network), verification_texts()

    def module_of(network):
        return ClassifierModule(text_to_ids, network, labels, temperature, multi_label)

    def write_labels(extra):
        lines = "".join(f"{label}\n" for label in labels)
        (extra / "labels.txt").write_text(lines, encoding="utf-8")

    def verify(path):
        token_ids = text_to_ids(tf.constant(texts))
        expected = probabilities_of(network, token_ids, temperature, multi_label).numpy()
        given = path, expected, texts, token_ids, labels, text_to_ids.needs_tensorflow_text
        return max(verify_saved_model(*given, prefix) for prefix in compared_prefixes(signatures))

    module = module_of(portable)
    signatures, times = module.signatures(), None
    if device is not None:
        signatures |= gpu_signatures(portable, lambda: module_of(portable))
    if jit:
        compiled, times = _compiled(module_of(Compiled(portable)), module, texts[:MEASURED])
        signatures |= compiled
    path, difference = write_version(folder, portable, [text_to_ids], signatures, write_labels, verify)
    return ExportResult("saved_model", path, difference, len(texts), gpu=gpu_facts(signatures), jit=times)


def _compiled(compiled, module, texts):
    """The signatures that XLA compiles, none if they are not faster, and the times of both kinds."""
    rows = [module.text_to_ids(tf.constant([text])) for text in texts]
    times = compare_times(compiled.from_ids, module.from_ids, rows)
    signatures = traced_signatures(compiled) if times["written"] else {}
    return {f"{JIT}{name}": function for name, function in signatures.items()}, times
