"""Speed of generation: 200 new tokens, one and 32 texts at a time, the most likely token each time.

Two LSTM layers of 200 and a Transformer of two layers of 200 over 10,000 words; nlpkit beside the tutorial way, which
asks `model.predict` for each token or calls a stateful model for each, beside KerasHub's `generate()` with a GPT-2 of
equal size, and beside a loop in PyTorch. Each in a process of its own, by turns, with the same number of threads; a
generation before the measured ones makes the graphs. The LSTMs have the same weights, and so write the same tokens.
`compiled_step_lstm`, one step as a `tf.function`, has no limit. KerasHub and PyTorch are used where they can be
imported: pip install torch keras-hub, or pip install --target FOLDER ... and PEER_PATH=FOLDER. No data needed.
Run from the repository root: python benchmarks/generation_speed.py
"""

import time
from statistics import median

import corpora
import generation_peers
from common import apart, header, met, print_table, result_name, write_result
from language_peers import lacks, use_threads, versions

SIZES = {"vocabulary_size": 10_000, "units": 200, "layers": 2, "heads": 4, "prompt": 10, "new": 200}
QUICK = {"vocabulary_size": 50, "units": 8, "layers": 2, "heads": 2, "prompt": 3, "new": 4}
BATCHES, QUICK_BATCHES = [1, 32], [2]
ROUNDS, REPETITIONS, THREADS = 2, 5, 2
# What nlpkit's two are compared with, and how many times as fast they should be.
PEERS = {
    "nlpkit_lstm": {"predict_lstm": 20.0, "step_lstm": 20.0, "compiled_step_lstm": None, "torch_lstm": 1.0},
    "nlpkit_transformer": {"predict_transformer": 20.0, "keras_hub": 1.5},
}
LIBRARY = {"torch_lstm": "torch", "keras_hub": "keras_hub"}
# A call per token takes long, and so is measured once a round; the first few tokens make its graphs.
BY_TOKEN, FIRST_TOKENS = {"predict_lstm", "predict_transformer", "step_lstm"}, 4


def measure(side, batch, sizes):
    """Seconds of a generation, in this process, and what it writes in the first row."""
    new = sizes["new"]
    write = getattr(generation_peers, side)(batch, sizes)
    write(FIRST_TOKENS if side in BY_TOKEN else new)
    seconds = []
    for _ in range(1 if side in BY_TOKEN else REPETITIONS):
        start = time.perf_counter()
        tokens = write(new)
        seconds.append(time.perf_counter() - start)
    assert tokens.shape == (batch, new), tokens.shape
    return {"seconds": median(seconds), "tokens": tokens[0].tolist()}


def compare(batch, rounds, sizes):
    """All sides by turns at one batch size; the median of each, and the ratios."""
    names = [name for own, peers in PEERS.items() for name in (own, *peers)]
    absent = {name: lacks(LIBRARY[name]) for name in names if name in LIBRARY and lacks(LIBRARY[name])}
    runs = {name: [] for name in names if name not in absent}
    for _ in range(rounds):
        for name, found in runs.items():
            found.append(apart(measure, side=name, batch=batch, sizes=sizes))
    sides = {name: summary(found, batch * sizes["new"]) for name, found in runs.items()}
    for own, peers in PEERS.items():
        for peer, limit in peers.items():
            if peer in sides:
                ratio = sides[peer]["seconds"] / sides[own]["seconds"]
                sides[peer] |= {"against": own, "times_as_fast": round(ratio, 2), "limit": limit}
                sides[peer]["met"] = limit and met(ratio, limit)
                sides[peer]["same_tokens"] = share(runs[own][0]["tokens"], runs[peer][0]["tokens"])
    return sides | {name: {"absent": hint} for name, hint in absent.items()}


def summary(runs, tokens):
    """Median seconds, tokens per second, and the peak of the memory."""
    seconds = median(run["seconds"] for run in runs)
    return {
        "seconds": round(seconds, 4),
        "runs": [round(run["seconds"], 4) for run in runs],
        "tokens_per_second": round(tokens / seconds, 1),
        "peak_mb": max(run["peak_mb"] for run in runs),
    }


def share(own, peer):
    """Part of the tokens that are the same; only LSTMs have the same weights."""
    return round(sum(a == b for a, b in zip(own, peer, strict=True)) / len(own), 3)


def show(batch, sides, new):
    """Prints the comparison at one batch size."""
    columns = ["seconds", "tokens_per_second", "peak_mb", "times_as_fast", "limit", "met"]
    rows = [
        [name, side.get("absent"), *map(side.get, columns[1:])] if "absent" in side
        else [name, *map(side.get, columns), side.get("same_tokens") if "lstm" in name else None]
        for name, side in sides.items()
    ]  # fmt: skip
    titles = ["", "seconds", "tokens/s", "peak MiB", "nlpkit is × as fast", "at least", "met", "same tokens"]
    print_table(f"Generation of {new} tokens, batch {batch}", titles, rows)


def main():
    parser = corpora.parser(__doc__, [], several=False)
    parser.add_argument("--rounds", type=int, help=f"turns of each side; default: {ROUNDS}")
    options = parser.parse_args()
    use_threads(THREADS)
    sizes = QUICK if options.quick else SIZES
    batches = {}
    for batch in QUICK_BATCHES if options.quick else BATCHES:
        batches[batch] = compare(batch, options.rounds or (1 if options.quick else ROUNDS), sizes)
        show(batch, batches[batch], sizes["new"])
        result = {"peers": versions(), "sizes": sizes, "threads": THREADS, "batches": batches}
        write_result(result_name("generation_speed", options.quick), {**header(), **result})


if __name__ == "__main__":
    main()
