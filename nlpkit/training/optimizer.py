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
