"""cuDNN's kernel as its documentation describes it, computed on a CPU by Keras' layers."""

import keras
import numpy as np
import tensorflow as tf

LAYERS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
# Keras' gates in the order in which cuDNN holds them.
GATES = {"lstm": [0, 1, 2, 3], "gru": [1, 0, 2]}


def fake_cudnn(*, input, input_h, input_c, params, sequence_lengths, rnn_mode, is_training, time_major):
    """Stands in for `tf.raw_ops.CudnnRNNV3`; checks what the real one would abort on."""
    assert is_training and not time_major
    assert tf.reduce_all((sequence_lengths >= 1) & (sequence_lengths <= tf.shape(input)[1]))
    units = input_h.shape[-1]
    layer = LAYERS[rnn_mode](
        units, return_sequences=True, return_state=True, use_cudnn=False, dtype=params.dtype
    )
    layer.build(input.shape)
    layer.set_weights(unpacked(rnn_mode, np.asarray(params), input.shape[-1], units))
    mask = tf.sequence_mask(sequence_lengths, tf.shape(input)[1])
    initial = [input_h[:, 0]] + ([input_c[:, 0]] if rnn_mode == "lstm" else [])
    outputs, *states = layer(input, mask=mask, initial_state=initial)
    outputs *= tf.cast(mask, outputs.dtype)[..., None]
    states = [state[:, None] for state in states] + [tf.constant(0.0)] * (2 - len(states))
    return outputs, *states, None, None


def unpacked(mode, params, features, units):
    """The weights of Keras' layer from cuDNN's vector: matrices of all gates, then the biases."""
    gates, parts, start = len(GATES[mode]), [], 0
    for width in (features, units):
        size = units * width
        found = [
            params[start + i * size : start + (i + 1) * size].reshape(units, width).T for i in range(gates)
        ]
        parts.append(found)
        start += gates * size
    for _ in range(2):
        parts.append([params[start + i * units : start + (i + 1) * units] for i in range(gates)])
        start += gates * units
    assert start == params.size
    order = np.argsort(GATES[mode])
    kernel, recurrent, first, second = (
        np.concatenate([part[place] for place in order], axis=-1) for part in parts
    )
    if mode == "gru":
        return [kernel, recurrent, np.stack([first, second])]
    assert not first.any()
    return [kernel, recurrent, second]
