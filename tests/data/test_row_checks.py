from nlpkit.data.columns import PAIRS
from nlpkit.data.row_checks import all_usable, clean_labels, encoding_problem, label_problem, row_problem


def test_clean_labels_of_every_kind():
    values = [" a ", "", 3, 2.5, True, False, None, float("nan"), ["a", 1], [], [None], [["a"]], {"a": 1}]
    cleaned = ["a", None, "3", "2.5", "true", "false", None, None, ["a", "1"], [], None, None, None]
    assert clean_labels(values) == cleaned
    assert clean_labels([" a ", "b", "  ", "a"]) == ["a", "b", None, "a"]
    assert clean_labels(["a, b", "", ["c,d"], 3], ",") == [["a", "b"], [], ["c,d"], "3"]
    assert clean_labels([" a\n", " ", 3, None], holds_texts=True) == [" a\n", None, "3", None]


def test_fast_check_agrees_with_the_check_row_by_row():
    cases = [
        ("fine", "a", str),
        ("naïve 🎉", ["a", "b"], list),
        ("no labels at all", ["a"], list),
        ("  ", "a", str),
        ("", "a", str),
        ("fine", None, str),
        ("fine", ["a"], str),
        ("fine", "a", list),
        ("caf\udce9", "a", str),
        ("half \ud83d", "a", str),
        ("fine", "caf\udce9", str),
        ("fine", ["caf\udce9"], list),
        ("fine", [], list),
        ("a\ttab and\na line break", "a", str),
        ("fine", "a\tb", str),
        ("fine", ["a", "b\nc"], list),
    ]
    for text, label, kind in cases:
        for empty in (False, True):
            problem = row_problem(text, label, label, kind, empty)
            assert all_usable([text], [label], kind, empty) == (problem is None), (text, label, empty)
            if kind is str:  # a target may hold what a label may not
                problem = row_problem(text, label, label, kind, empty, PAIRS)
                assert all_usable([text], [label], kind, empty, PAIRS) == (problem is None), (
                    text,
                    label,
                    empty,
                )
                assert label != "a\tb" or problem is None
    assert all_usable(["fine"], None, None) and row_problem("fine", None, None, None) is None


def test_empty_texts_are_rows_where_they_may_be():
    assert "the text is empty" in row_problem(" ", None, None, None)
    assert row_problem(" ", None, None, None, empty_texts=True) is None


def test_labels_are_of_one_line():
    assert label_problem("very good, naïve 🎉") is None
    for label in ("a\tb", "a\nb", "a\rb", "a\r\nb"):
        assert f"must not hold a tab or a line break. Received: {label!r}." in label_problem(label)
    several = row_problem("fine", ["a", "b\nc"], ["a", "b\nc"], list)
    assert several.startswith("the label must not hold a tab or a line break. Received: 'b\\nc'.")
    assert "half of a surrogate pair" in label_problem("\ud83d")


def test_encoding_problems():
    assert encoding_problem("fine 🎉") is None
    assert 'byte 0xe9 after "caf"' in encoding_problem("caf\udce9")
    assert "half of a surrogate pair. Received: U+D83D" in encoding_problem("\ud83d")
