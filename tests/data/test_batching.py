import keras
import numpy as np
import pytest

from nlpkit.data import IdRows, inference_batches, restore_order, training_batches
from nlpkit.data.batching import epoch_order
from nlpkit.errors import InputError


def make_rows(count, longest=400, seed=0):
    random = np.random.default_rng(seed)
    lengths = np.clip(random.lognormal(4, 0.8, count), 1, longest).astype(int)
    ids = random.integers(4, 1000, size=lengths.sum())
    return IdRows(ids, np.concatenate([[0], np.cumsum(lengths)]))


def collect(rows, **options):
    options = {"batch_size": 32, "seed": 7, "epochs": 2, **options}
    dataset, steps = training_batches(rows, np.arange(len(rows)), **options)
    return [(ids.numpy(), targets.numpy()) for ids, targets in dataset], steps


def same(first, second):
    return len(first) == len(second) and all(
        np.array_equal(a, b) for pair in zip(first, second, strict=True) for a, b in zip(*pair, strict=True)
    )


def test_each_epoch_has_every_row_once_with_its_own_ids():
    rows = make_rows(333)
    batches, steps = collect(rows)
    assert steps == 11 and len(batches) == 22
    for epoch in (batches[:11], batches[11:]):
        assert sorted(np.concatenate([targets for _, targets in epoch])) == list(range(333))
    for ids, targets in batches:
        assert ids.dtype == np.int32
        np.testing.assert_array_equal(ids, rows.padded(targets))


def test_little_padding_and_batches_in_random_order():
    batches, steps = collect(make_rows(5000), epochs=1)
    padding = sum((ids == 0).sum() for ids, _ in batches) / sum(ids.size for ids, _ in batches)
    assert padding < 0.06
    widths = np.array([ids.shape[1] for ids, _ in batches])
    assert abs(np.corrcoef(widths, np.arange(steps))[0, 1]) < 0.3


def test_order_follows_seed_and_epoch():
    rows = make_rows(200)
    batches, steps = collect(rows)
    assert same(batches, collect(rows)[0])
    assert not same(batches, collect(rows, seed=8)[0])
    assert not same(batches[:steps], batches[steps:])


def test_resumed_run_sees_the_batches_of_the_uninterrupted_one():
    rows = make_rows(150)
    batches, steps = collect(rows, epochs=4)
    resumed, _ = collect(rows, epochs=4, first_epoch=2)
    assert same(resumed, batches[2 * steps :])


def test_rows_meet_different_rows_in_each_epoch():
    lengths = make_rows(4000).lengths
    first, second = (epoch_order(lengths, 16, 0, epoch) for epoch in (0, 1))
    together = {frozenset(batch) for batch in first.tolist()}
    assert not together & {frozenset(batch) for batch in second.tolist()}


def test_sample_weights_and_targets_of_any_rank():
    rows = make_rows(50)
    targets, weights = np.random.default_rng(0).random((50, 3)), np.arange(50.0)
    dataset, _ = training_batches(rows, targets, batch_size=8, seed=0, epochs=1, sample_weight=weights)
    for ids, target, weight in dataset:
        chosen = weight.numpy().astype(int)
        np.testing.assert_array_equal(target, targets[chosen])
        np.testing.assert_array_equal(ids, rows.padded(chosen))


def test_keras_fit_takes_the_dataset_over_epochs():
    rows = make_rows(100)
    seen = []
    model = keras.Sequential([keras.Input((None,)), keras.layers.Embedding(1000, 4, mask_zero=True)])
    model.add(keras.layers.GlobalAveragePooling1D())
    model.add(keras.layers.Dense(1))
    model.compile("sgd", "mse")
    count = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    dataset, steps = training_batches(
        rows, np.zeros((100, 1)), batch_size=32, seed=0, epochs=3, first_epoch=1
    )
    model.fit(dataset, epochs=3, initial_epoch=1, steps_per_epoch=steps, verbose=0, callbacks=[count])
    assert seen == [0, 1, 2, 3] * 2


def test_inference_order_is_restored():
    rows = make_rows(333)
    dataset, order = inference_batches(rows, batch_size=32, targets=np.arange(333))
    batches = [(ids.numpy(), targets.numpy()) for ids, targets in dataset]
    assert np.array_equal(np.concatenate([targets for _, targets in batches]), order)
    sums = np.concatenate([ids.sum(axis=1) for ids, _ in batches])
    expected = np.array([row.sum() for row in rows])
    np.testing.assert_array_equal(restore_order(sums, order), expected)
    nested = restore_order({"sums": sums, "pair": (sums, sums[:, None])}, order)
    np.testing.assert_array_equal(nested["sums"], expected)
    np.testing.assert_array_equal(nested["pair"][1][:, 0], expected)


def test_inference_has_almost_no_padding():
    dataset, _ = inference_batches(make_rows(5000), batch_size=32)
    batches = [ids.numpy() for ids in dataset]
    assert sum((ids == 0).sum() for ids in batches) / sum(ids.size for ids in batches) < 0.03


def test_inference_batches_stay_small_where_rows_are_long():
    rows = IdRows.from_lists([[5] * length for length in [3, 750, 150, 150, 1, 150]])
    dataset, order = inference_batches(rows, batch_size=3)
    assert [ids.shape for ids in dataset] == [(1, 750), (2, 150), (2, 150), (1, 1)]
    assert order.tolist() == [1, 2, 3, 5, 0, 4]


def test_the_end_of_a_dataset_waits_for_no_tuner():
    rows = IdRows.from_lists([[4, 5], [6]])
    training, _ = training_batches(rows, np.zeros(2), batch_size=1, seed=0, epochs=1)
    inference, _ = inference_batches(rows, batch_size=1)
    assert training.options().autotune.enabled is False and inference.options().autotune.enabled is False


def test_restore_order_refuses_other_lengths():
    with pytest.raises(
        InputError, match="`outputs` must have one row per row of `order`, 3. Received: 2 rows"
    ):
        restore_order(np.zeros(2), [0, 1, 2])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "`batch_size` must be at least 1. Received: batch_size=0"),
        ({"seed": -1}, "`seed` must be at least 0. Received: seed=-1"),
        ({"first_epoch": 2}, "`first_epoch` must be at least 0 and below `epochs`.*first_epoch=2, epochs=2"),
        (
            {"sample_weight": np.ones(3)},
            "`sample_weight` must have one entry per row, 10. Received: 3 entries",
        ),
    ],
)
def test_training_refusals(options, message):
    with pytest.raises(InputError, match=message):
        collect(make_rows(10), **options)


def test_no_rows_and_targets_that_do_not_fit():
    with pytest.raises(InputError, match="`rows` must hold at least one row"):
        inference_batches(IdRows.from_lists([]), batch_size=2)
    with pytest.raises(InputError, match="`targets` must have one entry per row, 10. Received: 9 entries"):
        inference_batches(make_rows(10), batch_size=2, targets=np.zeros(9))
