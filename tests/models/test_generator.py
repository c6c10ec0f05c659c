import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.models import build_generator

OPTIONS = {
    "lstm": {},
    "gru, untied": {"cell": "gru", "tie": False},
    "rnn, projection": {"cell": "rnn", "embedding_dim": 6},
    "one layer": {"num_layers": 1},
    "residual": {"num_layers": 3, "residual": True},
    "dropouts": {"dropout": 0.3, "embedding_dropout": 0.1, "recurrent_dropout": 0.2, "weight_drop": 0.2},
    "variational": {"dropout": 0.3, "variational": True},
    "adaptive": {"cutoffs": [10, 20]},
    "nplm": {"cell": "nplm", "window": 3},
    "nplm, direct": {"cell": "nplm", "direct": True},
    "nplm, direct, untied": {"cell": "nplm", "direct": True, "tie": False},
    "transformer": {"cell": "transformer", "num_heads": 2},
}
IDS = np.random.default_rng(0).integers(1, 30, (3, 7)).astype("int32")


@pytest.fixture(params=OPTIONS, scope="module")
def network(request):
    keras.utils.set_random_seed(0)
    return build_generator(30, **{"units": 8, **OPTIONS[request.param]})


def test_steps_give_what_the_whole_sequence_gives(network):
    state, found = network.initial_state(3, max_length=7), []
    for token_ids in IDS.T:
        logits, state = network.step(token_ids, state)
        found.append(logits)
    np.testing.assert_allclose(np.stack(found, axis=1), network(IDS), atol=1e-5)


def test_the_state_of_a_segment_starts_the_next(network):
    if not network.carries_state:
        assert network.segment_state(3) == []
        return
    whole, _ = network.hidden(IDS)
    first, state = network.hidden(IDS[:, :4])
    second, _ = network.hidden(IDS[:, 4:], state)
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), whole, atol=1e-6)
    again, _ = network.hidden(IDS[:, 4:], network.segment_state(3))
    assert not np.allclose(again, second)


def test_padding_changes_nothing(network):
    padded = np.pad(IDS, [(0, 0), (0, 3)])
    np.testing.assert_allclose(network(padded)[:, :7], network(IDS), atol=1e-6)
    targets = np.where(padded, 5, 0)
    losses = network.losses_of(network.hidden(padded)[0], targets)
    np.testing.assert_allclose(
        losses[:, :7], network.losses_of(network.hidden(IDS)[0], targets[:, :7]), atol=1e-5
    )
    assert not np.any(losses[:, 7:])


def test_without_padding_the_mask_is_left_out_and_the_result_is_the_same(network):
    np.testing.assert_allclose(network.hidden(IDS, padded=False)[0], network.hidden(IDS)[0], atol=1e-6)


def test_losses_are_those_of_keras(network):
    targets = np.roll(IDS, -1, axis=1)
    expected = keras.losses.sparse_categorical_crossentropy(targets, network(IDS), from_logits=True)
    np.testing.assert_allclose(network.losses_of(network.hidden(IDS)[0], targets), expected, atol=1e-5)


def test_a_saved_network_is_the_same(network, tmp_path):
    network.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(IDS), network(IDS))
    assert loaded.get_config() == network.get_config()


def test_it_is_trained_with_dropout(network):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(network.losses_of(network.hidden(IDS, training=True)[0], IDS))
    gradients = tape.gradient(loss, network.trainable_weights)
    assert all(gradient is not None for gradient in gradients)
    one, other = (np.asarray(network(IDS, training=True)) for _ in range(2))
    given = r"'(?:dropout|embedding_dropout|recurrent_dropout|weight_drop)': 0\.[1-9]"
    rates = re.findall(given, str(network.get_config()))
    assert np.any(one != other) == bool(rates)


@pytest.mark.parametrize(("units", "heads"), [(200, 5), (64, 2), (30, 1)])
def test_any_width_has_heads_that_rotary_positions_can_turn(units, heads):
    assert build_generator(30, cell="transformer", units=units).body.blocks[0].num_heads == heads


def test_an_odd_width_cannot_be_turned():
    with pytest.raises(InputError, match="the size of a head must be even. Received: key_dim=33"):
        build_generator(30, cell="transformer", units=33)


def test_causality():
    network = build_generator(30, cell="transformer", units=8, num_heads=2)
    changed = IDS.copy()
    changed[:, 4:] = 1
    np.testing.assert_allclose(network(changed)[:, :4], network(IDS)[:, :4], atol=1e-6)


def test_the_number_of_weights_is_that_of_the_paper():
    # Zaremba et al., 2014: 10,000 words, two layers of 200: an embedding, 2 × 4 (200 + 200 + 1) 200, and the output.
    network = build_generator(10_000, units=200, num_layers=2, tie=False)
    assert network.count_params() == 10_000 * 200 + 2 * 4 * 401 * 200 + 201 * 10_000
    tied = build_generator(10_000, units=200, num_layers=2)
    assert network.count_params() - tied.count_params() == 10_000 * 200


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cell": "cnn"}, r"`cell` must be one of \['gru', 'lstm', .*Received: cell='cnn'"),
        (
            {"cell": "nplm", "weight_drop": 0.5},
            "`weight_drop` is an option of gru, lstm, rnn. .*Leave it out",
        ),
        ({"direct": True}, "`direct` is an option of nplm. Received: cell='lstm', direct=True"),
        (
            {"cell": "transformer", "embedding_dim": 4},
            "as wide as its layers. Received: units=8, embedding_dim=4",
        ),
        ({"window": 9}, "`window` is an option of nplm. Received: cell='lstm', window=9. Leave it out"),
        ({"num_heads": 0}, "`num_heads` is an option of transformer. Received: cell='lstm', num_heads=0"),
        (
            {"cell": "nplm", "num_layers": 3},
            "over a window has one layer. Received: cell='nplm', num_layers=3. Leave `num_layers` out",
        ),
        (
            {"cutoffs": [10], "tie": True},
            r"there is nothing to tie. Received: cutoffs=\[10\], tie=True. Leave out one of them",
        ),
    ],
)
def test_what_does_not_fit_is_said(options, message):
    with pytest.raises(InputError, match=message):
        build_generator(30, **{"units": 8, **options})


@pytest.mark.parametrize("cell", ["nplm", "transformer"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("variational", True),
        ("recurrent_dropout", 0.1),
        ("weight_drop", 0.1),
        ("residual", True),
        ("use_cudnn", False),
    ],
)
def test_what_only_recurrent_layers_have_a_use_for_is_refused(cell, name, value):
    message = (
        f"`{name}` is an option of gru, lstm, rnn. Received: cell='{cell}', {name}={value}. Leave it out, or"
    )
    with pytest.raises(InputError, match=message):
        build_generator(30, cell=cell, units=8, **{name: value})


def test_what_is_given_as_it_is_anyway_is_no_mistake():
    network = build_generator(
        30, cell="nplm", units=8, variational=False, recurrent_dropout=0, num_heads=None, use_cudnn="auto"
    )
    assert network.vocabulary_size == 30


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("cell", ["lstm", "transformer", "nplm"])
def test_in_mixed_precision_the_logits_stay_whole(cell, policy):
    keras.utils.set_random_seed(0)
    half = build_generator(30, cell=cell, units=8, dtype=policy)
    whole = build_generator(30, cell=cell, units=8)
    whole.set_weights(half.get_weights())
    assert half(IDS).dtype == "float32" and half.embedding.compute_dtype == policy.removeprefix("mixed_")
    np.testing.assert_allclose(half(IDS), whole(IDS), atol=0.03)
    logits, _ = half.step(IDS[:, 0], half.initial_state(3, 5))
    assert logits.dtype == "float32"
