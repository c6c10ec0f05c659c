"""The steps of a loop in one plain tensor, for formats that have no list of tensors."""

from contextvars import ContextVar

import tensorflow as tf

from nlpkit.layers.held import held

_dense = ContextVar("dense", default=False)


class DenseArray(tf.experimental.ExtensionType):
    """What `tf.TensorArray` does, as a tensor of which a step is replaced by another.

    Each write copies the whole, so that it is for graphs that are exported only.

    Args:
        values: Tensor of shape `(size, …)`.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.dense_array import DenseArray
        >>> DenseArray(tf.zeros((2, 1))).write(1, [3.0]).stack().numpy().tolist()
        [[0.0], [3.0]]
    """

    values: tf.Tensor

    def write(self, index, value):
        """The array with another value at a place.

        Args:
            index: int32 scalar tensor.
            value: Tensor of the shape of one value.

        Returns:
            `DenseArray`.
        """
        return DenseArray(tf.tensor_scatter_nd_update(self.values, [[index]], [value]))

    def read(self, index):
        """The value at a place.

        Args:
            index: int32 scalar tensor.

        Returns:
            Tensor.
        """
        return tf.gather(self.values, index)

    def stack(self):
        """All values.

        Returns:
            Tensor of shape `(size, …)`.
        """
        return self.values

    def unstack(self, values):
        """An array of the steps of a tensor.

        Args:
            values: Tensor of shape `(size, …)`.

        Returns:
            `DenseArray`.
        """
        return DenseArray(values)


def dense_arrays(dense=True):
    """Within it the graphs that are traced hold dense arrays in the place of `tf.TensorArray`.

    Args:
        dense: bool. Whether they do; without, nothing changes. Defaults to `True`.

    Returns:
        Context manager.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.dense_array import dense_arrays
        >>> from nlpkit.layers.recurrent_loop import array
        >>> with dense_arrays():
        ...     array(2, tf.ones((1, 4)), 3).stack().shape
        TensorShape([2, 1, 3])
    """
    return held(_dense, dense or _dense.get())


def arrays_are_dense():
    """bool. Whether `dense_arrays` is in force."""
    return _dense.get()
