"""Losses over logits."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="nlpkit")
class SmoothedCrossentropy(keras.losses.Loss):
    """Cross-entropy of integer labels and logits, with label smoothing.

    Keras smooths one-hot labels only; over integer labels no one-hot matrix has to be held.

    Args:
        label_smoothing: float between 0 and 1. Probability spread evenly over all classes. Defaults to 0.

    Call arguments:
        y_true: Int tensor of shape `(batch,)`.
        y_pred: Float tensor of shape `(batch, classes)`, logits.

    Returns:
        Float scalar, the mean over the batch.

    Example:
        >>> from nlpkit.training import SmoothedCrossentropy
        >>> round(float(SmoothedCrossentropy(0.1)([0], [[2.0, 0.0]])), 4)
        0.2269

    Reference:
        [Szegedy et al., 2016](https://arxiv.org/abs/1512.00567)
    """

    def __init__(self, label_smoothing=0.0, name="smoothed_crossentropy", **kwargs):
        super().__init__(name=name, **kwargs)
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        log_probabilities = tf.nn.log_softmax(tf.cast(y_pred, "float32"))
        likelihood = tf.gather(
            log_probabilities, tf.cast(tf.reshape(y_true, [-1]), "int32"), axis=1, batch_dims=1
        )
        if not self.label_smoothing:
            return -likelihood
        spread = tf.reduce_mean(log_probabilities, axis=-1)
        return -(1.0 - self.label_smoothing) * likelihood - self.label_smoothing * spread

    def get_config(self):
        return {**super().get_config(), "label_smoothing": self.label_smoothing}
