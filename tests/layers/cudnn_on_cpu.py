"""cuDNN's kernel as its documentation describes it, computed on a CPU by Keras' layers."""

import functools

import keras
import numpy as np
import tensorflow as tf

LAYERS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
# Keras' gates in the order in which cuDNN holds them.
GATES = {"lstm": [0, 1, 2, 3], "gru": [1, 0, 2]}


def fake_cudnn(*, input, input_h, input_c, params, sequence_lengths, rnn_mode, is_training, time_major):
    """Stands in for `tf.raw_ops.CudnnRNNV3`; checks what the real one would abort on."""
    assert is_training and not time_major
    steps = tf.shape(input)[1]
    tf.debugging.assert_positive(sequence_lengths)
    tf.debugging.assert_less_equal(sequence_lengths, steps)
    units, features = input_h.shape[-1], input.shape[-1]
    layer = keras_layer(rnn_mode, units, features, params.dtype)
    mask = tf.sequence_mask(sequence_lengths, steps)
    initial = [input_h[:, 0]] + ([input_c[:, 0]] if rnn_mode == "lstm" else [])
    weights, others = unpacked(rnn_mode, params, features, units), layer.non_trainable_variables
    found, _ = layer.stateless_call(weights, others, input, mask=mask, initial_state=initial)
    outputs, *states = found
    outputs *= tf.cast(mask, outputs.dtype)[..., None]
    states = [state[:, None] for state in states] + [tf.constant(0.0)] * (2 - len(states))
    return outputs, *states, None, None


@functools.cache  # A function that TensorFlow traces again makes no variables then.
def keras_layer(mode, units, features, dtype):
    with tf.init_scope():
        layer = LAYERS[mode](units, return_sequences=True, return_state=True, use_cudnn=False, dtype=dtype)
        layer.build((None, None, features))
    return layer


def unpacked(mode, params, features, units):
    """The weights of Keras' layer from cuDNN's vector: matrices of all gates, then the biases."""
    gates = len(GATES[mode])
    sizes = [features * units] * gates + [units * units] * gates + [units] * 2 * gates
    parts = tf.split(params, sizes)
    matrices = [tf.transpose(tf.reshape(part, (units, -1))) for part in parts[: 2 * gates]]
    in_turn = [*matrices, *parts[2 * gates :]]
    order = np.argsort(GATES[mode])
    kernel, recurrent, first, second = (
        tf.concat([in_turn[start + place] for place in order], axis=-1)
        for start in range(0, 4 * gates, gates)
    )
    if mode == "gru":
        return [kernel, recurrent, tf.stack([first, second])]
    tf.debugging.assert_equal(first, tf.zeros_like(first))
    return [kernel, recurrent, second]
