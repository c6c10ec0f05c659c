"""Texts to ids: nlpkit's `fit_encode` against Keras `TextVectorization`, on the IMDb training set.

Both learn a vocabulary of 20,000 and return a table of 200 ids per review; each runs in a process of its own,
and the better of two runs counts. Run from the repository root: python benchmarks/text_to_ids.py
"""

import datetime
import gzip
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data" / "imdb" / "train.tsv.gz"
RESULT = ROOT / "benchmarks" / "results" / "text_to_ids.json"
VOCABULARY_SIZE, LENGTH, RUNS = 20_000, 200, 2


def read_texts():
    """Reads the reviews: the third column of the table."""
    with gzip.open(DATA, "rt", encoding="utf-8", newline="\n") as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    return [row[2] for row in rows if row[0] != "label"]


def run_nlpkit(texts):
    """Learns and encodes in one call."""
    from nlpkit.text import text_to_ids

    layer = text_to_ids("word", max_length=LENGTH, vocabulary_size=VOCABULARY_SIZE)
    start = time.perf_counter()
    table = layer.fit_encode(texts).padded(length=LENGTH)
    return time.perf_counter() - start, table, layer.vocabulary_size


def run_keras(texts):
    """Adapts, then transforms in tf.data on all cores: the fastest of the ways its documentation shows."""
    import keras
    import numpy as np
    import tensorflow as tf

    layer = keras.layers.TextVectorization(VOCABULARY_SIZE, output_sequence_length=LENGTH)
    start = time.perf_counter()
    batches = tf.data.Dataset.from_tensor_slices(texts).batch(1024).prefetch(2)
    layer.adapt(batches)
    encoded = batches.map(layer, num_parallel_calls=tf.data.AUTOTUNE)
    table = np.concatenate(list(encoded.as_numpy_iterator()))
    return time.perf_counter() - start, table, layer.vocabulary_size()


def measure(name):
    """Runs one side in this process and prints its result as JSON."""
    import tensorflow as tf

    texts = read_texts()
    tf.strings.lower(tf.constant(texts[:1]))  # TensorFlow's own start-up is not part of either time
    cpu = time.process_time()
    seconds, table, size = {"nlpkit": run_nlpkit, "keras": run_keras}[name](texts)
    cpu = time.process_time() - cpu
    print(json.dumps({"seconds": seconds, "cpu": cpu, "shape": table.shape, "vocabulary_size": size}))


def measure_apart(name):
    """Runs one side in a fresh process."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, __file__, name]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def versions():
    """Python, TensorFlow and Keras versions, without importing them."""
    from importlib.metadata import version

    return {
        "python": platform.python_version(),
        "tensorflow": version("tensorflow"),
        "keras": version("keras"),
    }


def main():
    if not DATA.exists():
        print(
            "skipped: the IMDb training set (shared/data/imdb/train.tsv.gz beside the repository) is not here"
        )
        return
    load, runs = os.getloadavg()[0], {"nlpkit": [], "keras": []}
    for _ in range(RUNS):  # in turns, so that what else the machine does meets both
        for name, found in runs.items():
            found.append(measure_apart(name))
    best = {name: min(run["seconds"] for run in found) for name, found in runs.items()}
    ratio = best["keras"] / best["nlpkit"]
    result = {
        "date": datetime.date.today().isoformat(),
        "command": "python benchmarks/text_to_ids.py",
        "machine": {"cpus": os.cpu_count(), "architecture": platform.machine(), **versions()},
        "reviews": runs["nlpkit"][0]["shape"][0],
        "vocabulary_size": {name: found[0]["vocabulary_size"] for name, found in runs.items()},
        "seconds": {name: [round(run["seconds"], 3) for run in found] for name, found in runs.items()},
        "best_seconds": {name: round(seconds, 3) for name, seconds in best.items()},
        "times_as_fast": round(ratio, 2),
        # Hardly moved by other load on the machine, which takes the second core from the side that uses both.
        "cpu_seconds": {name: [round(run["cpu"], 3) for run in found] for name, found in runs.items()},
        "load_average_before": round(load, 1),
    }
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"nlpkit fit_encode        {best['nlpkit']:.2f} s")
    print(f"Keras TextVectorization  {best['keras']:.2f} s")
    print(f"nlpkit is {ratio:.2f} times as fast (load average before: {load:.1f})")


if __name__ == "__main__":
    measure(sys.argv[1]) if len(sys.argv) > 1 else main()
