import math

import keras
import numpy as np
import pytest
import tensorflow as tf

import nlpkit.training.language_model as language_model
from nlpkit.data import IdRows
from nlpkit.errors import InputError
from nlpkit.models import build_generator
from nlpkit.spec import LanguageModelSettings
from nlpkit.training.callbacks import TimeLimit
from nlpkit.training.documents import document_segments
from nlpkit.training.language_model import NextToken, mean_loss, perplexity_of, train_language_model
from nlpkit.training.optimizer import optimizer_of
from nlpkit.training.streams import segments, stream_table

# After 4 comes 5, after 5 comes 6, and so on; nothing but the text before tells when the end comes.
TEXT = np.tile([4, 5, 6, 7, 3], 300)
SETTINGS = LanguageModelSettings(
    epochs=3, batch_size=4, sequence_length=10, learning_rate=0.05, patience=None
)


def network(**options):
    keras.utils.set_random_seed(3)
    return build_generator(9, **{"units": 8, "num_layers": 1, **options})


@pytest.mark.parametrize(
    ("options", "learning_rate"),
    [({}, 0.05), ({"cell": "transformer"}, 0.01), ({"cell": "nplm"}, 0.05), ({"cutoffs": [6]}, 0.05)],
)
def test_it_learns(options, learning_rate):
    model = network(**options)
    before = mean_loss(model, TEXT)
    settings = SETTINGS.model_copy(update={"learning_rate": learning_rate})
    result = train_language_model(model, TEXT, settings, validation=TEXT[:100])
    assert before > 2 and mean_loss(model, TEXT) < 0.5
    assert result.history["val_loss"][-1] < result.history["val_loss"][0]


@pytest.mark.parametrize("cell", ["lstm", "transformer"])
def test_the_mean_loss_is_that_of_the_whole_text_at_once(cell):
    model = network(cell=cell)
    # More than one stretch of an evaluation: the second one knows the first.
    ids = np.random.default_rng(0).integers(3, 9, 8 * 150).astype("int32")
    inputs, targets = stream_table(ids, 8)
    expected = model.losses_of(model.hidden(inputs)[0], targets).numpy().mean()
    assert mean_loss(model, ids) == pytest.approx(expected, rel=1e-6)
    # A last stream that is shorter counts with its own tokens only.
    inputs, targets = stream_table(ids[:-6], 8)
    losses = model.losses_of(model.hidden(inputs)[0], targets).numpy()
    assert mean_loss(model, ids[:-6]) == pytest.approx(losses.sum() / (8 * 150 - 6), rel=1e-5)


def test_the_state_is_carried_from_segment_to_segment_and_begins_anew_with_each_epoch():
    model = network()
    trainer = NextToken(model)
    trainer.start({"training": 4, "evaluation": 8})
    trainer.compile(optimizer_of(SETTINGS, model, 10), jit_compile=False)
    whole, expected = stream_table(TEXT[:1200], 8), []
    batches, _ = segments(whole, 10)
    hidden, _ = model.hidden(whole[0])
    losses = model.losses_of(hidden, whole[1]).numpy()
    for start in range(0, losses.shape[1], 10):
        expected.append(losses[:, start : start + 10].mean())
    for _ in range(2):
        for batch, mean in zip(batches, expected, strict=True):
            trainer.mean_loss.reset_state()
            assert float(trainer.test_step(batch)["loss"]) == pytest.approx(mean, rel=1e-5)


@pytest.mark.parametrize("cell", ["lstm", "nplm"])
def test_some_rows_begin_anew(cell):
    trainer = NextToken(network(cell=cell), reset_states=0.3)
    trainer.start({"training": 2000, "evaluation": 4})
    for kept in [*trainer.carried["training"], *trainer.carried["evaluation"]]:
        kept.assign(tf.ones_like(kept))
    states = [state.numpy().reshape(2000, -1) for state in trainer._states(0.0, "training")]
    rows = np.stack([state.mean(axis=1) for state in states])
    assert np.isin(rows, (0.0, 1.0)).all() and (rows == rows[0]).all()
    assert 0.25 < 1 - rows.mean() < 0.35
    again = np.stack(
        [state.numpy().reshape(2000, -1).mean(axis=1) for state in trainer._states(0.0, "training")]
    )
    assert (again != rows).any()
    assert all(state.numpy().all() for state in trainer._states(0.0, "evaluation"))
    assert not any(state.numpy().any() for state in trainer._states(1.0, "training"))
    twin = NextToken.from_config(trainer.get_config())
    assert twin.reset_states == 0.3


@pytest.mark.parametrize(
    ("cell", "documents", "expected"),
    [("lstm", False, 0.02), ("lstm", True, 0.0), ("transformer", False, 0.0)],
)
def test_states_begin_anew_where_they_would_go_on(cell, documents, expected, monkeypatch):
    seen = []
    monkeypatch.setattr(language_model, "run_epochs", lambda model, *more, **settings: seen.append(model))
    settings = SETTINGS.model_copy(update={"documents": documents})
    train_language_model(network(cell=cell), TEXTS if documents else TEXT, settings)
    assert seen[0].reset_states == expected


def stop_before_the_last(callback, epoch, logs=None):
    if epoch == SETTINGS.epochs - 1:
        raise KeyboardInterrupt


def test_a_resumed_run_ends_as_an_uninterrupted_one(tmp_path, monkeypatch):
    whole = network(dropout=0.2)
    expected = train_language_model(whole, TEXT, SETTINGS, validation=TEXT[:100])
    first, again = network(dropout=0.2), network(dropout=0.2)
    folder = {"checkpoint": tmp_path, "validation": TEXT[:100]}
    monkeypatch.setattr(TimeLimit, "on_epoch_begin", stop_before_the_last, raising=False)
    with pytest.raises(KeyboardInterrupt):
        train_language_model(first, TEXT, SETTINGS, **folder)
    monkeypatch.undo()
    result = train_language_model(again, TEXT, SETTINGS, resume=True, **folder)
    assert result.history == expected.history
    np.testing.assert_array_equal(again.get_weights()[0], whole.get_weights()[0])


def test_perplexity():
    assert perplexity_of(math.log(42.0)) == pytest.approx(42.0)
    assert perplexity_of(1e4) == math.inf


# Texts of one segment and of several.
TEXTS = IdRows.from_lists(
    [[*np.random.default_rng(n).integers(4, 9, size), 3] for n, size in enumerate((4, 22, 8, 8, 22, 4, 22))]
)
DOCUMENTS = SETTINGS.model_copy(update={"documents": True, "batch_size": 3})


def sharp(**options):
    """A network that is sure of what it says, so that after something else it says something else."""
    model, random = network(**options), np.random.default_rng(7)
    model.set_weights([random.normal(0.0, 0.7, weight.shape) for weight in model.get_weights()])
    return model


def losses_one_by_one(model, rows):
    """The losses of each text, read by itself and as a whole."""
    found = []
    for row in rows:
        hidden, _ = model.hidden(np.array([[3, *row[:-1]]]))
        found.append(model.losses_of(hidden, row[None]))
    return found


def learner(model, batch_size, learning_rate=1.0):
    trainer = NextToken(model)
    trainer.start({"training": batch_size, "evaluation": batch_size})
    trainer.compile(keras.optimizers.SGD(learning_rate), jit_compile=False)
    return trainer


@pytest.mark.parametrize("cell", ["lstm", "transformer"])
def test_a_step_with_documents_is_that_of_the_texts_one_by_one(cell):
    short = TEXTS.take([0, 2, 5])  # of at most 10 tokens: one segment
    (batch,) = document_segments(short, batch_size=4, sequence_length=10, seed=0, epochs=1)[0]
    model = sharp(cell=cell)
    before = [weight.numpy() for weight in model.trainable_weights]
    with tf.GradientTape() as tape:
        losses = tf.concat([tf.reshape(part, [-1]) for part in losses_one_by_one(model, short)], axis=0)
        mean = tf.reduce_sum(losses) / len(short.ids)
    gradients = tape.gradient(mean, model.trainable_weights)
    trainer = learner(model, 4)
    assert float(trainer.train_step(batch)["loss"]) == pytest.approx(float(mean), rel=1e-5)
    for weight, old, gradient in zip(model.trainable_weights, before, gradients, strict=True):
        np.testing.assert_allclose(
            old - weight.numpy(), tf.convert_to_tensor(gradient), rtol=1e-3, atol=1e-5, err_msg=weight.path
        )


@pytest.mark.parametrize("cell", ["lstm", "nplm"])
def test_within_a_document_the_state_is_carried_and_between_documents_it_is_not(cell):
    model = sharp(cell=cell)
    whole = {row.tobytes(): loss for row, loss in zip(TEXTS, losses_one_by_one(model, TEXTS), strict=True)}
    trainer = learner(model, 3, learning_rate=0.0)
    dataset, steps = document_segments(TEXTS, batch_size=3, sequence_length=10, seed=4, epochs=1)
    batches = list(dataset)
    assert len(batches) == steps > 4
    for number, batch in enumerate(batches):
        place = 10 * sum(float(first) == 0 for *_, first in batches[_begin(batches, number) : number + 1])
        texts = np.concatenate(
            [t.numpy() for _, t, _ in batches[_begin(batches, number) : _end(batches, number)]], 1
        )
        rows = [row[row > 0] for row in texts if row.any()]
        expected = np.concatenate([whole[row.tobytes()][0, place : place + 10].numpy() for row in rows])
        trainer.mean_loss.reset_state()
        assert float(trainer.train_step(batch)["loss"]) == pytest.approx(expected.mean(), rel=1e-5)


def _begin(batches, number):
    return max(n for n in range(number + 1) if float(batches[n][2]) == 1)


def _end(batches, number):
    return min([n for n in range(number + 1, len(batches)) if float(batches[n][2]) == 1] or [len(batches)])


@pytest.mark.parametrize("cell", ["lstm", "transformer"])
def test_the_mean_loss_of_documents_is_that_of_the_texts_one_by_one_in_any_order(cell, monkeypatch):
    monkeypatch.setattr("nlpkit.training.language_model.EVALUATION_DOCUMENTS", 3)
    model = sharp(cell=cell)
    # One is longer than a stretch of an evaluation.
    rows = IdRows.from_lists([*TEXTS, np.random.default_rng(9).integers(3, 9, 150)])
    expected = sum(loss.numpy().sum() for loss in losses_one_by_one(model, rows)) / len(rows.ids)
    assert mean_loss(model, rows) == pytest.approx(expected, rel=1e-5)
    assert mean_loss(model, rows.take([3, 7, 0, 6, 1, 5, 2, 4])) == pytest.approx(expected, rel=1e-5)
    assert mean_loss(model, rows.ids) != pytest.approx(expected, rel=1e-3), "a stream should differ"


def test_a_resumed_run_over_documents_ends_as_an_uninterrupted_one(tmp_path, monkeypatch):
    whole, first, again = (network(dropout=0.2) for _ in range(3))
    options = {"validation": TEXTS.take([1, 3]), "seed": 6}
    expected = train_language_model(whole, TEXTS, DOCUMENTS, **options)
    monkeypatch.setattr(TimeLimit, "on_epoch_begin", stop_before_the_last, raising=False)
    with pytest.raises(KeyboardInterrupt):
        train_language_model(first, TEXTS, DOCUMENTS, checkpoint=tmp_path, **options)
    monkeypatch.undo()
    result = train_language_model(again, TEXTS, DOCUMENTS, checkpoint=tmp_path, resume=True, **options)
    assert result.history == expected.history and len(result.history["loss"]) == 3
    # Validation is what `mean_loss` tells.
    best = result.history["val_loss"][result.best_epoch - 1]
    assert mean_loss(again, options["validation"]) == pytest.approx(best, rel=1e-5)
    for weight, other in zip(again.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, other)


def test_ids_and_settings_are_of_one_kind():
    with pytest.raises(
        InputError, match="With documents=True `ids` must be IdRows, a text in each row. Received: nd"
    ):
        train_language_model(network(), TEXT, DOCUMENTS)
    with pytest.raises(
        InputError, match="With documents=False `validation` must be an array, .*Received: IdRows"
    ):
        train_language_model(network(), TEXT, SETTINGS, validation=TEXTS)
