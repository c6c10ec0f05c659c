"""The training and the validation part of the data: read, encoded, held out."""

from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import train_test_split

from nlpkit.data.readers import TableReader
from nlpkit.estimators.facts import label_counts, token_facts
from nlpkit.estimators.label_codes import encode_labels, learn_classes
from nlpkit.estimators.labelled_texts import LabelledTexts

HELD_OUT = 0.1
MAX_HELD_OUT = 10_000
MIN_ROWS_TO_HOLD_OUT = 20


@dataclass
class Part:
    """Encoded texts with their targets.

    Args:
        rows: `IdRows`.
        targets: Array of the targets.
        texts: Where the report finds the text of a row.
    """

    rows: object
    targets: np.ndarray
    texts: object


def read_training(classifier, X, y, learn_vocabulary=True):
    """Reads all training texts; the classifier learns its vocabulary and its classes from them.

    Args:
        classifier: `TextClassifier` with its text layer.
        X: List of str or `TableReader`.
        y: List of labels, or `None` with a reader.
        learn_vocabulary: bool. `False` where the text layer has one. Defaults to `True`.

    Returns:
        Tuple of the `Part` and a dict of facts about the data, for the report.

    Raises:
        InputError: If texts or labels cannot be used.
    """
    stream = LabelledTexts(X, y, "training texts")
    text_to_ids = classifier.text_to_ids_
    rows = (text_to_ids.fit_encode if learn_vocabulary else text_to_ids.encode)(stream)
    classifier.classes_ = learn_classes(stream.labels, classifier.multi_label, stream.origin)
    targets = encode_labels(stream.labels, classifier.classes_, classifier.multi_label, stream.place)
    return Part(rows, targets, stream), {"train": {**stream.facts(), **token_facts(rows)}}


def with_validation(classifier, whole, validation_data, data, seed):
    """Reads the validation part, or holds a stratified one out of the training texts.

    Args:
        classifier: `TextClassifier` with its text layer and its classes.
        whole: `Part` with all training texts; what is held out is taken out of it.
        validation_data: Tuple of texts and labels, `TableReader`, or `None`.
        data: dict of facts about the data; those about the parts are written into it.
        seed: int.

    Returns:
        Training and validation `Part`; the latter is `None` where there are too few texts to hold some out.

    Raises:
        InputError: If texts or labels cannot be used.
    """
    if validation_data is not None:
        given = (validation_data, None) if isinstance(validation_data, TableReader) else validation_data
        stream = LabelledTexts(*given, "validation texts", classifier.classes_)
        rows = classifier.text_to_ids_.encode(stream)
        targets = encode_labels(stream.labels, classifier.classes_, classifier.multi_label, stream.place)
        data["validation"] = {**stream.facts(), **token_facts(rows)}
        return whole, Part(rows, targets, stream)
    if len(whole.rows) < MIN_ROWS_TO_HOLD_OUT:
        return whole, None
    parts = _hold_out(whole, seed, classifier)
    data["validation"] = {"files": data["train"]["files"], "held_out": True}
    for name, part in zip(("train", "validation"), parts, strict=True):
        data[name].update(
            rows=len(part.rows), labels=label_counts(classifier, part.targets), **token_facts(part.rows)
        )
    return parts


def _hold_out(whole, seed, classifier):
    count = len(whole.rows)
    strata = None if classifier.multi_label or np.bincount(whole.targets).min() < 2 else whole.targets
    size = max(min(int(count * HELD_OUT), MAX_HELD_OUT), 1 if strata is None else len(classifier.classes_))
    kept, held = train_test_split(np.arange(count), test_size=size, stratify=strata, random_state=seed)
    kept = np.sort(kept)
    held_out = whole.rows.pop(held)  # in place: a copy of the ids of a large file would take gigabytes
    return [
        Part(rows, whole.targets[part], (whole.texts, part))
        for rows, part in ((whole.rows, kept), (held_out, held))
    ]
