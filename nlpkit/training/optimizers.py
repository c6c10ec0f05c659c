"""Adam and gradient descent that pass over the weights once a step, with a learning rate for each group of layers."""

import keras
import tensorflow as tf

from nlpkit.errors import InputError


class FusedUpdates:
    """What both optimizers share: clipping, weight decay and rates of weights as parts of the update itself.

    Keras multiplies all gradients by the clipping factor, decays all weights and only then updates them. Here the
    factor is multiplied in where the gradient is used. An embedding's gradient comes as one slice per token of the
    batch; slices of one row are summed before the norm is taken, which Keras does only afterwards, and so counts a
    token that occurs twice as two tokens.

    Args:
        learning_rate: float or Keras schedule.
        clip_norm: float. Limit of the norm of the gradient of all weights together. Defaults to `None`.
        decay: float. Decoupled weight decay; biases are left out. Defaults to 0.
        **kwargs: As of the Keras optimizer that comes after it.

    Example:
        >>> from nlpkit.training.optimizers import SGD, FusedUpdates
        >>> isinstance(SGD(clip_norm=1.0), FusedUpdates)
        True
    """

    def __init__(self, learning_rate, *, clip_norm=None, decay=0.0, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.clip_norm, self.decay, self._factor = clip_norm, decay, None

    def build(self, variables):
        """Makes the optimizer's variables, and gives each weight the whole learning rate."""
        if self.built:
            return
        super().build(variables)
        self.rates = self.add_variable((len(variables),), initializer="ones", name="rates")

    def set_rates(self, rates):
        """Gives weights a part of the learning rate.

        Args:
            rates: dict from the `path` of a weight to a float; 0 freezes it. Others keep theirs.
        """
        new = self.rates.numpy()
        for index, variable in enumerate(self._trainable_variables):
            new[index] = rates.get(variable.path, new[index])
        self.rates.assign(new)

    def apply(self, grads, trainable_variables=None):
        """Changes the variables by their gradients.

        Args:
            grads: List of tensors, `tf.IndexedSlices` or `None`.
            trainable_variables: List of variables; `None` takes those that the optimizer was built with.
        """
        grads = [_rows_once(gradient) for gradient in grads]
        if self.clip_norm is not None:
            norm = tf.linalg.global_norm(grads)
            self._factor = tf.where(norm > self.clip_norm, self.clip_norm / norm, 1.0)
        super().apply(grads, trainable_variables)
        self._factor = None

    def _rate_of(self, variable, learning_rate):
        """The learning rate of a variable, after its decay."""
        index = self._get_variable_index(variable)
        rate = tf.cast(learning_rate * self.rates[index], variable.dtype)
        if self.decay and "bias" not in self._trainable_variables[index].path:
            variable.assign_sub(variable * (rate * self.decay))
        return rate

    def _clip_factor(self, dtype):
        """What the gradient has to be multiplied by, or `None`."""
        return None if self._factor is None else tf.cast(self._factor, dtype)

    def get_config(self):
        return {**super().get_config(), "clip_norm": self.clip_norm, "decay": self.decay}


def unwrapped(optimizer):
    """The optimizer that Keras' `LossScaleOptimizer` holds in half precision, or the one that is given.

    Args:
        optimizer: `keras.optimizers.Optimizer`.

    Returns:
        `keras.optimizers.Optimizer`.

    Example:
        >>> from nlpkit.training.optimizers import SGD, unwrapped
        >>> unwrapped(SGD(0.1, name="descent")).name
        'descent'
    """
    return getattr(optimizer, "inner_optimizer", optimizer)


def _rows_once(gradient):
    """The slices of a gradient, one for each row that has any."""
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    rows, places = tf.unique(gradient.indices)
    summed = tf.math.unsorted_segment_sum(gradient.values, places, tf.size(rows))
    return tf.IndexedSlices(summed, rows, gradient.dense_shape)


@keras.saving.register_keras_serializable(package="nlpkit")
class Adam(FusedUpdates, keras.optimizers.Adam):
    """Adam with decoupled weight decay (AdamW), as one operation per weight.

    Args:
        learning_rate: float or Keras schedule. Defaults to 0.001.
        clip_norm: float. Limit of the norm of the gradient of all weights together. Defaults to `None`.
        decay: float. Decoupled weight decay; biases are left out. Defaults to 0.
        **kwargs: As of `keras.optimizers.Adam`, without `amsgrad`.

    Raises:
        InputError: If `amsgrad` is set.

    Example:
        >>> import keras, tensorflow as tf
        >>> from nlpkit.training.optimizers import Adam
        >>> optimizer, vectors = Adam(0.001, clip_norm=1.0), keras.Variable([[0.0], [0.0]])
        >>> optimizer.build([vectors])
        >>> slices = tf.IndexedSlices(tf.constant([[3.0], [3.0]]), tf.constant([1, 1]), tf.constant([2, 1]))
        >>> optimizer.apply([slices])
        >>> [round(value, 4) for value in vectors.numpy().ravel().tolist()]
        [0.0, -0.001]

    Reference:
        [Kingma & Ba, 2015](https://arxiv.org/abs/1412.6980),
        [Loshchilov & Hutter, 2019](https://arxiv.org/abs/1711.05101)
    """

    def __init__(self, learning_rate=0.001, *, clip_norm=None, decay=0.0, **kwargs):
        super().__init__(learning_rate, clip_norm=clip_norm, decay=decay, **kwargs)
        if self.amsgrad:
            raise InputError(
                "nlpkit's Adam has no `amsgrad`. Received: amsgrad=True. Take `keras.optimizers.Adam`."
            )

    def update_step(self, gradient, variable, learning_rate):
        """Changes one variable.

        Args:
            gradient: Tensor or `tf.IndexedSlices`.
            variable: `tf.Variable`.
            learning_rate: Scalar tensor.
        """
        rate, dtype = self._rate_of(variable, learning_rate), variable.dtype
        gradient = tf.cast(tf.convert_to_tensor(gradient), dtype)
        factor = self._clip_factor(dtype)
        steps = tf.cast(self.iterations + 1, dtype)
        beta_1, beta_2 = tf.cast(self.beta_1, dtype), tf.cast(self.beta_2, dtype)
        index = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=tf.pow(beta_1, steps),
            beta2_power=tf.pow(beta_2, steps),
            lr=rate,
            beta1=beta_1,
            beta2=beta_2,
            epsilon=tf.cast(self.epsilon, dtype),
            grad=gradient if factor is None else gradient * factor,
        )


@keras.saving.register_keras_serializable(package="nlpkit")
class SGD(FusedUpdates, keras.optimizers.SGD):
    """Gradient descent without momentum; rows of an embedding that a batch lacks are not touched.

    Args:
        learning_rate: float or Keras schedule. Defaults to 0.01.
        clip_norm: float. Limit of the norm of the gradient of all weights together. Defaults to `None`.
        decay: float. Decoupled weight decay; biases are left out. Defaults to 0.
        **kwargs: As of `keras.optimizers.Optimizer`.

    Raises:
        InputError: If `momentum` is set.

    Example:
        >>> import keras
        >>> from nlpkit.training.optimizers import SGD
        >>> optimizer, weight = SGD(0.1, clip_norm=1.0), keras.Variable([3.0, 4.0])
        >>> optimizer.build([weight])
        >>> optimizer.apply([keras.ops.array([30.0, 40.0])])
        >>> weight.numpy().round(2).tolist()
        [2.940000057220459, 3.9200000762939453]

    Reference:
        [Pascanu et al., 2013](https://arxiv.org/abs/1211.5063) for the clipping
    """

    def __init__(self, learning_rate=0.01, *, clip_norm=None, decay=0.0, **kwargs):
        super().__init__(learning_rate, clip_norm=clip_norm, decay=decay, **kwargs)
        if self.momentum:
            raise InputError(
                f"nlpkit's SGD has no `momentum`. Received: momentum={self.momentum}. Take `keras.optimizers.SGD`."
            )

    def update_step(self, gradient, variable, learning_rate):
        """Changes one variable.

        Args:
            gradient: Tensor or `tf.IndexedSlices`.
            variable: `tf.Variable`.
            learning_rate: Scalar tensor.
        """
        rate, factor = self._rate_of(variable, learning_rate), self._clip_factor(variable.dtype)
        rate = rate if factor is None else rate * factor
        if isinstance(gradient, tf.IndexedSlices):
            values = tf.cast(gradient.values, variable.dtype)
            variable.scatter_sub(tf.IndexedSlices(values * rate, gradient.indices))
        else:
            gradient = tf.cast(gradient, variable.dtype)
            tf.raw_ops.ResourceApplyGradientDescent(var=variable.handle, alpha=rate, delta=gradient)
