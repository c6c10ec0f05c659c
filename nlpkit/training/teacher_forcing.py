"""Training of encoder-decoders: each target token from the source and the true tokens before it."""

import time

import keras
import tensorflow as tf

from nlpkit.data.pair_batching import pair_batches, pair_batches_once
from nlpkit.errors import InputError
from nlpkit.layers import coverage_loss
from nlpkit.models.decoded import inputs_for
from nlpkit.training.fit import run_epochs
from nlpkit.training.optimizer import optimizer_of

EVALUATION_BATCH = 64


@keras.saving.register_keras_serializable(package="nlpkit")
class TeacherForcing(keras.Model):
    """An encoder-decoder with what Keras' `fit` needs: the loss of each target token.

    With scheduled sampling the decoder runs twice in a step: from the true tokens, and from these with some of its own
    most likely ones in their place, through which no gradient flows.

    Args:
        network: `EncoderDecoderNetwork`.
        label_smoothing: float. Of the training loss alone. Defaults to 0.
        scheduled_sampling: float. Part of the decoder's inputs that are its own at the end; it rises evenly from none.
            Defaults to 0.
        coverage_loss: float. Weight of the loss for attending to the same place again. Defaults to 0.
        total_steps: int. Steps of the whole training, over which sampling rises. Defaults to 1.
        seconds: float. Time that the training may take from now on; where it is over before the steps are, sampling
            rises over it. Defaults to `None`: it may take any.

    Call arguments:
        inputs: As of `EncoderDecoderNetwork`.

    Example:
        >>> from nlpkit.models import build_encoder_decoder
        >>> from nlpkit.training.teacher_forcing import TeacherForcing
        >>> TeacherForcing(build_encoder_decoder(50, 60, units=8)).name
        'teacher_forcing'

    Reference:
        Scheduled sampling [Bengio et al., 2015](https://arxiv.org/abs/1506.03099), in two passes as in
        [Mihaylova & Martins, 2019](https://arxiv.org/abs/1906.07651)
    """

    def __init__(
        self,
        network,
        *,
        label_smoothing=0.0,
        scheduled_sampling=0.0,
        coverage_loss=0.0,
        total_steps=1,
        seconds=None,
        **kwargs,
    ):
        super().__init__(**{"name": "teacher_forcing", **kwargs})
        self.network, self.label_smoothing = network, label_smoothing
        self.scheduled_sampling, self.coverage_loss = scheduled_sampling, coverage_loss
        self.total_steps, self.seconds, self.started = total_steps, seconds, time.time()
        self.seed_generator = keras.random.SeedGenerator() if scheduled_sampling else None
        self.mean_loss = keras.metrics.Mean(name="loss")
        self.built = True

    @property
    def metrics(self):
        """The mean loss of a token, which Keras resets at the start of each epoch."""
        return [self.mean_loss]

    def call(self, inputs, training=False):
        return self.network(inputs, training=training)

    def train_step(self, data):
        """Changes the weights by one batch.

        Args:
            data: Pair of sources and targets, as `pair_batches` gives them.

        Returns:
            dict of the mean loss of the epoch so far.
        """
        source, target = data
        count = tf.math.count_nonzero(target, dtype="float32")
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(self._token_losses(source, target)) / count
            scaled = self.optimizer.scale_loss(loss)
        weights = self.network.trainable_weights
        self.optimizer.apply_gradients(zip(tape.gradient(scaled, weights), weights, strict=True))
        return self._note(loss, count)

    def test_step(self, data):
        """Measures one batch, without smoothing, sampling or coverage; see `train_step`."""
        source, target = data
        memory = self.network.reader(source)
        losses = self.network.losses_of(self.network.decode(inputs_for(target), memory), memory, target)
        count = tf.math.count_nonzero(target, dtype="float32")
        return self._note(tf.reduce_sum(losses) / count, count)

    def _token_losses(self, source, target):
        """The losses of the target's tokens in training."""
        memory = self.network.reader(source, training=True)
        inputs = inputs_for(target)
        if self.scheduled_sampling:
            inputs = self._with_own(inputs, memory)
        decoded = self.network.decode(inputs, memory, training=True)
        losses = self.network.losses_of(decoded, memory, target, self.label_smoothing)
        if self.coverage_loss:
            again = coverage_loss(decoded.attention_scores)
            losses += self.coverage_loss * tf.where(target != 0, again, 0.0)
        return losses

    def _with_own(self, inputs, memory):
        """The decoder's inputs, some of them its own predictions; the start stays."""
        scores = self.network.scores(self.network.decode(inputs, memory), memory)
        own = inputs_for(tf.argmax(scores, axis=-1, output_type=inputs.dtype))
        draws = keras.random.uniform(tf.shape(inputs), seed=self.seed_generator)
        replaced = (draws < self.scheduled_sampling * self._progress()) & (inputs != 0)
        return tf.stop_gradient(tf.where(replaced, own, inputs))

    def _progress(self):
        """How much of the training is behind it, from 0 to 1: of its steps, or of its time if that is more."""
        of_steps = tf.cast(self.optimizer.iterations, "float32") / max(self.total_steps - 1, 1)
        if self.seconds is None:
            return of_steps
        of_time = tf.cast((tf.timestamp() - self.started) / self.seconds, "float32")
        return tf.minimum(tf.maximum(of_steps, of_time), 1.0)

    def _note(self, loss, count):
        self.mean_loss.update_state(loss, count)
        return {"loss": self.mean_loss.result()}

    def get_config(self):
        names = ("label_smoothing", "scheduled_sampling", "coverage_loss", "total_steps", "seconds")
        own = {name: getattr(self, name) for name in names}
        return {**super().get_config(), **own, "network": keras.saving.serialize_keras_object(self.network)}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "network": keras.saving.deserialize_keras_object(config["network"])})


def train_encoder_decoder(
    network,
    sources,
    targets,
    settings,
    *,
    validation=None,
    seed=0,
    callbacks=(),
    deadline=None,
    checkpoint=None,
    resume=False,
    fingerprint="",
    verbose=0,
):
    """Trains an encoder-decoder in place; it keeps the weights of its best epoch, or a better mean of several.

    Args:
        network: `EncoderDecoderNetwork`.
        sources: `IdRows`, float array of shape `(pairs, regions, features)`, images, or `RepeatedRows` of an array.
        targets: `IdRows`, each row with its end.
        settings: `nlpkit.spec.TextToTextSettings`.
        validation: Pair of sources and targets, or `None`.
        seed: int. Seed of the order of the batches. Defaults to 0.
        callbacks: As of `run_epochs`. Defaults to none.
        deadline: float. `time.monotonic` time at which to stop, or `None`.
        checkpoint: Path of the folder for the checkpoint, or `None`.
        resume: bool. Continues from `checkpoint`, with the result of an uninterrupted run. Defaults to `False`.
        fingerprint: str. Identifies data and settings in the checkpoint. Defaults to `""`.
        verbose: int. 1 shows a progress bar. Defaults to 0.

    Returns:
        `TrainingResult`.

    Raises:
        InputError: If a coverage loss has no attention to look at, the pairs cannot be used, or there is no fitting
            checkpoint to resume from.

    Example:
        ```python
        from nlpkit.data import IdRows
        from nlpkit.models import build_encoder_decoder
        from nlpkit.spec import TextToTextSettings
        from nlpkit.training.teacher_forcing import train_encoder_decoder

        rows = IdRows.from_lists([[4, 5, 3], [6, 7, 8, 3]] * 20)
        network = build_encoder_decoder(9, 9, units=8, attention="additive")
        result = train_encoder_decoder(network, rows, rows, TextToTextSettings(epochs=2))
        ```
    """
    started = time.monotonic()
    if settings.coverage_loss and not network.attends:
        raise InputError(
            "`coverage_loss` is about what is attended to. Received: "
            f"coverage_loss={settings.coverage_loss} for a network without attention. Leave it out, or give one."
        )

    def batches(first_epoch):
        return pair_batches(
            sources, targets, batch_size=settings.batch_size, batch_tokens=settings.batch_tokens, seed=seed,
            epochs=settings.epochs, first_epoch=first_epoch,
        )  # fmt: skip

    steps = batches(0)[1]
    total_steps = steps * settings.epochs
    names = ("label_smoothing", "scheduled_sampling", "coverage_loss")
    # Above zero, though reading the data may have taken all the time there was.
    seconds = None if deadline is None else max(deadline - started, 1.0)
    model = TeacherForcing(
        network,
        total_steps=total_steps,
        seconds=seconds,
        **{name: getattr(settings, name) for name in names},
    )
    model.compile(optimizer_of(settings, network, total_steps), jit_compile=False)
    model.optimizer.build(network.trainable_weights)
    return run_epochs(
        model,
        lambda first_epoch: batches(first_epoch)[0],
        steps,
        settings,
        validation=None
        if validation is None
        else pair_batches_once(*validation, batch_size=EVALUATION_BATCH)[0],
        started=started,
        callbacks=callbacks,
        average_epochs=settings.average_epochs,
        deadline=deadline,
        checkpoint=checkpoint,
        resume=resume,
        fingerprint=fingerprint,
        verbose=verbose,
    )
