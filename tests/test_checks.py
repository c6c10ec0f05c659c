"""Each rule of the contract fails for a layer that breaks it, and for no other reason."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from broken_layers import (
    BROKEN,
    GivesZeros,
    KeepsATensor,
    KeepsATensorInAFunction,
    NeedsAKnownBatch,
    Scaled,
    TakesTheLengthForTheLastStep,
    TakesTheStepBefore,
)
from checks import check_case, check_layer
from contract_case import Case, constructor_arguments
from graph_checks import assert_nothing_leaked, check_gradients, check_step_changes_weights
from layer_calls import LayerCall

STEPS = np.random.default_rng(0).normal(size=(3, 4, 2)).astype("float32")
MASK = np.arange(4) < np.array([[4], [2], [1]])
IDS = np.where(MASK, 5, 0).astype("int32")


def test_a_layer_that_keeps_the_contract():
    check_layer(Scaled, {"factor": 2.0}, STEPS, mask=MASK)


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_a_layer_that_breaks_one_rule(broken):
    with pytest.raises(AssertionError, match=BROKEN[broken]):
        check_layer(broken, {"factor": 2.0}, STEPS, mask=MASK)


def test_a_layer_that_cannot_be_traced():
    with pytest.raises((TypeError, ValueError)):
        check_layer(NeedsAKnownBatch, {}, STEPS, mask=MASK)


@pytest.mark.parametrize("broken", [KeepsATensor, KeepsATensorInAFunction])
def test_a_leak_that_comes_with_a_symbolic_call(broken):
    layer = broken()
    layer(STEPS)
    assert_nothing_leaked(layer)
    layer.last = layer.again = keras.KerasTensor((2,))
    with pytest.raises(AssertionError, match="that the layer keeps"):
        assert_nothing_leaked(layer)


def test_trains_says_whether_there_are_weights():
    with pytest.raises(AssertionError, match="whether there are weights to train is True, not False"):
        check_layer(Scaled, {}, STEPS, mask=MASK, trains=False)


def test_an_exception_has_to_be_one():
    case = Case(GivesZeros, {}, LayerCall(STEPS, MASK), exceptions={"no row is zero": "it gives zeros"})
    with pytest.raises(AssertionError, match="scale has a gradient of 0.0"):  # what comes after
        check_case(case)
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        check_case(Case(Scaled, {}, LayerCall(STEPS, MASK), exceptions=case.exceptions))


@pytest.mark.parametrize(
    ("layer_class", "padding"),
    [(TakesTheLengthForTheLastStep, ("right",)), (TakesTheStepBefore, ("right", "left"))],
)
def test_padding_stands_where_a_case_says(layer_class, padding):
    check_layer(layer_class, {"factor": 2.0}, STEPS, mask=MASK, padding=padding)


def test_unreached_weights_have_no_gradient():
    layer = Scaled()
    layer(STEPS)
    with pytest.raises(AssertionError, match="scale has a gradient"):
        check_gradients(layer, STEPS, MASK, ("scale",))


def test_a_step_that_changes_nothing():
    layer = Scaled()
    layer(STEPS)
    with pytest.raises(AssertionError, match="scale did not change"):
        check_step_changes_weights(layer, [tf.zeros(2)], ())
    check_step_changes_weights(layer, [tf.ones(2)], ())


def test_arguments_of_a_constructor():
    assert constructor_arguments(Scaled) == {"factor": 1.0}
    assert constructor_arguments(type("Plain", (keras.layers.Layer,), {})) == {}


def test_calls_of_every_form():
    class Sum(keras.layers.Layer):
        supports_masking = True

        def compute_mask(self, inputs, mask=None):
            return None

        def call(self, first, second=None, mask=None, second_mask=None, third=0.0):
            parts = first if isinstance(first, list) else [first, second]
            return sum(parts), mask, second_mask, third

    by_name = LayerCall(
        {"first": STEPS, "second": 2 * STEPS}, {"first": MASK, "second": ~MASK}, {"third": 4.0}
    )
    total, mask, second_mask, third = by_name.on(Sum())
    np.testing.assert_allclose(total, 3 * STEPS)
    assert (mask == MASK).numpy().all() and (second_mask == ~MASK).numpy().all() and third == 4.0
    total, masks, _, _ = LayerCall.of([STEPS, STEPS], MASK).on(Sum())
    np.testing.assert_allclose(total, 2 * STEPS)
    assert masks[0] is None and (masks[1] == MASK).numpy().all()
    total, mask, _, third = LayerCall({"first": STEPS, "second": STEPS}).on(Sum(), third=1.0)
    assert mask is None and third == 1.0


def test_padding_is_added_and_changed_while_real_steps_stay():
    call = LayerCall([STEPS, STEPS], [None, MASK]).padded()
    unmasked, masked = call.inputs
    assert unmasked is STEPS or (unmasked == STEPS).all()
    assert masked.shape == (3, 8, 2) and call.mask[1].tolist() == np.pad(MASK, [(0, 0), (0, 4)]).tolist()
    np.testing.assert_array_equal(masked[:, :4][MASK], STEPS[MASK])
    assert (masked[:, :4][~MASK] == 7).all() and (masked[:, 4:] == 7).all()
    ids = LayerCall(IDS).padded().inputs
    np.testing.assert_array_equal(ids, np.pad(IDS, [(0, 0), (0, 4)]))


@pytest.mark.parametrize(
    ("where", "steps"), [("right", [0, 1, 2, 3]), ("left", [4, 5, 6, 7]), ("gaps", [1, 3, 5, 7])]
)
def test_padding_stands_right_left_or_between_the_steps(where, steps):
    call = LayerCall({"inputs": STEPS, "ids": IDS}, {"inputs": MASK}).padded(where, np.nan)
    expected = np.zeros((3, 8), bool)
    expected[:, steps] = MASK
    np.testing.assert_array_equal(call.mask["inputs"], expected)
    np.testing.assert_array_equal(call.inputs["inputs"][expected], STEPS[MASK])
    np.testing.assert_array_equal(np.isnan(call.inputs["inputs"]).all(axis=2), ~expected)
    np.testing.assert_array_equal(call.inputs["ids"][:, steps], IDS)
    np.testing.assert_array_equal(call.inputs["ids"] > 0, expected)


def test_rows_open_shapes_and_real_steps():
    call = LayerCall({"inputs": STEPS, "table": STEPS[0]}, {"inputs": MASK}, unbatched=("table",))
    assert call.batch_size == 3 and call.real is MASK
    row = call.row(1)
    assert [x.shape for x in row.flat()] == [(1, 4, 2), (4, 2), (1, 4)]
    assert [x.shape for x in call.symbolic().flat()] == [(None, None, 2), (4, 2), (None, None)]
    assert [x.shape for x in call.symbolic(open_axes=False).flat()] == [(3, 4, 2), (4, 2), (3, 4)]
    np.testing.assert_array_equal(LayerCall(IDS).real, MASK)
    assert LayerCall([STEPS[:, 0]]).real is None
