"""Queries, keys and values in several heads, and the values summed with the weights of a softmax."""

import math

import keras
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.layers.small_numbers import has_small_numbers


class AttentionHeads(keras.layers.Layer):
    """What scaled dot-product attention in several heads does, whatever its queries may see.

    Args:
        num_heads: int. Attention heads.
        key_dim: int. Size of a head; `None` takes `features // num_heads` when the layer is built. Defaults to `None`.
        dropout: float between 0 and 1. Fraction of the attention weights to drop. Defaults to 0.
    """

    def __init__(self, num_heads, key_dim=None, *, dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        self.num_heads, self.key_dim, self.dropout = num_heads, key_dim, dropout
        self.supports_masking = True

    def build(self, inputs_shape, context_shape=None):
        context_shape = context_shape or inputs_shape
        self._check_heads(inputs_shape[-1])
        # The parts have the names they have in Keras' layer, so that files saved with that one can be read.
        heads = (self.num_heads, self._head_size)
        self.query_dense = self._make_dense("query", "btf,fnd->btnd", heads, inputs_shape)
        self.key_dense = self._make_dense("key", "btf,fnd->btnd", heads, context_shape)
        self.value_dense = self._make_dense("value", "btf,fnd->btnd", heads, context_shape)
        attended = (None, self.num_heads, None, self._head_size)
        self.output_dense = self._make_dense("attention_output", "bntd,ndf->btf", inputs_shape[-1:], attended)
        self._dropout_layer = keras.layers.Dropout(self.dropout, dtype=self.dtype_policy, name="dropout")

    def _check_heads(self, features):
        if self.num_heads < 1 or (self.key_dim is None and self.num_heads > features):
            raise InputError(
                f"`num_heads` must be between 1 and the number of features ({features}). "
                f"Received: num_heads={self.num_heads!r}"
            )
        self._head_size = self.key_dim or features // self.num_heads

    def _make_dense(self, name, equation, sizes, input_shape):
        bias_axes = equation.partition("->bt")[2]
        part = {"bias_axes": bias_axes, "dtype": self.dtype_policy, "name": name}
        dense = keras.layers.EinsumDense(equation, (None, *sizes), **part)
        dense.supports_masking = True  # it hands none on, but Keras would warn of that
        dense.build(input_shape)
        return dense

    def _split(self, dense, x, training=False):
        """Queries, keys or values `(batch, heads, time, key_dim)`."""
        if training:  # one operation more, whose gradient takes less time
            return tf.transpose(dense(x), (0, 2, 1, 3))
        x = tf.cast(x, self.compute_dtype)
        if _is_step(x, axis=1):
            return tf.reshape(_of_one_step(dense, x), (-1, self.num_heads, 1, self._head_size))
        heads = tf.einsum("btd,dnh->bnth", x, tf.cast(dense.kernel, x.dtype))
        return heads + tf.cast(dense.bias, x.dtype)[:, None]

    def _attend(self, query, keys, values, penalty, real=None, training=False):
        """Outputs `(batch, time, features)` and weights, both zero where `real` is false."""
        scores = tf.cast(_product(query * self._head_size**-0.5, keys, transpose_y=True), "float32")
        # Subtracted: oneDNN joins a sum to the product before it, which takes a hundred times as long for some shapes.
        weights = tf.nn.softmax(scores if penalty is None else scores - penalty)
        dropped = self._dropout_layer(tf.cast(weights, values.dtype), training=training)
        attended = _product(dropped, values)
        if _is_step(attended, axis=2) and not training:
            outputs = _of_one_step(self.output_dense, attended)[:, None]
        else:
            outputs = self.output_dense(attended)
        if real is None:
            return outputs, weights
        return (
            outputs * tf.cast(real, outputs.dtype)[:, :, None],
            weights * tf.cast(real, weights.dtype)[:, None, :, None],
        )

    def compute_output_spec(
        self, inputs, context=None, mask=None, context_mask=None, return_attention_scores=False, **_
    ):
        outputs = keras.KerasTensor(inputs.shape, self.compute_dtype)
        steps = (inputs if context is None else context).shape[1]
        weights = keras.KerasTensor((inputs.shape[0], self.num_heads, inputs.shape[1], steps), "float32")
        return (outputs, weights) if return_attention_scores else outputs

    def compute_output_shape(self, inputs_shape, context_shape=None):
        return inputs_shape

    def get_config(self):
        own = {"num_heads": self.num_heads, "key_dim": self.key_dim, "dropout": self.dropout}
        return {**super().get_config(), **own}


def hide_unless(visible):
    """The penalty that hides scores from a softmax: 0 where they are visible, a large number elsewhere."""
    return (1.0 - tf.cast(visible, "float32")) * (30.0 if has_small_numbers() else 1e9)


def _is_step(x, axis):
    """Whether each row has one step; in half precision a product of matrices is rounded in another way."""
    return x.shape[axis] == 1 and x.dtype == "float32"


def _of_one_step(dense, x):
    """What a dense layer makes of the only step of each row, `(batch, outputs)`.

    A product of matrices takes a fraction of the time of a sum over any axes.
    """
    outputs = math.prod(dense.bias.shape)
    kernel = tf.reshape(tf.cast(dense.kernel, x.dtype), (-1, outputs))
    bias = tf.reshape(tf.cast(dense.bias, x.dtype), (outputs,))
    return tf.nn.bias_add(tf.matmul(tf.reshape(x, (-1, kernel.shape[0])), kernel), bias)


def _product(x, y, transpose_y=False):
    """`tf.matmul` of equal batch axes; its own gradient asks first, in 18 operations, whether one was broadcast."""

    @tf.custom_gradient
    def product(x, y):
        def gradient(upstream):
            by_x = tf.matmul(upstream, y, transpose_b=not transpose_y)
            left, right = (upstream, x) if transpose_y else (x, upstream)
            return by_x, tf.matmul(left, right, transpose_a=True)

        return tf.matmul(x, y, transpose_b=transpose_y), gradient

    return product(x, y)
