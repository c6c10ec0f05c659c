"""Both optimizers equal NumPy formulas and Keras' own; an embedding's row is clipped once, however often it occurs."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.spec import TrainingSettings
from nlpkit.training.fit import compile_model
from nlpkit.training.optimizers import SGD, Adam

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
    found = moments(Adam(clip_norm=clip_norm, beta_1=0.9, beta_2=0.99), [slices, DENSE], [(4, 2), (1, 2)])
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
    found = moments(Adam(), [None, DENSE], [(4, 2), (1, 2)])
    assert not found["momentum"][0].any() and found["momentum"][1].any()


def trained(optimizer, steps=4):
    """Weights of a network after some steps on fixed data.

    No embedding: Keras' Adam squares each slice of one row by itself, and so takes other steps.
    """
    random = np.random.default_rng(0)
    inputs, targets = random.normal(size=(steps, 6, 3)), random.integers(0, 2, (steps, 6))
    keras.utils.set_random_seed(0)
    network = keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(4, activation="tanh"),
            keras.layers.Dense(2, bias_initializer="ones"),
        ]
    )
    network.compile(
        optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False
    )
    for step in range(steps):
        network.train_on_batch(inputs[step], targets[step])
    return network.get_weights()


def keras_adam(**options):
    optimizer = keras.optimizers.Adam(0.05, **options)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


@pytest.mark.parametrize(
    ("own", "keras_own"),
    [
        (lambda: Adam(0.05), lambda: keras_adam()),
        (lambda: Adam(0.05, decay=0.2), lambda: keras_adam(weight_decay=0.2)),
        (lambda: SGD(0.5), lambda: keras.optimizers.SGD(0.5)),
    ],
    ids=["adam", "adamw", "sgd"],
)
def test_unclipped_steps_equal_those_of_keras(own, keras_own):
    for a, b in zip(trained(own()), trained(keras_own()), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("clip_norm", [0.5, 1e6])
def test_gradient_descent_equals_a_numpy_formula(clip_norm):
    variables = [keras.Variable(np.ones(shape, "float32")) for shape in [(4, 2), (1, 2)]]
    optimizer = SGD(0.1, clip_norm=clip_norm, decay=0.5)
    optimizer.build(variables)
    optimizer.apply([tf.IndexedSlices(SLICES, ROWS, (4, 2)), DENSE])
    summed = np.zeros((4, 2))
    np.add.at(summed, ROWS, SLICES)
    norm = np.sqrt(np.square(summed).sum() + np.square(DENSE).sum())
    for variable, gradient in zip(variables, [summed, DENSE], strict=True):
        expected = 1 - 0.1 * 0.5 - 0.1 * gradient * min(1.0, clip_norm / norm)
        np.testing.assert_allclose(variable.numpy(), expected, rtol=1e-5)


@pytest.mark.parametrize("make", [Adam, SGD])
def test_a_rate_of_zero_freezes_and_others_scale(make):
    variables = [keras.Variable(np.ones(2, "float32"), name=name) for name in ("low", "middle", "high")]
    optimizer = make(0.1, decay=0.5)
    optimizer.build(variables)
    optimizer.set_rates({variables[0].path: 0.0, variables[1].path: 0.5})
    optimizer.apply([np.ones(2, "float32")] * 3)
    low, middle, high = (1 - variable.numpy() for variable in variables)
    assert not low.any() and high.all()
    np.testing.assert_allclose(middle, high / 2, rtol=1e-4)


def test_what_they_do_not_have_is_told():
    with pytest.raises(
        InputError, match="nlpkit's SGD has no `momentum`. Received: momentum=0.9. Take `keras.opt"
    ):
        SGD(0.1, momentum=0.9)
    with pytest.raises(
        InputError, match="nlpkit's Adam has no `amsgrad`. Received: amsgrad=True. Take `keras.opt"
    ):
        Adam(0.1, amsgrad=True)


@pytest.mark.parametrize("make", [Adam, SGD])
def test_the_configuration_is_complete(make):
    optimizer = make(0.1, clip_norm=2.0, decay=0.3)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert again.get_config() == optimizer.get_config() and again.clip_norm == 2.0 and again.decay == 0.3
