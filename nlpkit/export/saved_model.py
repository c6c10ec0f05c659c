"""A classifier as a SavedModel: strings in, labels out."""

import tensorflow as tf

from nlpkit.export.portable import portable_model
from nlpkit.export.verify import verification_texts, verify_saved_model
from nlpkit.export.versions import ExportResult, write_version


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

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def from_text(self, text):
        """Texts to labels: the signature `serving_default`."""
        return self._answer(self.text_to_ids(text))

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32, name="token_ids")])
    def from_ids(self, token_ids):
        """Padded ids to labels: the signature `ids`."""
        return self._answer(token_ids)

    def _answer(self, token_ids):
        probabilities = probabilities_of(self.network, token_ids, self.temperature, self.multi_label)
        names = tf.constant([str(label) for label in self.labels])
        if self.multi_label:
            label = tf.where(probabilities >= 0.5, names[None, :], "")
        else:
            label = tf.gather(names, tf.argmax(probabilities, axis=-1))
        return {"label": label, "probabilities": probabilities}


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


def export_saved_model(folder, text_to_ids, network, labels, temperature=1.0, multi_label=False):
    """Writes the next free version folder for TF Serving, and proves it before it is there.

    The signature `serving_default` takes `text`, string `(batch,)`, and returns `label`, string `(batch,)`, and
    `probabilities`, float32 `(batch, classes)` in the order of `assets.extra/labels.txt`. With `multi_label`,
    `label` is string `(batch, classes)`, empty where a label does not apply. The signature `ids` takes
    `token_ids`, int32 `(batch, time)`.

    Args:
        folder: Path of the model folder; versions are `folder/1`, `folder/2`, …
        text_to_ids: `TextToIds`.
        network: `keras.Model` from ids to logits.
        labels: List of labels.
        temperature: float. The logits are divided by it. Defaults to 1.
        multi_label: bool. Whether a text has any number of labels. Defaults to `False`.

    Returns:
        `ExportResult`.

    Raises:
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
    module = ClassifierModule(text_to_ids, portable_model(network), labels, temperature, multi_label)
    texts = verification_texts()

    def write_labels(extra):
        lines = "".join(f"{label}\n" for label in labels)
        (extra / "labels.txt").write_text(lines, encoding="utf-8")

    def verify(path):
        token_ids = text_to_ids(tf.constant(texts))
        expected = probabilities_of(network, token_ids, temperature, multi_label).numpy()
        return verify_saved_model(path, expected, texts, text_to_ids.needs_tensorflow_text)

    signatures = {"serving_default": module.from_text, "ids": module.from_ids}
    path, difference = write_version(folder, module, signatures, write_labels, verify)
    return ExportResult("saved_model", path, difference, len(texts))
