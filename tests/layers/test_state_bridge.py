"""The state bridge's modes against NumPy, over encoders of Keras."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import check_config

from nlpkit import InputError
from nlpkit.layers.state_bridge import StateBridge

RANDOM = np.random.default_rng(0)


def states(*sizes):
    return [RANDOM.normal(size=(3, size)).astype("float32") for size in sizes]


def flat(nest):
    return [np.asarray(x) for x in keras.tree.flatten(nest)]


def test_copy_hands_states_over_in_their_order():
    h, c, more = states(4, 4, 6)
    copied = StateBridge([[4, 4], 6], "copy")([[h, c], more])
    assert isinstance(copied, list) and isinstance(copied[0], list)
    for given, expected in zip(flat(copied), (h, c, more), strict=True):
        np.testing.assert_array_equal(given, expected)
    np.testing.assert_array_equal(StateBridge(4, "copy")(h), h)
    # The nesting is the decoder's.
    copied = StateBridge([4, 4, 6], "copy")([[h, c], more])
    assert [x.shape for x in copied] == [(3, 4), (3, 4), (3, 6)]


@pytest.mark.parametrize("nested", [False, True])
def test_copy_joins_both_directions_of_each_layer(nested):
    fh, fc, bh, bc, fh2, fc2, bh2, bc2 = states(4, 4, 4, 4, 3, 3, 3, 3)
    layers = (
        [[[fh, fc], [bh, bc]], [[fh2, fc2], [bh2, bc2]]]
        if nested
        else [[fh, fc, bh, bc], [fh2, fc2, bh2, bc2]]
    )
    joined = StateBridge([[8, 8], [6, 6]], "copy", bidirectional=True)(layers)
    expected = [np.hstack(pair) for pair in ((fh, bh), (fc, bc), (fh2, bh2), (fc2, bc2))]
    for given, wanted in zip(flat(joined), expected, strict=True):
        np.testing.assert_array_equal(given, wanted)
    # A decoder as wide as one direction takes the backward one, a decoder of twice the layers takes both.
    narrow = StateBridge([[4, 4], [3, 3]], "copy", bidirectional=True)(layers)
    for given, wanted in zip(flat(narrow), (bh, bc, bh2, bc2), strict=True):
        np.testing.assert_array_equal(given, wanted)
    double = StateBridge([[4, 4], [4, 4], [3, 3], [3, 3]], "copy", bidirectional=True)(layers)
    for given, wanted in zip(flat(double), (fh, fc, bh, bc, fh2, fc2, bh2, bc2), strict=True):
        np.testing.assert_array_equal(given, wanted)


@pytest.mark.parametrize(("activation", "function"), [("tanh", np.tanh), ("linear", lambda x: x)])
def test_dense_makes_each_state_from_all_states(activation, function):
    given = states(4, 2, 3)
    bridge = StateBridge([[5, 6], 7], activation=activation)
    made = bridge([given[:2], given[2]])
    assert [len(part) if isinstance(part, list) else 0 for part in made] == [2, 0]
    for number, output in enumerate(flat(made)):
        kernel, bias = bridge.dense[number].get_weights()
        bias[:] = 0.5
        bridge.dense[number].set_weights([kernel, bias])
        output = flat(bridge([given[:2], given[2]]))[number]
        np.testing.assert_allclose(output, function(np.hstack(given) @ kernel + 0.5), atol=1e-5)
    assert len(bridge.trainable_weights) == 6


def test_zero_gives_zeros_for_each_row():
    made = StateBridge([[5, 6], 7], "zero")(states(4, 4))
    assert [x.shape for x in flat(made)] == [(3, 5), (3, 6), (3, 7)]
    assert not any(np.any(x) for x in flat(made))


MODES = [
    ("copy", [[4, 4]]),
    ("dense", [[5, 5], [6, 6]]),
    ("zero", [[5, 5], [6, 6]]),
]


@pytest.mark.parametrize(("mode", "sizes"), MODES, ids=["copy", "dense", "zero"])
def test_contract(mode, sizes):
    arguments = {"state_sizes": sizes, "mode": mode, "bidirectional": True}
    given = states(2, 2, 2, 2)
    layer = StateBridge(**arguments)
    outputs = flat(layer([given]))
    check_config(layer)
    twin = StateBridge.from_config(json.loads(json.dumps(layer.get_config())))
    twin([given])
    twin.set_weights(layer.get_weights())
    for one, other in zip(flat(twin([given])), outputs, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    for row in range(3):
        alone = flat(layer([[x[row : row + 1] for x in given]]))
        for one, all_rows in zip(alone, outputs, strict=True):
            np.testing.assert_allclose(one[0], all_rows[row], atol=1e-6)
    shapes = keras.tree.flatten(layer.compute_output_shape([[(3, 2)] * 4]))
    assert shapes == [n for x in outputs for n in x.shape]
    for policy in ("mixed_float16", "mixed_bfloat16"):
        mixed = StateBridge(**arguments, dtype=policy)
        assert all(x.dtype == mixed.compute_dtype for x in keras.tree.flatten(mixed([given])))
        assert all(weight.dtype == "float32" for weight in mixed.weights)


@pytest.mark.parametrize(("mode", "sizes"), MODES, ids=["copy", "dense", "zero"])
def test_a_model_is_saved_and_trained(mode, sizes, tmp_path):
    x, y = RANDOM.normal(size=(3, 5, 2)).astype("float32"), RANDOM.normal(size=(3, 4, 3)).astype("float32")
    source, target = keras.Input((None, 2)), keras.Input((None, 3))
    _, *last = keras.layers.Bidirectional(keras.layers.LSTM(2, return_state=True))(source)
    start = StateBridge(sizes, mode, bidirectional=True, name="bridge")([last])
    outputs = target
    for units, state in zip(sizes, start, strict=True):
        outputs = keras.layers.LSTM(units[0], return_sequences=True)(outputs, initial_state=state)
    model = keras.Model([source, target], outputs)
    model.save(tmp_path / "model.keras")
    loaded, clone = keras.saving.load_model(tmp_path / "model.keras"), keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    for copy in (loaded, clone):
        np.testing.assert_allclose(copy([x, y]), model([x, y]), atol=1e-6)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model([x, y]) ** 2)
    weights = model.trainable_weights
    reached = [g is not None and np.any(g) for g in tape.gradient(loss, [weight.value for weight in weights])]
    encoder = [weight.path.startswith("bidirectional") for weight in weights]
    assert reached == [mode != "zero" or not part for part in encoder]


def test_open_batches_in_a_graph():
    bridge = StateBridge([5, 6], "zero")
    run = tf.function(bridge.__call__, input_signature=[tf.TensorSpec((None, 4))])
    assert [x.shape for x in run(np.ones((7, 4), "float32"))] == [(7, 5), (7, 6)]


def test_unknown_mode():
    with pytest.raises(
        InputError, match=r"`mode` must be one of \['copy', 'dense', 'zero'\]. Received: mode='mean'"
    ):
        StateBridge(4, "mean")


@pytest.mark.parametrize("bidirectional", [False, True])
def test_copy_of_other_sizes(bidirectional):
    message = (
        r'`mode="copy"` needs states .* decoder takes, \[5, 5\]. Received: states of the sizes \[\[4, 4\]\]. '
        r'Take `mode="dense"`'
    )
    with pytest.raises(InputError, match=message):
        StateBridge([5, 5], "copy", bidirectional=bidirectional)([states(4, 4)])


@pytest.mark.parametrize("given", [states(4)[0], states(4, 4), [states(4, 4, 4)]], ids=["one", "flat", "odd"])
def test_directions_come_in_pairs(given):
    with pytest.raises(
        InputError, match=r"as many forward as backward states, .*Received: states of the sizes"
    ):
        StateBridge([4, 4], bidirectional=True)(given)
