import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from nlpkit.errors import InputError
from nlpkit.text import Packer


def reference(row, max_length, start, end, truncate):
    room = max_length - start - end
    drop = max(0, len(row) - room)
    at = {"end": room, "start": 0, "middle": room - room // 2}[truncate]
    row = row[:at] + row[at + drop :]
    return [2] * start + row + [3] * end or [1]


@given(
    rows=st.lists(st.lists(st.integers(4, 99), max_size=9), min_size=1, max_size=5),
    max_length=st.integers(3, 8),
    start=st.booleans(),
    end=st.booleans(),
    truncate=st.sampled_from(["end", "start", "middle"]),
)
@settings(deadline=None, max_examples=60)
def test_rows_are_those_of_a_plain_loop(rows, max_length, start, end, truncate):
    packer = Packer(max_length, start, end, truncate)
    expected = [reference(row, max_length, start, end, truncate) for row in rows]
    ragged = tf.ragged.constant(rows, dtype=tf.int32, ragged_rank=1)
    assert packer.trim(ragged).to_list() == expected
    width = max(map(len, expected))
    table = packer(ragged)
    assert table.dtype == tf.int32
    assert table.numpy().tolist() == [row + [0] * (width - len(row)) for row in expected]


def test_one_id_of_room_and_no_limit():
    rows = tf.ragged.constant([[4, 5, 6]], dtype=tf.int32)
    assert Packer(1, truncate="middle")(rows).numpy().tolist() == [[4]]
    assert Packer()(rows).numpy().tolist() == [[4, 5, 6]]


def test_config():
    packer = Packer(5, True, True, "middle")
    again = Packer.from_config(packer.get_config())
    assert (again.max_length, again.start, again.end, again.truncate) == (5, True, True, "middle")


def test_errors():
    with pytest.raises(InputError, match="`truncate` must be one of .* Received: truncate='left'"):
        Packer(truncate="left")
    with pytest.raises(InputError, match="`max_length` must be at least 3: .* Received: max_length=2"):
        Packer(2, start=True, end=True)
