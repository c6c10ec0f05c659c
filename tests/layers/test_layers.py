"""Every layer and option keeps the contract in `tests/checks.py`, and none is missing from its table."""

import gc
import inspect

import keras
import pytest
from checks import check_case
from contract_case import constructor_arguments, differ
from contract_table import CASES

from nlpkit import layers

LAYERS = [
    each
    for each in (getattr(layers, name) for name in layers.__all__)
    if inspect.isclass(each) and issubclass(each, keras.layers.Layer)
]
# One row of each layer is traced in half precision too.
FIRST = {case.layer_class: case.name for case in reversed(CASES)}


@pytest.fixture(scope="module", autouse=True)
def garbage_is_collected_by_the_contract_alone():
    gc.disable()
    yield
    gc.unfreeze()
    gc.enable()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_contract(case):
    # Looking for garbage among all that the rows before have left would take half of a row's time.
    gc.freeze()
    check_case(case, trace_halves=case.name == FIRST[case.layer_class])


@pytest.mark.parametrize("layer_class", LAYERS, ids=lambda each: each.__name__)
def test_every_layer_and_constructor_argument_has_a_row(layer_class):
    rows = [case.arguments for case in CASES if case.layer_class is layer_class]
    assert rows, f"add {layer_class.__name__} to contract_table.py"
    for name, default in constructor_arguments(layer_class).items():
        assert any(name in row and differ(row[name], default) for row in rows), (
            f"add a row to contract_table.py in which `{name}` of {layer_class.__name__} is not its default"
        )


def test_every_row_has_a_name_of_its_own_and_every_exception_a_reason():
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names), "two rows are the same"
    assert all(reason for case in CASES for reason in case.exceptions.values())
