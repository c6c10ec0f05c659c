import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlpkit.data import IdRows, IdRowsBuilder
from nlpkit.errors import InputError

sequences = st.lists(st.lists(st.integers(0, 2**31 - 1), max_size=6), max_size=12)


@settings(max_examples=50, deadline=None)
@given(sequences, st.data())
def test_rows_behave_like_the_list_they_came_from(lists, data):
    rows = IdRows.from_lists(lists)
    assert len(rows) == len(lists)
    assert [row.tolist() for row in rows] == lists
    assert rows.lengths.tolist() == [len(row) for row in lists]
    assert (rows.ids.dtype, rows.offsets.dtype) == (np.int32, np.int64)
    picked = data.draw(st.lists(st.integers(0, len(lists) - 1), max_size=8)) if lists else []
    assert [row.tolist() for row in rows.take(picked)] == [lists[index] for index in picked]
    width = max((len(lists[index]) for index in picked), default=0)
    expected = [lists[index] + [0] * (width - len(lists[index])) for index in picked]
    assert rows.padded(picked).tolist() == expected


def test_padded_to_a_given_length_fills_and_cuts():
    rows = IdRows.from_lists([[4, 5, 6], [7]])
    assert rows.padded(length=5).tolist() == [[4, 5, 6, 0, 0], [7, 0, 0, 0, 0]]
    assert rows.padded(length=2).tolist() == [[4, 5], [7, 0]]
    assert rows.padded(length=2).dtype == np.int32


def test_indexing_like_a_list():
    rows = IdRows.from_lists([[4, 5], [6]])
    assert rows[-1].tolist() == [6]
    with pytest.raises(IndexError):
        rows[2]


def test_builder_grows_and_starts_afresh():
    random, builder = np.random.default_rng(0), IdRowsBuilder()
    expected = []
    for _ in range(60):
        lengths = random.integers(0, 40, size=20)
        ids = random.integers(0, 1000, size=lengths.sum())
        builder.append(ids, lengths)
        expected += [part.tolist() for part in np.split(ids, np.cumsum(lengths)[:-1])]
    assert [row.tolist() for row in builder.build()] == expected
    assert len(builder.build()) == 0


def test_lengths_that_do_not_fit():
    with pytest.raises(InputError, match="`lengths` must .* Received: 3 ids and lengths that add up to 2"):
        IdRowsBuilder().append([1, 2, 3], [2])


@pytest.mark.parametrize("offsets", [[], [0, 2], [1, 3], [0, 4, 3]])
def test_offsets_that_do_not_fit(offsets):
    with pytest.raises(InputError, match="`offsets` must start at 0, never fall.*Received: 3 ids"):
        IdRows([1, 2, 3], offsets)


def test_popped_rows_are_gone_and_the_others_keep_their_order(monkeypatch):
    monkeypatch.setattr("nlpkit.data.id_rows.BLOCK", 3)
    lists = [[i] * (1 + i % 4) for i in range(20)]
    rows = IdRows.from_lists(lists)
    rows.ragged()
    popped = rows.pop(np.array([7, 0, 12]))
    assert [row.tolist() for row in popped] == [lists[7], lists[0], lists[12]]
    rest = [row for i, row in enumerate(lists) if i not in (0, 7, 12)]
    assert [row.tolist() for row in rows] == rest
    assert rows.ragged().to_list() == rest


def test_the_ragged_tensor_shares_the_memory_of_the_ids():
    rows = IdRows.from_lists([[4, 5], [6]])
    tensor = rows.ragged()
    assert tensor is rows.ragged()
    assert np.shares_memory(rows.ids, np.asarray(memoryview(tensor.flat_values)))
