"""The copy task: a neural Turing machine beside an LSTM with as many weights.

Both learn on batches of random 8-bit patterns, 1 to 10 of them in a sequence, and are tested on new sequences of 10
and of 20. The machine stops once it has done clearly better than asked three times in a row, the LSTM goes on to the
last step. Two pictures go to docs/images: the learning curves, and where the machine's heads point.
Run from the repository root: python benchmarks/ntm_copy.py
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from common import ROOT, apart, header, met, print_table, result_name, write_result

BITS, BATCH_SIZE, LONGEST = 8, 32, 10
GOALS = {10: 0.99, 20: 0.95}
ENOUGH = {10: 0.9999, 20: 0.995}  # three times in a row on the validation sequences
STEPS, EVERY, TESTED = 5000, 50, 1000
# A controller so small that it cannot keep the patterns itself; one of 100 units tries that first, and takes longer.
CONTROLLER_UNITS = 32
LSTM_UNITS = 48  # a few weights more than the machine has
COLORS = {"ntm": "#2563eb", "lstm": "#94a3b8"}
NAMES = {"ntm": "NTM", "lstm": "LSTM"}


def build(network):
    """Inputs `(batch, time, bits + 2)` to logits `(batch, time, bits)`."""
    import keras

    from nlpkit.layers.ntm_cell import NTMCell

    inputs = keras.Input((None, BITS + 2))
    if network == "ntm":
        layer = keras.layers.RNN(
            NTMCell(CONTROLLER_UNITS, memory_slots=64), return_sequences=True, name="ntm"
        )
    else:
        layer = keras.layers.LSTM(LSTM_UNITS, return_sequences=True, use_cudnn=False, name="lstm")
    return keras.Model(inputs, keras.layers.Dense(BITS, name="logits")(layer(inputs)))


def trainer(model):
    """Function of a batch that makes one training step and returns the loss, in bits per bit."""
    import keras
    import tensorflow as tf

    optimizer = keras.optimizers.Adam(5e-3, global_clipnorm=1.0)
    optimizer.build(model.trainable_variables)

    @tf.function(reduce_retracing=True)
    def train(inputs, targets, mask):
        with tf.GradientTape() as tape:
            losses = tf.nn.sigmoid_cross_entropy_with_logits(targets, model(inputs, training=True))
            losses = tf.reduce_mean(losses, axis=-1) * tf.cast(mask, losses.dtype)
            loss = tf.reduce_sum(losses) / tf.reduce_sum(tf.cast(mask, losses.dtype))
        weights = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return loss / tf.math.log(2.0)

    return train


def bits_right(model, rows, seed):
    """Share of right bits by length of the sequences."""
    from nlpkit.data.synthetic import copy_task

    found = {}
    for length in GOALS:
        inputs, targets, mask = copy_task(rows, length, BITS, [seed, length])
        right = (model.predict_on_batch(inputs) > 0) == (targets > 0.5)
        found[length] = round(float(right[mask].mean()), 5)
    return found


def measure(network, steps, every, tested, seed, stop_early):
    """Trains and tests one network in this process."""
    import keras

    from nlpkit.data.synthetic import copy_task

    keras.utils.set_random_seed(seed)
    model = build(network)
    train, losses, curve, good = trainer(model), [], [], 0
    lengths = np.random.default_rng(seed).integers(1, LONGEST + 1, steps)
    start = time.perf_counter()
    for step, length in enumerate(lengths, start=1):
        losses.append(train(*copy_task(BATCH_SIZE, int(length), BITS, [seed, step])))
        if step % every:
            continue
        right = bits_right(model, 100, seed + 1)
        loss = round(float(np.mean(losses)), 5)
        curve.append({"sequences": step * BATCH_SIZE, "loss": loss, "bits_right": right})
        losses = []
        good = good + 1 if all(right[length] >= ENOUGH[length] for length in GOALS) else 0
        if stop_early and good == 3:
            break
    return {
        "weights": model.count_params(),
        "steps": step,
        "seconds": round(time.perf_counter() - start, 1),
        "bits_right": bits_right(model, tested, seed + 2),
        "curve": curve,
        **({"heads": watch_heads(model, seed + 3)} if network == "ntm" else {}),
    }


def watch_heads(model, seed):
    """One sequence of 20 patterns step by step: what goes in, what comes out, where the heads point."""
    from nlpkit.data.synthetic import copy_task

    inputs, _, mask = copy_task(1, max(GOALS), BITS, seed)
    cell = model.get_layer("ntm").cell
    state, writes, reads = cell.initial_state(1), [], []
    for step in range(inputs.shape[1]):
        _, state = cell.step(inputs[:, step], state)
        parts = cell.unpack(state)
        writes.append(parts["write_weights"][0, 0].numpy().tolist())
        reads.append(parts["read_weights"][0, 0].numpy().tolist())
    # Before the end flag nothing is asked, and what comes out means nothing.
    outputs = mask[0][:, None] / (1 + np.exp(-model.predict_on_batch(inputs)[0]))
    return {"input": inputs[0].tolist(), "output": outputs.tolist(), "write": writes, "read": reads}


def draw_curves(runs, path):
    """Picture of the loss and of the share of right bits by sequences seen."""
    figure = _figure(10, 3.8)
    loss, right = figure.subplots(1, 2)
    for network, run in runs.items():
        seen = [point["sequences"] / 1000 for point in run["curve"]]
        look = {"color": COLORS[network], "linewidth": 1.8}
        loss.plot(seen, [point["loss"] for point in run["curve"]], label=NAMES[network], **look)
        for length, style in zip(GOALS, ("--", "-"), strict=True):
            values = [100 * point["bits_right"][str(length)] for point in run["curve"]]
            right.plot(seen, values, style, label=f"{NAMES[network]}, {length} patterns", **look)
    loss.set_ylabel("loss in training, bits per bit")
    right.set_ylabel("bits right, %")
    for axes in (loss, right):
        axes.set_xlabel("thousand sequences")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color="#e2e8f0", linewidth=0.8)
        axes.legend(frameon=False, fontsize=9)
    figure.savefig(path, dpi=110)


def draw_heads(heads, path):
    """Picture of one sequence over time: input, output and the weightings of both heads."""
    figure = _figure(8, 8)
    panels = {
        "input": "input: 8 bits, start and end flag",
        "output": "output after the end flag",
        "write": "write weighting, by slot",
        "read": "read weighting, by slot",
    }
    columns = figure.subplots(len(panels), 1, sharex=True, height_ratios=(1, 1, 3, 3))
    for axes, (name, title) in zip(columns, panels.items(), strict=True):
        axes.imshow(np.transpose(heads[name]), cmap="Blues", vmin=0, vmax=1, aspect="auto")
        axes.set_title(title, loc="left", fontsize=10)
        if name in ("input", "output"):
            axes.set_yticks([])
    columns[-1].set_xlabel("step")
    figure.savefig(path, dpi=110)


def _figure(width, height):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def show(runs):
    """Prints both networks and whether the machine does what is asked."""
    rows = [
        [NAMES[network], run["weights"], run["steps"] * BATCH_SIZE, run["seconds"]]
        + [f"{100 * run['bits_right'][str(length)]:.2f}" for length in GOALS]
        for network, run in runs.items()
    ]
    columns = ["", "weights", "sequences", "seconds", *(f"bits right at {length}, %" for length in GOALS)]
    print_table(f"Copy task, learned on 1 to {LONGEST} patterns", columns, rows)
    for length, least in GOALS.items():
        asked = met(runs["ntm"]["bits_right"][str(length)], least)
        print(f"over {100 * least:.0f} % at {length}: {asked}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=STEPS, help=f"at most; default: {STEPS}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="a few steps, to see that it works")
    options = parser.parse_args()
    size = {"every": 5, "tested": 10} if options.quick else {"every": EVERY, "tested": TESTED}
    steps = 10 if options.quick else options.steps
    ntm = apart(measure, network="ntm", steps=steps, seed=options.seed, stop_early=True, **size)
    lstm = apart(measure, network="lstm", steps=steps, seed=options.seed, stop_early=False, **size)
    heads, runs = ntm.pop("heads"), {"ntm": ntm, "lstm": lstm}
    show(runs)
    goals = {length: met(ntm["bits_right"][str(length)], least) for length, least in GOALS.items()}
    name = result_name("ntm_copy", options.quick)
    write_result(name, {**header(), "seed": options.seed, "runs": runs, "goals_met": goals})
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) if options.quick else ROOT / "docs" / "images"
        folder.mkdir(parents=True, exist_ok=True)
        draw_curves(runs, folder / "ntm_copy_curve.png")
        draw_heads(heads, folder / "ntm_copy_addressing.png")


if __name__ == "__main__":
    main()
