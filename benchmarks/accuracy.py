"""Accuracy from scratch: encoders of `TextClassifier` with their own settings, beside TF-IDF.

Each data set, encoder, seed and fold is trained in a process of its own. The encoder is chosen by its mean
accuracy on the validation part, never by the test part. Results are merged into
benchmarks/results/accuracy.json after each encoder.
Run from the repository root: python benchmarks/accuracy.py --data sst2 --encoders auto,lstm --seeds 3
"""

import time

import corpora
import tfidf
from common import RESULTS, apart, header, print_table, read_result, result_name, write_result

ENCODERS = ("auto", "bag", "lstm", "cnn")
# Percent: what a release needs at least, and what it is aimed at; for the AG News sample TF-IDF's own result.
FLOORS_AND_GOALS = {
    "sst2": (82.0, 84.0),
    "mr": (77.6, 79.0),
    "imdb": (88.1, 90.6),
    "chnsenticorp": (88.0, 90.0),
}
COLUMNS = ["data", "encoder", "dev %", "test %", "each seed", "ECE", "fit s", "floor", "goal"]
QUICK = 300


def measure(data, encoder, seed, fold, limit):
    """Trains one classifier in this process and evaluates it."""
    from nlpkit import TextClassifier

    corpus = corpora.load(data, fold, limit)
    classifier = TextClassifier(encoder, random_state=seed)
    start = time.perf_counter()
    classifier.fit(*corpus.train, validation_data=corpus.validation)
    seconds = time.perf_counter() - start
    test = classifier.evaluate(*corpus.test)
    return {
        "seed": seed,
        "fold": fold,
        "dev_accuracy": classifier.report_["evaluation"]["validation"]["accuracy"],
        "test_accuracy": test["accuracy"],
        "ece": test["ece"],
        "seconds": round(seconds, 2),
        "best_epoch": classifier.report_["best_epoch"],
    }


def summary(data, encoder, seeds, folds, limit):
    """Measures all seeds and folds of one encoder and averages them."""
    runs = [
        apart(measure, data=data, encoder=encoder, seed=seed, fold=fold, limit=limit)
        for seed in range(seeds)
        for fold in range(min(folds, corpora.folds(data)))
    ]
    by_seed = [[run["test_accuracy"] for run in runs if run["seed"] == seed] for seed in range(seeds)]
    return {
        **{
            name: _mean(run[name] for run in runs)
            for name in ("dev_accuracy", "test_accuracy", "ece", "seconds")
        },
        "seeds": [_mean(accuracies) for accuracies in by_seed],
        "peak_mb": max(run["peak_mb"] for run in runs),
        "runs": runs,
    }


def merge(name, data, part, found):
    """Adds one encoder, or TF-IDF, to the result file and notes the choice of the encoder."""
    result = read_result(name)
    of_data = result.setdefault("data", {}).setdefault(data, {"encoders": {}})
    entry = {**header(), **found}
    if part == "tfidf":
        of_data["tfidf"] = entry
    else:
        of_data["encoders"][part] = entry
        of_data["chosen"] = max(of_data["encoders"], key=lambda it: of_data["encoders"][it]["dev_accuracy"])
    write_result(name, result)
    return result


def table(result, names):
    """Rows of the table: the encoders of each data set, the chosen one, TF-IDF."""
    rows = []
    for data in names:
        of_data = result["data"][data]
        peer = of_data.get("tfidf")
        own = round(100 * peer["test_accuracy"], 2) if peer else None
        floor, goal = FLOORS_AND_GOALS.get(data, (own, own))
        for encoder, found in of_data["encoders"].items():
            rows.append([data, encoder, *_cells(found), None, None])
        chosen = of_data["chosen"]
        rows.append([data, f"chosen: {chosen}", *_cells(of_data["encoders"][chosen]), floor, goal])
        if peer:
            rows.append(
                [data, "TF-IDF", None, f"{own:.2f}", None, None, f"{peer['seconds']:.1f}", None, None]
            )
    return rows


def write_markdown(name, rows):
    """Writes the table of all data sets as benchmarks/results/<name>.md."""
    lines = [COLUMNS, ["---"] * len(COLUMNS), *rows]
    cells = [["" if cell is None else str(cell) for cell in line] for line in lines]
    text = "".join(f"| {' | '.join(line)} |\n" for line in cells)
    (RESULTS / f"{name}.md").write_text(text, encoding="utf-8")


def main():
    parser = corpora.parser(__doc__, corpora.FILES)
    parser.add_argument("--encoders", default=",".join(ENCODERS), help=f"default: {','.join(ENCODERS)}")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds, from 0")
    parser.add_argument("--folds", type=int, default=corpora.FOLDS, help="folds of mr that are run")
    parser.add_argument("--name", help="of the files in benchmarks/results; default: accuracy")
    options = parser.parse_args()
    name = options.name or result_name("accuracy", options.quick)
    limit = QUICK if options.quick else None
    names = corpora.chosen(options.data, corpora.FILES)
    for data in names:
        result = merge(name, data, "tfidf", tfidf.summary(data, options.folds, limit))
        for encoder in options.encoders.split(","):
            result = merge(name, data, encoder, summary(data, encoder, options.seeds, options.folds, limit))
            write_markdown(
                name, table(result, [it for it in result["data"] if result["data"][it]["encoders"]])
            )
        print_table(f"Accuracy on {data}", COLUMNS, table(result, [data]))


def _cells(found):
    return [
        f"{100 * found['dev_accuracy']:.2f}",
        f"{100 * found['test_accuracy']:.2f}",
        " ".join(f"{100 * accuracy:.2f}" for accuracy in found["seeds"]),
        f"{found['ece']:.3f}",
        f"{found['seconds']:.1f}",
    ]


def _mean(values):
    values = list(values)
    return sum(values) / len(values)


if __name__ == "__main__":
    main()
