"""What unlabelled text adds: a classifier that begins with a language model, beside the same network from scratch.

A `TextGenerator` reads reviews without their labels: of IMDb those of the training part (there are no others in
shared/data); for SST-2 the same and the sentences of its training part. Then the same network learns the labels, once
from random weights and once from the generator's (`TextClassifier(encoder_from=…)`). No text of a test part is read
before the end. The generator is trained once and kept in saved_models/pretraining_<data>, where a later run finds it;
`--anew` trains another. Each training runs in a process of its own, and results are merged into
benchmarks/results/pretraining.json after each.
Run from the repository root: python benchmarks/pretraining.py --data sst2 --seeds 3
"""

import time

import corpora
from common import RESULTS, ROOT, apart, header, met, print_table, read_result, result_name, write_result

NAME = "pretraining"
MODELS = ROOT / "saved_models"
DATA = ("sst2", "imdb")
# Accuracy that is asked for, and what it is to become; Dai & Le (2015) report 92.8 with the same unlabelled text.
ASKED = {"imdb": (0.915, 0.925)}
PUBLISHED = {"imdb": "92.8 (Dai & Le 2015)"}
TEXT = {"case": "lower", "html": True, "vocabulary_size": 30_000}
GENERATORS = {
    "imdb": {
        "units": 512,
        "num_layers": 1,
        "network": {"embedding_dim": 256, "cutoffs": [2_000, 10_000], "dropout": 0.2},
        "training": {"batch_size": 32, "sequence_length": 70, "epochs": 6, "learning_rate": 2e-3},
    },
    "sst2": {
        "units": 300,
        "num_layers": 2,
        "network": {"cutoffs": [2_000, 10_000], "dropout": 0.2},
        "training": {"batch_size": 32, "sequence_length": 50, "epochs": 4, "learning_rate": 2e-3},
    },
}
QUICK_GENERATOR = {
    "units": 8,
    "num_layers": 1,
    "network": {"embedding_dim": 8, "cutoffs": None},
    "training": {"batch_size": 4, "sequence_length": 10, "epochs": 1},
}
# As of other networks that begin with random weights.
FROM_SCRATCH = {"learning_rate": 2e-3}
STARTS = ("scratch", "generator")
QUICK = 120
COLUMNS = [
    "data",
    "start",
    "dev %",
    "test %",
    "each seed",
    "gain",
    "fit s",
    "asked",
    "met",
    "goal",
    "published",
]


def unlabelled(data, limit):
    """Texts for a language model, and those that choose its best epoch."""
    own = corpora.load(data, limit=limit)
    before = corpora.load("imdb", limit=limit).train[0] if data == "sst2" else []
    return before + own.train[0], own.validation[0]


def train_generator(data, folder, minutes, limit, settings):
    """Trains the language model in this process, and saves it."""
    from nlpkit import TextGenerator

    texts, validation = unlabelled(data, limit)
    options = {"text": TEXT, "network": settings["network"], "training": settings["training"]}
    generator = TextGenerator(
        "lstm", units=settings["units"], num_layers=settings["num_layers"], minutes=minutes, options=options,
        random_state=0,
    )  # fmt: skip
    start = time.perf_counter()
    generator.fit(texts, validation_data=validation)
    seconds = time.perf_counter() - start
    generator.save(folder)
    return {
        "texts": len(texts),
        "perplexity": round(generator.report_["perplexity"]["validation"], 2),
        "epochs": len(generator.report_["history"]["loss"]),
        "seconds": round(seconds, 1),
        "settings": settings,
    }


def measure(data, folder, start, seed, limit, epochs):
    """Trains one classifier in this process and evaluates it."""
    import nlpkit
    from nlpkit.models import build_generator

    corpus = corpora.load(data, limit=limit)
    generator = nlpkit.load(folder)
    if start == "scratch":
        import keras

        keras.utils.set_random_seed(seed)
        size = generator.text_to_ids_.vocabulary_size
        generator.network_ = build_generator(size, **generator.spec().network)
    classifier = nlpkit.TextClassifier(
        encoder_from=generator, random_state=seed, epochs=epochs,
        options={"training": FROM_SCRATCH if start == "scratch" else {}},
    )  # fmt: skip
    begun = time.perf_counter()
    classifier.fit(*corpus.train, validation_data=corpus.validation)
    seconds = time.perf_counter() - begun
    test = classifier.evaluate(*corpus.test)
    return {
        "seed": seed,
        "dev_accuracy": classifier.report_["evaluation"]["validation"]["accuracy"],
        "test_accuracy": test["accuracy"],
        "ece": test["ece"],
        "seconds": round(seconds, 1),
        "best_epoch": classifier.report_["best_epoch"],
    }


def summary(runs):
    """The mean of the seeds."""
    names = ("dev_accuracy", "test_accuracy", "ece", "seconds")
    means = {name: sum(run[name] for run in runs) / len(runs) for name in names}
    return {**means, "seeds": [run["test_accuracy"] for run in runs], "runs": runs}


def judge(data, found):
    """Adds the gain of the language model, and whether it is what is asked for."""
    own, scratch = found["starts"]["generator"], found["starts"].get("scratch")
    if scratch:
        found["gain"] = round(own["test_accuracy"] - scratch["test_accuracy"], 4)
    if data in ASKED:
        found |= {"asked": ASKED[data][0], "goal": ASKED[data][1]}
        found["met"], found["goal_met"] = (met(own["test_accuracy"], limit) for limit in ASKED[data])


def run(data, options, name):
    """The language model, if it is not there, and all classifiers; written after each."""
    limit, epochs = (QUICK, 1) if options.quick else (None, options.epochs)
    settings = GENERATORS[data]
    if options.quick:
        settings = {**QUICK_GENERATOR, "network": {**settings["network"], **QUICK_GENERATOR["network"]}}
    folder = MODELS / result_name(f"{NAME}_{data}", options.quick)
    result = read_result(name)
    found = result.setdefault("data", {}).setdefault(data, {})
    if options.anew or options.quick or not (folder / "spec.json").is_file() or "generator" not in found:
        found.clear()
        found["generator"] = {**header(), **apart(
            train_generator, data=data, folder=str(folder), minutes=options.minutes, limit=limit, settings=settings
        )}  # fmt: skip
        write_result(name, result)
    for start in options.starts.split(","):
        runs = []
        for seed in range(options.seeds):
            given = {"data": data, "folder": str(folder), "start": start, "seed": seed}
            runs.append(apart(measure, **given, limit=limit, epochs=epochs))
            found.setdefault("starts", {})[start] = {**header(), **summary(runs)}
            write_result(name, result)
    if "generator" in found["starts"]:
        judge(data, found)
    write_result(name, result)
    return result


def table(result):
    """One line for each data set and start."""
    lines = []
    for data, found in result["data"].items():
        for start in filter(found.get("starts", {}).get, STARTS):
            row, pretrained = found["starts"][start], start == "generator"
            lines.append([
                data, start, f"{100 * row['dev_accuracy']:.2f}", f"{100 * row['test_accuracy']:.2f}",
                " ".join(f"{100 * accuracy:.2f}" for accuracy in row["seeds"]),
                f"{100 * found['gain']:+.2f}" if pretrained and "gain" in found else None, f"{row['seconds']:.0f}",
                *([found.get("asked"), found.get("met"), found.get("goal"), PUBLISHED.get(data)] if pretrained
                  else [None] * 4),
            ])  # fmt: skip
        read = found["generator"]
        lines.append([
            data, f"the language model: {read['texts']:,} texts, perplexity {read['perplexity']}", *[None] * 4,
            f"{read['seconds']:.0f}", *[None] * 4,
        ])  # fmt: skip
    return lines


def write_markdown(name, lines):
    """Writes the table as benchmarks/results/<name>.md."""
    cells = [["" if cell is None else str(cell) for cell in line] for line in lines]
    rows = [COLUMNS, ["---"] * len(COLUMNS), *cells]
    text = "".join(f"| {' | '.join(line)} |\n" for line in rows)
    (RESULTS / f"{name}.md").write_text(text, encoding="utf-8")


def parse():
    """The options."""
    parser = corpora.parser(__doc__, DATA)
    parser.add_argument("--seeds", type=int, default=1, help="number of seeds of the classifiers, from 0")
    parser.add_argument("--minutes", type=float, help="for the language model, at most; default: its epochs")
    parser.add_argument("--epochs", type=int, help="of the classifiers; default: by the data")
    parser.add_argument("--starts", default=",".join(STARTS), help=f"of {','.join(STARTS)}; default: both")
    parser.add_argument("--anew", action="store_true", help="trains another language model")
    options = parser.parse_args()
    if unknown := sorted(set(options.starts.split(",")) - set(STARTS)):
        raise SystemExit(f"--starts takes {','.join(STARTS)}. Received: {','.join(unknown)}")
    return options


def main():
    options = parse()
    name = result_name(NAME, options.quick)
    for data in corpora.chosen(options.data, DATA):
        if data == "sst2" and corpora.missing("imdb"):
            continue
        result = run(data, options, name)
        write_markdown(name, table(result))
        print_table("Accuracy with and without a language model", COLUMNS, table(result))


if __name__ == "__main__":
    main()
