"""Classes that count more or less than their number of texts."""

import numpy as np
from sklearn.utils.class_weight import compute_sample_weight

from nlpkit.errors import InputError


def weights_of_texts(class_weight, targets, classes, multi_label=False):
    """The weight of each text in the loss.

    Args:
        class_weight: `"balanced"`, a dict from label to weight in which other labels weigh 1, or `None`.
        targets: Int array `(n,)`.
        classes: Array of the classes.
        multi_label: bool. Whether a text has a list of labels. Defaults to `False`.

    Returns:
        Float32 array `(n,)`, or `None` without `class_weight`.

    Raises:
        InputError: If a label is unknown, or a text may have several.

    Example:
        >>> import numpy as np
        >>> from nlpkit.estimators.class_weights import weights_of_texts
        >>> weights_of_texts({"yes": 3.0}, np.array([0, 1]), ["no", "yes"]).tolist()
        [1.0, 3.0]
    """
    if class_weight is None:
        return None
    if multi_label:
        raise InputError("`class_weight` is for texts with one label each. Received: multi_label=True")
    if class_weight == "balanced":
        return compute_sample_weight("balanced", targets).astype(np.float32)
    unknown = sorted(set(class_weight) - {str(label) for label in classes})
    if unknown:
        raise InputError(f"`class_weight` names labels that do not occur: {unknown}. Labels: {list(classes)}")
    return np.array([class_weight.get(str(label), 1.0) for label in classes], np.float32)[targets]
