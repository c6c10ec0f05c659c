import pytest

from nlpkit.data.bad_rows import BadRows
from nlpkit.errors import InputError


def test_error_policy_stops_with_the_hint():
    with pytest.raises(InputError, match=r"f\.csv, line 2: the text is empty\..*--on-bad-row skip"):
        BadRows("error").report("f.csv, line 2", "the text is empty.")


def test_skip_policy_counts_and_keeps_five():
    bad_rows = BadRows("skip")
    for line in range(8):
        bad_rows.report(f"f.csv, line {line}", "bad.")
    assert bad_rows.skipped == 8
    assert bad_rows.first_messages == [f"f.csv, line {line}: bad." for line in range(5)]


def test_unknown_policy():
    with pytest.raises(
        InputError, match="`on_bad_row` must be 'error' or 'skip'. Received: on_bad_row='warn'"
    ):
        BadRows("warn")
