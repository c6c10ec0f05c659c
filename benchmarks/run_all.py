"""The quick benchmarks, one after another, and one table of their results; `make bench` calls it.

Run from the repository root: python benchmarks/run_all.py
"""

import argparse
import subprocess
import sys

from common import FOLDER, header, met, print_table, read_result, result_name, write_result

# A file of its own, so that one seed does not replace the results of several; git ignores it.
ACCURACY = "accuracy_one_seed_quick"
STEPS = [
    ["startup.py"],
    ["text_to_ids.py"],
    ["training_speed.py", "--data", "sst2"],
    ["accuracy.py", "--data", "sst2", "--seeds", "1", "--encoders", "auto", "--name", ACCURACY],
    ["layer_speed.py"],
    ["decoding_speed.py", "--rounds", "1"],
]


def summary(quick):
    """One row per measurement, from the result files: what, nlpkit, peer, ratio, needed, met."""
    startup = read_result(result_name("startup", quick))
    rows = [["start-up, slowest command, s", startup["slowest"], None, None, "<= 0.5", startup["within"]]]
    if ids := read_result(result_name("text_to_ids", quick)):
        own, peer = ids["best_seconds"]["nlpkit"], ids["best_seconds"]["keras"]
        rows.append(
            [
                "texts to ids, IMDb, s",
                own,
                peer,
                ids["times_as_fast"],
                f">= {ids['floor']} times",
                ids["fast_enough"],
            ]
        )
    if speed := read_result(result_name("training_speed", quick)):
        rows += training_rows(speed["data"]["sst2"])
    if accuracy := read_result(ACCURACY):
        found = accuracy["data"]["sst2"]
        own, peer = found["encoders"]["auto"]["test_accuracy"], found["tfidf"]["test_accuracy"]
        rows.append(
            ["accuracy, SST-2 (TF-IDF)", round(own, 4), round(peer, 4), None, ">= 0.82", met(own, 0.82)]
        )
    if layers := read_result(result_name("layer_speed", quick)):
        measured = [row["met"] for found in layers["layers"].values() for row in found["rows"]]
        within, all_of_them = measured.count("yes"), len(measured)
        asked = f"all {all_of_them}"
        rows.append(["layers no slower than Keras'", within, None, None, asked, met(within, all_of_them)])
    if decoding := read_result(result_name("decoding_speed", quick)):
        rows += decoding_rows(decoding)
    return rows


def decoding_rows(found):
    """Sentences a second of each search, beside the faster way to re-run the decoder for each token."""
    rows = []
    for name, sides in found["rows"].items():
        own = sides.pop("nlpkit")["sentences_per_second"]
        peer = max(side["sentences_per_second"] for side in sides.values())
        ratio = min(side["times_as_fast"] for side in sides.values())
        needed = f">= {found['limit']:g} times"
        rows.append(
            [f"translation, {name}, sentences/s", own, peer, ratio, needed, met(ratio, found["limit"])]
        )
    return rows


def training_rows(found):
    """Seconds, accuracy and memory of the same network, beside each plain script."""
    own, floor, rows = found["runs"]["nlpkit"], found["floor"], []
    for peer, run in list(found["runs"].items())[1:]:
        ratio = run["times_as_slow"]
        seconds = round(own["seconds"], 1), round(run["seconds"], 1)
        rows.append([f"training, SST-2, s ({peer})", *seconds, ratio, f">= {floor}", met(ratio, floor)])
        accuracies = own["accuracy"], run["accuracy"]
        rows.append([f"its test accuracy ({peer})", *accuracies, None, ">= peer", met(*accuracies)])
        memory = own["peak_mb"], run["peak_mb"]
        ratio = round(memory[1] / memory[0], 2)
        rows.append(
            [f"its peak memory, MiB ({peer})", *memory, ratio, "<= peer", met(*memory, at_least=False)]
        )
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a few texts, to see that it works")
    quick = parser.parse_args().quick
    for script, *arguments in STEPS:
        print(f"== {' '.join([script, *arguments])}", flush=True)
        command = [sys.executable, str(FOLDER / script), *arguments]
        subprocess.run([*command, "--quick"] if quick else command, check=True)
    rows = summary(quick)
    columns = ["", "nlpkit", "peer", "peer / nlpkit", "needed", "met"]
    print_table("Quick benchmarks", columns, rows)
    table = [dict(zip(["what", *columns[1:]], row, strict=True)) for row in rows]
    write_result(result_name("run_all", quick), {**header(), "table": table})


if __name__ == "__main__":
    main()
