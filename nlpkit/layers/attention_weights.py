"""What every attention over an encoder's outputs shares: the softmax, the context, and the form of its inputs."""

import keras
import tensorflow as tf

from nlpkit.errors import InputError


def masked_softmax(scores, mask):
    """Softmax of `scores` over the last axis where `mask` is true, in float32; a row without any gives zeros."""
    weights = tf.nn.softmax(tf.where(mask, tf.cast(scores, "float32"), -1e9))
    return weights * tf.cast(mask, "float32")


def weighted_sum(weights, value):
    """The context: `value` of shape `(batch, time, features)`, summed with the weights of one query or of several."""
    weights = tf.cast(weights, value.dtype)
    if weights.shape.rank == 2:
        return tf.linalg.matvec(value, weights, transpose_a=True)
    return tf.matmul(weights, value)


def for_each_query(memory, query):
    """A tensor `memory` of shape `(batch, …)` that broadcasts against the steps of `query`, if it has several."""
    return memory[:, None] if query.shape.rank == 3 else memory


def make_memory(value, mask, dtype):
    """What attention keeps of an encoder: its outputs and which of them are real.

    Args:
        value: Float tensor of shape `(batch, time, features)`.
        mask: Bool tensor of shape `(batch, time)`, or `None`.
        dtype: str. Float type to keep the outputs in.

    Returns:
        dict with `value` and `mask`.
    """
    value = tf.cast(value, dtype)
    mask = tf.ones(tf.shape(value)[:2], "bool") if mask is None else tf.cast(mask, "bool")
    return {"value": value, "mask": mask}


def split_mask(mask):
    """The masks of query and values: Keras hands over a pair, a user the one of the values."""
    return mask if isinstance(mask, list | tuple) else (None, mask)


def check_shapes(input_shape, names):
    """Raises an error unless `input_shape` holds a shape for each of the names; gives the shapes back."""
    if not isinstance(input_shape[0], list | tuple) or len(input_shape) < len(names):
        raise InputError(
            f"`inputs` must be a list of tensors: [{', '.join(names)}]. Received shapes: {input_shape}"
        )
    return input_shape


def attention_spec(inputs, dtype, return_attention_scores):
    """The symbolic outputs of an attention layer.

    Args:
        inputs: list. Query and values.
        dtype: str. Type of the context.
        return_attention_scores: bool. Whether the weights, which are float32, are returned too.

    Returns:
        `keras.KerasTensor`, or a pair of them.
    """
    query, value = inputs
    context = keras.KerasTensor((*query.shape[:-1], value.shape[-1]), dtype)
    weights = keras.KerasTensor((*query.shape[:-1], value.shape[1]), "float32")
    return (context, weights) if return_attention_scores else context
