"""What unlabelled text adds: a classifier that begins with a language model, beside the same network from scratch.

A `TextGenerator` reads the reviews of IMDb's training part without their labels (there are no others in shared/data);
for SST-2 too, whose sentences it does not see. Then the same network learns the labels, once from random weights and
once from the generator's (`TextClassifier(encoder_from=…)`). Beside them stand the default classifier, a bag of words
and word groups, and what it and either network say together: the mean of their probabilities, as scikit-learn's
`VotingClassifier(voting="soft")` has it. No text of a test part is read before the end. The generator is
trained once and kept in saved_models/pretraining_generator, where a later run finds it; `--anew` trains another. Each
training runs in a process of its own, and results are merged into benchmarks/results/pretraining.json after each.
Run from the repository root: python benchmarks/pretraining.py --data sst2 --seeds 3
"""

import time

import corpora
from common import RESULTS, ROOT, apart, header, met, print_table, read_result, result_name, write_result

NAME = "pretraining"
MODELS = ROOT / "saved_models"
DATA = ("sst2", "imdb")
# Accuracy that is asked for, and what it is to become; Dai & Le (2015) had twice as much more text without labels.
ASKED = {"imdb": (0.915, 0.925)}
PUBLISHED = {"imdb": "92.8 (Dai & Le 2015)"}
TEXT = {"case": "lower", "html": True, "vocabulary_size": 30_000}
GENERATOR = {
    "units": 400,
    "num_layers": 1,
    "network": {"embedding_dim": 200, "cutoffs": [1_000, 6_000], "dropout": 0.2},
    "training": {"batch_size": 32, "sequence_length": 70, "epochs": 5, "learning_rate": 3e-3},
}
QUICK_GENERATOR = {
    "units": 8,
    "num_layers": 1,
    "network": {"embedding_dim": 8, "cutoffs": None},
    "training": {"batch_size": 4, "sequence_length": 10, "epochs": 1},
}
# Of the networks, wherever they begin; 1,000 tokens are the whole of nearly every review.
TRAINING, MAX_LENGTH = {"learning_rate": 2e-3}, 1000
STARTS = ("default", "scratch", "generator")
VOTES = {f"{start} + default": ("default", start) for start in STARTS[1:]}
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
    "reached",
    "published",
]


def train_generator(folder, minutes, limit, settings):
    """Trains the language model in this process, and saves it."""
    from nlpkit import TextGenerator

    corpus = corpora.load("imdb", limit=limit)
    texts, validation = corpus.train[0], corpus.validation[0]
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
    corpus = corpora.load(data, limit=limit)
    classifier = classifier_of(folder, start, seed, epochs)
    begun = time.perf_counter()
    classifier.fit(*corpus.train, validation_data=corpus.validation)
    seconds = time.perf_counter() - begun
    parts = {"dev": corpus.validation, "test": corpus.test}
    probabilities = {name: classifier.predict_proba(texts).tolist() for name, (texts, _) in parts.items()}
    classes = classifier.classes_.tolist()
    return {
        "seed": seed,
        **{f"{name}_accuracy": accuracy(probabilities[name], classes, parts[name][1]) for name in parts},
        "seconds": round(seconds, 1),
        "best_epoch": classifier.report_["best_epoch"],
        "classes": classes,
        "probabilities": probabilities,
    }


def classifier_of(folder, start, seed, epochs):
    """The default classifier, or the one that begins with a language model or with its network's first weights."""
    import nlpkit
    from nlpkit.models import build_generator

    if start == "default":
        return nlpkit.TextClassifier(random_state=seed)
    generator = nlpkit.load(folder)
    if start == "scratch":
        import keras

        keras.utils.set_random_seed(seed)
        size = generator.text_to_ids_.vocabulary_size
        generator.network_ = build_generator(size, **generator.spec().network)
    return nlpkit.TextClassifier(
        encoder_from=generator, random_state=seed, epochs=epochs,
        options={"text": {"max_length": MAX_LENGTH}, "training": TRAINING},
    )  # fmt: skip


def accuracy(probabilities, classes, labels):
    """The part of the texts whose most likely class is theirs."""
    likeliest = [classes[row.index(max(row))] for row in probabilities]
    return sum(found == label for found, label in zip(likeliest, labels, strict=True)) / len(labels)


def vote(runs, labels):
    """What two classifiers of one seed say together; `labels` of the development and the test part."""
    found = {}
    for name, own in labels.items():
        pairs = zip(*(run["probabilities"][name] for run in runs), strict=True)
        means = [[sum(each) / len(each) for each in zip(*rows, strict=True)] for rows in pairs]
        found[f"{name}_accuracy"] = accuracy(means, runs[0]["classes"], own)
    return {"seed": runs[0]["seed"], **found, "seconds": sum(run["seconds"] for run in runs)}


def summary(runs):
    """The mean of the seeds."""
    names = ("dev_accuracy", "test_accuracy", "seconds")
    runs = [
        {name: value for name, value in run.items() if name not in ("classes", "probabilities")}
        for run in runs
    ]
    means = {name: sum(run[name] for run in runs) / len(runs) for name in names}
    return {**means, "seeds": [run["test_accuracy"] for run in runs], "runs": runs}


def judge(data, starts):
    """Adds the gain of the language model, and whether it is what is asked for."""
    for start in filter(starts.get, ("generator", "generator + default")):
        own, scratch = starts[start], starts.get(start.replace("generator", "scratch"))
        if scratch:
            own["gain"] = round(own["test_accuracy"] - scratch["test_accuracy"], 4)
        if data in ASKED:
            own["asked"], own["goal"] = ASKED[data]
            own["met"], own["goal_met"] = (met(own["test_accuracy"], limit) for limit in ASKED[data])


def prepare(options, name):
    """The language model, trained if it is not there; gives its folder and the result so far."""
    folder = MODELS / result_name(f"{NAME}_generator", options.quick)
    result = read_result(name)
    if options.anew or options.quick or not (folder / "spec.json").is_file() or "generator" not in result:
        found = apart(
            train_generator, folder=str(folder), minutes=options.minutes, limit=QUICK if options.quick else None,
            settings=QUICK_GENERATOR if options.quick else GENERATOR,
        )  # fmt: skip
        result = {"generator": {**header(), **found}, "data": {}}
        write_result(name, result)
    return str(folder), result


def run(data, folder, result, options, name):
    """All classifiers of a data set, and votes; written after each seed."""
    limit, epochs = (QUICK, 1) if options.quick else (None, options.epochs)
    corpus = corpora.load(data, limit=limit)
    labels = {"dev": corpus.validation[1], "test": corpus.test[1]}
    found = {start: [] for start in (*STARTS, *VOTES)}
    for seed in range(options.seeds):
        for start in STARTS:
            given = {"data": data, "folder": folder, "start": start, "seed": seed}
            found[start].append(apart(measure, **given, limit=limit, epochs=epochs))
        for start, voters in VOTES.items():
            found[start].append(vote([found[voter][-1] for voter in voters], labels))
        starts = {start: {**header(), **summary(runs)} for start, runs in found.items()}
        judge(data, starts)
        result["data"][data] = starts
        write_result(name, result)


def table(result):
    """One line for each data set and start, and one for the language model."""
    lines = []
    for data, starts in result["data"].items():
        for start, row in starts.items():
            lines.append([
                data, start, f"{100 * row['dev_accuracy']:.2f}", f"{100 * row['test_accuracy']:.2f}",
                " ".join(f"{100 * accuracy:.2f}" for accuracy in row["seeds"]),
                f"{100 * row['gain']:+.2f}" if "gain" in row else None, f"{row['seconds']:.0f}",
                *map(row.get, ("asked", "met", "goal", "goal_met")), PUBLISHED.get(data) if "asked" in row else None,
            ])  # fmt: skip
    read = result["generator"]
    what = f"{read['texts']:,} texts, {read['epochs']} epochs, perplexity {read['perplexity']}"
    return [
        *lines,
        ["imdb", f"the language model: {what}", *[None] * 4, f"{read['seconds']:.0f}", *[None] * 5],
    ]


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
    parser.add_argument("--anew", action="store_true", help="trains another language model")
    return parser.parse_args()


def main():
    options = parse()
    name = result_name(NAME, options.quick)
    names = corpora.chosen(options.data, DATA)
    if not names or corpora.missing("imdb"):
        return
    folder, result = prepare(options, name)
    for data in names:
        run(data, folder, result, options, name)
        write_markdown(name, table(result))
        print_table("Accuracy with and without a language model", COLUMNS, table(result))


if __name__ == "__main__":
    main()
