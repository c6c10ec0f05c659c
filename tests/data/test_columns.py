import pytest

from nlpkit.data.columns import pick_columns, shorten
from nlpkit.errors import InputError


def test_default_named_and_no_labels():
    assert pick_columns(["id", "label", "text"], None, None, "f") == (2, 1)
    assert pick_columns(["id", "text"], None, None, "f") == (1, None)
    assert pick_columns(["label", "text"], None, False, "f") == (1, None)
    assert pick_columns(["stars", "review"], "review", "stars", "f") == (1, 0)


def test_unknown_and_ambiguous_columns():
    message = (
        r"f\.csv: there is no column 'text' for the text\. Received columns: \['a', 'b'\].*--text.*--label"
    )
    with pytest.raises(InputError, match=message):
        pick_columns(["a", "b"], None, None, "f.csv")
    with pytest.raises(InputError, match="no column 'stars' for the label.* More.$"):
        pick_columns(["text"], None, "stars", "f.csv", " More.")
    with pytest.raises(
        InputError, match="column names must differ, and the text column 'text' occurs 2 times"
    ):
        pick_columns(["text", "text"], None, None, "f.csv")


def test_shorten_keeps_short_values():
    assert shorten(["a"]) == "['a']"
    assert len(shorten("x" * 10_000, 50)) == 51


def test_semicolons_are_named_as_the_likely_reason():
    with pytest.raises(
        InputError, match=r"Received columns: \['label;text'\].*looks as if semicolons part the columns"
    ):
        pick_columns(["label;text"], None, None, "f.csv")


def test_who_reads_no_labels_is_not_asked_for_them():
    with pytest.raises(InputError) as error:
        pick_columns(["a", "b"], None, False, "f.csv", " A hint.")
    assert str(error.value).endswith("Name the text column (--text). A hint.")
