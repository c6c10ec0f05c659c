"""Each layer beside the Keras layer that it replaces: seconds of the forward pass and of a training step.

Both sides have the same weights and inputs, the same dtype, and run as `tf.function`s in one process, by turns; the
ratio is that of the medians, below 1 where nlpkit is faster. Equal sides differ by up to a tenth from process to
process, so that pairs with a ratio near its limit are measured in more processes, of which the median counts. A
training step is the loss and its gradients by all
weights and by the inputs, which have an embedding before them. What both compute is compared first.
Run from the repository root: python benchmarks/layer_speed.py
"""

import argparse
import os
import time
from statistics import median

from common import RESULTS, apart, header, machine, met, print_table, read_result, result_name, write_result

import nlpkit  # noqa: F401  before TensorFlow, for which it turns oneDNN on

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

BATCHES, LENGTHS = (1, 64), (50, 200)
SIZES = [(batch, length) for batch in BATCHES for length in LENGTHS]
QUICK_SIZES = [(1, 3), (2, 5)]
LIMIT = 1.05
# Of one row the loop over time is nearly all there is; compiled by XLA it should take half the time.
XLA, XLA_LIMIT = "forward, XLA", 0.5
# By turns: as often as it takes for the median to stand still, quick ones more often.
WARM_UP, LEAST, MOST, SECONDS = 2, 15, 1001, 1.0
# Processes for a pair with a ratio of more than this part of its limit.
ROUNDS, NEAR = 5, 0.9
TOLERANCE = 1e-3


def measure_in_rounds(names, quick):
    """Times pairs in processes of their own; see above. One row per pair, pass and size."""
    rounds = [apart(measure, names=names, quick=quick)["rows"]]
    near = [row["layer"] for row in rounds[0] if row["ratio"] > NEAR * row["limit"]]
    near = [] if quick else list(dict.fromkeys(near))
    rounds += [apart(measure, names=near, quick=quick)["rows"] for _ in range(ROUNDS - 1) if near]
    return [middle([row for rows in rounds for row in rows if same_row(row, first)]) for first in rounds[0]]


def same_row(row, other):
    return all(row[key] == other[key] for key in ("layer", "pass", "batch", "length"))


def middle(found):
    """One row of those that several processes gave: medians."""
    numbers = {key: median(row[key] for row in found) for key in ("own_ms", "peer_ms", "ratio")}
    within = met(numbers["ratio"], found[0]["limit"], at_least=False)
    return {**found[0], **numbers, "met": within, "ratios": [row["ratio"] for row in found]}


def measure(names, quick):
    """Times pairs in this process; one row per pair, pass and size."""
    from layer_pairs import Sizes
    from layer_peers import PAIRS

    sizes = Sizes(units=16, words=50, many_words=100) if quick else Sizes()
    rows = []
    for name in names:
        peer, make = PAIRS[name]
        pair = make(sizes)
        for kind in pair.passes:
            functions = [
                function(pair.own, pair, kind, sizes, compiled=kind == XLA),
                function(pair.peer, pair, kind, sizes),
            ]
            for batch, length in QUICK_SIZES if quick else SIZES:
                few = pair.most_steps is None or batch * length <= pair.most_steps
                if few and (kind != XLA or batch == 1):
                    what = {"layer": name, "peer": peer, "pass": kind, "batch": batch, "length": length}
                    rows.append({**what, **compare(name, functions, pair, sizes, what, quick)})
    return {"rows": rows}


def function(side, pair, kind, sizes, compiled=False):
    """The forward pass or the training step of a side, as a `tf.function` for all sizes, perhaps compiled by XLA."""
    import tensorflow as tf
    from layer_pairs import make_inputs

    def forward(given):
        return side.forward(given, training=False)

    def training(given):
        floats = [value for value in given.values() if value.dtype.is_floating]
        with tf.GradientTape() as tape:
            tape.watch(floats)
            loss = side.training_loss(given)
        return loss, tape.gradient(loss, [*side.weights, *floats])

    examples = make_inputs(pair.inputs, 2, 3, sizes)
    signature = {
        name: tf.TensorSpec((None, None, *value.shape[2:]), value.dtype) for name, value in examples.items()
    }
    step = training if kind == "training" else forward
    return tf.function(step, input_signature=[signature], jit_compile=compiled or None)


def compare(name, functions, pair, sizes, what, quick):
    """Median milliseconds of both sides at one size, and their ratio."""
    from layer_pairs import make_inputs

    given = make_inputs(pair.inputs, what["batch"], what["length"], sizes)
    if what["pass"] != "training" and pair.same:
        check_same(name, *(function(given) for function in functions), given.get("mask"))
    seconds = by_turns(functions, given, 2 if quick else LEAST)
    own, peer = (median(each) for each in seconds)
    limit = XLA_LIMIT if what["pass"] == XLA else LIMIT
    return {
        "own_ms": round(1000 * own, 4),
        "peer_ms": round(1000 * peer, 4),
        "ratio": round(own / peer, 3),
        "repetitions": len(seconds[0]),
        "limit": limit,
        "met": met(own / peer, limit, at_least=False),
    }


def by_turns(functions, given, least):
    """Seconds of each call of each function, the functions taking turns."""
    for each in functions:
        for _ in range(WARM_UP):
            each(given)
    seconds = [[] for _ in functions]
    while len(seconds[0]) < least or (sum(map(sum, seconds)) < SECONDS and len(seconds[0]) < MOST):
        for each, found in zip(functions, seconds, strict=True):
            start = time.perf_counter()
            each(given)
            found.append(time.perf_counter() - start)
    return seconds


def check_same(name, own, peer, mask):
    """Ends the run where both sides do not compute the same at the real steps."""
    import numpy as np

    difference = np.abs(own.numpy() - peer.numpy())
    if mask is not None and difference.ndim == 3:
        difference = difference[mask.numpy()]
    if not difference.max() < TOLERANCE * np.abs(peer).max():
        raise SystemExit(f"{name}: both sides should compute the same, but differ by {difference.max():.2g}")


def table(rows):
    """The columns, and one line per pair and pass: the ratio at each size and nlpkit's milliseconds."""
    sizes = list(dict.fromkeys((row["batch"], row["length"]) for row in rows))
    columns = ["layer", "Keras", "pass", *(f"{batch} × {length}" for batch, length in sizes), "limit", "met"]
    lines = {}
    for row in rows:
        lines.setdefault((row["layer"], row["peer"], row["pass"]), []).append(row)
    found = [columns]
    for names, line in lines.items():
        cells = {(row["batch"], row["length"]): f"{row['ratio']:.2f} ({row['own_ms']:.3g})" for row in line}
        limits = " / ".join(f"{limit:g}" for limit in dict.fromkeys(row["limit"] for row in line))
        all_met = met(all(row["met"] == "yes" for row in line), True)
        found.append([*names, *(cells.get(size) for size in sizes), limits, all_met])
    return found


def write_markdown(name, columns, lines, where):
    """Writes the table as benchmarks/results/<name>.md."""
    text = (
        "Time of nlpkit's layer / time of Keras', by batch × length; in brackets nlpkit's milliseconds. "
        "With XLA only nlpkit's side is compiled. "
        f"{where['cpus']} cores, load {where['load_average']}, TensorFlow {where['tensorflow']}, "
        f"Keras {where['keras']}.\n\n"
    )
    cells = [["" if cell is None else str(cell) for cell in line] for line in lines]
    for line in [columns, ["---"] * len(columns), *cells]:
        text += f"| {' | '.join(line)} |\n"
    (RESULTS / f"{name}.md").write_text(text, encoding="utf-8")


def catalogue():
    """Names of all pairs by layer, in the order of the table."""
    from layer_peers import PAIRS, layer_of

    layers = {}
    for name in PAIRS:
        layers.setdefault(layer_of(name), []).append(name)
    return layers


def chosen(layers, wanted):
    """The layers with these names, or all."""
    if unknown := sorted(set(wanted) - set(layers)):
        raise SystemExit(f"--layer must be among {', '.join(layers)}. Received: {', '.join(unknown)}")
    return {layer: names for layer, names in layers.items() if not wanted or layer in wanted}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layer", help="names of layers, separated by commas; default: all")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it works")
    options = parser.parse_args()
    name = result_name("layer_speed", options.quick)
    wanted = options.layer.split(",") if options.layer else []
    # Layers timed on their own replace their part of an earlier result.
    found = read_result(name).get("layers", {}) if wanted else {}
    where, layers = machine(), catalogue()
    for layer, names in chosen(layers, wanted).items():
        found[layer] = {**header(), "rows": measure_in_rounds(names, options.quick)}
        columns, *lines = ([line[0], *line[2:]] for line in table(found[layer]["rows"]))
        print_table(f"{layer}: time / time of Keras (ms)", columns, lines)
        write_result(name, {**header(), "layers": found})
    rows = [row for layer in layers for row in found.get(layer, {}).get("rows", [])]
    columns, *lines = table(rows)
    write_markdown(name, columns, lines, where)
    missed = [line for line in lines if line[-1] == "no"]
    print(f"{len(lines) - len(missed)} of {len(lines)} rows are within their limits.")
    for line in missed:
        print("not:", "; ".join(line[:3]))


if __name__ == "__main__":
    main()
