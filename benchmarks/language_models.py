"""Language models on the Penn Treebank: perplexity, time and speed, beside published figures.

Whitespace tokens, one end of sentence per line, a vocabulary of 10,000. Each row is a preset of language_presets.py,
trained in a process of its own. Rows are kept in one result file, so that they can be run on different days.
Run from the repository root: python benchmarks/language_models.py --model lstm_200
The large ones want a GPU; a part of one shows whether it is on course:
python benchmarks/language_models.py --model awd_lstm --steps 500
"""

import json
import time

import corpora
import language_data
from clock import Clock
from common import RESULTS, apart, header, met, print_table, read_result, result_name, write_result
from language_presets import PRESETS, QUICK_NETWORK

NAME = "language_models"
QUICK_LINES = 100
LARGE = [name for name, preset in PRESETS.items() if "gpu_hours" in preset]


def measure_counts(name, limit):
    """Counts n-grams, in this process."""
    from nlpkit.models.ngram_model import NgramModel

    streams, size = language_data.ptb(limit)
    start = time.perf_counter()
    model = NgramModel(PRESETS[name]["order"], size).fit(streams["train"])
    seconds = time.perf_counter() - start
    return {
        "dev": round(model.perplexity(streams["dev"]), 2),
        "test": round(model.perplexity(streams["test"]), 2),
        "seconds": round(seconds, 1),
        "tokens_per_second": round(len(streams["train"]) / seconds),
        "epochs": 1,
    }


def measure_network(name, steps, limit, changes, checkpoint, resume):
    """Trains a network in this process and tests it with the weights of its best epoch."""
    import nlpkit  # noqa: F401  before TensorFlow, for which it turns oneDNN on

    import keras  # isort: skip
    from nlpkit.models import build_generator
    from nlpkit.spec import LanguageModelSettings, parse_settings
    from nlpkit.training.language_model import mean_loss, perplexity_of, train_language_model

    keras.utils.set_random_seed(0)
    streams, size = language_data.ptb(limit)
    network = build_generator(size, **{**PRESETS[name]["network"], **changes["network"]})
    settings = {**PRESETS[name]["training"], **changes["training"]}
    train = part(streams["train"], settings, steps)
    spent = Clock(checkpoint).start(resume) if checkpoint else 0.0
    result = train_language_model(
        network, train, parse_settings(LanguageModelSettings, settings, name), validation=streams["dev"],
        checkpoint=checkpoint, resume=resume,
        fingerprint=json.dumps([name, steps, limit, PRESETS[name]["network"], settings], sort_keys=True),
    )  # fmt: skip
    perplexities = {which: perplexity_of(mean_loss(network, streams[which])) for which in ("dev", "test")}
    epochs, seconds = len(result.history["loss"]), spent + result.seconds
    return {
        **{which: round(value, 2) for which, value in perplexities.items()},
        "seconds": round(seconds, 1),
        "tokens_per_second": round(epochs * len(train) / seconds),
        "epochs": epochs,
        "best_epoch": result.best_epoch,
        "weights": network.count_params(),
        "dev_by_epoch": [round(perplexity_of(loss), 2) for loss in result.history["val_loss"]],
        "settings": settings,
    }


def part(ids, settings, steps):
    """The beginning of the text that so many steps read; changes the number of epochs to what they come to."""
    if steps is None:
        return ids
    tokens = steps * settings["batch_size"] * settings["sequence_length"]
    settings["epochs"] = max(1, tokens // len(ids))
    return ids[:tokens]


def judge(rows):
    """Adds to each whole row whether it keeps its limit and its goal."""
    for name, row in rows.items():
        preset = PRESETS[name]
        for kind in ("limit", "goal"):
            asked = preset.get(kind)
            asked = rows.get(asked, {}).get("test") if isinstance(asked, str) else asked
            if asked is None or row["steps"]:
                continue
            hours = preset.get(f"{kind}_hours", float("inf"))
            reached = row["test"] <= asked and row["seconds"] <= 3600 * hours
            row |= {kind: asked, f"{kind}_met": met(reached, True)}


def table(rows):
    """The columns, and one line per row in the order of the presets."""
    columns = ["model", "dev", "test", "published", "limit", "met", "seconds", "tokens/s", "epochs", "note"]
    lines = []
    for name in filter(rows.get, PRESETS):
        row, (published, source) = rows[name], PRESETS[name].get("published", [None, None])
        note = f"first {row['steps']} steps" if row["steps"] else ""
        if "goal" in row:
            note += f"goal {row['goal']:g}: {row['goal_met']}"
        if name in LARGE:
            note += f"; whole: about {PRESETS[name]['gpu_hours']} h on a GPU (estimate)"
        lines.append([
            PRESETS[name]["what"], row["dev"], row["test"], published and f"{published} ({source})",
            row.get("limit"), row.get("limit_met"), row["seconds"], row["tokens_per_second"], row["epochs"],
            note.removeprefix("; "),
        ])  # fmt: skip
    return columns, lines


def write_markdown(name, columns, lines):
    """Writes the table as benchmarks/results/<name>.md."""
    text = "Perplexity on the Penn Treebank. Seconds of training, development perplexities included.\n\n"
    cells = [["" if cell is None else str(cell) for cell in line] for line in lines]
    for line in [columns, ["---"] * len(columns), *cells]:
        text += f"| {' | '.join(line)} |\n"
    (RESULTS / f"{name}.md").write_text(text, encoding="utf-8")


def run(name, options):
    """One row, measured in a process of its own."""
    lines = QUICK_LINES if options.quick else None
    if "order" in PRESETS[name]:
        return {**header(), "steps": None, **apart(measure_counts, name=name, limit=lines)}
    known = PRESETS[name]["network"]
    changes = {"network": {}, "training": {"epochs": options.epochs} if options.epochs else {}}
    if options.quick:
        changes["network"] = {key: value for key, value in QUICK_NETWORK.items() if key in known}
        changes["training"] = {"epochs": 1, "batch_size": 4}
    found = apart(
        measure_network, name=name, steps=options.steps, limit=lines, changes=changes,
        checkpoint=options.checkpoint, resume=options.resume,
    )  # fmt: skip
    return {**header(), "steps": options.steps, **found}


def parse():
    """The options."""
    parser = corpora.parser(__doc__, ["ptb"], several=False)
    small = [name for name in PRESETS if name not in LARGE]
    parser.add_argument(
        "--model", default=",".join(small), help=f"of {','.join(PRESETS)}; default: {','.join(small)}"
    )
    parser.add_argument("--steps", type=int, help="of the training, to run a part; default: all")
    parser.add_argument("--epochs", type=int, help="default: the preset's")
    parser.add_argument("--checkpoint", help="folder for a checkpoint after each epoch, of one model")
    parser.add_argument("--resume", action="store_true", help="goes on from the checkpoint")
    options = parser.parse_args()
    options.model = options.model.split(",")
    if unknown := sorted(set(options.model) - set(PRESETS)):
        raise SystemExit(f"--model takes {','.join(PRESETS)}. Received: {','.join(unknown)}")
    return options


def main():
    options = parse()
    if language_data.missing("ptb", language_data.PTB):
        return
    name = result_name(NAME, options.quick)
    rows = read_result(name).get("rows", {})
    for model in options.model:
        if "gpu_hours" in PRESETS[model] and not options.steps:
            hours = PRESETS[model]["gpu_hours"]
            print(f"{model}: about {hours} h on a GPU (estimate), far longer without; --steps runs a part")
        rows[model] = run(model, options)
        judge(rows)
        columns, lines = table(rows)
        print_table("Penn Treebank, perplexity", columns, lines)
        write_result(name, {**header(), "rows": rows})
        write_markdown(name, columns, lines)


if __name__ == "__main__":
    main()
