"""The network of an estimator: built from its settings and prepared from the training data."""

import copy

import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.estimators.settings import settings_of
from nlpkit.models import adapt_bag, build_classifier
from nlpkit.text import read_vectors


def build_network(classifier, choices, part):
    """Builds the network, gives it pretrained vectors or weights, and counts what a bag needs.

    Args:
        classifier: `TextClassifier` with its text layer and its classes.
        choices: `Choices`; the coverage of pretrained vectors is added to its reasons.
        part: Training texts with `rows` and `targets`.

    Returns:
        Tuple of the `keras.Model` and the settings that it was built with.

    Raises:
        InputError: If a setting is unknown, or vectors are asked for where there are no words.
    """
    network = dict(choices.network, multi_label=classifier.multi_label)
    # A copy of layers of the user's own, so that fitting again starts anew.
    network["encoder"] = copy.deepcopy(network["encoder"])
    if choices.training.mixed_precision:
        network["dtype"] = sixteen_bits()
    vocabulary = getattr(classifier.text_to_ids_.tokenizer, "vocabulary", None)
    vectors = _vectors(network.pop("vectors", None), vocabulary, network, choices)
    with settings_of("network", "nlpkit.models.build_classifier"):
        model = build_classifier(classifier.text_to_ids_.vocabulary_size, len(classifier.classes_), **network)
    if vectors:
        model.get_layer("embedding").set_vectors(vectors)
    if choices.start_from is not None:
        model.get_layer("encoder").start_from(choices.start_from)
    adapt_bag(model, part.rows, part.targets, vocabulary.tokens if vocabulary else [])
    return model, network


def _vectors(path, vocabulary, network, choices):
    if path is None:
        return None
    if vocabulary is None:
        raise InputError(
            "Pretrained vectors need a tokenizer with a vocabulary: word, char or wordpiece. "
            f"Received: vectors={str(path)!r}"
        )
    vectors = read_vectors(path, vocabulary)
    network["embedding_dim"] = vectors.matrix.shape[1]
    choices.reasons.append(
        {
            "setting": "vectors",
            "value": str(path),
            "reason": f"{vectors.coverage:.1%} of the vocabulary found; the other words start from random vectors",
        }
    )
    return vectors


def sixteen_bits():
    """The dtype policy of mixed precision on this machine.

    Returns:
        str. `"mixed_float16"` on a GPU, `"mixed_bfloat16"` elsewhere.

    Example:
        >>> from nlpkit.estimators.building import sixteen_bits
        >>> sixteen_bits().startswith("mixed_")
        True
    """
    return "mixed_float16" if tf.config.list_logical_devices("GPU") else "mixed_bfloat16"
