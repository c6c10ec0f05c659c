import numpy as np
import pytest

from nlpkit.errors import InputError
from nlpkit.estimators.label_codes import (
    check_known,
    classes_by_name,
    encode_labels,
    learn_classes,
    unknown_label,
)


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
        (["a", "a"], False, r"^y: there must be at least two classes.*Received: 1 class, \['a'\] in 2 texts"),
        ([["a"], ["a"]], True, "at least two classes"),
        ([[], []], True, r"Received: 0 classes, \[\] in 2 texts"),
        ([["a"], ["b"]], False, r"Received: \['a'\]. Set `multi_label=True`"),
        (["ab", "cd"], True, r"needs a list of labels. Received: 'ab'. Write \['ab'\]"),
        (["a", "b\n"], False, r"^y: the label must not hold a tab or a line break. Received: 'b\\n'. Write"),
        ([["a"], ["a", "b\tc"]], True, r"the label must not hold a tab or a line break. Received: 'b\\tc'"),
        (["a", "\ud83d"], False, r"^y: the label holds half of a surrogate pair. Received: U\+D83D"),
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


def test_readers_names_of_classes():
    assert classes_by_name(np.array([-2, 7])) == {"-2": -2, "7": 7}
    named = classes_by_name(np.array([False, True]))
    assert all(named[name] is value for name, value in [("true", True), ("True", True), ("false", False)])
    assert classes_by_name([" a", "a", " b"]) == {"a": "a", " a": " a", "b": " b", " b": " b"}


def test_labels_of_later_data_are_named_with_their_place():
    check_known({}, np.array(["a", "b"]))
    check_known({"a": "test.csv, line 2", "b": "test.csv, line 3"}, np.array(["a", "b"]))
    check_known({"0": "test.csv, line 2", 1: "test.csv, line 3"}, np.array([0, 1]))
    with pytest.raises(InputError, match="^test.csv, line 3: the label 'c' was not among .*'a', 'b'"):
        check_known({"a": "test.csv, line 2", "c": "test.csv, line 3"}, np.array(["a", "b"]))


def test_of_many_labels_some_are_named():
    assert "(0, 1)." in unknown_label("a", [0, 1])
    assert "18, 19, …)." in unknown_label("a", list(range(21)))
