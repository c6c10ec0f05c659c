"""Made-up pairs of texts that show what an encoder-decoder can learn: sums, and dates written in many ways."""

import datetime

import numpy as np

from nlpkit.data.synthetic import check_counts

FIRST_DAY, DAYS = datetime.date(1970, 1, 1), 365 * 60
# As strftime has them; days and months without a leading zero come as numbers of their own.
WRITTEN = ("{month}/{day}/{short}", "{Month} {day}, {year}", "{Mon} {day}, {year}", "{Weekday}, {Month} {day}, {year}",
           "{day} {Month} {year}", "{day} {Mon} {year}")  # fmt: skip
CASES = (str, str.upper, str.lower)


def make_sums(count, *, digits=3, seed=None):
    """Sums such as `"16+75"` and what they come to.

    Args:
        count: int. Number of pairs.
        digits: int. Most digits of each number. Defaults to 3.
        seed: int. The same seed gives the same pairs. Defaults to `None`, new ones each time.

    Returns:
        Tuple of two lists of str: the sums and the results.

    Raises:
        InputError: If a number is less than 1.

    Example:
        >>> from nlpkit.data import make_sums
        >>> sums, results = make_sums(3, digits=2, seed=0)
        >>> all(int(sum.partition("+")[0]) + int(sum.partition("+")[2]) == int(n) for sum, n in zip(sums, results))
        True

    Reference:
        [Zaremba & Sutskever, 2014](https://arxiv.org/abs/1410.4615)
    """
    check_counts(count=count, digits=digits)
    random = np.random.default_rng(seed)
    # Each number of digits is as likely as the others: most numbers up to 999 have three.
    limits = 10 ** random.integers(1, digits + 1, (count, 2))
    numbers = random.integers(0, limits)
    return [f"{a}+{b}" for a, b in numbers], [str(a + b) for a, b in numbers]


def make_dates(count, *, seed=None):
    """Dates as people write them, such as `"TUESDAY, SEPTEMBER 25, 1984"` or `"9/25/84"`, and as `"1984-09-25"`.

    Args:
        count: int. Number of pairs.
        seed: int. The same seed gives the same pairs. Defaults to `None`, new ones each time.

    Returns:
        Tuple of two lists of str: the dates as written, and as ISO 8601 has them.

    Raises:
        InputError: If `count` is less than 1.

    Example:
        >>> from nlpkit.data import make_dates
        >>> written, iso = make_dates(2, seed=0)
        >>> [len(date) for date in iso]
        [10, 10]
    """
    check_counts(count=count)
    random = np.random.default_rng(seed)
    days = [FIRST_DAY + datetime.timedelta(int(day)) for day in random.integers(0, DAYS, count)]
    ways, cases = random.integers(len(WRITTEN), size=count), random.integers(len(CASES), size=count)
    written = [
        CASES[case](_write(day, WRITTEN[way])) for day, way, case in zip(days, ways, cases, strict=True)
    ]
    return written, [day.isoformat() for day in days]


def _write(day, way):
    names = {"Month": "%B", "Mon": "%b", "Weekday": "%A", "year": "%Y", "short": "%y"}
    names = {name: day.strftime(code) for name, code in names.items()}
    return way.format(day=day.day, month=day.month, **names)
