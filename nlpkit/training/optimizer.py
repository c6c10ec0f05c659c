"""The optimizer of every training."""

import keras
import tensorflow as tf

from nlpkit.training.averaging import AveragedSGD
from nlpkit.training.optimizers import SGD, Adam

KINDS = {"adamw": Adam, "sgd": SGD, "averaged_sgd": AveragedSGD}
# Schedules whose rate follows from the number of the step alone; they warm up by themselves.
BY_STEP = ("cosine", "inverse_sqrt")


def optimizer_of(settings, model, total_steps):
    """The optimizer that settings describe, with warm-up, schedule and clipping.

    Args:
        settings: `nlpkit.spec.TrainingSettings`.
        model: `keras.Model` that is to be trained.
        total_steps: int. Steps of the whole training, for the schedule.

    Returns:
        `keras.optimizers.Optimizer`.

    Example:
        >>> import keras
        >>> from nlpkit.spec import TrainingSettings
        >>> from nlpkit.training.optimizer import optimizer_of
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> optimizer_of(TrainingSettings(), model, total_steps=100).clip_norm
        1.0
    """
    optimizer = KINDS[settings.optimizer](
        learning_rate_schedule(settings, total_steps),
        clip_norm=settings.clip_norm,
        decay=settings.weight_decay,
        name=settings.optimizer,
    )
    if any(layer.dtype_policy.name == "mixed_float16" for layer in model.layers):
        # Keras does this by itself only if the model as a whole has the policy; small gradients vanish without.
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer


def learning_rate_schedule(settings, total_steps):
    """Warm-up, then a cosine to zero or a square root; else a constant, which callbacks warm up and lower.

    Args:
        settings: `nlpkit.spec.TrainingSettings`.
        total_steps: int. Steps of the whole training.

    Returns:
        A float or a Keras schedule.

    Example:
        >>> from nlpkit.spec import TrainingSettings
        >>> from nlpkit.training.optimizer import learning_rate_schedule
        >>> schedule = learning_rate_schedule(TrainingSettings(learning_rate=0.1, warmup=0.1), 100)
        >>> [round(float(schedule(step)), 3) for step in (0, 5, 10, 100)]
        [0.0, 0.05, 0.1, 0.0]

    Reference:
        [Loshchilov & Hutter, 2017](https://arxiv.org/abs/1608.03983)
    """
    if settings.schedule not in BY_STEP:
        return settings.learning_rate
    warmup = warmup_steps(settings, total_steps)
    if settings.schedule == "inverse_sqrt":
        return InverseSqrt(settings.learning_rate, warmup)
    return keras.optimizers.schedules.CosineDecay(
        0.0 if warmup else settings.learning_rate,
        max(total_steps - warmup, 1),
        warmup_target=settings.learning_rate if warmup else None,
        warmup_steps=warmup,
    )


def warmup_steps(settings, total_steps):
    """The steps in which the learning rate rises.

    Args:
        settings: `nlpkit.spec.TrainingSettings`.
        total_steps: int. Steps of the whole training.

    Returns:
        int.
    """
    return int(settings.warmup * total_steps)


@keras.saving.register_keras_serializable(package="nlpkit")
class InverseSqrt(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that rises evenly from zero to its peak, and then falls with the square root of the number of steps.

    Args:
        peak: float. Learning rate at the end of the warm-up.
        warmup: int. Steps of the warm-up; without any the rate begins to fall after the first step.

    Call arguments:
        step: Int scalar, counted from 0.

    Returns:
        Float scalar.

    Example:
        >>> from nlpkit.training.optimizer import InverseSqrt
        >>> schedule = InverseSqrt(0.1, warmup=10)
        >>> [round(float(schedule(step)), 3) for step in (0, 5, 10, 40, 1000)]
        [0.0, 0.05, 0.1, 0.05, 0.01]

    Reference:
        [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762), without the factor for the size of the model
    """

    def __init__(self, peak, warmup):
        self.peak, self.warmup = peak, warmup

    def __call__(self, step):
        step = tf.cast(step, "float32")
        falling = tf.sqrt(max(self.warmup, 1) / tf.maximum(step, 1.0))
        return self.peak * (tf.minimum(step / self.warmup, falling) if self.warmup else falling)

    def get_config(self):
        return {"peak": self.peak, "warmup": self.warmup}
