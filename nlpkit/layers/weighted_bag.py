"""A linear classifier over a bag of words and n-grams, scaled by naive Bayes."""

import keras
import numpy as np
import tensorflow as tf


@keras.saving.register_keras_serializable(package="nlpkit")
class WeightedBag(keras.layers.Layer):
    """Sums trained weights of a text's features, each scaled by its naive-Bayes log-count ratio.

    The ratios are counted once from the training data (`adapt`) and stay fixed. Before any training the layer is
    multinomial naive Bayes up to a scale. A text's ratios are divided by their Euclidean norm, so that long and
    short texts have logits of the same size.

    Args:
        num_features: int. Number of feature ids, 0 among them, which counts for nothing.
        num_classes: int. Two classes share one weight per feature.
        multi_label: bool. Whether the classes are independent of each other. Defaults to `False`.
        initial_weight: float. What every weight starts from. Defaults to 0.1.
        min_count: int. Features in fewer training texts count for nothing. Defaults to 1.
        dropout: float between 0 and 1. Fraction of the features to drop. Defaults to 0.

    Call arguments:
        inputs: Int tensor of shape `(batch, features)`.
        training: bool. Whether dropout is active.

    Returns:
        Float tensor of shape `(batch, num_classes)`: logits.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import WeightedBag
        >>> bag = WeightedBag(6, 2)
        >>> bag.adapt([(np.array([[1, 2], [1, 3]]), np.array([0, 1]))])
        >>> np.argmax(bag(np.array([[2], [3]])), axis=1).tolist()
        [0, 1]

    Reference:
        [Wang & Manning, 2012](https://aclanthology.org/P12-2018)
    """

    def __init__(
        self,
        num_features,
        num_classes,
        *,
        multi_label=False,
        initial_weight=0.1,
        min_count=1,
        dropout=0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.num_features, self.num_classes, self.multi_label = num_features, num_classes, multi_label
        self.initial_weight, self.min_count, self.dropout = initial_weight, min_count, dropout
        self.shared = num_classes == 2 and not multi_label
        self.drop = keras.layers.Dropout(
            dropout, noise_shape=(None, None, 1), dtype=self.dtype_policy, name="dropout"
        )

    def build(self, input_shape):
        shape = (self.num_features, 1 if self.shared else self.num_classes)
        initial = keras.initializers.Constant(self.initial_weight)
        self.ratios = self.add_weight(shape=shape, initializer="zeros", trainable=False, name="ratios")
        self.weights_of_features = self.add_weight(shape=shape, initializer=initial, name="weights")
        self.bias = self.add_weight(shape=shape[1:], initializer="zeros", name="bias")

    def adapt(self, batches, smoothing=1.0):
        """Counts in how many texts of each class a feature occurs and sets the ratios.

        Args:
            batches: Iterable of feature ids `(batch, features)` and targets: int `(batch,)`, or zeros and ones
                `(batch, num_classes)`.
            smoothing: float. Added to every count. Defaults to 1.
        """
        counts = np.zeros((self.num_features, self.num_classes))
        total = np.zeros(self.num_features)
        for features, targets in batches:
            features, targets = np.sort(np.asarray(features), axis=1), np.asarray(targets)
            features[:, 1:][features[:, 1:] == features[:, :-1]] = 0
            total += np.bincount(features.ravel(), minlength=self.num_features)
            members = targets if targets.ndim == 2 else np.eye(self.num_classes)[targets]
            for label in range(self.num_classes):
                rows = features[members[:, label] > 0]
                counts[:, label] += np.bincount(rows.ravel(), minlength=self.num_features)
        if not self.built:
            self.build(None)
        self.ratios.assign(self._ratios(counts, total, smoothing))

    def _ratios(self, counts, total, smoothing):
        seen = total >= self.min_count
        seen[0] = False
        inside, outside = counts + smoothing, total[:, None] - counts + smoothing
        ratios = np.log(inside / inside[seen].sum(axis=0)) - np.log(outside / outside[seen].sum(axis=0))
        ratios = np.where(seen[:, None], ratios, 0.0)
        return ratios[:, 1:] if self.shared else ratios

    def call(self, inputs, training=False):
        ratios = self.drop(tf.gather(self.ratios.value, inputs), training=training)
        weights = tf.gather(self.weights_of_features.value, inputs)
        norm = tf.sqrt(tf.reduce_sum(tf.square(ratios), axis=1) + 1e-6)
        logits = tf.reduce_sum(ratios * weights, axis=1) / norm + self.bias.value
        return tf.concat([-logits, logits], axis=-1) / 2.0 if self.shared else logits

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.num_classes)

    def get_config(self):
        own = {
            "num_features": self.num_features,
            "num_classes": self.num_classes,
            "multi_label": self.multi_label,
            "initial_weight": self.initial_weight,
            "min_count": self.min_count,
            "dropout": self.dropout,
        }
        return {**super().get_config(), **own}
