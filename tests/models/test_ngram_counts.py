import numpy as np
import pytest

from nlpkit.errors import InputError
from nlpkit.models.ngram_counts import discounts
from nlpkit.models.ngram_model import NgramModel

END, SIZE = 3, 14
ROWS = [[4, 5, 6, END], [13, END]]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([1] * 6 + [2] * 3 + [3] * 2 + [4] + [9], [0, 0.5, 1, 2]),  # Y = 6 / 12
        ([1] * 6 + [2] * 3 + [4] * 2, [0, 0.5, 1, 1.5]),  # none occurs three times
        ([2, 3, 4], [0, 0.5, 1, 1.5]),
        ([1] * 4 + [2] + [3] * 9, [0, 0.5, 1, 1.5]),  # 2 - 3 * 2/3 * 9 is below 0
        ([0] * 9 + [1] * 2 + [2] + [3], [0, 0.5, 0.5, 3]),  # Y = 2 / 4; zeros do not count
    ],
)
def test_discounts(counts, expected):
    np.testing.assert_allclose(discounts(np.array(counts)), expected)


BAD = [
    ([], "must hold at least one id. Received: none"),
    ([[]], "must hold at least one id"),
    ([[0, 0]], "must hold at least one id"),
    ([[4, 14, 3]], "must be at least 1 and below the vocabulary size, 14, and never START .2.*: id 14"),
    ([[4, -1, 3]], "Received: id -1"),
    ([[4, 2, 3]], "Received: id 2"),
    ([4, 0, 5, 3], r"Padding \(id 0\) must stand at the end of a row. Received: row 0"),
    ([[4, 5, 3], [4, 0, 5]], "Received: row 1 with padding before an id"),
    ([[4, 5, 3], [3, 4, 5, 3]], r"must not begin with the end id \(3\) and go on.*Received: 1 rows"),
    (["a text"], "must be one row of integer ids, or a list of such rows; texts.*Received: "),
    ([[4.0, 5.0]], "must be one row of integer ids"),
    ([[[4, 5]]], "must be one row of integer ids"),
]


@pytest.mark.parametrize(("ids", "message"), BAD)
def test_bad_ids(ids, message):
    with pytest.raises(InputError, match=message):
        NgramModel(2, SIZE).fit(ids)
    with pytest.raises(InputError, match=message):
        NgramModel(2, SIZE).fit(ROWS).perplexity(ids)
    with pytest.raises(InputError, match=message):
        NgramModel(2, SIZE).fit(ROWS).log_probabilities(ids)


@pytest.mark.parametrize(
    ("rows", "longest"), [([[4, 5, END]], 3), ([[END]] * 9, 1), ([4, END, 5, 6, END], 3)]
)
def test_a_corpus_shorter_than_one_ngram(rows, longest):
    message = (
        f"a sentence of 4 ids, END among them, or more, .* order 5. Received: a longest one of {longest}"
    )
    with pytest.raises(InputError, match=message):
        NgramModel(5, SIZE).fit(rows)
    assert NgramModel(2, SIZE).fit(rows).perplexity(rows) > 1
