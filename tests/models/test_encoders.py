import keras
import numpy as np
import pytest

from nlpkit.models.encoders import ENCODERS, encode


@pytest.mark.parametrize("name", ENCODERS)
def test_every_named_encoder_keeps_time_and_mask(name):
    steps = keras.Input((None, 8))
    outputs = encode(steps, name, units=4, num_layers=2, bidirectional=True, dropout=0.0)
    model = keras.Model(steps, outputs)
    assert model(np.ones((2, 5, 8))).shape[:2] == (2, 5)


def test_use_cudnn_reaches_the_recurrent_blocks():
    steps = keras.Input((None, 8))
    outputs = encode(steps, "gru", units=4, num_layers=2, bidirectional=True, dropout=0.0, use_cudnn=False)
    model = keras.Model(steps, outputs)
    assert [model.get_layer(f"block_{i}").use_cudnn for i in range(2)] == [False, False]


def test_layers_of_the_user_are_applied_in_their_order():
    steps = keras.Input((None, 8))
    layers = [keras.layers.Rescaling(2.0), keras.layers.Rescaling(1.0, offset=1.0)]
    outputs = encode(steps, layers, units=4, num_layers=1, bidirectional=False, dropout=0.0)
    np.testing.assert_allclose(keras.Model(steps, outputs)(np.ones((1, 2, 8))), np.full((1, 2, 8), 3.0))
