import numpy as np
import pytest

from nlpkit.errors import InputError
from nlpkit.training.streams import segments, stream_table


def test_each_target_is_the_token_after_its_input():
    ids = np.arange(4, 24)
    inputs, targets = stream_table(ids, 3)
    np.testing.assert_array_equal(targets.ravel()[:20], ids)
    assert targets.shape == (3, 7) and targets.ravel()[20] == 0
    # A stream begins with what stands before it: the end of the stream before, or of a text.
    np.testing.assert_array_equal(inputs.ravel()[:20], np.concatenate([[3], ids[:-1]]))
    assert inputs.ravel()[20] == 0


def test_segments_follow_each_other():
    table = stream_table(np.arange(4, 24), 2)
    batches, count = segments(table, 4)
    found = list(batches)
    assert len(found) == count == 3
    for part in (0, 1):
        np.testing.assert_array_equal(np.concatenate([batch[part] for batch in found], axis=1), table[part])
    assert [float(first) for _, _, first in found] == [1.0, 0.0, 0.0]


def test_segments_may_overlap_and_each_target_still_comes_once():
    table = stream_table(np.arange(4, 24), 2)
    found = list(segments(table, 4, overlap=3)[0])
    assert [inputs.shape[1] for inputs, *_ in found] == [4, 7, 5]
    np.testing.assert_array_equal(found[1][0], table[0][:, 1:8])
    assert not np.any(found[1][1][:, :3])
    new = [found[0][1], found[1][1][:, 3:], found[2][1][:, 3:]]
    np.testing.assert_array_equal(np.concatenate(new, axis=1), table[1])


def test_too_few_tokens():
    with pytest.raises(
        InputError, match="reads 5 parallel streams, .*Received: 4. Give more text, or a smaller"
    ):
        stream_table([4, 5, 6, 3], 5)
