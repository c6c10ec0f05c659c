"""The table of all blocks: that docs/export.md has every one, and how differences are found and written."""

import inspect

import common
import export_blocks
import export_matrix
import keras
import numpy as np
import pytest

from nlpkit import layers
from nlpkit.errors import InputError


def rows_of_docs():
    text = export_matrix.DOCS.read_text(encoding="utf-8")
    table = text.split(export_blocks.MARKS[0])[1].split(export_blocks.MARKS[1])[0]
    _, _, *rows = (line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("|"))
    return rows, [line for line in table.splitlines() if line.startswith("(")]


def test_the_docs_have_a_row_of_every_block_and_no_difference_that_counts():
    rows, notes = rows_of_docs()
    assert [name.strip("`") for name, *_ in rows] == list(export_blocks.BLOCKS)
    cells = [cell for _, *found in rows for cell in found]
    numbers = [float(cell) for cell in cells if not cell.startswith("—")]
    assert len(cells) == 3 * len(rows) and all(number <= 1e-5 for number in numbers)
    noted = {cell.removeprefix("— ") for cell in cells if cell.startswith("—")}
    assert noted == {note.split(" ")[0] for note in notes}


def test_every_layer_is_a_block():
    public = [getattr(layers, name) for name in layers.__all__]
    public = {
        each.__name__ for each in public if inspect.isclass(each) and issubclass(each, keras.layers.Layer)
    }
    assert public == {name.split("(")[0].split(".")[0] for name in export_blocks.BLOCKS}


def test_every_block_is_in_a_saved_model():
    rows, _ = rows_of_docs()
    assert not [name for name, saved_model, *_ in rows if saved_model.startswith("—")]


def test_only_missing_blocks_are_measured_if_asked(monkeypatch, tmp_path):
    monkeypatch.setattr(common, "RESULTS", tmp_path)
    known, *missing = export_blocks.QUICK
    row, measured = dict.fromkeys(export_blocks.FORMATS, 0.25), []
    common.write_result("export_blocks_quick", {"date": "2020-02-02", "rows": {known: row}})
    monkeypatch.setattr(export_blocks, "differences", lambda name: measured.append(name) or row)
    monkeypatch.setattr("sys.argv", ["export_blocks.py", "--quick", "--missing"])
    export_blocks.main()
    assert measured == missing and missing
    found = common.read_result("export_blocks_quick")
    assert (found["date"], list(found["rows"])) == ("2020-02-02", list(export_blocks.QUICK))


def test_a_difference_is_over_one_where_the_number_is_larger():
    assert export_blocks.distance([[1.0, 200.0]], [[1.0, 100.0]]) == 1.0
    assert export_blocks.distance([0.5], [0.25]) == 0.25
    assert export_blocks.distance(np.array([True]), np.array([False])) == 1.0
    assert export_blocks.distance(np.zeros(3), np.zeros((1, 3))) == np.inf
    assert np.isnan(export_blocks.distance([np.nan], [0.0]))


def test_the_largest_difference_of_all_runs_is_found():
    asked = [[np.array([1.0, 4.0])], [np.array([2.0])]]
    block = export_blocks.Block(None, [], None, asked)
    expected = [{"y0": tensors[0]} for tensors in asked]

    def changed(by):
        return export_blocks._difference(lambda *_: lambda x0: {"y0": by(x0)}, block, expected)

    assert changed(lambda x: x) == 0.0
    assert changed(lambda x: x + 0.25) == 0.25
    assert np.isnan(changed(lambda x: np.where(x == 2.0, np.nan, x)))
    assert changed(lambda x: x[:1]) == np.inf


def test_what_was_said_is_written_in_short():
    def refuse(error):
        def export(block, folder):
            raise error

        return export_blocks._difference(export, None, None)

    lacking = "This model cannot be converted to TFLite: TFLite has no Erfc. Export it as a SavedModel"
    assert refuse(InputError(lacking)) == "This model cannot be converted to TFLite: TFLite has no Erfc"
    invalid = (
        "ONNX Runtime cannot run /a/b.onnx: In Node, x.y, Error Node(a/b/TensorListFromTensor) with schema"
    )
    assert refuse(InputError(invalid)) == "ONNX Runtime cannot run what tf2onnx makes of TensorListFromTensor"
    at_run = RuntimeError("failed to reshape runtimeNode number 60 (X) failed to prepare.")
    assert refuse(at_run) == "LiteRT cannot run it: failed to reshape runtime"


def test_a_reason_is_noted_once():
    rows = {"A()": {"TFLite": 1.2e-7, "ONNX": "no"}, "B()": {"TFLite": "neither", "ONNX": "no"}}
    lines, notes = export_blocks.lines_of(rows)
    assert lines == [["`A()`", "1e-7", "— (1)"], ["`B()`", "— (2)", "— (1)"]]
    assert notes == ["(1) no.", "(2) neither."]


@pytest.mark.parametrize("name", export_blocks.QUICK)
def test_a_block_in_every_format(name):
    found = export_blocks.differences(name)
    assert all(value <= 1e-5 for value in found.values()), found


@pytest.mark.slow
@pytest.mark.parametrize("name", export_blocks.BLOCKS)
def test_every_block_in_every_format(name):
    rows, _ = rows_of_docs()
    (shown,) = (cells for block, *cells in rows if block == f"`{name}`")
    found = export_blocks.differences(name)
    for cell, value in zip(shown, found.values(), strict=True):
        assert cell.startswith("—") if isinstance(value, str) else value <= 1e-5
