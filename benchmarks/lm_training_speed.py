"""Training speed of a language model on the Penn Treebank: nlpkit, a plain Keras script and a PyTorch script.

Two LSTM layers of 200, batches of 20 rows of 35 steps, the state carried on, a full softmax over 10,000 words that
shares nothing with the embedding, no dropout, plain SGD with clipping. All begin with the same weights and read the
same batches, each in a process of its own, by turns, with the same number of threads; the first steps, in which
graphs are made, are left out. Keras also runs with oneDNN, which nlpkit turns on. PyTorch is used where it can be
imported: pip install torch, or pip install --target FOLDER torch and PEER_PATH=FOLDER.
Run from the repository root: python benchmarks/lm_training_speed.py
"""

import os
import time
from statistics import median

import corpora
import language_data
from common import apart, header, met, print_table, result_name, write_result
from language_peers import keras_model, lacks, own_model, torch_model, use_threads, versions

LAYERS, LEARNING_RATE, CLIP = 2, 1.0, 5.0
SIZES = {"units": 200, "rows": 20, "steps": 35, "warm_up": 20, "measured": 150, "limit": None}
QUICK = {"units": 8, "rows": 4, "steps": 5, "warm_up": 2, "measured": 3, "limit": 20}
ROUNDS, THREADS = 5, 2
# With oneDNN Keras is shown for comparison only.
LIMITS = {"keras": 1.5, "keras_onednn": None, "torch": 1.0}
# The mean loss of all steps; sums in another order move it a little.
TOLERANCE = 0.001


def clock(warm_up):
    """A Keras callback that keeps the time at the end of each step from the last of the first ones on."""
    import keras

    class Clock(keras.callbacks.Callback):
        times, cpu = [], []

        def on_train_batch_end(self, batch, logs=None):
            if batch + 1 >= warm_up:
                self.times.append(time.perf_counter())
                self.cpu.append(time.process_time())

    return Clock()


def measure_nlpkit(units, rows, steps, warm_up, measured, limit):
    """nlpkit, in this process."""
    import nlpkit  # noqa: F401  before TensorFlow, for which it turns oneDNN on
    from nlpkit.training.language_model import NextToken
    from nlpkit.training.optimizers import SGD
    from nlpkit.training.streams import segments, stream_table

    streams, size = language_data.ptb(limit)
    number = warm_up + measured
    batches, _ = segments(stream_table(streams["train"][: number * rows * steps], rows), steps)
    model = NextToken(own_model(size, units, LAYERS))
    model.start({"training": rows})
    model.compile(SGD(LEARNING_RATE, clip_norm=CLIP), jit_compile=False)
    model.optimizer.build(model.network.trainable_weights)
    ticks = clock(warm_up)
    history = model.fit(batches.prefetch(2), shuffle=False, verbose=0, callbacks=[ticks])
    return figures(ticks.times, ticks.cpu, rows * steps, history.history["loss"][-1])


def profile(units, rows, steps, warm_up, measured, limit):
    """Where the time of nlpkit goes, in this process: gradients of all of it, and of all but the softmax."""
    import nlpkit  # noqa: F401  before TensorFlow, for which it turns oneDNN on

    import numpy as np  # isort: skip
    import tensorflow as tf

    streams, size = language_data.ptb(limit)
    network = own_model(size, units, LAYERS)
    ids = [np.reshape(streams["train"][first : first + rows * steps], (rows, steps)) for first in (0, 1)]
    states = network.segment_state(rows)
    ends = {
        "whole": lambda hidden, targets: tf.reduce_mean(network.losses_of(hidden, targets)),
        "without_softmax": lambda hidden, targets: tf.reduce_mean(hidden),
    }
    return {
        f"{name}_ms": round(1000 * _seconds(network, states, end, ids, measured), 2)
        for name, end in ends.items()
    }


def _seconds(network, states, end, ids, measured):
    """Median time of a step's gradients, of the weights that it moves."""
    import tensorflow as tf

    @tf.function(autograph=False)
    def gradients(inputs, targets):
        with tf.GradientTape() as tape:
            loss = end(network.hidden(inputs, states, training=True, padded=False)[0], targets)
        return [found for found in tape.gradient(loss, network.trainable_weights) if found is not None]

    times = []
    for _ in range(measured + 1):
        start = time.perf_counter()
        gradients(*map(tf.constant, ids))
        times.append(time.perf_counter() - start)
    return median(times[1:])


def measure_keras(units, rows, steps, warm_up, measured, limit):
    """Keras alone, in this process."""
    import keras

    streams, size = language_data.ptb(limit)
    inputs, targets = language_data.segments(streams["train"], rows, steps, warm_up + measured)
    model = keras_model(size, units, LAYERS, rows)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(LEARNING_RATE, global_clipnorm=CLIP), loss)
    ticks = clock(warm_up)
    history = model.fit(
        inputs.reshape(-1, steps), targets.reshape(-1, steps),
        batch_size=rows, shuffle=False, verbose=0, callbacks=[ticks],
    )  # fmt: skip
    return figures(ticks.times, ticks.cpu, rows * steps, history.history["loss"][-1])


def measure_keras_onednn(**sizes):
    """Keras with oneDNN's kernels, in this process, which has not imported TensorFlow yet."""
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"
    return measure_keras(**sizes)


def measure_torch(units, rows, steps, warm_up, measured, limit):
    """PyTorch, in this process."""
    import torch

    torch.set_num_threads(THREADS)
    streams, size = language_data.ptb(limit)
    batches = language_data.segments(streams["train"], rows, steps, warm_up + measured)
    model = torch_model(size, units, LAYERS)
    loss_of = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(
        [weight for weight in model.parameters() if weight.requires_grad], LEARNING_RATE
    )
    state, times, cpu, total = None, [], [], 0.0
    for number, (inputs, targets) in enumerate(zip(*map(torch.tensor, batches), strict=True)):
        state = state and tuple(part.detach() for part in state)
        optimizer.zero_grad()
        logits, state = model(inputs, state)
        loss = loss_of(logits.view(-1, size), targets.view(-1).long())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        total += loss.item()
        if number + 1 >= warm_up:
            times.append(time.perf_counter())
            cpu.append(time.process_time())
    return figures(times, cpu, rows * steps, total / (warm_up + measured))


def figures(times, cpu, tokens, loss):
    """Tokens per second of wall and of processor time, and the mean loss."""
    measured = tokens * (len(times) - 1)
    return {
        "tokens_per_second": round(measured / (times[-1] - times[0]), 1),
        "tokens_per_cpu_second": round(measured / (cpu[-1] - cpu[0]), 1),
        "loss": round(float(loss), 5),
    }


SIDES = {"nlpkit": measure_nlpkit, "keras": measure_keras, "keras_onednn": measure_keras_onednn,
         "torch": measure_torch}  # fmt: skip


def measure(rounds, sizes):
    """All sides by turns; the median of each, and the ratios."""
    absent = lacks("torch")
    runs = {name: [] for name in SIDES if name != "torch" or not absent}
    for _ in range(rounds):
        for name, found in runs.items():
            found.append(apart(SIDES[name], **sizes))
    sides = {name: {"runs": found, **{key: median(run[key] for run in found) for key in found[0]}}
             for name, found in runs.items()}  # fmt: skip
    own = sides["nlpkit"]
    for name, side in sides.items():
        if name in LIMITS:
            ratio = own["tokens_per_second"] / side["tokens_per_second"]
            side["times_as_fast"] = round(ratio, 2)
            if LIMITS[name]:
                side |= {"limit": LIMITS[name], "met": met(ratio, LIMITS[name])}
            side["same_loss"] = met(abs(side["loss"] / own["loss"] - 1), TOLERANCE, at_least=False)
    return sides | ({"torch": {"absent": absent}} if absent else {})


def show(sides):
    """Prints the comparison."""
    columns = ["tokens_per_second", "tokens_per_cpu_second", "loss", "peak_mb", "times_as_fast", "limit", "met",
               "same_loss"]  # fmt: skip
    rows = [[name, side.get("absent"), *map(side.get, columns[1:])] if "absent" in side
            else [name, *map(side.get, columns)] for name, side in sides.items()]  # fmt: skip
    titles = [
        "",
        "tokens/s",
        "per cpu s",
        "loss",
        "peak MiB",
        "nlpkit is × as fast",
        "at least",
        "met",
        "same loss",
    ]
    print_table("Training on the Penn Treebank, two LSTM layers", titles, rows)


def main():
    parser = corpora.parser(__doc__, ["ptb"], several=False)
    parser.add_argument("--rounds", type=int, help=f"turns of each side; default: {ROUNDS}")
    options = parser.parse_args()
    if language_data.missing("ptb", language_data.PTB):
        return
    use_threads(THREADS)
    sizes = QUICK if options.quick else SIZES
    sides = measure(options.rounds or (1 if options.quick else ROUNDS), sizes)
    show(sides)
    parts = apart(profile, **sizes)
    share = 1 - parts["without_softmax_ms"] / parts["whole_ms"]
    print(f"of the gradients' {parts['whole_ms']:.0f} ms a step {share:.0%} go into the softmax")
    found = {
        "peers": versions(),
        "sizes": sizes,
        "threads": THREADS,
        "loss_tolerance": TOLERANCE,
        "sides": sides,
        "profile": {**parts, "softmax_share": round(share, 3)},
    }
    write_result(result_name("lm_training_speed", options.quick), {**header(), **found})


if __name__ == "__main__":
    main()
