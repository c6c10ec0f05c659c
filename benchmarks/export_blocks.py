"""Every block, with each of its options, in every format; writes the table of docs/export.md.

The blocks and options are those that the tests hold to their contract (tests/layers/contract_table.py), and one step of
each that runs step by step (tests/layers/test_step_table.py). A graph of one row of any length is traced of each, with
inputs and masks as in the contract; it is converted and run in this process, on rows with and without padding. The
result is the largest difference from the Keras layer, over one where its number is larger; ids must be the same.
Run from the repository root: python benchmarks/export_blocks.py
"""

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from common import ROOT, header, print_table, read_result, result_name, write_result
from export_matrix import one_digit, write_docs

from nlpkit import layers
from nlpkit.errors import InputError
from nlpkit.export.lite_graphs import traced
from nlpkit.export.onnx_convert import convert_onnx
from nlpkit.export.tflite_convert import convert
from nlpkit.layers.dense_array import dense_arrays
from nlpkit.lite.interpreter import Interpreter
from nlpkit.lite.model_file import ModelFile
from nlpkit.lite.onnx_interpreter import OnnxInterpreter

sys.path.extend([str(ROOT / "tests"), str(ROOT / "tests" / "layers")])

from checks import shake
from contract_table import CASES
from test_step_table import ROWS_IN_A_LOOP, STEPS

QUICK = "Highway(gate_bias=-2.0)", "RecurrentBlock(units=3, cell=gru)"
MARKS = "<!-- blocks -->\n", "<!-- end of the blocks -->\n"


class Block(NamedTuple):
    """What is exported of a layer.

    Args:
        layer: The Keras layer.
        specs: List of `tf.TensorSpec`. The inputs of the graph.
        run: Gives a nest of tensors for a list of them.
        asked: List of lists of arrays that it is run on.
    """

    layer: keras.layers.Layer
    specs: list
    run: Callable
    asked: list


def of_case(case, method=None):
    """A layer of the contract, or what one of its methods gives: of each row, and of one with twice as much padding."""
    keras.utils.set_random_seed(1)
    layer, rows = case.make(), [case.call.row(number) for number in range(case.call.batch_size)]
    case.call.on(layer)
    shake(layer)
    specs = rows[0].symbolic(make=_of_one_row)

    def run(tensors):
        call = specs.filled(tensors)
        return call.on(layer) if method is None else getattr(layer, method)(call.inputs, call.mask)

    return Block(layer, specs.flat(), run, [call.flat() for call in (*rows, rows[1].padded())])


def _of_one_row(shape, dtype):
    """Of the axes that may be open the first is the batch."""
    return tf.TensorSpec(
        [1 if axis == 0 and size is None else size for axis, size in enumerate(shape)], dtype
    )


def of_step(row):
    """A step of a layer that runs step by step: the first, and one from the state after it."""
    layer = row.make()
    state = row.way.start(layer)

    def run(tensors):
        return layer.step(tensors[0], keras.tree.pack_sequence_as(state, tensors[1:]))

    first = keras.tree.flatten([STEPS[:, 0], state])
    second = keras.tree.flatten([STEPS[:, 1], run(first)[1]])
    return Block(layer, [tf.TensorSpec(x.shape, x.dtype) for x in first], run, [first, second])


def _name_of_step(row):
    options = ", ".join(f"{name}={getattr(each, '__name__', each)}" for name, each in row.arguments.items())
    return f"{row.layer_class.__name__}.step({options})"


OF_TAGS = next(case for case in CASES if case.layer_class is layers.CRF)
BLOCKS = {
    **{case.name: partial(of_case, case) for case in CASES},
    **{f"CRF.{method}()": partial(of_case, OF_TAGS, method) for method in ("decode", "marginals")},
    **{_name_of_step(row): partial(of_step, row) for row in ROWS_IN_A_LOOP},
}


def graph(block):
    """A traced function with inputs `x0` and so on and outputs `y0` and so on."""
    specs = _named("x", block.specs)
    return traced(lambda **given: _named("y", block.run([given[name] for name in specs])), **specs)


def _named(letter, nest):
    return {f"{letter}{number}": value for number, value in enumerate(keras.tree.flatten(nest))}


def saved_model(block, folder):
    """A block as a SavedModel that was loaded again."""
    module = tf.Module()
    module.weights = [variable.value for variable in block.layer.variables]
    tf.saved_model.save(module, folder, signatures={"run": graph(block)})
    signature = tf.saved_model.load(folder).signatures["run"]
    return lambda **inputs: signature(**{name: tf.constant(value) for name, value in inputs.items()})


def tflite(block, folder):
    """A block as a TFLite model, run by LiteRT."""
    model = convert(block.layer, {"run": graph(block)})
    return partial(Interpreter(ModelFile(model, {"stateful": False})), "run")


def onnx(block, folder):
    """A block as an ONNX graph, run by ONNX Runtime."""
    with dense_arrays():
        model = convert_onnx(graph(block))
    path = Path(folder) / "block.onnx"
    path.write_bytes(model.SerializeToString())
    return partial(OnnxInterpreter({"run": path}), "run")


FORMATS = {"SavedModel": saved_model, "TFLite": tflite, "ONNX": onnx}


def differences(name):
    """The largest difference of a block in each format; or what the export said."""
    block = BLOCKS[name]()
    expected = [_named("y", block.run(tensors)) for tensors in block.asked]
    # As `portable_model` does: what is exported holds no kernel of one device.
    for layer in block.layer._flatten_layers():
        if hasattr(layer, "use_cudnn"):
            layer.use_cudnn = False
    return {each: _difference(export, block, expected) for each, export in FORMATS.items()}


def _difference(export, block, expected):
    with tempfile.TemporaryDirectory(prefix="nlpkit-") as folder:
        try:
            run = export(block, folder)
            found = [run(**_named("x", tensors)) for tensors in block.asked]
        except InputError as error:
            return short(str(error))
        except RuntimeError as error:  # LiteRT's, of which nlpkit would say so before it leaves a file
            return short(f"LiteRT cannot run it: {error}")
    pairs = [(one[key], other[key]) for one, other in zip(found, expected, strict=True) for key in other]
    return float(np.max([distance(*pair) for pair in pairs]))  # NaN if there is one


def short(reason):
    """What was said, without files, numbers of nodes, and what to do."""
    node = re.search(r"Error Node\((?:.*/)?(\w+)\)", reason)
    if node:
        return f"ONNX Runtime cannot run what tf2onnx makes of {node.group(1)}"
    what, why = re.split(r"\. |Node number", reason)[0].split(": ", 1)
    return f"{what}: {why}"


def distance(found, expected):
    """The largest difference of two arrays, over one where the number is larger; infinite if shapes differ."""
    found, expected = (np.asarray(x).astype("float64") for x in (found, expected))
    if found.shape != expected.shape:
        return float("inf")
    return float((np.abs(found - expected) / np.maximum(1, np.abs(expected))).max(initial=0))


def lines_of(rows):
    """The lines of the table, and what the dashes in it stand for."""
    reasons = {}

    def shown(found):
        if isinstance(found, str):
            return f"— ({reasons.setdefault(found, len(reasons) + 1)})"
        return one_digit(found)

    lines = [[f"`{name}`", *map(shown, row.values())] for name, row in rows.items()]
    return lines, [f"({number}) {reason}." for reason, number in reasons.items()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two blocks, to see that it works")
    parser.add_argument(
        "--missing",
        action="store_true",
        help="only blocks that the result lacks; the others stay as they are",
    )
    options = parser.parse_args()
    quick, rows = options.quick, {}
    result = result_name("export_blocks", quick)
    kept = read_result(result) if options.missing else {}
    for name in QUICK if quick else BLOCKS:
        rows[name] = kept.get("rows", {}).get(name) or differences(name)
        print(name, rows[name], flush=True)
    write_result(result, {**header(), **kept, "rows": rows})
    columns, (lines, reasons) = ["block", *FORMATS], lines_of(rows)
    print_table("Largest difference", columns, lines)
    print(*reasons, sep="\n")
    if not quick:
        write_docs(columns, lines, MARKS, reasons)


if __name__ == "__main__":
    main()
