import random

import keras
import numpy as np

from nlpkit.training.seeding import seeded


def test_keras_repeats_and_the_callers_generators_go_on_undisturbed():
    random.seed(5)
    np.random.seed(5)
    expected = (random.random(), np.random.random())
    random.seed(5)
    np.random.seed(5)
    drawn = []
    for _ in range(2):
        with seeded(1):
            drawn.append(keras.random.normal((3,)).numpy())
            random.random(), np.random.random()
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert (random.random(), np.random.random()) == expected


def test_the_generators_come_back_after_an_error():
    np.random.seed(5)
    expected = np.random.random()
    np.random.seed(5)
    try:
        with seeded(1):
            raise ValueError
    except ValueError:
        pass
    assert np.random.random() == expected
