"""Tiny Shakespeare by characters: validation loss after the same time, nlpkit beside a PyTorch script.

The first 90 % train. The script, nano_gpt.py, has the size of nanoGPT's run on a CPU: 4 layers, 4 heads, 128 wide, 64
characters, batches of 12, 2,000 steps (published validation loss: 1.88). nlpkit's LSTM and its Transformer of that size
each train as long as it took, each in a process of its own; how many characters that is, a few steps before tell, so
that the learning rate is down at the end. That is the time of training alone: starts and these steps are not in it. All
are tested on windows of 64 characters, the LSTM also as it is made to read, with its state carried on. Without PyTorch
(pip install torch, or pip install --target FOLDER torch and PEER_PATH=FOLDER) nlpkit has two minutes.
Run from the repository root: python benchmarks/tiny_shakespeare.py
With `--hour` a larger LSTM trains for an hour, for a loss of at most 1.50.
"""

import time

import corpora
import language_data
from common import apart, header, met, print_table, read_result, result_name, write_result
from language_peers import lacks, use_threads, versions

GPT = {"layers": 4, "heads": 4, "width": 128, "context": 64, "rows": 12, "steps": 2000}
QUICK_GPT = {"layers": 1, "heads": 2, "width": 8, "context": 8, "rows": 4, "steps": 3}
TRAINING = {"schedule": "cosine", "warmup": 0.05, "patience": None, "epochs": 1}
MODELS = {
    "lstm": {
        "network": {"cell": "lstm", "units": 320, "num_layers": 1, "embedding_dim": 64, "tie": False},
        "training": {"batch_size": 32, "sequence_length": 64, "learning_rate": 5e-3},
    },
    "transformer": {
        "network": {"cell": "transformer", "units": 128, "num_layers": 4, "num_heads": 4},
        "training": {"batch_size": 12, "sequence_length": 64, "learning_rate": 2e-3},
    },
    "lstm_hour": {
        "network": {"cell": "lstm", "units": 400, "num_layers": 2, "embedding_dim": 64, "tie": False,
                    "dropout": 0.35},
        "training": {"batch_size": 32, "sequence_length": 100, "learning_rate": 3e-3},
    },
}  # fmt: skip
QUICK_MODELS = {
    name: {
        "network": {**model["network"], "units": 8, "num_layers": 1}
        | ({"num_heads": 2} if "num_heads" in model["network"] else {}),
        "training": {"batch_size": 4, "sequence_length": 8, "learning_rate": 1e-3},
    }
    for name, model in MODELS.items()
}
PUBLISHED, HOUR, HOUR_LIMIT = 1.88, 3600.0, 1.50
QUICK_CHARACTERS, SECONDS_ALONE, THREADS = 4000, 120.0, 2
# Steps whose time tells the pace, after a first run that starts TensorFlow, and the part of the time that is planned.
PROBES, QUICK_PROBES, PLANNED = (2, 50, 450), (1, 3), 0.97


def measure_torch(gpt, limit):
    """The PyTorch script, in this process."""
    import nano_gpt
    import torch

    torch.set_num_threads(THREADS)
    parts, size = language_data.shakespeare(limit)
    model, seconds = nano_gpt.train(parts["train"], size, **gpt)
    loss = nano_gpt.mean_loss(model, *windows(parts["validation"], gpt["context"]))
    weights = sum(weight.numel() for weight in model.parameters())
    characters = gpt["steps"] * gpt["rows"] * gpt["context"]
    return {
        "loss": round(loss, 4),
        "seconds": round(seconds, 1),
        "characters": characters,
        "weights": weights,
    }


def measure_nlpkit(network, training, seconds, probes, limit):
    """nlpkit, in this process: no longer than so many seconds."""
    import nlpkit  # noqa: F401  before TensorFlow, for which it turns oneDNN on

    import keras  # isort: skip
    import numpy as np

    from nlpkit.models import build_generator
    from nlpkit.spec import LanguageModelSettings
    from nlpkit.training.language_model import mean_loss, train_language_model

    parts, size = language_data.shakespeare(limit)
    settings = LanguageModelSettings(**TRAINING, **training)
    step = settings.batch_size * settings.sequence_length

    def run(characters, seconds=None):
        """A model trained on so many characters, the text again from its beginning where it ends."""
        keras.utils.set_random_seed(0)
        ids = np.resize(parts["train"], characters)
        start = time.monotonic()
        model = build_generator(size, **network)
        deadline = None if seconds is None else start + seconds
        found = train_language_model(model, ids, settings, deadline=deadline)
        return model, time.monotonic() - start, found

    *_, few, many = (run(number * step)[1] for number in probes)
    pace = max(many - few, 1e-3) / (probes[-1] - probes[-2])
    steps = max(int((PLANNED * seconds - (few - probes[-2] * pace)) / pace), 2)
    # The deadline is looked at after each step.
    model, took, found = run(steps * step, seconds - 2 * pace)
    losses = {"in_windows": round(loss_of_windows(model, parts["validation"]), 4)}
    if model.carries_state:
        losses["carried"] = round(mean_loss(model, parts["validation"]), 4)
    return {
        "loss": losses.get("carried", losses["in_windows"]),
        **losses,
        "seconds": round(took, 1),
        "characters": steps * step,
        "weights": model.count_params(),
        "out_of_time": found.out_of_time,
    }


def loss_of_windows(model, ids):
    """Mean loss of windows that are read by themselves, as the script's are."""
    import tensorflow as tf

    @tf.function(reduce_retracing=True)
    def losses(inputs, targets):
        return tf.reduce_sum(model.losses_of(model.hidden(inputs)[0], targets))

    rows = windows(ids, GPT["context"])
    total = sum(float(losses(*part)) for part in tf.data.Dataset.from_tensor_slices(rows).batch(64))
    return total / rows[1].size


def windows(ids, length):
    """Inputs and targets, int32 `(rows, length)`."""
    number = (len(ids) - 1) // length
    return tuple(ids[first : first + number * length].reshape(number, length) for first in (0, 1))


def measure(quick):
    """The script, then nlpkit's models in the same time."""
    limit = QUICK_CHARACTERS if quick else None
    found, absent = {}, lacks("torch")
    if absent:
        found["torch"] = {"absent": absent}
    else:
        found["torch"] = apart(measure_torch, gpt=QUICK_GPT if quick else GPT, limit=limit)
    seconds = found["torch"].get("seconds", 1.0 if quick else SECONDS_ALONE)
    for name in ("lstm", "transformer"):
        found[name] = nlpkit_row(name, seconds, quick)
        asked = found["torch"].get("loss", PUBLISHED)
        in_time = found[name]["seconds"] <= seconds
        found[name] |= {"limit": asked, "in_time": met(in_time, True)}
        found[name]["met"] = met(in_time and found[name]["in_windows"] <= asked, True)
    return found


def nlpkit_row(name, seconds, quick):
    """A model of nlpkit, in a process of its own."""
    model, limit = (QUICK_MODELS if quick else MODELS)[name], QUICK_CHARACTERS if quick else None
    probes = QUICK_PROBES if quick else PROBES
    return {**model, **apart(measure_nlpkit, **model, seconds=seconds, probes=probes, limit=limit)}


def show(rows):
    """Prints the comparison."""
    columns = ["loss", "in_windows", "seconds", "characters", "weights", "peak_mb", "limit", "met"]
    lines = [[name, row.get("absent"), *map(row.get, columns[1:])] if "absent" in row
             else [name, *map(row.get, columns)] for name, row in rows.items()]  # fmt: skip
    titles = [
        "",
        "validation loss",
        "windows of 64",
        "seconds",
        "characters",
        "weights",
        "peak MiB",
        "at most",
        "met",
    ]
    print_table(f"Tiny Shakespeare (nanoGPT, published: {PUBLISHED})", titles, lines)


def main():
    parser = corpora.parser(__doc__, [], several=False)
    parser.add_argument("--hour", action="store_true", help="an hour's training of a larger LSTM instead")
    options = parser.parse_args()
    if language_data.missing("tinyshakespeare", ["input.txt"]):
        return
    use_threads(THREADS)
    if options.hour:
        row = nlpkit_row("lstm_hour", 1.0 if options.quick else HOUR, options.quick)
        within = met(row["loss"] <= HOUR_LIMIT and row["seconds"] <= HOUR, True)
        rows = {"lstm_hour": {**row, "limit": HOUR_LIMIT, "met": within}}
    else:
        rows = measure(options.quick)
    show(rows)
    name = result_name("tiny_shakespeare", options.quick)
    result = read_result(name)
    found = {**header(), "peers": versions(), "published": PUBLISHED, "rows": rows}
    result["hour" if options.hour else "same_time"] = found
    write_result(name, result)


if __name__ == "__main__":
    main()
