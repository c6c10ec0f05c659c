"""Every pair once per epoch with its own partner, cut as a plain loop cuts them, in an order that resuming repeats."""

import numpy as np
import pytest

from nlpkit.data import IdRows, RepeatedRows, restore_order
from nlpkit.data.pair_batching import cut_pairs, pair_batches, pair_batches_once, pair_order
from nlpkit.errors import InputError


def make_rows(count, seed, longest=60):
    """Random rows; the first id of each is its number, to tell it again."""
    random = np.random.default_rng(seed)
    return IdRows.from_lists(
        [[4 + i, *random.integers(4, 99, random.integers(0, longest))] for i in range(count)]
    )


SOURCES, TARGETS = make_rows(333, seed=0), make_rows(333, seed=1)


def collect(sources=SOURCES, targets=TARGETS, **options):
    dataset, steps = pair_batches(sources, targets, **{"batch_size": 32, "seed": 7, "epochs": 2, **options})
    return [(a.numpy(), b.numpy()) for a, b in dataset], steps


def same(first, second):
    return len(first) == len(second) and all(
        np.array_equal(a, b) for pair in zip(first, second, strict=True) for a, b in zip(*pair, strict=True)
    )


def plainly_cut(batch_size, batch_tokens):
    """Sizes of the batches, by a loop over the pairs from the shortest to the longest."""
    lengths = sorted(zip(TARGETS.lengths.tolist(), SOURCES.lengths.tolist(), strict=True))
    batches = [[]]
    for pair in lengths:
        grown = [*batches[-1], pair]
        fits = len(grown) * max(map(max, grown)) <= batch_tokens if batch_tokens else len(grown) <= batch_size
        if fits or not batches[-1]:
            batches[-1] = grown
        else:
            batches.append([pair])
    return sorted((len(batch), max(s for _, s in batch), max(t for t, _ in batch)) for batch in batches)


@pytest.mark.parametrize("batch_tokens", [None, 400, 90, 1])
def test_each_epoch_has_every_pair_once_in_batches_of_its_lengths(batch_tokens):
    batches, steps = collect(batch_tokens=batch_tokens)
    assert len(batches) == 2 * steps
    for sources, targets in batches:
        numbers = targets[:, 0] - 4
        assert sources.dtype == targets.dtype == np.int32
        np.testing.assert_array_equal(sources, SOURCES.padded(numbers))
        np.testing.assert_array_equal(targets, TARGETS.padded(numbers))
    for epoch in (batches[:steps], batches[steps:]):
        assert sorted(np.concatenate([targets[:, 0] - 4 for _, targets in epoch])) == list(range(333))
        shapes = sorted((*sources.shape, targets.shape[1]) for sources, targets in epoch)
        if batch_tokens:
            assert shapes == plainly_cut(32, batch_tokens)
        else:
            assert [pairs for pairs, *_ in shapes] == [333 % 32, *[32] * (333 // 32)]


def test_pairs_of_a_pool_are_sorted_and_pools_are_mixed():
    lengths = np.random.default_rng(0).integers(1, 9, (2, 40))
    order, _ = pair_order(lengths, 10, seed=0, epoch=0, pool=12)
    assert sorted(order) == list(range(40))
    for start in range(0, 40, 12):
        pairs = lengths[::-1, order[start : start + 12]].T.tolist()
        assert pairs == sorted(pairs)
    assert lengths[1, order].tolist() != sorted(lengths[1])


def test_batches_of_little_data_hold_targets_of_several_lengths():
    rows = IdRows.from_lists([[4 + i % 2] * (2 + 3 * (i % 2)) for i in range(64)])
    batches, steps = collect(rows, rows, batch_size=8, epochs=1)
    mixed = [len(set(targets[:, 0])) for _, targets in batches]
    assert steps == 8 and mixed.count(2) >= 2


def test_a_batch_of_tokens_holds_no_more_than_they_allow():
    batches, _ = collect(batch_tokens=50)
    sizes = [(len(sources), max(sources.shape[1], targets.shape[1])) for sources, targets in batches]
    assert all(pairs * longest <= 50 or pairs == 1 for pairs, longest in sizes)
    assert any(pairs == 1 and longest > 50 for pairs, longest in sizes), "nothing was tested"


def test_order_follows_seed_and_epoch():
    batches, steps = collect(batch_tokens=300)
    assert same(batches, collect(batch_tokens=300)[0])
    assert not same(batches, collect(batch_tokens=300, seed=8)[0])
    assert not same(batches[:steps], batches[steps:])


def test_resumed_run_sees_the_batches_of_the_uninterrupted_one():
    batches, steps = collect(batch_tokens=300, epochs=4)
    assert same(collect(batch_tokens=300, epochs=4, first_epoch=2)[0], batches[2 * steps :])


def test_pairs_of_equal_lengths_meet_others_in_each_epoch():
    random = np.random.default_rng(0)
    rows = IdRows.from_lists([[4 + i] * length for i, length in enumerate(random.integers(1, 4, 800))])
    batches, steps = collect(rows, rows, batch_size=8)
    together = [{frozenset(targets[:, 0]) for _, targets in batches[part]} for part in
                (slice(steps), slice(steps, None))]  # fmt: skip
    assert len(together[0] & together[1]) < 5


def test_little_padding_and_batches_in_random_order():
    random = np.random.default_rng(0)
    source_lengths = np.clip(random.lognormal(2.5, 0.4, 5000), 1, 60).astype(int)
    target_lengths = np.clip(source_lengths + random.integers(-2, 3, 5000), 1, 60)
    sides = [
        IdRows(np.full(n.sum(), 5), np.append(0, np.cumsum(n))) for n in (source_lengths, target_lengths)
    ]
    batches, steps = collect(*sides, epochs=1)
    cells = np.concatenate([ids.ravel() for pair in batches for ids in pair])
    assert np.mean(cells == 0) < 0.1
    widths = np.array([targets.shape[1] for _, targets in batches])
    assert abs(np.corrcoef(widths, np.arange(steps))[0, 1]) < 0.3


def test_features_come_as_they_are():
    features = np.random.default_rng(0).normal(size=(333, 9, 2)).astype("float32")
    batches, _ = collect(features, batch_tokens=100)
    for images, targets in batches:
        assert images.dtype == np.float32 and len(images) * max(9, targets.shape[1]) <= 100
        np.testing.assert_array_equal(images, features[targets[:, 0] - 4])


def test_images_stay_whole_numbers_and_are_kept_once():
    images = np.random.default_rng(0).integers(0, 256, (111, 4, 5, 3), "uint8")
    sources = RepeatedRows(images, np.repeat(np.arange(111), 3)[::-1])
    batches, steps = collect(sources, batch_tokens=100)
    # An image has no length: the targets alone fill a batch.
    assert steps == len(collect(np.zeros((333, 1, 1)), batch_tokens=100)[0]) // 2
    for pixels, targets in batches:
        assert pixels.dtype == np.uint8
        np.testing.assert_array_equal(pixels, images[sources.numbers[targets[:, 0] - 4]])
    dataset, order = pair_batches_once(sources, TARGETS, batch_size=32)
    found = restore_order(np.concatenate([pixels.numpy() for pixels, _ in dataset]), order)
    np.testing.assert_array_equal(found, images[sources.numbers])


def test_numbers_of_no_row():
    for numbers in ([0, 3], [-1]):
        with pytest.raises(
            InputError, match="`numbers` must be from 0 to 2, the rows of `array`. Received: "
        ):
            RepeatedRows(np.zeros((3, 2)), numbers)


def test_once_has_every_pair_from_the_longest_target_to_the_shortest():
    for sources in (SOURCES, np.arange(333.0)[:, None, None]):
        dataset, order = pair_batches_once(sources, TARGETS, batch_size=32)
        targets = [targets.numpy() for _, targets in dataset]
        np.testing.assert_array_equal(np.concatenate([ids[:, 0] - 4 for ids in targets]), order)
        assert np.all(np.diff(TARGETS.lengths[order]) <= 0) and max(map(len, targets)) == 32
        sums = restore_order(np.concatenate([ids.sum(axis=1) for ids in targets]), order)
        np.testing.assert_array_equal(sums, [row.sum() for row in TARGETS])
        for (first, _), ids in zip(dataset, targets, strict=True):
            numbers = ids[:, 0] - 4
            expected = SOURCES.padded(numbers) if sources is SOURCES else sources[numbers]
            np.testing.assert_array_equal(first, expected)


def test_batches_of_an_evaluation_stay_small_where_pairs_are_long():
    sources = IdRows.from_lists([[5] * length for length in (3, 150, 1, 2, 2)])
    targets = IdRows.from_lists([[5] * length for length in (200, 3, 1, 2, 3)])
    dataset, order = pair_batches_once(sources, targets, batch_size=3)
    assert [(a.shape.as_list(), b.shape[1]) for a, b in dataset] == [
        ([1, 3], 200),
        ([2, 150], 3),
        ([2, 2], 2),
    ]
    assert order.tolist() == [0, 1, 4, 3, 2]


def test_rows_without_ids_are_cut_too():
    assert cut_pairs(np.array([0, 0, 0]), most_pairs=2, batch_tokens=5).tolist() == [0, 2, 3]


def test_the_end_of_a_dataset_waits_for_no_tuner():
    training, _ = pair_batches(SOURCES, TARGETS, batch_size=8, seed=0, epochs=1)
    evaluation, _ = pair_batches_once(SOURCES, TARGETS, batch_size=8)
    assert not training.options().autotune.enabled and not evaluation.options().autotune.enabled


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "`batch_size` must be at least 1. Received: batch_size=0"),
        ({"batch_tokens": 0}, "`batch_tokens` must be at least 1. Received: batch_tokens=0"),
        ({"seed": -1}, "`seed` must be at least 0. Received: seed=-1"),
        ({"first_epoch": 2}, "`first_epoch` must be at least 0 and below `epochs`.*first_epoch=2, epochs=2"),
        ({"targets": make_rows(3, 0)}, "a target for each source. Received: 333 sources and 3 targets"),
        ({"sources": np.ones((333, 4))}, r"`sources` must be IdRows.*Received: ndarray of shape \(333, 4\)"),
        ({"sources": RepeatedRows(np.ones((9, 4)), np.zeros(333, int))}, r"`sources` must be.*of shape \(9, 4\)"),
    ],
)  # fmt: skip
def test_refusals(options, message):
    with pytest.raises(InputError, match=message):
        collect(**options)


def test_no_pairs():
    with pytest.raises(InputError, match="one or more pairs.*Received: 0 sources and 0 targets. Check"):
        pair_batches_once(IdRows.from_lists([]), IdRows.from_lists([]), batch_size=2)
