"""Penn Treebank: test perplexity and speed of the n-gram model, orders 1 to 5.

Whitespace tokens, one end of sentence per line, a vocabulary of 10,000; one process per order. Beside it the figures
of Mikolov (2012), Statistical language models based on neural networks, for Kneser-Ney.
Run from the repository root: python benchmarks/ptb_ngrams.py
"""

import time
from collections import Counter

import corpora
from common import apart, header, met, print_table, result_name, write_result

FOLDER = corpora.DATA / "ptb"
ORDERS = [1, 2, 3, 4, 5]
PUBLISHED = {3: 148.3, 5: 141.2}
LIMIT = 20.0
QUICK = 2000


def read_ids(limit):
    """The ids of the training and of the test text, and the vocabulary size."""
    import numpy as np

    from nlpkit.text.vocabulary import END, UNKNOWN, Vocabulary

    parts = []
    for name in ("train", "test"):
        with open(FOLDER / f"{name}.txt", encoding="utf-8") as file:
            parts.append([line.split() for line in file][:limit])
    vocabulary = Vocabulary.from_counts(Counter(word for line in parts[0] for word in line))
    index = vocabulary.index
    ids = [[index.get(word, UNKNOWN) for line in part for word in (*line, "</s>")] for part in parts]
    assert index["</s>"] == END
    return *map(np.array, ids), len(vocabulary)


def measure(order, limit):
    """Reads, fits and tests one model in this process."""
    from nlpkit.models.ngram_model import NgramModel

    start = time.perf_counter()
    train, test, size = read_ids(limit)
    read = time.perf_counter()
    cpu = time.process_time()
    model = NgramModel(order, size).fit(train)
    cpu = time.process_time() - cpu
    fitted = time.perf_counter()
    perplexity = model.perplexity(test)
    return {
        "perplexity": round(perplexity, 3),
        "read_seconds": round(read - start, 2),
        "fit_seconds": round(fitted - read, 2),
        "fit_cpu_seconds": round(cpu, 2),
        "test_seconds": round(time.perf_counter() - fitted, 2),
        "ngrams": sum(len(level.keys) for level in model.levels_),
        "discounts": model.discounts_.round(4).tolist(),
        "train_tokens": len(train),
        "test_tokens": len(test),
        "vocabulary_size": size,
    }


def main():
    options = corpora.parser(__doc__, ["ptb"], several=False).parse_args()
    absent = [f"ptb/{name}" for name in ("train.txt", "test.txt") if not (FOLDER / name).exists()]
    if absent:
        print(f"skipped: {', '.join(absent)} is not in shared/data beside the repository")
        return
    limit = QUICK if options.quick else None
    runs = {order: apart(measure, order=order, limit=limit) for order in ORDERS}
    seconds = runs[ORDERS[-1]]["read_seconds"] + runs[ORDERS[-1]]["fit_seconds"]
    columns = ["perplexity", "read_seconds", "fit_seconds", "fit_cpu_seconds", "test_seconds", "peak_mb"]
    rows = [
        [order, *(run[c] for c in columns), None if limit else PUBLISHED.get(order)]
        for order, run in runs.items()
    ]
    titles = ["order", "perplexity", "read s", "fit s", "fit cpu s", "test s", "peak MiB", "published"]
    print_table("Penn Treebank, interpolated modified Kneser-Ney", titles, rows)
    fast = met(seconds, LIMIT, at_least=False)
    print(f"order {ORDERS[-1]}: {seconds:.1f} s to read and train (at most {LIMIT:.0f}: {fast})")
    found = {"orders": runs, "published": PUBLISHED, "limit_seconds": LIMIT, "fast_enough": fast}
    write_result(result_name("ptb_ngrams", options.quick), {**header(), **found})


if __name__ == "__main__":
    main()
