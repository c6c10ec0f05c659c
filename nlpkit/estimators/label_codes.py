"""Labels to the numbers that a network learns, and back."""

import numpy as np

from nlpkit.data.row_checks import clean_labels, label_problem
from nlpkit.errors import InputError


def learn_classes(labels, multi_label, origin="y"):
    """The sorted classes of training labels.

    Args:
        labels: List of labels, or of lists of labels if `multi_label`.
        multi_label: bool.
        origin: str. Where the labels are from, for messages. Defaults to `"y"`.

    Returns:
        Array of the classes.

    Raises:
        InputError: If there is only one class, the labels are of mixed or unusable types, or one is not a line of text.

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
    _check_writable(found, origin)
    classes = np.array(sorted(found))
    if classes.dtype.kind == "f" and not np.all(classes == classes.astype(int)):
        raise InputError(
            f"Unknown label type: continuous values, received {classes[:3].tolist()}. "
            "A classifier needs classes: str or int."
        )
    if len(classes) < 2:
        raise InputError(
            f"{origin}: there must be at least two classes to tell apart. Received: {_count(len(classes))} "
            f"{classes.tolist()} in {len(labels):,} texts. Check the label column, or add texts of another class."
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
        raise InputError(f"{place(row)}: {unknown_label(labels[row], index)}") from None


def classes_by_name(classes):
    """What a reader gives for each class: strings, also for numbers and booleans.

    Booleans are known both as JSON and as Python writes them, since tables written from Python hold the latter.

    Args:
        classes: Array of the classes.

    Returns:
        dict of str to class.

    Example:
        >>> from nlpkit.estimators.label_codes import classes_by_name
        >>> classes_by_name([False, True])
        {'false': False, 'true': True, 'False': False, 'True': True}
    """
    known = np.asarray(classes).tolist()
    cleaned = dict(zip(clean_labels(known), known, strict=True))
    # The exact strings come last: where " a" and "a" are two classes, "a" must mean the latter.
    return {**cleaned, **{str(label): label for label in known}}


def check_known(places, classes):
    """Makes sure that labels which will be needed later are among the classes.

    Args:
        places: dict. Label, or what a reader gives for it, to where it stands, as messages begin.
        classes: Array of the classes.

    Raises:
        InputError: If one is not.

    Example:
        >>> from nlpkit.estimators.label_codes import check_known
        >>> check_known({"a": "test.csv, line 2"}, ["a", "b"])
    """
    known, names = np.asarray(classes).tolist(), classes_by_name(classes)
    for label, place in places.items():
        if label not in known and label not in names:
            raise InputError(f"{place}: {unknown_label(label, known)}")


def unknown_label(label, classes):
    """What a message says about a label that is not among the classes.

    Args:
        label: The label, or the list of labels of one text.
        classes: Collection of the classes.

    Returns:
        str. The rest of an error message.

    Example:
        >>> from nlpkit.estimators.label_codes import unknown_label
        >>> unknown_label("c", ["a", "b"])[:59]
        "the label 'c' was not among the training labels ('a', 'b')."
    """
    some = ", ".join(map(repr, list(classes)[:20])) + (", …" if len(classes) > 20 else "")
    return (
        f"the label {label!r} was not among the training labels ({some}). "
        "Correct the label, or train with examples of it."
    )


def _check_writable(found, origin):
    for label in found:
        problem = isinstance(label, str) and label_problem(label)
        if problem:
            raise InputError(f"{origin}: the label {problem}")


def _count(classes):
    return "1 class," if classes == 1 else f"{classes} classes,"


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
