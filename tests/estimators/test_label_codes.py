import numpy as np
import pytest

from nlpkit.errors import InputError
from nlpkit.estimators.label_codes import encode_labels, learn_classes


def test_classes_are_sorted_and_keep_their_type():
    assert learn_classes(["b", "a", "b"], False).tolist() == ["a", "b"]
    assert learn_classes([10, 9], False).tolist() == [9, 10]
    assert learn_classes([True, False], False).dtype == bool
    assert learn_classes([["b"], [], ["a", "b"]], True).tolist() == ["a", "b"]


def test_codes_are_places_among_the_classes():
    codes = encode_labels(["b", "a", "b"], np.array(["a", "b"]), False)
    assert codes.tolist() == [1, 0, 1] and codes.dtype == np.int32
    several = encode_labels([["b"], [], ["a", "b"]], np.array(["a", "b"]), True)
    assert several.tolist() == [[0, 1], [0, 0], [1, 1]] and several.dtype == np.float32


@pytest.mark.parametrize(
    ("labels", "multi_label", "message"),
    [
        (["a", 1], False, r"one type. Received: \['int', 'str'\]"),
        ([0.5, 0.25], False, r"continuous values, received \[0.25, 0.5\]"),
        (["a", "a"], False, "at least two classes"),
        ([["a"], ["a"]], True, "at least two classes"),
        ([["a"], ["b"]], False, r"Received: \['a'\]. Set `multi_label=True`"),
        (["ab", "cd"], True, r"needs a list of labels. Received: 'ab'. Write \['ab'\]"),
    ],
)
def test_unusable_labels(labels, multi_label, message):
    with pytest.raises(InputError, match=message):
        learn_classes(labels, multi_label)


def test_unknown_labels_are_named_with_their_place():
    with pytest.raises(
        InputError, match="label 1: the label 'c' was not among the training labels .'a', 'b'."
    ):
        encode_labels(["a", "c"], ["a", "b"], False)
    with pytest.raises(InputError, match=r"file.csv, line 3: the label \['a', 'c'\]"):
        encode_labels([["a"], ["a", "c"]], ["a", "b"], True, lambda row: f"file.csv, line {row + 2}")
