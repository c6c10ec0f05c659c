"""Sums come out, dates mean what they say, and the same seed says the same."""

import datetime
import re

import pytest

from nlpkit.data import make_dates, make_sums
from nlpkit.errors import InputError

FORMATS = ("%m/%d/%y", "%B %d, %Y", "%b %d, %Y", "%A, %B %d, %Y", "%d %B %Y", "%d %b %Y")


def read(text):
    """The days that a text may mean; Python's own reader knows names in any case."""
    found = set()
    for way in FORMATS:
        try:
            found.add(datetime.datetime.strptime(text, way).date())
        except ValueError:
            continue
    return found


def test_sums_come_out_and_have_numbers_of_all_lengths():
    sums, results = make_sums(500, digits=3, seed=1)
    parts = [tuple(map(int, text.split("+"))) for text in sums]
    assert [a + b for a, b in parts] == list(map(int, results))
    assert {len(str(a)) for a, _ in parts} == {1, 2, 3}


def test_dates_mean_what_they_say():
    written, iso = make_dates(600, seed=1)
    for text, day in zip(written, iso, strict=True):
        day = datetime.date.fromisoformat(day)
        century = {day.replace(year=day.year - 100), day} if re.fullmatch(r"[\d/]+", text) else {day}
        assert read(text) & century, (text, day)


def test_dates_are_written_in_every_way_and_case():
    written, _ = make_dates(600, seed=2)
    shapes = {re.sub(r"\d+", "9", re.sub(r"[A-Za-z]+", "x", text)) for text in written}
    assert shapes == {"9/9/9", "x 9, 9", "x, x 9, 9", "9 x 9"}
    letters = [text for text in written if any(map(str.isalpha, text))]
    for case in (str.upper, str.lower):
        assert 0.2 < sum(text == case(text) for text in letters) / len(letters) < 0.45


@pytest.mark.parametrize("make", [make_sums, make_dates])
def test_the_same_seed_makes_the_same_pairs(make):
    assert make(20, seed=3) == make(20, seed=3)
    assert make(20, seed=3) != make(20, seed=4)


@pytest.mark.parametrize("arguments", [{"count": 0}, {"count": 2, "digits": 0}, {"count": 1.5}])
def test_numbers_below_one_are_refused(arguments):
    with pytest.raises(InputError, match=r"`(count|digits)` must be an int of at least 1. Received: "):
        make_sums(**arguments)
