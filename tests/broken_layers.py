"""A layer that keeps the contract, and for each rule one that breaks it."""

import keras
import numpy as np
import tensorflow as tf


class Scaled(keras.layers.Layer):
    """A layer that keeps the contract: the inputs times a weight and a number, zero at padded steps."""

    def __init__(self, factor=1.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor
        self.supports_masking = True

    def build(self, input_shape):
        self.scale = self.add_weight(shape=input_shape[-1:], initializer="ones", name="scale")

    def call(self, inputs, mask=None, training=False):
        outputs = inputs * tf.cast(self.scale, inputs.dtype) * tf.cast(self.factor, inputs.dtype)
        return outputs if mask is None else outputs * tf.cast(mask, outputs.dtype)[..., None]

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


class ForgetsAnArgument(Scaled):
    def get_config(self):
        return keras.layers.Layer.get_config(self)


class HasTheDefaultInItsConfig(Scaled):
    def get_config(self):
        return {**super().get_config(), "factor": 1.0}


class MakesAnotherCopy(Scaled):
    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "factor": 2 * config["factor"]})


class HasWhatNoJsonHolds(Scaled):
    def get_config(self):
        return {**super().get_config(), "more": (1, 2)}


class ComputesFromWhatNobodySaves(Scaled):
    def __init__(self, factor=1.0, **kwargs):
        super().__init__(factor, **kwargs)
        self.hidden = np.random.random()

    def call(self, inputs, mask=None):
        return super().call(inputs, mask) * tf.cast(self.hidden, inputs.dtype)


class SaysAnotherShape(Scaled):
    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 7)


class SaysAnotherRank(Scaled):
    def compute_output_spec(self, inputs, mask=None, training=False):
        return keras.KerasTensor(inputs.shape[1:], self.compute_dtype)


class SaysAnotherShapeToWhoAsks(Scaled):
    def compute_output_spec(self, inputs, mask=None, training=False):
        return keras.KerasTensor(inputs.shape, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 7)


class SaysAnotherDtype(Scaled):
    def compute_output_spec(self, inputs, mask=None, training=False):
        return keras.KerasTensor(inputs.shape, "int32")


class LooksAtOtherRows(Scaled):
    def call(self, inputs, mask=None):
        return super().call(inputs, mask) + tf.reduce_mean(inputs)


class LooksAtThePadding(Scaled):
    def call(self, inputs, mask=None):
        return super().call(inputs, mask) + tf.reduce_mean(inputs, axis=1, keepdims=True)


class CountsThePadding(Scaled):
    def call(self, inputs, mask=None):
        return super().call(inputs, mask) * tf.cast(tf.shape(inputs)[1], inputs.dtype)


class MultipliesInfinity(Scaled):
    def call(self, inputs, mask=None):
        real = tf.cast(mask, inputs.dtype)[..., None]
        return super().call(inputs, mask) + tf.reduce_sum(inputs * real, axis=1, keepdims=True)


class MultipliesNaN(Scaled):
    def call(self, inputs, mask=None):
        real = tf.cast(mask, inputs.dtype)[..., None]
        finite = tf.clip_by_value(inputs, -1e4, 1e4)
        return super().call(inputs, mask) + tf.reduce_sum(finite * real, axis=1, keepdims=True)


class TakesTheLengthForTheLastStep(Scaled):
    def call(self, inputs, mask=None):
        last = tf.reduce_sum(tf.cast(mask, "int32"), axis=1) - 1
        return super().call(inputs, mask) + tf.gather(inputs, last, axis=1, batch_dims=1)[:, None]


class TakesTheStepBefore(Scaled):
    def call(self, inputs, mask=None):
        inputs = tf.where(mask[..., None], inputs, tf.zeros((), inputs.dtype))
        return super().call(inputs, mask) + tf.pad(inputs, [(0, 0), (1, 0), (0, 0)])[:, :-1]


class GivesZeros(Scaled):
    def call(self, inputs, mask=None):
        return 0.0 * super().call(inputs, mask)


class GivesFullPrecision(Scaled):
    def call(self, inputs, mask=None):
        return tf.cast(super().call(inputs, mask), "float32")

    def compute_output_spec(self, inputs, mask=None, training=False):
        return keras.KerasTensor(inputs.shape, "float32")


class SaysTheDtypeOfFullPrecision(Scaled):
    def compute_output_spec(self, inputs, mask=None, training=False):
        return keras.KerasTensor(inputs.shape, "float32")


class HasWeightsInHalfPrecision(Scaled):
    def build(self, input_shape):
        shape, dtype = input_shape[-1:], self.compute_dtype
        self.scale = self.add_weight(shape=shape, initializer="ones", dtype=dtype, name="scale")


class IsWrongInHalfPrecision(Scaled):
    def call(self, inputs, mask=None):
        outputs = super().call(inputs, mask)
        return outputs if self.compute_dtype == "float32" else outputs + 1.0


class OverflowsInHalfPrecision(Scaled):
    def call(self, inputs, mask=None):
        return 1e-4 * tf.square(300.0 * super().call(inputs, mask))


class IsAnotherInAGraph(Scaled):
    def call(self, inputs, mask=None):
        return super().call(inputs, mask) * (1.0 if tf.executing_eagerly() else 2.0)


class NeedsAKnownBatch(Scaled):
    def call(self, inputs, mask=None):
        return tf.reshape(super().call(inputs, mask), inputs.shape)


class CallsPython(Scaled):
    def call(self, inputs, mask=None):
        outputs = tf.numpy_function(lambda x: x, [super().call(inputs, mask)], inputs.dtype)
        return tf.ensure_shape(outputs, inputs.shape)


class KeepsATensor(Scaled):
    def call(self, inputs, mask=None):
        self.last = super().call(inputs, mask)
        return self.last


class KeepsATensorInAList(Scaled):
    def __init__(self, factor=1.0, **kwargs):
        super().__init__(factor, **kwargs)
        self.seen = [{}]

    def call(self, inputs, mask=None):
        self.seen[0]["last"] = (inputs,)
        return super().call(inputs, mask)


class KeepsATensorInAFunction(Scaled):
    def call(self, inputs, mask=None):
        self.again = lambda: inputs
        return super().call(inputs, mask)


class KeepsATensorInAPart(Scaled):
    def __init__(self, factor=1.0, **kwargs):
        super().__init__(factor, **kwargs)
        self.part = KeepsATensor(name="part", dtype=self.dtype_policy)

    def build(self, input_shape):
        super().build(input_shape)
        self.part.build(input_shape)

    def call(self, inputs, mask=None):
        return super().call(inputs, mask) + self.part(inputs, mask=mask)


class KeepsATensorOfTraining(Scaled):
    def call(self, inputs, mask=None, training=False):
        if training:
            self.last = inputs
        return super().call(inputs, mask)


class HasAWeightThatNothingReaches(Scaled):
    def build(self, input_shape):
        super().build(input_shape)
        self.idle = self.add_weight(shape=(2,), name="idle")


class StopsTheGradient(Scaled):
    def call(self, inputs, mask=None):
        return super().call(inputs, mask) + 0.0 * tf.stop_gradient(inputs) * tf.cast(self.idle, inputs.dtype)

    def build(self, input_shape):
        super().build(input_shape)
        self.idle = self.add_weight(shape=(2,), name="idle")


class HasAnInfiniteGradient(Scaled):
    def call(self, inputs, mask=None):
        outputs = super().call(inputs, mask)
        return outputs + tf.sqrt(tf.square(outputs - tf.stop_gradient(outputs)))


# What is said of each.
BROKEN = {
    ForgetsAnArgument: "constructor arguments that the config forgets: {'factor'}",
    HasTheDefaultInItsConfig: "the config has the default of `factor`",
    MakesAnotherCopy: "the config of a copy is .*'factor': 4.0.*, not .*'factor': 2.0",
    HasWhatNoJsonHolds: r"went through JSON is .*'more': \[1, 2\].*, not .*'more': \(1, 2\)",
    ComputesFromWhatNobodySaves: "Not equal to tolerance",
    SaysAnotherShape: r"the symbolic shape is \(3, 4, 7\), not \(3, 4, 2\)",
    SaysAnotherRank: r"the symbolic shape is \(4, 2\), not \(3, 4, 2\)",
    SaysAnotherShapeToWhoAsks: r"`compute_output_shape` gives is \[3, 4, 7\], not \[3, 4, 2\]",
    SaysAnotherDtype: r"the symbolic dtype is \['int32'\], not \['float32'\]",
    LooksAtOtherRows: "Not equal to tolerance",
    LooksAtThePadding: r"where padding \(right\) holds 7.0",
    CountsThePadding: r"where padding \(right\) holds 7.0",
    MultipliesInfinity: r"where padding \(right\) holds inf",
    MultipliesNaN: r"where padding \(right\) holds nan",
    TakesTheLengthForTheLastStep: r"where padding \(left\) holds 7.0",
    TakesTheStepBefore: r"where padding \(gaps\) holds 7.0",
    GivesZeros: "a row gives only zeros",
    GivesFullPrecision: "the dtype of the output is float32, not float16",
    SaysTheDtypeOfFullPrecision: r"the symbolic dtype is \['float32'\], not \['float16'\]",
    HasWeightsInHalfPrecision: "the dtype of .*scale is float16, not float32",
    IsWrongInHalfPrecision: "Not equal to tolerance",
    OverflowsInHalfPrecision: "Not equal to tolerance",
    IsAnotherInAGraph: "Not equal to tolerance",
    CallsPython: "calls back into Python",
    KeepsATensor: r"tensors of a graph that the layer keeps: \['keeps_a_tensor\.last'",
    KeepsATensorInAList: r"tensors of a graph that the layer keeps: .*seen\.0\.last\.0'",
    KeepsATensorInAFunction: r"tensors of a graph that the layer keeps: .*again\.closure'",
    KeepsATensorInAPart: r"tensors of a graph that the layer keeps: .*part\.last'",
    KeepsATensorOfTraining: r"tensors of a graph that the layer keeps: .*last'",
    HasAWeightThatNothingReaches: "no gradient reaches .*idle",
    StopsTheGradient: r"idle has a gradient of 0.0",
    HasAnInfiniteGradient: r"scale has a gradient of nan",
}
