"""Memory on large data: `nlpkit train classifier` on a table of 1 GB must stay within 3 GB.

The table recombines the sentences of IMDb reviews of one label into new reviews, in a temporary directory.
Run from the repository root: python benchmarks/large_file.py --gigabytes 1
"""

import json
import random
import re
import sys
import tempfile
import time
from pathlib import Path

import corpora
from common import header, met, print_table, result_name, timed, write_result

LIMIT_GB = 3.0
SENTENCES = 10  # of a review, in the mean
QUICK_GB, QUICK_LIMIT = 0.01, 1000


def write_table(path, size, limit):
    """Writes label and text until the file has `size` bytes; the same each time. Returns its rows."""
    texts, labels = corpora.load("imdb", limit=limit).train
    pools = {label: [] for label in sorted(set(labels))}
    for text, label in zip(texts, labels, strict=True):
        pools[label] += re.split(r"(?<=[.!?]) +", text)
    draw, rows, written = random.Random(0), 0, 0
    with open(path, "w", encoding="utf-8") as file:
        while written < size:
            label = draw.choice(list(pools))
            sentences = draw.choices(pools[label], k=draw.randint(1, 2 * SENTENCES - 1))
            line = f"{label}\t{' '.join(sentences)}\n"
            file.write(line)
            written, rows = written + len(line.encode()), rows + 1
    return rows


def measure(gigabytes, encoder, epochs, limit):
    """Writes the table, trains on it through the command line and returns the figures."""
    with tempfile.TemporaryDirectory() as name:
        table, out = Path(name) / "reviews.tsv", Path(name) / "model"
        start = time.perf_counter()
        rows = write_table(table, gigabytes * 1e9, limit)
        print(f"{rows:,} rows written in {time.perf_counter() - start:.0f} s; training ...", flush=True)
        command = [sys.executable, "-m", "nlpkit", "train", "classifier", "--data", str(table)]
        command += ["--columns", "label,text", "--out", str(out), "--encoder", encoder]
        command += ["--epochs", str(epochs), "--quiet", "--json"]
        found = timed(command)
    peak = found["peak_mb"] * 2**20 / 1e9
    return {
        "gigabytes": gigabytes,
        "rows": rows,
        "encoder": encoder,
        "epochs": epochs,
        "seconds": round(found["seconds"], 1),
        "rows_per_second": round(rows / found["seconds"]),
        "validation_accuracy": json.loads(found["output"])["evaluation"]["validation"]["accuracy"],
        "peak_gb": round(peak, 2),
        "limit_gb": LIMIT_GB,
        "within_limit": met(peak, LIMIT_GB, at_least=False),
    }


def main():
    parser = corpora.parser(__doc__, ["imdb"], several=False)
    parser.add_argument("--gigabytes", type=float, default=1.0, help="size of the table")
    parser.add_argument("--encoder", default="auto", help="default: auto")
    parser.add_argument("--epochs", type=int, default=1)
    options = parser.parse_args()
    if corpora.missing("imdb"):
        return
    size = min(options.gigabytes, QUICK_GB) if options.quick else options.gigabytes
    found = measure(size, options.encoder, options.epochs, QUICK_LIMIT if options.quick else None)
    columns = ["table", "rows", "seconds", "rows / s", "peak GB", "limit GB", "within"]
    row = [f"{size} GB", f"{found['rows']:,}", found["seconds"], f"{found['rows_per_second']:,}",
           found["peak_gb"], LIMIT_GB, found["within_limit"]]  # fmt: skip
    print_table(f"Training on a large file, encoder {options.encoder}", columns, [row])
    write_result(result_name("large_file", options.quick), {**header(), **found})


if __name__ == "__main__":
    main()
