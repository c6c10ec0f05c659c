"""The loss of encoder-decoders and what belongs to training alone, against NumPy; runs that go on where they were."""

import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlpkit.data import IdRows
from nlpkit.errors import InputError
from nlpkit.models import build_encoder_decoder
from nlpkit.models.decoded import inputs_for
from nlpkit.spec import TextToTextSettings
from nlpkit.training import teacher_forcing
from nlpkit.training.callbacks import TimeLimit
from nlpkit.training.teacher_forcing import TeacherForcing, train_encoder_decoder

WORDS = 9
SOURCE = np.array([[4, 5, 6, 3], [7, 3, 0, 0], [8, 8, 3, 0]], "int32")
TARGET = np.array([[5, 6, 7, 8, 3], [6, 3, 0, 0, 0], [4, 4, 3, 0, 0]], "int32")
REAL = TARGET != 0


def network(**options):
    """A network that is sure of what it says, so that its own words are others than the true ones."""
    keras.utils.set_random_seed(3)
    found = build_encoder_decoder(WORDS, WORDS, **{"units": 8, "attention": "additive", **options})
    random = np.random.default_rng(7)
    found.set_weights([random.normal(0.0, 0.7, weight.shape) for weight in found.get_weights()])
    return found


def learner(model, learning_rate=1.0, **options):
    trainer = TeacherForcing(model, **options)
    trainer.compile(keras.optimizers.SGD(learning_rate), jit_compile=False)
    trainer.optimizer.build(model.trainable_weights)
    return trainer


def loss_of(trainer, step="train_step", target=TARGET):
    trainer.mean_loss.reset_state()
    return float(getattr(trainer, step)((SOURCE, target))["loss"])


def log_probabilities(model, inputs):
    return tf.nn.log_softmax(model([SOURCE, inputs])).numpy()


def mean_loss(model, inputs, smoothing=0.0):
    """Mean over the real tokens of the cross-entropy with smoothed targets."""
    found = log_probabilities(model, inputs)
    wanted = (1 - smoothing) * np.eye(WORDS)[TARGET] + smoothing / WORDS
    return -(wanted * found).sum(axis=-1)[REAL].mean()


def test_a_step_is_the_gradient_of_the_mean_over_tokens():
    model = network()
    before = [weight.numpy() for weight in model.trainable_weights]
    with tf.GradientTape() as tape:
        logits = model([SOURCE, inputs_for(TARGET)], training=True)
        entropy = keras.losses.sparse_categorical_crossentropy(TARGET, logits, from_logits=True)
        mean = tf.reduce_sum(entropy * REAL) / REAL.sum()
    gradients = tape.gradient(mean, model.trainable_weights)
    trainer = learner(model, scheduled_sampling=0.0)
    assert loss_of(trainer) == pytest.approx(float(mean), rel=1e-5)
    for weight, old, gradient in zip(model.trainable_weights, before, gradients, strict=True):
        np.testing.assert_allclose(
            weight, old - tf.convert_to_tensor(gradient), atol=1e-5, err_msg=weight.path
        )


def test_smoothing_is_in_the_training_loss_and_not_in_the_other():
    model = network()
    trainer = learner(model, learning_rate=0.0, label_smoothing=0.3)
    assert loss_of(trainer) == pytest.approx(mean_loss(model, inputs_for(TARGET), 0.3), rel=1e-5)
    plain = mean_loss(model, inputs_for(TARGET))
    assert loss_of(trainer, "test_step") == pytest.approx(plain, rel=1e-5)
    assert abs(loss_of(trainer) - plain) > 0.01


@pytest.mark.parametrize("options", [{}, {"cell": "transformer", "attention": None}])
def test_the_price_of_attending_to_the_same_place_again(options):
    model = network(**options)
    weights = model.attention_scores(SOURCE, TARGET).numpy()
    covered = np.cumsum(weights, axis=1) - weights
    price = np.minimum(weights, covered).sum(axis=-1)[REAL].mean()
    trainer, plain = learner(model, 0.0, coverage_loss=2.0), mean_loss(model, inputs_for(TARGET))
    assert price > 0.1
    assert loss_of(trainer) == pytest.approx(plain + 2 * price, rel=1e-5)
    assert loss_of(trainer, "test_step") == pytest.approx(plain, rel=1e-5)


def inputs_that_are_read(trainer, monkeypatch):
    """What the decoder is fed in a training step: in each pass from the first on."""
    seen, decode = [], trainer.network.decode

    def recorded(target, *args, **options):
        seen.append(tf.convert_to_tensor(target).numpy())
        return decode(target, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(trainer.network, "decode", recorded)
        loss = loss_of(trainer)
    return seen, loss


def test_at_the_last_step_a_rate_of_1_feeds_the_predictions(monkeypatch):
    model = network()
    trainer = learner(model, 0.0, scheduled_sampling=1.0, total_steps=5)
    trainer.optimizer.iterations.assign(4)
    (true, fed), loss = inputs_that_are_read(trainer, monkeypatch)
    np.testing.assert_array_equal(true, inputs_for(TARGET))
    predicted = log_probabilities(model, inputs_for(TARGET)).argmax(axis=-1)
    # The start stays, and so does padding: it is not read from.
    expected = np.where(true != 0, inputs_for(predicted), 0)
    np.testing.assert_array_equal(fed, expected)
    assert (fed[:, 0] == 2).all() and (fed != true).sum() > 3
    assert loss == pytest.approx(mean_loss(model, expected), rel=1e-5)
    assert loss_of(trainer, "test_step") == pytest.approx(mean_loss(model, true), rel=1e-5)


def test_sampling_rises_evenly_from_none():
    model = network()
    trainer = learner(model, scheduled_sampling=0.5, total_steps=5)
    source, true = np.tile(SOURCE, (60, 1)), np.tile(inputs_for(TARGET), (60, 1))
    predicted = log_probabilities(model, inputs_for(TARGET)).argmax(axis=-1)
    own = np.where(true != 0, np.tile(inputs_for(predicted), (60, 1)), 0)
    memory, parts = model.reader(source), []
    for step in (0, 2, 4):
        trainer.optimizer.iterations.assign(step)
        fed = trainer._with_own(true, memory).numpy()
        assert np.all((fed == true) | (fed == own))
        parts.append(np.mean(fed[own != true] != true[own != true]))
    assert parts[0] == 0 and abs(parts[1] - 0.25) < 0.06 and abs(parts[2] - 0.5) < 0.06
    assert np.sum(own != true) > 300


def test_sampling_follows_the_time_where_it_ends_before_the_steps():
    trainer = learner(network(), scheduled_sampling=0.5, total_steps=101, seconds=1000.0)
    for step, ago, expected in ((0, 0, 0.0), (10, 0, 0.1), (10, 700, 0.7), (90, 700, 0.9), (10, 2000, 1.0)):
        trainer.optimizer.iterations.assign(step)
        trainer.started = time.time() - ago
        assert float(trainer._progress()) == pytest.approx(expected, abs=0.02)
    trainer.seconds = None
    assert float(trainer._progress()) == pytest.approx(0.1)


def test_a_deadline_is_the_time_over_which_sampling_rises(monkeypatch):
    seen = []
    monkeypatch.setattr(teacher_forcing, "run_epochs", lambda model, *more, **settings: seen.append(model))
    for left in (None, 600, -5):
        deadline = None if left is None else time.monotonic() + left
        train_encoder_decoder(network(), ROWS, ROWS, SETTINGS, deadline=deadline)
    without, long, over = (model.seconds for model in seen)
    assert without is None and long == pytest.approx(600, abs=5) and over == 1.0


def test_no_gradient_flows_through_the_predictions():
    """With all inputs its own, a step is one with these inputs given."""
    model, other = network(), network()
    trainer = learner(model, scheduled_sampling=1.0, total_steps=2)
    trainer.optimizer.iterations.assign(1)
    own = np.where(
        inputs_for(TARGET) != 0, inputs_for(log_probabilities(model, inputs_for(TARGET)).argmax(-1)), 0
    )
    with tf.GradientTape() as tape:
        memory = other.reader(SOURCE)
        loss = tf.reduce_sum(other.losses_of(other.decode(own, memory), memory, TARGET)) / REAL.sum()
    gradients = tape.gradient(loss, other.trainable_weights)
    assert loss_of(trainer) == pytest.approx(float(loss), rel=1e-5)
    for weight, old, gradient in zip(
        model.trainable_weights, other.trainable_weights, gradients, strict=True
    ):
        np.testing.assert_allclose(weight, old - tf.convert_to_tensor(gradient), atol=1e-5)


def test_the_loss_of_an_epoch_is_that_of_its_tokens_and_padding_counts_nothing():
    trainer = learner(network(), 0.0)
    one, other = (loss_of(trainer, "test_step", target) for target in (TARGET, np.roll(TARGET, 1, axis=0)))
    wide = np.pad(TARGET, [(0, 0), (0, 4)])
    assert loss_of(trainer, "test_step", wide) == pytest.approx(one, rel=1e-5)
    trainer.mean_loss.reset_state()
    short = TARGET[:, :1]
    few = loss_of(trainer, "test_step", short)
    trainer.mean_loss.reset_state()
    for target in (TARGET, np.roll(TARGET, 1, axis=0), short):
        found = float(trainer.test_step((SOURCE, target))["loss"])
    assert found == pytest.approx((10 * one + 10 * other + 3 * few) / 23, rel=1e-5)


def test_a_trainer_comes_back_from_its_config():
    trainer = learner(
        network(), label_smoothing=0.1, scheduled_sampling=0.2, coverage_loss=0.3, total_steps=7, seconds=9.0
    )
    twin = TeacherForcing.from_config(trainer.get_config())
    names = ("label_smoothing", "scheduled_sampling", "coverage_loss", "total_steps", "seconds", "name")
    assert [getattr(twin, name) for name in names] == [0.1, 0.2, 0.3, 7, 9.0, "teacher_forcing"]
    assert twin.network.get_config() == trainer.network.get_config()
    np.testing.assert_array_equal(trainer([SOURCE, TARGET]), trainer.network([SOURCE, TARGET]))


# A source of one to three letters is to be copied.
RANDOM = np.random.default_rng(0)
ROWS = IdRows.from_lists([[*RANDOM.integers(4, WORDS, RANDOM.integers(1, 4)), 3] for _ in range(96)])
SETTINGS = TextToTextSettings(
    epochs=4, batch_tokens=48, learning_rate=0.02, schedule="inverse_sqrt", warmup=0.1, label_smoothing=0.1,
    scheduled_sampling=0.5, coverage_loss=0.5, average_epochs=2, patience=None,
)  # fmt: skip


def run(**more):
    model = network(cell="gru", dropout=0.2)
    model.set_weights([0.3 * weight for weight in model.get_weights()])
    validation = (ROWS.take(range(24)), ROWS.take(range(24)))
    return model, train_encoder_decoder(model, ROWS, ROWS, SETTINGS, validation=validation, seed=5, **more)


def stop_before_the_last(callback, epoch, logs=None):
    if epoch == SETTINGS.epochs - 1:
        raise KeyboardInterrupt


def test_a_resumed_run_with_everything_ends_as_an_uninterrupted_one(tmp_path, monkeypatch):
    whole, expected = run()
    assert expected.history["val_loss"][-1] < 0.9 * expected.history["val_loss"][0], "it learned nothing"
    with monkeypatch.context() as patch:
        patch.setattr(TimeLimit, "on_epoch_begin", stop_before_the_last, raising=False)
        with pytest.raises(KeyboardInterrupt):
            run(checkpoint=tmp_path)
    resumed, result = run(checkpoint=tmp_path, resume=True)
    assert result.history == expected.history and result.averaged == expected.averaged
    for own, other in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(own, other)


def test_features_are_a_source_too():
    features = np.eye(WORDS, dtype="float32")[SOURCE[:, :3]]
    keras.utils.set_random_seed(0)
    model = build_encoder_decoder(None, WORDS, features=WORDS, units=8, encoder="none", attention="additive")
    targets = IdRows.from_lists([row[row != 0] for row in TARGET])
    settings = TextToTextSettings(epochs=20, batch_size=3, learning_rate=0.05)
    result = train_encoder_decoder(model, features, targets, settings)
    assert result.history["loss"][-1] < 0.5 * result.history["loss"][0]


def test_a_price_of_attention_needs_attention():
    message = (
        "`coverage_loss` is about what is attended to. Received: coverage_loss=0.5 for a network without"
    )
    with pytest.raises(InputError, match=message):
        train_encoder_decoder(network(attention=None), ROWS, ROWS, SETTINGS)
