"""Prediction speed: `nlpkit predict` on a million short texts against `model.predict` of the plain script.

nlpkit's figure covers the whole process, from its start to the last line of JSON (`start s`: the
part that a single text takes as well); the plain script's covers ids and `model.predict` alone, on 50,000
texts of the same kind. nlpkit runs with the same network (embedding of 128, two bidirectional LSTMs of 64)
and with the encoder that it chooses itself.
Run from the repository root: python benchmarks/prediction_speed.py --texts 1000000
"""

import random
import sys
import tempfile
from pathlib import Path

import corpora
from common import apart, header, met, print_table, result_name, run_plain, timed, write_result

GOAL = 3.0
PLAIN_TEXTS = 50_000
QUICK_TEXTS, QUICK_LIMIT = 5_000, 500


def write_texts(path, count):
    """Writes short texts: the beginning of one SST-2 sentence and the end of another; the same each time."""
    sentences = [text.split() for text in corpora.load("sst2").train[0]]
    draw = random.Random(0)
    with open(path, "w", encoding="utf-8") as file:
        for _ in range(count):
            first, second = draw.choice(sentences), draw.choice(sentences)
            words = first[: (len(first) + 1) // 2] + second[len(second) // 2 :]
            file.write(" ".join(words) + "\n")


def train(folder, encoder, limit):
    """Trains a classifier for one epoch, in this process, and saves it."""
    from nlpkit import TextClassifier

    corpus = corpora.load("sst2", limit=limit)
    same = {"units": 64, "num_layers": 2, "bidirectional": True} if encoder == "lstm" else {}
    network = {"embedding_dim": 128, "pooling": "last"} if encoder == "lstm" else {}
    classifier = TextClassifier(encoder, **same, epochs=1, options={"network": network}, random_state=0)
    classifier.fit(*corpus.train, validation_data=corpus.validation).save(folder)
    return {"encoder": classifier.spec().network["encoder"]}


def predict(folder, texts, count):
    """Times `nlpkit predict` as a process."""
    command = [sys.executable, "-m", "nlpkit", "predict", str(folder), "--quiet", "--json"]
    start = timed([*command, "one text"], discard_output=True)
    found = timed([*command, "--data", str(texts)], discard_output=True)
    return {
        "texts": count,
        "start_seconds": round(start["seconds"], 2),
        "seconds": round(found["seconds"], 2),
        "texts_per_second": round(count / found["seconds"]),
        "peak_mb": found["peak_mb"],
    }


def plain(texts, count, limit):
    """The same figures of the plain script."""
    found = run_plain(data="sst2", epochs=1, limit=limit, predict=texts)
    return {
        "texts": count,
        "seconds": round(found["predict_seconds"], 2),
        "texts_per_second": round(count / found["predict_seconds"]),
        "peak_mb": found["predict_peak_mb"],
    }


def compare(count, limit):
    """Measures all sides one after another."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        few = min(PLAIN_TEXTS, count)
        write_texts(folder / "all.txt", count)
        write_texts(folder / "few.txt", few)
        runs = {"plain Keras": plain(folder / "few.txt", few, limit)}
        for label, encoder in {"nlpkit, same network": "lstm", "nlpkit, own choice": "auto"}.items():
            trained = apart(train, folder=str(folder / encoder), encoder=encoder, limit=limit)
            runs[label] = {
                "encoder": trained["encoder"],
                **predict(folder / encoder, folder / "all.txt", count),
            }
    rate = runs["plain Keras"]["texts_per_second"]
    for run in runs.values():
        run["times_as_fast"] = round(run["texts_per_second"] / rate, 2)
    reached = runs["nlpkit, same network"]["times_as_fast"]
    return {"runs": runs, "goal": GOAL, "goal_met": met(reached, GOAL)}


def main():
    parser = corpora.parser(__doc__, ["sst2"], several=False)
    parser.add_argument("--texts", type=int, default=1_000_000, help="number of texts for nlpkit")
    options = parser.parse_args()
    if corpora.missing("sst2"):
        return
    count = min(options.texts, QUICK_TEXTS) if options.quick else options.texts
    found = compare(count, QUICK_LIMIT if options.quick else None)
    rows = [
        [name, f"{run['texts']:,}", run.get("start_seconds"), run["seconds"], f"{run['texts_per_second']:,}",
         run["peak_mb"], run["times_as_fast"]]
        for name, run in found["runs"].items()
    ]  # fmt: skip
    columns = ["", "texts", "start s", "seconds", "texts / s", "peak MiB", "times as fast"]
    print_table(f"Prediction (goal {GOAL}: {found['goal_met']})", columns, rows)
    write_result(result_name("prediction_speed", options.quick), {**header(), **found})


if __name__ == "__main__":
    main()
