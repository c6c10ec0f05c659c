"""The optimizer of every training."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="nlpkit")
class DenseAdam(keras.optimizers.Adam):
    """Adam that sums the gradient of an embedding by its rows before anything is computed from it.

    An embedding's gradient comes as one slice per token of the batch. Keras takes the norm for `global_clipnorm` of
    those slices, which counts a token that occurs twice as two tokens. Keras sums the slices anyway, only later.

    Example:
        >>> import keras, tensorflow as tf
        >>> from nlpkit.training.optimizer import DenseAdam
        >>> optimizer, vectors = DenseAdam(global_clipnorm=1.0), keras.Variable([[0.0], [0.0]])
        >>> optimizer.build([vectors])
        >>> slices = tf.IndexedSlices(tf.constant([[3.0], [3.0]]), tf.constant([1, 1]), tf.constant([2, 1]))
        >>> optimizer.apply([slices])
        >>> [round(value, 4) for value in vectors.numpy().ravel().tolist()]
        [0.0, -0.001]

    Reference:
        [Kingma & Ba, 2015](https://arxiv.org/abs/1412.6980)
    """

    def apply(self, grads, trainable_variables=None):
        """Changes the variables by their gradients, as in `keras.optimizers.Adam`.

        Args:
            grads: List of tensors, `tf.IndexedSlices` or `None`.
            trainable_variables: List of variables; `None` takes those that the optimizer was built with.
        """
        dense = [None if gradient is None else tf.convert_to_tensor(gradient) for gradient in grads]
        super().apply(dense, trainable_variables)


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
        >>> optimizer_of(TrainingSettings(), model, total_steps=100).global_clipnorm
        1.0
    """
    # Keras' Adam decays weights as AdamW does, and can leave it out: a decay of zero costs a pass over all weights.
    optimizer = DenseAdam(
        learning_rate_schedule(settings, total_steps),
        weight_decay=settings.weight_decay or None,
        global_clipnorm=settings.clip_norm,
        name="adamw",
    )
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    if any(layer.dtype_policy.name == "mixed_float16" for layer in model.layers):
        # Keras does this by itself only if the model as a whole has the policy; small gradients vanish without.
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer


def learning_rate_schedule(settings, total_steps):
    """Warm-up, then a cosine to zero; a constant for the other schedules, which callbacks warm up and lower.

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
    if settings.schedule != "cosine":
        return settings.learning_rate
    warmup = warmup_steps(settings, total_steps)
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
