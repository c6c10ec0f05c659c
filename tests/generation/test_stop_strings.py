"""Where a text is cut does not depend on how much of it is there yet."""

import itertools

import pytest

from nlpkit.errors import InputError
from nlpkit.generation import find_stop
from nlpkit.generation.stop_strings import check_stop_strings, settled


@pytest.mark.parametrize(
    ("text", "stop", "place"),
    [
        ("one two", ["two"], 4),
        ("one two", ["three"], None),
        ("one two", [], None),
        ("", ["a"], None),
        ("aab", ["ab"], 1),
        ("abc", ["b", "abc"], 1),  # `b` is complete before `abc`
        ("xab", ["b", "ab"], 1),  # both at once: the longer one
        ("two one", ["one", "two"], 0),
        ("你好。再见", ["。"], 2),
    ],
)
def test_the_first_complete_stop_string_cuts(text, stop, place):
    assert find_stop(text, stop) == place


@pytest.mark.parametrize("stop", [["aab"], ["ab", "ba"], ["abab", "bb"], ["b", "aba"]])
def test_settled_is_as_much_as_can_be(stop):
    """Against all continuations: what is settled is never cut, and one character more might be."""
    tails = ["".join(tail) for n in range(5) for tail in itertools.product("abc", repeat=n)]
    for letters in itertools.product("abc", repeat=4):
        text = "".join(letters)
        if find_stop(text, stop) is None:
            cuts = [find_stop(text + tail, stop) for tail in tails]
            lowest = min(len(text) if cut is None else cut for cut in cuts)
            assert settled(text, stop) <= lowest
            assert settled(text, stop) >= min(lowest, len(text) - max(map(len, stop)) + 1)
            if len(stop) == 1:
                assert settled(text, stop) == lowest


def test_half_characters_are_not_settled():
    assert settled("na\ufffd\ufffd", []) == 2
    assert settled("na\ufffdï", []) == 4


@pytest.mark.parametrize("stop", ["", ["a", ""], [1], 5, [None], b"ab", b"", False])
def test_empty_stop_strings_and_what_is_none_are_refused(stop):
    with pytest.raises(InputError) as told:
        check_stop_strings(stop)
    message = "`stop` must be a string or several, none of them empty. Received: stop="
    assert str(told.value) == f"{message}{stop!r}"


def test_one_string_is_one_and_none_is_none():
    assert check_stop_strings(None) == check_stop_strings([]) == ()
    assert check_stop_strings("ab") == ("ab",)
    assert check_stop_strings(iter(["a", "b"])) == ("a", "b")
