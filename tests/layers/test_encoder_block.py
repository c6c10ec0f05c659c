"""The encoder block against a composition of Keras' layers."""

import h5py
import keras
import numpy as np
import pytest
from attention_checks import check_nothing_of_padding, with_padding

from nlpkit.errors import InputError
from nlpkit.layers.encoder_block import EncoderBlock
from nlpkit.layers.position_embedding import PositionEmbedding
from nlpkit.layers.sine_positions import SinePositions

RANDOM = np.random.default_rng(0)
STEPS = RANDOM.normal(size=(3, 6, 8)).astype("float32")
MASK = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0]], bool)
OPTIONS = [
    {"dropout": 0.1},
    {"norm": "post", "activation": "relu"},
    {"activation": "swiglu", "positions": "rotary"},
    {"norm": "post", "positions": "relative"},
]


def filled(block, *inputs):
    """Calls a block once and fills all its weights, those of the norms too."""
    random = np.random.default_rng(1)
    block(*inputs)
    block.set_weights([random.normal(size=weight.shape) / 2 for weight in block.get_weights()])
    return block


def keras_parts(block):
    """Keras' layers with the weights of a block."""
    attention = keras.layers.MultiHeadAttention(2, 4)
    attention.build(STEPS.shape, STEPS.shape)
    norms = [keras.layers.LayerNormalization() for _ in range(2)]
    dense = [keras.layers.Dense(8, activation="gelu"), keras.layers.Dense(8)]
    ours = [block.attention, block.attention_norm, block.feedforward_norm, block.expand, block.contract]
    for layer, own in zip([attention, *norms, *dense], ours, strict=True):
        if not layer.built:
            layer.build(STEPS.shape)
        layer.set_weights(own.get_weights())
    return attention, *norms, lambda x: dense[1](dense[0](x))


def by_keras(block, x):
    """Outputs and weights."""
    attention, first, second, dense = keras_parts(block)
    options = {"attention_mask": MASK[:, None], "return_attention_scores": True}
    if block.norm == "pre":
        attended, weights = attention(first(x), first(x), **options)
        x = x + attended
        return x + dense(second(x)), weights
    attended, weights = attention(x, x, **options)
    x = first(x + attended)
    return second(x + dense(x)), weights


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_equals_keras_layers(norm):
    block = filled(EncoderBlock(2, 8, norm=norm), STEPS)
    outputs, weights = block(STEPS, mask=MASK, return_attention_scores=True)
    expected, expected_weights = by_keras(block, STEPS)
    real = MASK[:, :, None]
    np.testing.assert_allclose(outputs * real, expected * real, atol=1e-5)
    np.testing.assert_allclose(weights, expected_weights * real[:, None], atol=1e-5)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_padding_may_hold_anything_and_gives_zeros(options):
    block = filled(EncoderBlock(2, 8, **options), STEPS)
    for mask in (MASK, MASK[:, ::-1]):
        check_nothing_of_padding(block, lambda x, m=mask: block(with_padding(STEPS, m, x), mask=m), mask)
        assert not np.asarray(block(STEPS, mask=mask))[~mask].any()


@pytest.mark.parametrize("positions", ["learned", "sine", "rotary", "relative"])
def test_padding_before_a_row_changes_nothing(positions):
    block = filled(EncoderBlock(2, 8, positions=positions if positions[0] == "r" else None), STEPS)
    first = {"learned": PositionEmbedding(5), "sine": SinePositions()}.get(positions)

    def run(steps, mask=None):
        return np.asarray(block(steps if first is None else first(steps, mask=mask), mask=mask))

    left = np.concatenate([STEPS[1:2, 3:], STEPS[1:2, :3]], axis=1)
    alone = run(STEPS[1:2, :3])[0]
    for steps, mask in ((STEPS[1:2], MASK[1:2]), (left, ~MASK[1:2])):
        np.testing.assert_allclose(run(steps, mask)[mask], alone, atol=1e-5)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_rows_without_a_real_token_give_zeros(options):
    block = filled(EncoderBlock(2, 8, **options), STEPS)
    outputs = np.asarray(block(STEPS, mask=MASK & np.array([[1], [0], [1]], bool)))
    assert not outputs[1].any() and outputs[0].any()
    np.testing.assert_allclose(outputs[[0, 2]], np.asarray(block(STEPS, mask=MASK))[[0, 2]], atol=1e-5)


def test_dropout_is_for_training_only():
    block = filled(EncoderBlock(2, 8, dropout=0.5), STEPS)
    np.testing.assert_array_equal(block(STEPS), block(STEPS))
    assert np.abs(block(STEPS, training=True) - block(STEPS)).max() > 0.1


def test_files_keep_the_names_of_the_first_version(tmp_path):
    """Its attention was Keras' layer, and it had the dense layers as its own."""
    source = keras.Input((None, 8))
    model = keras.Model(source, EncoderBlock(2, 8, name="block")(source))
    model.save_weights(tmp_path / "model.weights.h5")
    names = []
    with h5py.File(tmp_path / "model.weights.h5") as file:
        file.visit(names.append)
    found = {
        name.removeprefix("layers/encoder_block/").removesuffix("/vars/0")
        for name in names
        if name.endswith("0")
    }
    projections = {f"attention/{name}_dense" for name in ("query", "key", "value", "output")}
    assert found == {"attention_norm", "feedforward_norm", "expand", "contract"} | projections


def test_unknown_norm():
    with pytest.raises(InputError, match=r"`norm` must be one of \['pre', 'post'\]. Received: norm='batch'"):
        EncoderBlock(2, 8, norm="batch")
