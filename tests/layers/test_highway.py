"""The highway connection against its formula; the contract of layers is in `test_layers`."""

import keras
import numpy as np
import pytest
from numpy_references import highway

from nlpkit import InputError
from nlpkit.layers.highway import Highway

RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(2, 3, 5, 4)).astype("float32")


def test_a_gate_mixes_both():
    layer = Highway()
    found = layer([X, Y])
    np.testing.assert_allclose(found, highway(X, Y, layer.get_weights()), atol=1e-6)


def test_the_gate_starts_mostly_shut():
    layer = Highway(gate_bias=-20.0)
    np.testing.assert_allclose(layer([X, Y]), X, atol=1e-5)


@pytest.mark.parametrize("size", [1, 3])
def test_unequal_sizes(size):
    words = rf"of the same size. Received: shapes \[\(3, 5, 4\), \(3, 5, {size}\)\]. Bring them"
    with pytest.raises(InputError, match=words):
        Highway()([X, Y[..., :size]])
    with pytest.raises(InputError, match="of the same size"):
        Highway()([keras.Input((None, 4)), keras.Input((None, size))])
