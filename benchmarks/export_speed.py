"""Exported models: size of the files, time of a call and of a first prediction, and what smaller numbers cost.

A classifier of two bidirectional LSTMs of 64 over vectors of 128, trained on SST-2, and a generator of two LSTMs of
200 over characters, trained on a part of Tiny Shakespeare, each beside a plain Keras model of equal size (whose
weights are not trained: its time does not depend on them) and what Keras' own `model.export(format="litert")` makes
of that one. A classifier reads 20, 100 and 400 ids, a generator writes as many characters; TFLite has one thread.
Run from the repository root: python benchmarks/export_speed.py
"""

import argparse
import json
import os
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median

import corpora
import export_peers
import language_data
from common import apart, header, met, print_table, result_name, timed, write_result

LENGTHS, QUICK_LENGTHS = (20, 100, 400), (5, 9)
CHARACTERS = 200_000
# Of the plain Keras call at batch 1, of the float file, of SST-2's accuracy in points, of loading Keras.
GOALS = {"times_as_fast": 3.0, "share_of_size": 0.3, "points_lost": 0.5, "start": 10.0}
WRITTEN, WRITING_MS = 200, 100.0
IMPORT_SECONDS, FIRST_SECONDS = 0.3, 0.5
LEAST, SECONDS, LONG = 3, 1.0, 10.0
SENTENCE = "a gorgeous , witty , seductive movie ."
STARTS = {
    "import nlpkit.lite": "import nlpkit.lite",
    "nlpkit.lite": (
        "import nlpkit.lite\n"
        "model = nlpkit.lite.load('{folder}/classifier/model.tflite')\nmodel.predict(['{sentence}'])"
    ),
    "Keras": (
        "import keras, numpy\n"
        "model = keras.models.load_model('{folder}/plain_classifier.keras')\n"
        "model(numpy.ones((1, 8), 'int32'))"
    ),
}


def prepare(folder, quick):
    """Trains and exports both models, and Keras' own; what is known about them goes to `facts.json`."""
    from nlpkit import TextClassifier, TextGenerator

    units, embedding_dim, width = (4, 4, 8) if quick else (64, 128, 200)
    corpus = corpora.load("sst2", limit=320 if quick else None)
    text = (corpora.DATA / "tinyshakespeare" / "input.txt").read_text(encoding="utf-8")
    options = {"text": {"vocabulary_size": 20_000}, "network": {"embedding_dim": embedding_dim}}
    classifier = TextClassifier(
        "lstm", units=units, num_layers=2, epochs=1 if quick else 4, options=options, random_state=0
    ).fit(*corpus.train, validation_data=corpus.validation)
    generator = TextGenerator(level="char", units=width, num_layers=2, epochs=1, random_state=0)
    generator.fit([text[: 2000 if quick else CHARACTERS]])
    for model, name, more in (
        (classifier, "classifier", {"validation_data": corpus.validation, "max_loss": 1.0}),
        (generator, "generator", {}),
    ):
        model.export(f"{folder}/{name}", to=("saved_model", "tflite"), quantize="dynamic", **more)
    words, characters = (each.text_to_ids_.vocabulary_size for each in (classifier, generator))
    facts = {"words": words, "characters": characters}
    (Path(folder) / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
    plain = {
        export_peers.PLAIN_CLASSIFIER: export_peers.plain_classifier(words, units, embedding_dim),
        export_peers.PLAIN_GENERATOR: export_peers.plain_generator(characters, width),
    }
    for name, model in plain.items():
        model.save(Path(folder) / name)
        model.export(Path(folder) / name.replace(".keras", ".tflite"), format="litert", verbose=False)
    return {"accuracy": accuracies(folder, classifier, corpus.test)}


def accuracies(folder, classifier, test):
    """Accuracy on the test part: of the model, and of each of its files."""
    import nlpkit.lite

    texts, labels = test
    found = {"Keras model": float(classifier.score(texts, labels))}
    for name in ("nlpkit, TFLite", "nlpkit, TFLite, dynamic"):
        model = nlpkit.lite.load(Path(folder) / export_peers.FILES[name].format(kind="classifier"))
        found[name] = float((model.predict(texts) == labels).mean())
    return found


def measure(folder, kind, side, lengths):
    """Median milliseconds of one side at each length, or why it does not run."""
    try:
        if kind == "classifier":
            calls = {length: export_peers.CLASSIFIERS[side](folder, length) for length in lengths}
            return {"ms": {str(length): _median_ms(call) for length, call in calls.items()}}
        write = export_peers.GENERATORS[side](folder)
        return {"ms": {str(length): _median_ms(partial(_whole, write, length)) for length in lengths}}
    except (RuntimeError, ValueError) as error:
        return {"fails": str(error).splitlines()[0][:200]}


def _whole(write, count):
    if (written := len(write(count))) != count:
        raise RuntimeError(f"{written} characters were written, not {count}")


def write_on_one_core(folder, count):
    """Median milliseconds in which the generator's file writes so many characters on one processor core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    write = export_peers.GENERATORS["nlpkit, TFLite"](folder)
    return {"characters": count, "ms": _median_ms(partial(_whole, write, count))}


def _median_ms(call):
    """Of the calls after the first one, unless that took so long that starting does not matter."""
    seconds = [_seconds(call)]
    if seconds[0] < LONG:
        seconds = []
        while len(seconds) < LEAST or sum(seconds) < SECONDS:
            seconds.append(_seconds(call))
    return round(1000 * median(seconds), 3)


def _seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def sizes(folder, kind):
    """Bytes of what each side needs."""
    found = {}
    for side, name in export_peers.FILES.items():
        path = Path(folder) / name.format(kind=kind)
        parts = [path] if path.is_file() else path.rglob("*")
        found[side] = sum(part.stat().st_size for part in parts if part.is_file())
    return found


def starts(folder, runs):
    """Best seconds of fresh processes, from their start to their end after a first prediction."""
    found = {}
    for name, program in STARTS.items():
        program = program.format(folder=folder, sentence=SENTENCE)
        found[name] = round(min(timed([sys.executable, "-c", program])["seconds"] for _ in range(runs)), 3)
    return found


def judge(result):
    """What was asked for, what was reached, and whether that is enough."""
    checks = []
    for kind in ("classifier", "generator"):
        rows = result[kind]
        for length, plain in rows["plain Keras call"]["ms"].items():
            ratio = round(plain / rows["nlpkit, TFLite"]["ms"][length], 1)
            checks.append(
                [f"{kind}, {length}: times as fast as plain Keras", ratio, GOALS["times_as_fast"], True]
            )
        share = round(rows["nlpkit, TFLite, dynamic"]["bytes"] / rows["nlpkit, TFLite"]["bytes"], 3)
        checks.append(
            [f"{kind}: 8-bit weights, part of the float file", share, GOALS["share_of_size"], False]
        )
    accuracy = result["accuracy"]
    lost = 100 * (accuracy["Keras model"] - accuracy["nlpkit, TFLite, dynamic"])
    start = result["start_seconds"]
    sooner = round(start["Keras"] / start["nlpkit.lite"], 1)
    checks += [
        ["8-bit weights, points of accuracy lost", round(lost, 2), GOALS["points_lost"], False],
        ["first prediction, times as soon as Keras", sooner, GOALS["start"], True],
        ["import nlpkit.lite, seconds", start["import nlpkit.lite"], IMPORT_SECONDS, False],
        ["first prediction, seconds", start["nlpkit.lite"], FIRST_SECONDS, False],
        [f"{WRITTEN} characters on one core, ms", result["one_core"]["ms"], WRITING_MS, False],
    ]  # fmt: skip
    return [
        {"what": what, "found": found, "limit": limit, "met": met(found, limit, at_least)}
        for what, found, limit, at_least in checks
    ]


def run(folder, quick):
    """Everything, in processes of their own."""
    lengths = QUICK_LENGTHS if quick else LENGTHS
    result = apart(prepare, folder=folder, quick=quick)
    for kind, sides in (("classifier", export_peers.CLASSIFIERS), ("generator", export_peers.GENERATORS)):
        held = sizes(folder, kind)
        result[kind] = {
            side: {
                "bytes": held[side],
                **apart(measure, folder=folder, kind=kind, side=side, lengths=lengths),
            }
            for side in sides
        }
    result["start_seconds"] = starts(folder, 1 if quick else 5)
    result["one_core"] = apart(write_on_one_core, folder=folder, count=9 if quick else WRITTEN)
    return {**result, "checks": judge(result)}


def show(result):
    """Prints the tables."""
    for kind, what in (("classifier", "one prediction"), ("generator", "writing")):
        lengths = list(result[kind]["plain Keras call"]["ms"])
        rows = [
            [
                side,
                f"{row['bytes'] / 1e6:.2f}",
                *(row["ms"].values() if "ms" in row else ["fails"] * len(lengths)),
            ]
            for side, row in result[kind].items()
        ]
        print_table(f"{kind}: {what}, ms", ["", "MB", *lengths], rows)
        for side, row in result[kind].items():
            if "fails" in row:
                print(f"{side} does not run: {row['fails']}")
    print_table("Goals", ["", "found", "limit", "met"], [list(check.values()) for check in result["checks"]])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small models, to see that it works")
    quick = parser.parse_args().quick
    if corpora.missing("sst2") or language_data.missing("tinyshakespeare", ["input.txt"]):
        return
    with tempfile.TemporaryDirectory(prefix="nlpkit-") as folder:
        result = run(folder, quick)
    show(result)
    write_result(result_name("export_speed", quick), {**header(), **result})


if __name__ == "__main__":
    main()
