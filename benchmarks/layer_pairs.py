"""What layer_speed.py times: a layer of nlpkit and its peer from Keras, with the same weights and the same inputs."""

from collections.abc import Callable
from dataclasses import dataclass, field

import keras
import numpy as np
import tensorflow as tf

QUERIES = 10  # steps of a decoder that attend to the sequence


@dataclass
class Sizes:
    """Units of the layers, which are the features of their inputs too, and words of the vocabularies."""

    units: int = 128
    words: int = 2_000
    many_words: int = 50_000


@dataclass
class Side:
    """One side of a pair: what it computes, and its layers, in the same order on both sides."""

    forward: Callable  # of the inputs by name and `training`
    parts: list = field(default_factory=list)
    loss: Callable | None = None  # of the inputs; `None` is the mean square of what `forward` gives

    def training_loss(self, given):
        if self.loss is not None:
            return self.loss(given)
        return tf.reduce_mean(tf.square(self.forward(given, training=True)))

    @property
    def weights(self):
        return [weight.value for part in self.parts for weight in part.trainable_weights]


@dataclass
class Pair:
    """A layer of nlpkit and its peer, which takes over its weights."""

    own: Side
    peer: Side
    inputs: tuple = ("x",)
    passes: tuple = ("forward", "training")
    same: bool = True  # whether both compute the same in prediction
    most_steps: int | None = None  # batch times length that fit into memory

    def __post_init__(self):
        for own, peer in zip(self.own.parts, self.peer.parts, strict=True) if self.same else ():
            pairs = zip(own.get_weights(), peer.weights, strict=True)
            peer.set_weights([value.reshape(weight.shape) for value, weight in pairs])


def make_inputs(names, batch, length, sizes, seed=0):
    """Random inputs by name; masks leave between half and all of a row."""
    random = np.random.default_rng(seed)
    real = np.maximum(1, np.linspace(0.5, 1.0, batch + 2)[1:-1] * length).astype(int)
    make = {
        "x": lambda: _normal(random, (batch, length, sizes.units)),
        "context": lambda: _normal(random, (batch, length, sizes.units)),
        "query": lambda: _normal(random, (batch, QUERIES, sizes.units)),
        "mask": lambda: np.arange(length) < real[:, None],
        "ids": lambda: _zipf(random, (batch, length), sizes.words),
        "rare_ids": lambda: _zipf(random, (batch, length), sizes.many_words),
    }
    return {name: tf.constant(make[name]()) for name in names}


def _normal(random, shape):
    return random.normal(size=shape).astype("float32")


def _zipf(random, shape, words):
    """Ids from 1, the k-th as frequent as 1 / k: words as a vocabulary orders them."""
    return np.minimum(np.exp(random.uniform(0, np.log(words), shape)), words - 1).astype("int32")


def built(layer, sizes, inputs=1, nested=False):
    """The layer after a symbolic call, so that it has its weights."""
    inputs = [keras.Input((None, sizes.units)) for _ in range(inputs)]
    layer(inputs) if nested else layer(*inputs)
    return layer


def reader(layer):
    """A layer that reads a sequence, perhaps with a mask."""

    def forward(given, training):
        options = {"mask": given["mask"]} if "mask" in given else {}
        return layer(given["x"], training=training, **options)

    return Side(forward, [layer])
