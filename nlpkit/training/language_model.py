"""Training of language models: the next token, with the state carried from segment to segment."""

import math
import time

import keras
import tensorflow as tf

from nlpkit.data import IdRows
from nlpkit.errors import InputError
from nlpkit.training.documents import document_segments, documents_once, segments_in
from nlpkit.training.fit import run_epochs
from nlpkit.training.optimizer import optimizer_of
from nlpkit.training.streams import segments, stream_table

# Parallel streams of an evaluation, at most: each begins without a state, so that there should be few, and of little
# text one. Documents do so anyway.
EVALUATION_STREAMS, EVALUATION_DOCUMENTS, EVALUATION_STEPS = 8, 32, 100


@keras.saving.register_keras_serializable(package="nlpkit")
class NextToken(keras.Model):
    """A generator with what Keras' `fit` needs: the loss of the next token, and the state between segments.

    The state of one segment starts the next one; gradients stop between them (truncated backpropagation through time).

    Args:
        network: `GeneratorNetwork`.
        reset_states: float between 0 and 1. In training, part of the rows whose state begins anew at a segment.
            Defaults to 0.

    Call arguments:
        token_ids: Int tensor of shape `(batch, time)`.

    Example:
        >>> from nlpkit.models import build_generator
        >>> from nlpkit.training.language_model import NextToken
        >>> NextToken(build_generator(50, units=8)).name
        'next_token'
    """

    def __init__(self, network, reset_states=0.0, **kwargs):
        super().__init__(**{"name": "next_token", **kwargs})
        self.network, self.reset_states = network, reset_states
        self.seed_generator = keras.random.SeedGenerator() if reset_states else None
        self.mean_loss = keras.metrics.Mean(name="loss")
        self.carried = {}

    def start(self, streams):
        """Makes room for the states of so many streams; training and evaluation have room of their own."""
        for name, batch in streams.items():
            self.carried[name] = [
                self.add_weight(shape=state.shape, dtype=state.dtype, initializer="zeros", trainable=False,
                                name=f"{name}_state_{number}")
                for number, state in enumerate(self.network.segment_state(batch))
            ]  # fmt: skip
        self.built = True

    @property
    def metrics(self):
        """The mean loss, which Keras resets at the start of each epoch."""
        return [self.mean_loss]

    def call(self, token_ids, training=False):
        return self.network(token_ids, training=training)

    def train_step(self, data):
        """Changes the weights by one segment.

        Args:
            data: Inputs, targets, and 1.0 where streams or documents begin, else 0.0.

        Returns:
            dict of the mean loss of the epoch so far.
        """
        inputs, targets, first = data
        with tf.GradientTape() as tape:
            loss, weight, state = self._loss(inputs, targets, first, "training")
            scaled = self.optimizer.scale_loss(loss)
        weights = self.network.trainable_weights
        self.optimizer.apply_gradients(zip(tape.gradient(scaled, weights), weights, strict=True))
        return self._note(loss, weight, state, "training")

    def test_step(self, data):
        """Measures one segment; see `train_step`."""
        inputs, targets, first = data
        return self._note(*self._loss(inputs, targets, first, "evaluation"), "evaluation")

    def _loss(self, inputs, targets, first, which):
        """Mean loss of the tokens, their number, and the states after the segment."""
        states = self._states(first, which)
        # What stands behind the end of a row only adds to a state that is not used again.
        hidden, states = self.network.hidden(inputs, states, training=which == "training", padded=False)
        losses, count = (
            self.network.losses_of(hidden, targets),
            tf.math.count_nonzero(targets, dtype="float32"),
        )
        return tf.reduce_sum(losses) / count, count, states

    def _states(self, first, which):
        """The states that a segment begins with; zeros where `first` is 1, and in training for some rows."""
        carried = [state * tf.cast(1.0 - first, state.dtype) for state in self.carried[which]]
        if which != "training" or not self.reset_states:
            return carried
        rows = tf.shape(carried[0])[:1]
        goes_on = keras.random.uniform(rows, seed=self.seed_generator) >= self.reset_states
        return [
            tf.where(tf.reshape(goes_on, [-1] + [1] * (len(each.shape) - 1)), each, 0) for each in carried
        ]

    def _note(self, loss, weight, states, which):
        for kept, state in zip(self.carried[which], states, strict=True):
            kept.assign(state)
        self.mean_loss.update_state(loss, weight)
        return {"loss": self.mean_loss.result()}

    def get_config(self):
        network = keras.saving.serialize_keras_object(self.network)
        return {**super().get_config(), "network": network, "reset_states": self.reset_states}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "network": keras.saving.deserialize_keras_object(config["network"])})


def train_language_model(
    network,
    ids,
    settings,
    *,
    validation=None,
    seed=0,
    deadline=None,
    checkpoint=None,
    resume=False,
    fingerprint="",
    verbose=0,
):
    """Trains a generator on one long text, or on many by themselves, in place; it keeps the weights of its best epoch.

    Args:
        network: `GeneratorNetwork`.
        ids: int array of shape `(tokens,)`: texts one after another, each with its end. With `settings.documents`
            `IdRows`, a text in each row.
        settings: `nlpkit.spec.LanguageModelSettings`.
        validation: As `ids`, or `None`.
        seed: int. Seed of the order of documents. Defaults to 0.
        deadline: float. `time.monotonic` time at which to stop, or `None`.
        checkpoint: Path of the folder for the checkpoint, or `None`.
        resume: bool. Continues from `checkpoint`, with the result of an uninterrupted run. Defaults to `False`.
        fingerprint: str. Identifies data and settings in the checkpoint. Defaults to `""`.
        verbose: int. 1 shows a progress bar. Defaults to 0.

    Returns:
        `TrainingResult`.

    Raises:
        InputError: If there are too few tokens, ids and settings are of different kinds, or there is no fitting
            checkpoint to resume from.

    Example:
        ```python
        import numpy as np
        from nlpkit.models import build_generator
        from nlpkit.spec import LanguageModelSettings
        from nlpkit.training.language_model import train_language_model

        ids = np.tile([4, 5, 6, 3], 100)
        settings = LanguageModelSettings(epochs=2, batch_size=4, sequence_length=10)
        result = train_language_model(build_generator(7, units=8), ids, settings)
        ```
    """
    started = time.monotonic()
    _check_kind(ids, validation, settings)
    side_by_side, batches, steps = _training(ids, settings, seed)
    # Each text by itself begins anew as it is; and a Transformer carries nothing over.
    carries_on = network.carries_state and not settings.documents
    model = NextToken(network, settings.reset_states if carries_on else 0.0)
    model.start(
        {
            "training": side_by_side,
            "evaluation": _evaluated_side_by_side(ids if validation is None else validation),
        }
    )
    model.compile(optimizer_of(settings, network, steps * settings.epochs), jit_compile=False)
    model.optimizer.build(network.trainable_weights)
    return run_epochs(
        model,
        batches,
        steps,
        settings,
        validation=None if validation is None else _evaluation(network, validation),
        started=started,
        deadline=deadline,
        checkpoint=checkpoint,
        resume=resume,
        fingerprint=fingerprint,
        verbose=verbose,
    )


def _check_kind(ids, validation, settings):
    for name, value in (("ids", ids), ("validation", validation)):
        if value is not None and not len(value):
            raise InputError(f"`{name}` must hold at least one token. Received: none. Give some text.")
        if value is not None and isinstance(value, IdRows) != settings.documents:
            kind = (
                "IdRows, a text in each row" if settings.documents else "an array, one text after the other"
            )
            raise InputError(
                f"With documents={settings.documents} `{name}` must be {kind}. Received: {type(value).__name__}"
            )


def _training(ids, settings, seed):
    """The texts that are read side by side, what gives the segments from an epoch on, and segments of an epoch."""
    if not settings.documents:
        batches, steps = segments(stream_table(ids, settings.batch_size), settings.sequence_length)
        epochs = settings.epochs
        return settings.batch_size, lambda first: batches.repeat(epochs - first).prefetch(2), steps
    side_by_side = min(settings.batch_size, len(ids))
    sizes = {"batch_size": side_by_side, "sequence_length": settings.sequence_length}

    def batches(first_epoch):
        return document_segments(ids, seed=seed, epochs=settings.epochs, first_epoch=first_epoch, **sizes)[0]

    return side_by_side, batches, segments_in(ids.lengths, **sizes)


def _evaluated_side_by_side(ids):
    if isinstance(ids, IdRows):
        return min(EVALUATION_DOCUMENTS, len(ids))
    return min(max(len(ids) // EVALUATION_STEPS, 1), EVALUATION_STREAMS)


def _evaluation(network, ids):
    side_by_side = _evaluated_side_by_side(ids)
    # What carries no state over has to see the tokens before once more.
    overlap = 0 if network.carries_state else EVALUATION_STEPS
    if isinstance(ids, IdRows):
        sizes = {"batch_size": side_by_side, "sequence_length": EVALUATION_STEPS}
        return documents_once(ids, overlap=overlap, **sizes)
    return segments(stream_table(ids, side_by_side), EVALUATION_STEPS, overlap)[0].prefetch(2)


def mean_loss(network, ids):
    """The mean negative log-probability of the tokens of a text, each seen with those before it.

    The state is carried from stretch to stretch; a Transformer, which carries none, reads the stretch before again.

    Args:
        network: `GeneratorNetwork`.
        ids: int array of shape `(tokens,)`: texts one after another, each with its end, read as one long text; or
            `IdRows`, of which each row is read by itself.

    Returns:
        float, in nats; its exponential is the perplexity.
    """
    model = NextToken(network)
    model.start({"evaluation": _evaluated_side_by_side(ids)})
    model.compile(jit_compile=False)
    return float(model.evaluate(_evaluation(network, ids), verbose=0))


def perplexity_of(loss):
    """The perplexity that a mean loss stands for.

    Args:
        loss: float, in nats.

    Returns:
        float; infinite where it is beyond what a float can hold.
    """
    return math.exp(loss) if loss < 700 else math.inf
