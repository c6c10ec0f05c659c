import numpy as np
import pytest
import tensorflow as tf

from nlpkit.data import IdRows
from nlpkit.training.documents import (
    document_order,
    document_segments,
    documents_once,
    inputs_of,
    segments_in,
)

LENGTHS = np.random.default_rng(0).integers(1, 30, 53)
ROWS = IdRows.from_lists(
    [np.random.default_rng(n).integers(4, 90, length) for n, length in enumerate(LENGTHS)]
)


def texts_in(batches):
    """The texts that the segments put together, as tuples, and the inputs beside each."""
    found, tables = [], []
    for inputs, targets, first in batches:
        if first == 1.0:
            tables.append(([], []))
        for part, table in zip((inputs, targets), tables[-1], strict=True):
            table.append(part.numpy())
    for table in tables:
        inputs, targets = (np.concatenate(part, axis=1) for part in table)
        for read, row in zip(inputs, targets, strict=True):
            length = np.count_nonzero(row)
            assert not row[length:].any() and not read[length:].any()
            # Before a text stands the end of another one.
            assert read[:length].tolist() == [3, *row[: length - 1]][:length]
            found.append(tuple(row[:length].tolist()))
    return [text for text in found if text]


@pytest.mark.parametrize(("batch_size", "sequence_length"), [(4, 7), (5, 100), (1, 3), (53, 4)])
def test_each_text_comes_once_an_epoch_in_segments(batch_size, sequence_length):
    sizes = {"batch_size": batch_size, "sequence_length": sequence_length}
    dataset, steps = document_segments(ROWS, seed=1, epochs=3, **sizes)
    batches = list(dataset)
    assert len(batches) == 3 * steps == int(dataset.cardinality())
    assert steps == segments_in(ROWS.lengths, **sizes)
    assert all(inputs.shape[0] == batch_size and inputs.shape[1] <= sequence_length for inputs, *_ in batches)
    expected = sorted(tuple(row.tolist()) for row in ROWS)
    for epoch in range(3):
        assert sorted(texts_in(batches[epoch * steps : (epoch + 1) * steps])) == expected


def test_epochs_have_orders_of_their_own_that_a_resumed_run_finds_again():
    sizes = {"batch_size": 4, "sequence_length": 7}
    dataset, steps = document_segments(ROWS, seed=1, epochs=3, **sizes)
    batches = [tuple(part.numpy().tobytes() for part in batch) for batch in dataset]
    assert batches[:steps] != batches[steps : 2 * steps]
    resumed, _ = document_segments(ROWS, seed=1, epochs=3, first_epoch=1, **sizes)
    assert [tuple(part.numpy().tobytes() for part in batch) for batch in resumed] == batches[steps:]
    other, _ = document_segments(ROWS, seed=2, epochs=1, **sizes)
    assert [tuple(part.numpy().tobytes() for part in batch) for batch in other] != batches[:steps]


def test_texts_of_equally_many_segments_are_together():
    order = document_order(LENGTHS, 8, sequence_length=7, seed=3, epoch=0)
    assert sorted(order.ravel().tolist()) == [-1] * 3 + list(range(53))
    longest = sorted(int(max(-(-LENGTHS[row[row >= 0]] // 7))) for row in order)
    counts = np.sort(-(-LENGTHS // 7))
    assert longest == [int(counts[i : i + 8].max()) for i in range(0, 53, 8)]
    assert sum(longest) == segments_in(LENGTHS, 8, 7)


def test_little_of_a_batch_is_padding():
    lengths = np.random.default_rng(1).integers(1, 36, 5_000)
    order = document_order(lengths, 20, sequence_length=35, seed=0, epoch=0)
    read = sum(lengths[row].max() * len(row) for row in order)
    assert lengths.sum() / read > 0.95


def test_all_texts_once_from_the_longest_on():
    batches = documents_once(ROWS, batch_size=6, sequence_length=7)
    assert len(list(batches)) == int(batches.cardinality())
    texts = texts_in(batches)
    assert sorted(texts) == sorted(tuple(row.tolist()) for row in ROWS)
    assert [len(text) for text in texts] == sorted(LENGTHS, reverse=True)


def test_what_is_read_again_has_no_targets():
    rows = IdRows.from_lists([list(range(4, 24)), [5, 3]])
    found = list(documents_once(rows, batch_size=2, sequence_length=8, overlap=8))
    assert [inputs.shape[1] for inputs, *_ in found] == [8, 16, 12]
    assert [np.count_nonzero(targets) for _, targets, _ in found] == [8 + 2, 8, 4]
    assert found[1][0][0].numpy().tolist() == [3, *range(4, 19)]


def test_before_each_token_is_the_one_before_it_and_before_a_text_an_end():
    rows = [[5, 6, 7, 3], [9, 3], [3], []]
    padded = np.array([row + [0] * (4 - len(row)) for row in rows], "int32")
    expected = [([3] + row[:-1])[: len(row)] + [0] * (4 - len(row)) for row in rows]
    found = inputs_of(tf.constant(padded))
    assert found.dtype == tf.int32 and found.numpy().tolist() == expected
    # Of unknown size, as an export asks for it.
    run = tf.function(inputs_of, input_signature=[tf.TensorSpec((None, None), "int32")])
    assert run(padded).numpy().tolist() == expected
