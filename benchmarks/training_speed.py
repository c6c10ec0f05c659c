"""Training speed: the same network and number of epochs with nlpkit and as a plain Keras script.

Embedding of 128, two bidirectional LSTMs of 64, last states; 20,000 words; 200 tokens on IMDb, whole
sentences on SST-2. Seconds run from texts in memory to the trained model, the vocabulary included. The plain
script runs twice: as it is, and with `mask_zero`, so that its last state is that of the last word.
Run from the repository root: python benchmarks/training_speed.py --data sst2
"""

import time

import corpora
from common import apart, header, met, peak_mb, print_table, read_result, result_name, run_plain, write_result

EPOCHS = {"sst2": 4, "imdb": 2}
LENGTH = {"sst2": None, "imdb": 200}
GOALS = {"sst2": 2.5, "imdb": 2.0}
FLOORS = {"sst2": 2.5, "imdb": 1.5}
PEERS = {"plain": {}, "masked": {"mask": True}}
QUICK = 320


def measure_nlpkit(data, epochs, batch_size, limit):
    """Trains in this process, measures, then tests."""
    from nlpkit import TextClassifier  # before TensorFlow, as in a script: it sets TF_ENABLE_ONEDNN_OPTS

    import tensorflow as tf  # isort: skip

    corpus = corpora.load(data, limit=limit)
    tf.strings.lower(tf.constant(corpus.train[0][:1]))  # TensorFlow's own start-up is not part of the time
    training = {"patience": None, **({"batch_size": batch_size} if batch_size else {})}
    options = {
        "text": {"vocabulary_size": 20_000},
        "network": {"embedding_dim": 128, "pooling": "last"},
        "training": training,
    }
    classifier = TextClassifier(
        "lstm", units=64, num_layers=2, bidirectional=True, max_length=LENGTH[data], epochs=epochs,
        options=options, random_state=0,
    )  # fmt: skip
    start, cpu = time.perf_counter(), time.process_time()
    classifier.fit(*corpus.train, validation_data=corpus.validation)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    return {
        "seconds": seconds,
        "cpu_seconds": cpu,
        "peak_mb": peak_mb(),
        "batch_size": classifier.spec().training.batch_size,
        "validation_accuracy": classifier.report_["evaluation"]["validation"]["accuracy"],
        "accuracy": float(classifier.score(*corpus.test)),
    }


def compare(data, epochs, batch_size, peers, limit):
    """Measures nlpkit and its peers one after another and adds the ratios."""
    runs = {"nlpkit": apart(measure_nlpkit, data=data, epochs=epochs, batch_size=batch_size, limit=limit)}
    for peer in peers:
        runs[peer] = run_plain(data=data, epochs=epochs, limit=limit, **PEERS[peer])
    own = runs["nlpkit"]
    for peer in peers:
        runs[peer]["times_as_slow"] = round(runs[peer]["seconds"] / own["seconds"], 2)
        # Hardly moved by other load on the machine, but blind to how well a side uses all cores.
        runs[peer]["times_as_much_cpu"] = round(runs[peer]["cpu_seconds"] / own["cpu_seconds"], 2)
    fastest = min(runs[peer]["times_as_slow"] for peer in peers)
    best = max(runs[peer]["accuracy"] for peer in peers)
    leanest = min(runs[peer]["peak_mb"] for peer in peers)
    return {
        "epochs": epochs,
        "runs": {name: _rounded(run) for name, run in runs.items()},
        "times_as_fast": fastest,
        "floor": FLOORS[data],
        "goal": GOALS[data],
        "fast_enough": met(fastest, FLOORS[data]),
        "goal_met": met(fastest, GOALS[data]),
        "as_accurate": met(own["accuracy"], best),
        "no_more_memory": met(own["peak_mb"], leanest, at_least=False),
    }


def show(data, found):
    """Prints the comparison on one data set."""
    rows = [
        [name, f"{run['seconds']:.1f}", run.get("times_as_slow"), f"{run['cpu_seconds']:.1f}",
         run.get("times_as_much_cpu"), f"{100 * run['accuracy']:.2f}", run["peak_mb"]]
        for name, run in found["runs"].items()
    ]  # fmt: skip
    batch_size = found["runs"]["nlpkit"]["batch_size"]
    title = f"Training on {data}, {found['epochs']} epochs (batch size: nlpkit {batch_size}, plain 32)"
    print_table(title, ["", "seconds", "ratio", "cpu s", "cpu ratio", "test %", "peak MiB"], rows)
    print(
        f"nlpkit is {found['times_as_fast']} times as fast (at least {found['floor']}: {found['fast_enough']}"
        f"; goal {found['goal']}: {found['goal_met']}); as accurate: {found['as_accurate']}; "
        f"no more memory: {found['no_more_memory']}\n"
    )


def main():
    parser = corpora.parser(__doc__, EPOCHS)
    parser.add_argument("--epochs", type=int, help="default: 4 on sst2, 2 on imdb")
    parser.add_argument("--batch-size", type=int, help="of nlpkit; default: the estimator's own choice")
    parser.add_argument("--peers", default=",".join(PEERS), help=f"of {','.join(PEERS)}; default: both")
    options = parser.parse_args()
    name = result_name("training_speed", options.quick)
    for data in corpora.chosen(options.data, EPOCHS):
        epochs = options.epochs or (1 if options.quick else EPOCHS[data])
        limit = QUICK if options.quick else None
        found = compare(data, epochs, options.batch_size, options.peers.split(","), limit)
        show(data, found)
        result = read_result(name)
        result.setdefault("data", {})[data] = {**header(), **found}
        write_result(name, result)


def _rounded(run):
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in run.items()}


if __name__ == "__main__":
    main()
