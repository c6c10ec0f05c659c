"""Texts to ids: nlpkit's `fit_encode` against Keras `TextVectorization`, on the IMDb training set.

Both learn a vocabulary of 20,000 and return a table of 200 ids per review; each runs in a process of its own,
and the better of two runs counts. Run from the repository root: python benchmarks/text_to_ids.py
"""

import time

import corpora
from common import apart, header, met, print_table, result_name, write_result

VOCABULARY_SIZE, LENGTH, RUNS = 20_000, 200, 2
FLOOR = 2.0
QUICK = 320


def nlpkit_ids(texts):
    """Learns and encodes in one call."""
    from nlpkit.text import text_to_ids

    layer = text_to_ids("word", max_length=LENGTH, vocabulary_size=VOCABULARY_SIZE)
    return lambda: layer.fit_encode(texts).padded(length=LENGTH)


def keras_ids(texts):
    """Adapts, then transforms in tf.data on all cores: the fastest of the ways its documentation shows."""
    import keras
    import numpy as np
    import tensorflow as tf

    layer = keras.layers.TextVectorization(VOCABULARY_SIZE, output_sequence_length=LENGTH)

    def run():
        batches = tf.data.Dataset.from_tensor_slices(texts).batch(1024).prefetch(2)
        layer.adapt(batches)
        encoded = batches.map(layer, num_parallel_calls=tf.data.AUTOTUNE)
        return np.concatenate(list(encoded.as_numpy_iterator()))

    return run


SIDES = {"nlpkit": nlpkit_ids, "keras": keras_ids}


def measure(side, limit):
    """Runs one side in this process."""
    import tensorflow as tf

    texts = corpora.load("imdb", limit=limit).whole_train[0]
    tf.strings.lower(tf.constant(texts[:1]))  # TensorFlow's own start-up is not part of either time
    run = SIDES[side](texts)
    start, cpu = time.perf_counter(), time.process_time()
    table = run()
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    return {"seconds": round(seconds, 3), "cpu_seconds": round(cpu, 3), "reviews": len(table)}


def compare(limit):
    """Measures both sides in turns, so that what else the machine does meets both."""
    runs = {side: [] for side in SIDES}
    for _ in range(RUNS):
        for side, found in runs.items():
            found.append(apart(measure, side=side, limit=limit))
    best = {side: min(run["seconds"] for run in found) for side, found in runs.items()}
    ratio = round(best["keras"] / best["nlpkit"], 2)
    return {
        "runs": runs,
        "best_seconds": best,
        "times_as_fast": ratio,
        "floor": FLOOR,
        "fast_enough": met(ratio, FLOOR),
    }


def main():
    options = corpora.parser(__doc__, ["imdb"], several=False).parse_args()
    if corpora.missing("imdb"):
        return
    found = compare(QUICK if options.quick else None)
    rows = [
        [side, f"{found['best_seconds'][side]:.2f}", min(run["cpu_seconds"] for run in found["runs"][side])]
        for side in SIDES
    ]
    print_table("Vocabulary and ids of IMDb, best of two runs", ["", "seconds", "cpu s"], rows)
    print(f"nlpkit is {found['times_as_fast']} times as fast (at least {FLOOR}: {found['fast_enough']})")
    write_result(result_name("text_to_ids", options.quick), {**header(), **found})


if __name__ == "__main__":
    main()
