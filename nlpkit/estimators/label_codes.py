"""Labels to the numbers that a network learns, and back."""

import numpy as np

from nlpkit.errors import InputError


def learn_classes(labels, multi_label):
    """The sorted classes of training labels.

    Args:
        labels: List of labels, or of lists of labels if `multi_label`.
        multi_label: bool.

    Returns:
        Array of the classes.

    Raises:
        InputError: If there is only one class, or the labels are of mixed or unusable types.

    Example:
        >>> from nlpkit.estimators.label_codes import learn_classes
        >>> learn_classes(["b", "a", "b"], multi_label=False).tolist()
        ['a', 'b']
    """
    found = _listed_set(labels) if multi_label else _flat_set(labels)
    kinds = {type(label) for label in found}
    if len(kinds) > 1:
        raise InputError(
            f"Labels must be all of one type. Received: {sorted(kind.__name__ for kind in kinds)}. "
            "Convert them all to str or all to int."
        )
    classes = np.array(sorted(found))
    if classes.dtype.kind == "f" and not np.all(classes == classes.astype(int)):
        raise InputError(
            f"Unknown label type: continuous values, received {classes[:3].tolist()}. "
            "A classifier needs classes: str or int."
        )
    if len(classes) < 2:
        raise InputError(
            f"There must be at least two classes to tell apart. Received: 1 class, {classes.tolist()}. "
            "Check the label column, or add texts of another class."
        )
    return classes


def encode_labels(labels, classes, multi_label, place="label {}".format):
    """Labels as targets of the network.

    Args:
        labels: List of labels, or of lists of labels if `multi_label`.
        classes: Array of the classes.
        multi_label: bool.
        place: Function from a row's number to how the message names its place.

    Returns:
        int32 array `(n,)`, or float32 array `(n, classes)` of zeros and ones if `multi_label`.

    Raises:
        InputError: If a label is not among the classes.

    Example:
        >>> from nlpkit.estimators.label_codes import encode_labels
        >>> encode_labels([["a"], ["a", "b"]], ["a", "b"], multi_label=True).tolist()
        [[1.0, 0.0], [1.0, 1.0]]
    """
    index = {label: code for code, label in enumerate(np.asarray(classes).tolist())}
    try:
        if not multi_label:
            return np.fromiter((index[label] for label in labels), np.int32, count=len(labels))
        _listed_set(labels)
        targets = np.zeros((len(labels), len(index)), np.float32)
        for row, several in enumerate(labels):
            targets[row, [index[label] for label in several]] = 1.0
        return targets
    except (KeyError, TypeError):
        row = next(row for row, given in enumerate(labels) if not _known(given, index, multi_label))
        raise InputError(
            f"{place(row)}: the label {labels[row]!r} was not among the training labels "
            f"({', '.join(map(repr, list(index)[:20]))}). Correct the label, or train with examples of it."
        ) from None


def _known(label, index, multi_label):
    return set(label) <= set(index) if multi_label else not isinstance(label, list) and label in index


def _listed_set(labels):
    """Without this check the characters of a str would be its labels."""
    for row in labels:
        if not isinstance(row, list):
            raise InputError(
                f"With `multi_label=True` every text needs a list of labels. Received: {row!r}. Write [{row!r}], or "
                "name what separates the labels (--label-separator)."
            )
    return {label for row in labels for label in row}


def _flat_set(labels):
    if any(isinstance(label, list) for label in labels):
        raise InputError(
            "A text has several labels (a list), but the classifier expects one. Received: "
            f"{next(label for label in labels if isinstance(label, list))!r}. Set `multi_label=True` (--multi-label)."
        )
    return set(labels)
