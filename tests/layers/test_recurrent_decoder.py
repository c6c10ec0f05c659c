"""A decoder of several layers against its layers put together by hand, with what each of them is to see."""

import keras
import numpy as np
import pytest

from nlpkit.errors import InputError
from nlpkit.layers import AttentionDecoder, RecurrentBlock, RecurrentDecoder

RANDOM = np.random.default_rng(0)
STEPS = RANDOM.normal(size=(3, 5, 4)).astype("float32")
CONTEXT = RANDOM.normal(size=(3, 6, 7)).astype("float32")
RESULT = RANDOM.normal(size=(3, 2)).astype("float32")
MASK = np.array([[1] * 5, [1, 1, 1, 0, 0], [1, 0, 0, 0, 0]], bool)
CONTEXT_MASK = np.array([[1] * 6, [1, 1, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0]], bool)
UNITS = 6
TABLE = [
    {},
    {"num_layers": 4, "residual": True, "cell": "gru"},
    {"num_layers": 2, "peeky": True, "cell": "rnn"},
    {"attention": "additive"},
    {"num_layers": 2, "attention": "general", "peeky": True},
    {"num_layers": 3, "attention": "additive", "input_feeding": True, "residual": True},
    {"num_layers": 4, "attention": "additive", "input_feeding": "context", "residual": True, "cell": "gru"},
    {"num_layers": 2, "attention": "multi_head", "input_feeding": "context", "peeky": True},
]


def built(**options):
    decoder = RecurrentDecoder(UNITS, **options)
    decoder.build(STEPS.shape, CONTEXT.shape, RESULT.shape)
    random = np.random.default_rng(1)
    decoder.set_weights([random.normal(size=weight.shape, scale=0.5) for weight in decoder.get_weights()])
    return decoder


def states_of(decoder):
    random = np.random.default_rng(2)
    return [
        [random.normal(size=(3, size)).astype("float32") for size in sizes] for sizes in decoder.state_sizes
    ]


def by_hand(decoder, states, attention=None, input_feeding=False, peeky=False, residual=False, **_):
    """The layers one by one: each sees the one below, the context of the step if it is fed, and the result."""
    result = np.repeat(RESULT[:, None], STEPS.shape[1], axis=1)
    attends = None if attention is None else 0 if input_feeding else decoder.num_layers - 1
    x, weights = STEPS, None
    for number, (layer, state) in enumerate(zip(decoder.layers, states, strict=True)):
        parts = [x]
        if input_feeding and number > 0:
            parts.append(weights @ CONTEXT)
        if peeky:
            parts.append(result)
        read = np.concatenate(parts, axis=-1)
        if number == attends:
            assert isinstance(layer, AttentionDecoder)
            found, weights = layer(
                [read, CONTEXT, *state], mask=[MASK, CONTEXT_MASK], return_attention_scores=True
            )
            weights = weights.numpy()
        else:
            assert isinstance(layer, RecurrentBlock)
            found, *_ = layer(read, mask=MASK, initial_state=state)
        x = found.numpy() + x if residual and number >= 2 else found.numpy()
    return np.concatenate([x, result], axis=-1) if peeky else x, weights


@pytest.mark.parametrize("options", TABLE, ids=str)
def test_it_is_its_layers_put_together(options):
    decoder = built(**options)
    states = states_of(decoder)
    expected, weights = by_hand(decoder, states, **options)
    given = {"mask": MASK, "context_mask": CONTEXT_MASK, "states": states}
    outputs, found = decoder(STEPS, CONTEXT, RESULT, return_attention_scores=True, **given)
    np.testing.assert_allclose(outputs.numpy()[MASK], expected[MASK], atol=1e-5)
    assert not outputs.numpy()[~MASK].any()
    np.testing.assert_array_equal(decoder(STEPS, CONTEXT, RESULT, **given), outputs)
    if weights is None:
        assert found is None
    else:
        np.testing.assert_allclose(found, weights, atol=1e-6)
    # Step by step, with the weights of each step in the state.
    state = decoder.initial_state(3, CONTEXT, RESULT, CONTEXT_MASK, states)
    for time in range(5):
        output, state = decoder.step(STEPS[:, time], state)
        real = MASK[:, time]
        np.testing.assert_allclose(output.numpy()[real], expected[:, time][real], atol=1e-5)
        seen = decoder.attention_scores(state)
        assert (seen is None) == (weights is None)
        if seen is not None:
            np.testing.assert_allclose(seen.numpy()[real], weights[:, time][real], atol=1e-5)
    assert len(decoder.kernel_report()) == len(decoder.layers)


def test_without_states_it_begins_with_zeros():
    decoder = built(num_layers=2, attention="additive")
    zeros = [[np.zeros((3, UNITS), "float32")] * 2] * 2
    np.testing.assert_array_equal(decoder(STEPS, CONTEXT), decoder(STEPS, CONTEXT, states=zeros))
    first, zero = decoder.initial_state(3, CONTEXT), decoder.initial_state(3, CONTEXT, states=zeros)
    for own, other in zip(keras.tree.flatten(first), keras.tree.flatten(zero), strict=True):
        np.testing.assert_array_equal(own, other)


def test_dropout_is_for_training_alone():
    decoder, plain = built(num_layers=2, dropout=0.5), built(num_layers=2)
    np.testing.assert_array_equal(decoder(STEPS), plain(STEPS))
    dropped = decoder(STEPS, training=True).numpy()
    assert 0.2 < np.mean(dropped == 0) < 0.8


def test_masks_are_handed_over_in_a_model_and_padding_of_the_context_may_hold_anything():
    decoder = built(num_layers=2, attention="additive", input_feeding=True)
    given = [STEPS * MASK[:, :, None], CONTEXT * CONTEXT_MASK[:, :, None]]
    sources = [keras.Input((None, 4)), keras.Input((None, 7))]
    model = keras.Model(sources, decoder(*(keras.layers.Masking()(source) for source in sources)))
    masks = {"mask": MASK, "context_mask": CONTEXT_MASK}
    expected = decoder(STEPS, CONTEXT, **masks)
    np.testing.assert_allclose(model(given), expected, atol=1e-6)
    broken = np.where(CONTEXT_MASK[:, :, None], CONTEXT, np.nan)
    np.testing.assert_array_equal(decoder(STEPS, broken, **masks), expected)


def test_the_sizes_of_its_states():
    assert RecurrentDecoder(4, 2).state_sizes == [[4, 4], [4, 4]]
    assert RecurrentDecoder(4, 1, "gru").state_sizes == [[4]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_layers": 0}, "`num_layers` must be at least 1. Received: num_layers=0"),
        (
            {"input_feeding": "context"},
            "`input_feeding` feeds what was attended to .* Received: input_feeding='context' without `attention`. Give",
        ),
        (
            {"residual": True, "num_layers": 2},
            "`residual` is about the third layer .* Received: num_layers=2. Leave it out, or take more layers",
        ),
        (
            {"attention": "additive", "input_feeding": 2},
            "`input_feeding` must be one of .* Received: input_feeding=2",
        ),
        ({"attention": "self"}, "`attention` must be one of .*'multi_head'.* Received: attention='self'"),
    ],
)
def test_options_that_cannot_be_used(options, message):
    with pytest.raises(InputError, match=message):
        RecurrentDecoder(4, **options)


@pytest.mark.parametrize(
    ("options", "given", "message"),
    [
        (
            {"attention": "additive"},
            {},
            "With `attention` a `context` of the encoder is needed. Received: context=None",
        ),
        ({"peeky": True}, {}, "With `peeky=True` a `result` of the encoder is needed. Received: result=None"),
        ({"peeky": True, "attention": "dot"}, {"result": RESULT}, "a `context` of the encoder is needed"),
    ],
)
def test_what_a_decoder_needs_of_its_encoder(options, given, message):
    with pytest.raises(InputError, match=message):
        RecurrentDecoder(4, **options)(STEPS, **given)
    with pytest.raises(InputError, match=message):
        built(**{**options, "attention": options.get("attention") and "additive"}).initial_state(3, **given)
