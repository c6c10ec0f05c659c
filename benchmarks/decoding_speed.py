"""Speed of translation: sentences a second, greedy and with 5 beams, one sentence and 32 at a time.

A GRU with attention and a Transformer of three layers, 256 wide, over 8,000 tokens; 20 tokens from 20. nlpkit's
searches run in one graph with the state of each step; beside them the keras.io way, which re-runs the decoder over the
whole prefix for each token, with `model.predict` and with the model called (translation_peers.py). From ids to ids,
each in a process of its own, by turns, with the same number of threads; a translation before the measured ones makes
the graphs.
No data needed.
Run from the repository root: python benchmarks/decoding_speed.py
"""

import time
from statistics import median

import corpora
import translation_peers
from common import apart, header, met, print_table, result_name, write_result
from language_peers import use_threads

SIZES = {"vocabulary_size": 8000, "units": 256, "layers": 3, "heads": 8, "source": 20, "new": 20}
QUICK = {"vocabulary_size": 50, "units": 8, "layers": 1, "heads": 2, "source": 5, "new": 4}
NAME, KINDS, SIDES = "decoding_speed", ("gru", "transformer"), ("nlpkit", "predict", "call")
BATCHES, BEAMS, QUICK_BATCHES = (1, 32), (1, 5), (2,)
REPETITIONS, ROUNDS, THREADS, TIMES, FIRST_TOKENS = 10, 2, 2, 20.0, 2


def measure(side, kind, batch, beams, sizes, repetitions):
    """Seconds of a translation of a batch in this process."""
    if side == "nlpkit":
        write, weights = translation_peers.nlpkit_writer(kind, sizes, beams)
    else:
        write, weights = translation_peers.keras_writer(kind, sizes, beams, side)
    source = translation_peers.sources_of(batch, sizes)
    # A call per token takes long, and has all its graphs after a few.
    write(source) if side == "nlpkit" else write(source, FIRST_TOKENS)
    seconds = []
    for _ in range(repetitions if side == "nlpkit" else 1):
        start = time.perf_counter()
        tokens = write(source)
        seconds.append(time.perf_counter() - start)
    assert tokens.shape == (batch, sizes["new"]) and (tokens >= translation_peers.FIRST).all(), tokens
    return {"seconds": median(seconds), "weights": weights}


def compare(kind, batch, beams, sizes, rounds, repetitions):
    """All sides by turns; the median of each, and how many times as fast nlpkit is."""
    runs = {side: [] for side in SIDES}
    for _ in range(rounds):
        for side, found in runs.items():
            given = {"side": side, "kind": kind, "batch": batch, "beams": beams}
            found.append(apart(measure, **given, sizes=sizes, repetitions=repetitions))
    sides = {}
    for side, found in runs.items():
        seconds = median(run["seconds"] for run in found)
        sides[side] = {
            "seconds": round(seconds, 5), "runs": [round(run["seconds"], 5) for run in found],
            "sentences_per_second": round(batch / seconds, 2), "weights": found[0]["weights"],
            "peak_mb": max(run["peak_mb"] for run in found),
        }  # fmt: skip
        if side != "nlpkit":
            ratio = seconds / sides["nlpkit"]["seconds"]
            sides[side] |= {"times_as_fast": round(ratio, 1), "met": met(ratio, TIMES)}
    return sides


def show(rows, new):
    """Prints the comparisons."""
    titles = ["model, batch, search", "nlpkit, sentences/s", *(f"model.{side}" for side in SIDES[1:]),
              *(f"× as fast as {side}" for side in SIDES[1:]), f"≥ {TIMES:g} times"]  # fmt: skip
    lines = []
    for name, sides in rows.items():
        peers = [sides[side] for side in SIDES[1:]]
        lines.append([
            name, *(sides[side]["sentences_per_second"] for side in SIDES),
            *(peer["times_as_fast"] for peer in peers), " ".join(peer["met"] for peer in peers),
        ])  # fmt: skip
    print_table(f"Translation of {new} tokens", titles, lines)


def main():
    parser = corpora.parser(__doc__, [], several=False)
    parser.add_argument("--kind", default=",".join(KINDS), help=f"of {','.join(KINDS)}; default: all")
    parser.add_argument("--rounds", type=int, help=f"turns of each side; default: {ROUNDS}")
    parser.add_argument("--new", type=int, help=f"tokens to write, from as many; default: {SIZES['new']}")
    options = parser.parse_args()
    if unknown := sorted(set(options.kind.split(",")) - set(KINDS)):
        raise SystemExit(f"--kind takes {','.join(KINDS)}. Received: {','.join(unknown)}")
    use_threads(THREADS)
    sizes, rounds = (QUICK, 1) if options.quick else (SIZES, ROUNDS)
    name = result_name(NAME, options.quick)
    if options.new:
        sizes, name = {**sizes, "source": options.new, "new": options.new}, f"{name}_{options.new}"
    repetitions, rows = 1 if options.quick else REPETITIONS, {}
    for kind in options.kind.split(","):
        for batch in QUICK_BATCHES if options.quick else BATCHES:
            for beams in BEAMS:
                search = "greedy" if beams == 1 else f"{beams} beams"
                found = compare(kind, batch, beams, sizes, options.rounds or rounds, repetitions)
                rows[f"{kind}, {batch}, {search}"] = found
                show(rows, sizes["new"])
                result = {"sizes": sizes, "threads": THREADS, "limit": TIMES, "rows": rows}
                write_result(name, {**header(), **result})


if __name__ == "__main__":
    main()
