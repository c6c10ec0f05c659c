import math

import keras
import numpy as np
import pytest

from nlpkit.models import build_generator
from nlpkit.spec import LanguageModelSettings
from nlpkit.training.callbacks import TimeLimit
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
