"""The norm that limits the gradient counts an embedding's row once, however often its token occurs."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlpkit.spec import TrainingSettings
from nlpkit.training.fit import compile_model
from nlpkit.training.optimizer import DenseAdam

SLICES, ROWS = np.array([[3.0, 0.0], [3.0, 1.0], [0.0, 2.0]], "float32"), np.array([1, 1, 2])
DENSE = np.array([[2.0, -1.0]], "float32")


def moments(optimizer, gradients, shapes):
    variables = [keras.Variable(np.zeros(shape, "float32")) for shape in shapes]
    optimizer.build(variables)
    optimizer.apply(gradients, variables)
    return {
        name: [v.numpy() for v in optimizer.variables if name in v.path] for name in ("momentum", "velocity")
    }


@pytest.mark.parametrize("clip_norm", [0.5, 1e6])
def test_clipping_and_moments_equal_a_numpy_formula(clip_norm):
    slices = tf.IndexedSlices(tf.constant(SLICES), tf.constant(ROWS), tf.constant([4, 2]))
    found = moments(
        DenseAdam(global_clipnorm=clip_norm, beta_1=0.9, beta_2=0.99), [slices, DENSE], [(4, 2), (1, 2)]
    )
    summed = np.zeros((4, 2))
    np.add.at(summed, ROWS, SLICES)
    norm = np.sqrt(np.square(summed).sum() + np.square(DENSE).sum())
    for number, gradient in enumerate([summed, DENSE]):
        clipped = gradient * min(1.0, clip_norm / norm)
        np.testing.assert_allclose(found["momentum"][number], 0.1 * clipped, rtol=1e-4)
        np.testing.assert_allclose(found["velocity"][number], 0.01 * clipped**2, rtol=1e-4)


def test_an_embedding_in_training_is_clipped_exactly():
    """Both rows hold the same token twice, so that its slices must be summed before the norm is taken."""
    ids, targets = np.array([[1, 1], [1, 1]]), np.array([0, 0])

    def first_moments(clip_norm):
        keras.utils.set_random_seed(0)
        network = keras.Sequential(
            [
                keras.Input((2,), dtype="int32"),
                keras.layers.Embedding(3, 4),
                keras.layers.GlobalAveragePooling1D(),
                keras.layers.Dense(2),
            ]
        )
        compile_model(network, TrainingSettings(clip_norm=clip_norm), total_steps=10)
        network.train_on_batch(ids, targets)
        return np.concatenate(
            [v.numpy().ravel() for v in network.optimizer.variables if "momentum" in v.path]
        )

    free = first_moments(1e6)
    limit = float(10 * np.linalg.norm(free)) / 4
    np.testing.assert_allclose(first_moments(limit), free / 4, rtol=1e-3, atol=1e-7)


def test_weights_without_a_gradient_are_left_alone():
    found = moments(DenseAdam(), [None, DENSE], [(4, 2), (1, 2)])
    assert not found["momentum"][0].any() and found["momentum"][1].any()
