"""Headlines of news: AG News descriptions to their titles, ROUGE beside the first words of the description.

6,594 pairs train. The baseline takes as many first words as do best on the development part. Each network is trained in
a process of its own, by words in lower case (ROUGE does not see case), with and without copying; both have one
vocabulary for both sides, and write in the way that does best on the development part, greedily or with beams. Ten
examples are drawn by a seed. Rows are kept in one result file, which has no other texts: they are not ours.
Run from the repository root: python benchmarks/headlines.py --model copy
"""

import random

import corpora
import pair_data
from common import RESULTS, apart, header, met, print_table, read_result, result_name, write_result
from language_peers import use_threads

NAME, THREADS, QUICK_PAIRS = "headlines", 2, 200
ROUGE = ("rouge1", "rouge2", "rougeL")
EXAMPLES, MOST_WORDS = 10, 20
BASELINE = "first_words"
# Chosen by ROUGE of the development part; what is not here is the preset's. With a small vocabulary there is more to
# copy, and copying is learned sooner.
TEXT = {"vocabulary_size": 4000, "case": "lower", "max_length": 80}
TRAINING = {"batch_size": 32, "learning_rate": 1e-3, "epochs": 15, "patience": 4}
NETWORK = {"dropout": 0.5}
MODELS = {
    "attention": {"what": "GRU, attention", "network": NETWORK},
    "copy": {"what": "GRU, attention and copying", "network": {**NETWORK, "copy": 50}},
}
SEARCHES = ({"beam_size": 1}, *({"beam_size": 5, "length_penalty": penalty} for penalty in (1.0, 2.0)))
QUICK_SIZES = {"units": 16, "epochs": 2}


def measure_baseline(limit):
    """The first words of each description, in this process."""
    parts = pair_data.load("ag_headlines", limit)
    counts = range(1, MOST_WORDS + 1)
    best = max(
        counts, key=lambda words: sum(scores(first_words(parts["dev"][0], words), parts["dev"][1]).values())
    )
    written = first_words(parts["test"][0], best)
    return {**scores(written, parts["test"][1]), "words": best, "written": written}


def first_words(texts, number):
    """The first words of each text."""
    return [" ".join(text.split()[:number]) for text in texts]


def scores(written, targets):
    """dict of ROUGE, per cent: the mean over the texts."""
    from statistics import fmean

    from nlpkit.estimators.rouge import rouge

    found = [rouge(text, [target]) for text, target in zip(written, targets, strict=True)]
    return {name: round(100 * fmean(one[name] for one in found), 2) for name in ROUGE}


def measure(model, limit, sizes):
    """Trains one network in this process, and tests it."""
    from nlpkit import TextToText

    parts = pair_data.load("ag_headlines", limit)
    training = {**TRAINING, **({"epochs": sizes["epochs"]} if "epochs" in sizes else {})}
    estimator = TextToText(
        "attention", level="word", shared=True, units=sizes.get("units"), random_state=0,
        options={"source": TEXT, "network": MODELS[model]["network"], "training": training},
    )  # fmt: skip
    estimator.fit(*parts["train"], validation_data=parts["dev"])
    search = best_search(estimator, *parts["dev"])
    sources, targets = parts["test"]
    written = estimator.predict(sources, **search)
    return {
        "search": search,
        **scores(written, targets),
        "seconds": round(estimator.report_["seconds"], 1),
        "epochs": len(estimator.report_["history"]["loss"]),
        "best_epoch": estimator.report_["best_epoch"],
        "weights": estimator.network_.count_params(),
        **{group: estimator.report_["settings"][group] for group in ("network", "training")},
        "written": written,
    }


def best_search(estimator, sources, targets):
    """The way of writing with the highest sum of ROUGE."""
    return max(
        SEARCHES, key=lambda search: sum(scores(estimator.predict(sources, **search), targets).values())
    )


def drawn_by(seed, texts):
    """The numbers of ten of so many texts."""
    return random.Random(seed).sample(range(texts), min(EXAMPLES, texts))


def with_examples(row, seed):
    """A row that keeps what was written of the drawn texts alone."""
    written = row.pop("written")
    return {**row, "seed": seed, "examples": [written[number] for number in drawn_by(seed, len(written))]}


def examples(parts, rows, seed):
    """The drawn test texts: description, title, and what each row has written."""
    sources, targets = parts["test"]
    return [
        {"description": sources[number], "title": targets[number],
         **{name: row["examples"][place] for name, row in rows.items()}}
        for place, number in enumerate(drawn_by(seed, len(sources)))
    ]  # fmt: skip


def table(rows):
    """The columns, and one line per row."""
    columns = [
        "",
        "written with",
        "ROUGE-1",
        "ROUGE-2",
        "ROUGE-L",
        "above the first words",
        "seconds",
        "epochs",
    ]
    lines = []
    for name, row in rows.items():
        what = f"first {row['words']} words" if name == BASELINE else MODELS[name]["what"]
        above = None if name == BASELINE else " ".join(met(row[one], rows[BASELINE][one]) for one in ROUGE)
        search = ", ".join(f"{name} {value:g}" for name, value in row.get("search", {}).items()) or None
        lines.append(
            [what, search, *(row[one] for one in ROUGE), above, row.get("seconds"), row.get("epochs")]
        )
    return columns, lines


def write_markdown(name, columns, lines, drawn, seed):
    """Writes table and examples as benchmarks/results/<name>.md."""
    text = "AG News, description to title, test part; ROUGE F1, %.\n\n"
    cells = [["" if cell is None else str(cell) for cell in line] for line in lines]
    for line in [columns, ["---"] * len(columns), *cells]:
        text += f"| {' | '.join(line)} |\n"
    text += f"\nTen examples, drawn at random (seed {seed}).\n"
    for number, example in enumerate(drawn, start=1):
        text += f"\n{number}. {example['description']}\n"
        for key, value in example.items():
            text += "" if key == "description" else f"   - {key}: {value}\n"
    (RESULTS / f"{name}.md").write_text(text, encoding="utf-8")


def main():
    parser = corpora.parser(__doc__, [], several=False)
    parser.add_argument("--model", default=",".join(MODELS), help=f"of {','.join(MODELS)}; default: all")
    parser.add_argument("--epochs", type=int, help=f"default: {TRAINING['epochs']}")
    parser.add_argument("--seed", type=int, default=0, help="of the examples; default: 0")
    options = parser.parse_args()
    if unknown := sorted(set(options.model.split(",")) - set(MODELS)):
        raise SystemExit(f"--model takes {','.join(MODELS)}. Received: {','.join(unknown)}")
    if pair_data.missing("ag_headlines"):
        return
    use_threads(THREADS)
    name, limit = result_name(NAME, options.quick), QUICK_PAIRS if options.quick else None
    sizes = QUICK_SIZES if options.quick else {}
    sizes = {**sizes, "epochs": options.epochs} if options.epochs else sizes
    parts = pair_data.load("ag_headlines", limit)
    baseline = with_examples(apart(measure_baseline, limit=limit), options.seed)
    earlier = read_result(name).get("rows", {}).items()
    rows = {model: row for model, row in earlier if row["seed"] == options.seed}
    rows = {**rows, BASELINE: {**header(), **baseline}}
    rows = {BASELINE: rows.pop(BASELINE), **rows}
    for model in options.model.split(","):
        found = apart(measure, model=model, limit=limit, sizes=sizes)
        rows[model] = {**header(), **with_examples(found, options.seed)}
        columns, lines = table(rows)
        print_table("AG News, description to title", columns, lines)
        drawn = examples(parts, rows, options.seed)
        write_result(name, {**header(), "seed": options.seed, "examples": drawn, "rows": rows})
        write_markdown(name, columns, lines, drawn, options.seed)
    for example in drawn:
        print("", *(f"{key}: {value}" for key, value in example.items()), sep="\n")


if __name__ == "__main__":
    main()
