"""The ladder of encoder-decoders: sums and dates by characters, from the plain model to the Transformer.

The textbook "Deep Learning from Scratch 2" trains the first five on 45,000 sums (25 epochs, vectors of 16, 128 units)
and 45,000 dates (256 units; four of its ten epochs are run), batches of 128, gradients cut to a norm of 5, texts filled
up with spaces, Adam at 0.001. nlpkit's have the same texts, sizes, batches and epochs; they pass on both states of the
LSTM, begin with nlpkit's weights, and their learning rate rises to RATE and falls again. Where PEER_PATH names a folder
with the textbook's code (seq2seq_peers.py) it is trained in the same run. After each epoch 5,000 texts are tested,
greedily; that time is not counted.
GNMT and Transformer have as many units. A picture goes to docs/images.
Run from the repository root: PEER_PATH=FOLDER python benchmarks/seq2seq_ladder.py
Rows are kept in one result file, so that they can be run on different days: --task date --model attention
"""

import tempfile
import time
from pathlib import Path
from statistics import median

import corpora
import pair_data
import seq2seq_peers
from common import RESULTS, ROOT, apart, header, met, print_table, read_result, result_name, write_result
from language_peers import use_threads

NAME, PICTURE, THREADS = "seq2seq_ladder", "seq2seq_ladder.png", 2
STEPS = {"batch_size": 128, "learning_rate": 1e-3, "clip_norm": 5.0}
RATE = 4e-3
TASKS = {
    "addition": {"sizes": {"embedding": 16, "units": 128, **STEPS}, "epochs": 25},
    "date": {"sizes": {"embedding": 16, "units": 256, **STEPS}, "epochs": 4},
}
QUICK = {"sizes": {"embedding": 4, "units": 32, **STEPS, "batch_size": 32}, "epochs": 2}
QUICK_PAIRS = 320
PLAIN = {"cell": "lstm", "tie": False}
# What changes from rung to rung; the last two are the presets of these names, lower, with the dropout given here.
RUNGS = {
    "plain": {},
    "reverse": {"reverse_source": True},
    "peeky": {"peeky": True},
    "reverse_peeky": {"reverse_source": True, "peeky": True},
    "attention": {"reverse_source": True, "attention": "multiplicative"},
    "gnmt": {"preset": "gnmt", "num_layers": 3, "dropout": 0.0},
    "transformer": {"preset": "transformer", "num_layers": 2, "dropout": 0.1},
}
NAMES = {
    "plain": "plain", "reverse": "source reversed", "peeky": "peeky", "reverse_peeky": "reversed and peeky",
    "attention": "reversed, attention", "gnmt": "GNMT, 3 layers", "transformer": "Transformer, 2 layers",
}  # fmt: skip
TRAINING = {"schedule": "cosine", "warmup": 0.05, "patience": None}
# A Transformer does not bear the rate of the recurrent ones.
RATES = {"transformer": 1e-3}
# Exact match of the textbook's code by the number of epochs, from an earlier run of all of it.
PUBLISHED = {
    "addition": {
        "plain": {25: 10.0},
        "reverse": {25: 54.1},
        "peeky": {25: 81.6},
        "reverse_peeky": {25: 98.1},
    },
    "date": {"attention": {1: 0.0, 2: 51.7, 3: 99.9, 4: 99.9}},
}
SHOWN = (1, 2, 3, 4, 5, 7, 10, 15, 20, 25)
COLORS = ("#94a3b8", "#0ea5e9", "#f59e0b", "#16a34a", "#2563eb", "#9333ea", "#dc2626")
AT_ONCE = 500


def measure(task, model, sizes, epochs, limit):
    """Trains one model of nlpkit in this process; returns what `seq2seq_peers.measure` returns."""
    import nlpkit  # noqa: F401  before TensorFlow, for which it turns oneDNN on

    import keras  # isort: skip
    from nlpkit.estimators.text_levels import text_layer
    from nlpkit.models import build_encoder_decoder
    from nlpkit.spec import TextToTextSettings, parse_settings
    from nlpkit.training.teacher_forcing import train_encoder_decoder

    keras.utils.set_random_seed(0)
    parts = filled(pair_data.load(task, limit))
    layers = [text_layer("char", False, {}) for _ in range(2)]
    train = [layer.fit_encode(texts) for layer, texts in zip(layers, parts["train"], strict=True)]
    test = [layer.encode(texts) for layer, texts in zip(layers, parts["test"], strict=True)]
    network = build_encoder_decoder(
        *(layer.vocabulary_size for layer in layers), **network_options(model, sizes)
    )
    settings = training(model, sizes, epochs)
    watch = watcher(network, test)
    train_encoder_decoder(
        network, *train, parse_settings(TextToTextSettings, settings, model), callbacks=[watch]
    )
    return {**watch.found, "weights": network.count_params(), "settings": settings}


def filled(parts):
    """Pairs whose sources, and whose targets, have the length of the longest, with spaces behind them.

    Otherwise batches would have sums of as many digits, and what they teach would change from one to the next.
    """
    sides = zip(*parts.values(), strict=True)
    widths = [max(len(text) for texts in side for text in texts) for side in sides]
    return {
        part: tuple([text.ljust(width) for text in texts] for texts, width in zip(pair, widths, strict=True))
        for part, pair in parts.items()
    }


def training(model, sizes, epochs):
    """Settings of nlpkit's training."""
    kept = {name: sizes[name] for name in ("batch_size", "clip_norm")}
    return {**TRAINING, **kept, "learning_rate": RATES.get(model, RATE), "epochs": epochs}


def network_options(model, sizes):
    """Arguments of `build_encoder_decoder`."""
    from nlpkit.models.presets import PRESETS

    options = dict(RUNGS[model])
    preset = options.pop("preset", None)
    options = {**(PRESETS[preset]["network"] if preset else PLAIN), **options, "units": sizes["units"]}
    # A Transformer's vectors are as wide as its layers.
    return (
        options if model == "transformer" else {**options, "embedding_dim": sizes["embedding"], "tie": False}
    )


def watcher(network, test):
    """A callback that takes the time of each epoch, and then tests."""
    import keras

    class Watcher(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.found, self.test = {"exact_match": [], "seconds": []}, tester(network, *test)

        def on_epoch_begin(self, epoch, logs=None):
            self.start = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            self.found["seconds"].append(round(time.perf_counter() - self.start, 2))
            self.found["exact_match"].append(round(self.test(), 2))

    return Watcher()


def tester(network, sources, targets):
    """Function without arguments: per cent of the targets that are written exactly, the most likely token each time."""
    import numpy as np

    from nlpkit.data.pair_batching import pair_batches_once
    from nlpkit.generation.target_writer import TargetWriter

    writer, longest = TargetWriter(network), int(targets.lengths.max())
    batches, _ = pair_batches_once(sources, targets, batch_size=AT_ONCE)

    def test():
        right = 0
        for source, target in batches:
            written = writer.write(source, max_new_tokens=longest, temperature=0).token_ids.numpy()
            padded = np.pad(target.numpy(), [(0, 0), (0, longest - target.shape[1])])
            right += int((written == padded).all(axis=1).sum())
        return 100 * right / len(targets)

    return test


def run(task, model, options):
    """One rung: nlpkit and, where it is here, the textbook's code, each in a process of its own."""
    chosen = QUICK if options.quick else TASKS[task]
    given = {
        "task": task,
        "model": model,
        "sizes": chosen["sizes"],
        "limit": QUICK_PAIRS if options.quick else None,
    }
    epochs = options.epochs or chosen["epochs"]
    row = {**header(), "nlpkit": apart(measure, epochs=epochs, **given)}
    peer_epochs = epochs if options.peer_epochs is None else min(options.peer_epochs, epochs)
    if model in seq2seq_peers.MODELS and peer_epochs:
        if seq2seq_peers.folder():
            row["textbook"] = apart(seq2seq_peers.measure, epochs=peer_epochs, **given)
        else:
            row["textbook"] = {"absent": seq2seq_peers.HINT}
    return judged(task, model, row)


def judged(task, model, row):
    """Adds what nlpkit is compared with: the published figures, and the textbook's code of this run."""
    own, peer = row["nlpkit"], row.get("textbook", {})
    known = {
        epoch: value
        for epoch, value in PUBLISHED[task].get(model, {}).items()
        if epoch <= len(own["exact_match"])
    }
    if known:
        reached = all(own["exact_match"][epoch - 1] >= value for epoch, value in known.items())
        row |= {"published": known, "published_met": met(reached, True)}
    if peer.get("seconds"):
        # All of both trainings with nlpkit's making of graphs, or an epoch where they had not the same ones.
        taken = sum if len(peer["seconds"]) == len(own["seconds"]) else median
        ratio = taken(peer["seconds"]) / taken(own["seconds"])
        row |= {"times_as_fast": round(ratio, 2), "faster": met(ratio, 1)}
    if len(peer.get("exact_match", [])) == len(own["exact_match"]):
        row["as_good"] = met(own["exact_match"][-1], peer["exact_match"][-1])
    return row


def table(rows):
    """The columns, and one line per model, nlpkit's and the textbook's below it."""
    columns = ["task, model", "code", *(f"epoch {epoch}" for epoch in SHOWN), "last", "s/epoch", "× as fast", "as good",
               "published", "met"]  # fmt: skip
    lines = []
    for task in TASKS:
        for model in (model for model in RUNGS if f"{task}.{model}" in rows):
            row = rows[f"{task}.{model}"]
            for code in ("nlpkit", "textbook"):
                if side := row.get(code):
                    lines.append([f"{task}, {NAMES[model]}", code, *_cells(side)])
            known = " ".join(f"{value} ({epoch})" for epoch, value in row.get("published", {}).items())
            own = next(line for line in reversed(lines) if line[1] == "nlpkit")
            own += [row.get("times_as_fast"), row.get("as_good"), known or None, row.get("published_met")]
    return columns, [line + [None] * (len(columns) - len(line)) for line in lines]


def _cells(side):
    if "absent" in side:
        return [side["absent"]]
    found = side["exact_match"]
    return [
        *(found[epoch - 1] if epoch <= len(found) else None for epoch in SHOWN),
        found[-1],
        round(median(side["seconds"]), 2),
    ]


def write_markdown(name, columns, lines):
    """Writes the table as benchmarks/results/<name>.md."""
    text = (
        "Per cent of 5,000 test texts that are written exactly, after so many epochs; seconds of an epoch, the median. "
        "The last columns compare with the textbook's code of the same run, and with its published or earlier "
        "figures (after how many epochs).\n\n"
    )
    cells = [["" if cell is None else str(cell) for cell in line] for line in lines]
    for line in [columns, ["---"] * len(columns), *cells]:
        text += f"| {' | '.join(line)} |\n"
    (RESULTS / f"{name}.md").write_text(text, encoding="utf-8")


def draw(rows, path):
    """Picture of exact match by epochs, one panel per task."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure, lines = Figure(figsize=(12, 4.2), facecolor="white", layout="constrained"), {}
    FigureCanvasAgg(figure)
    for axes, task in zip(figure.subplots(1, len(TASKS)), TASKS, strict=True):
        for model, color in zip(RUNGS, COLORS, strict=True):
            row = rows.get(f"{task}.{model}", {})
            for code, style in (("nlpkit", "-"), ("textbook", ":")):
                if found := row.get(code, {}).get("exact_match"):
                    epochs = range(1, len(found) + 1)
                    (line,) = axes.plot(epochs, found, style, color=color, linewidth=1.8)
                    lines.setdefault(NAMES[model], line)
        axes.set_title({"addition": "sums", "date": "dates"}[task], loc="left", fontsize=11)
        axes.set_xlabel("epochs")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_ylabel("written exactly, %")
        axes.set_ylim(-3, 103)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color="#e2e8f0", linewidth=0.8)
    kept = {"loc": "outside right center", "frameon": False, "fontsize": 9, "title_fontsize": 9}
    figure.legend(lines.values(), lines.keys(), title="dotted: the textbook's code", **kept)
    figure.savefig(path, dpi=110)


def parse():
    """The options."""
    parser = corpora.parser(__doc__, [], several=False)
    for name, known in (("task", TASKS), ("model", RUNGS)):
        parser.add_argument(f"--{name}", default=",".join(known), help=f"of {','.join(known)}; default: all")
    parser.add_argument("--epochs", type=int, help="default: the textbook's")
    parser.add_argument(
        "--peer-epochs", type=int, help="of the textbook's code; 0 leaves it out; default: as many"
    )
    options = parser.parse_args()
    for name, known in (("task", TASKS), ("model", RUNGS)):
        chosen = getattr(options, name).split(",")
        if unknown := sorted(set(chosen) - set(known)):
            raise SystemExit(f"--{name} takes {','.join(known)}. Received: {','.join(unknown)}")
        setattr(options, name, chosen)
    return options


def main():
    options = parse()
    use_threads(THREADS)
    name = result_name(NAME, options.quick)
    rows = read_result(name).get("rows", {})
    for task in (task for task in options.task if not pair_data.missing(task)):
        for model in options.model:
            rows[f"{task}.{model}"] = run(task, model, options)
            columns, lines = table(rows)
            few = [line[:2] + line[2 + len(SHOWN) :] for line in [columns, *lines]]
            print_table(f"Written exactly, %; the epochs are in {name}.md", few[0], few[1:])
            write_result(name, {**header(), "threads": THREADS, "rows": rows})
            write_markdown(name, columns, lines)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) if options.quick else ROOT / "docs" / "images"
        folder.mkdir(parents=True, exist_ok=True)
        draw(rows, folder / PICTURE)


if __name__ == "__main__":
    main()
