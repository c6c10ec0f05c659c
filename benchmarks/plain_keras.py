"""The peer: a text classifier as the keras.io examples write it, without nlpkit.

Run from the repository root: python benchmarks/plain_keras.py --data sst2 --epochs 4 --output result.json
"""

import argparse
import json
import re
import string
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from common import peak_mb
from corpora import load, missing

VOCABULARY_SIZE = 20_000
IMDB_LENGTH = 200


def standardize(texts):
    """Lower case, without line-break tags and punctuation."""
    texts = tf.strings.regex_replace(tf.strings.lower(texts), "<br />", " ")
    return tf.strings.regex_replace(texts, f"[{re.escape(string.punctuation)}]", "")


def to_ids(vectorize, texts):
    """Padded ids of all texts, on all cores."""
    batches = tf.data.Dataset.from_tensor_slices(texts).batch(1024)
    batches = batches.map(vectorize, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)
    return np.concatenate(list(batches.as_numpy_iterator()))


def build(mask):
    """Two bidirectional LSTMs over learned embeddings."""
    model = keras.Sequential([
        keras.Input((None,), dtype="int32"),
        keras.layers.Embedding(VOCABULARY_SIZE, 128, mask_zero=mask),
        keras.layers.Bidirectional(keras.layers.LSTM(64, return_sequences=True)),
        keras.layers.Bidirectional(keras.layers.LSTM(64)),
        keras.layers.Dense(1, activation="sigmoid"),
    ])  # fmt: skip
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


def measure(data, epochs, mask=False, limit=None, predict=None):
    """Trains, tests and predicts, and returns the figures."""
    corpus = load(data, limit=limit)
    train, validation, test = corpus.train, corpus.validation, corpus.test
    targets = {"train": np.array(train[1], "float32"), "validation": np.array(validation[1], "float32")}
    length = IMDB_LENGTH if data == "imdb" else max(len(text.split()) for text in train[0])
    tf.strings.lower(tf.constant(train[0][:1]))  # TensorFlow's own start-up is not part of the time

    start, cpu = time.perf_counter(), time.process_time()
    vectorize = keras.layers.TextVectorization(
        max_tokens=VOCABULARY_SIZE, standardize=standardize, output_sequence_length=length
    )
    vectorize.adapt(tf.data.Dataset.from_tensor_slices(train[0]).batch(1024).prefetch(2))
    train_ids, validation_ids = to_ids(vectorize, train[0]), to_ids(vectorize, validation[0])
    vectorized = time.perf_counter()
    model = build(mask)
    history = model.fit(
        train_ids, targets["train"], batch_size=32, epochs=epochs,
        validation_data=(validation_ids, targets["validation"]), verbose=0,
    )  # fmt: skip
    fitted = time.perf_counter()
    result = {
        "seconds": fitted - start,
        "cpu_seconds": time.process_time() - cpu,
        "vectorize_seconds": vectorized - start,
        "fit_seconds": fitted - vectorized,
        "peak_mb": peak_mb(),
        "validation_accuracy": history.history["val_accuracy"][-1],
    }
    probabilities = model.predict(to_ids(vectorize, test[0]), verbose=0)[:, 0]
    result["accuracy"] = float(np.mean((probabilities > 0.5) == np.array(test[1], "float32")))
    if predict:
        texts = Path(predict).read_text(encoding="utf-8").splitlines()
        start = time.perf_counter()
        model.predict(to_ids(vectorize, texts), verbose=0)
        result |= {"texts": len(texts), "predict_seconds": time.perf_counter() - start}
        result["predict_peak_mb"] = peak_mb()
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=["sst2", "imdb"], default="sst2")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--mask", action="store_true", help="Embedding(mask_zero=True): skip the padding")
    parser.add_argument("--limit", type=int, help="number of texts of each part, for quick runs")
    parser.add_argument("--predict", help="file with one text a line, to time model.predict")
    parser.add_argument("--output", help="JSON file for the figures; default: standard output")
    options = vars(parser.parse_args())
    output = options.pop("output")
    if missing(options["data"]):
        return
    keras.utils.set_random_seed(0)
    text = json.dumps(measure(**options), indent=2)
    Path(output).write_text(text + "\n") if output else print(text)


if __name__ == "__main__":
    main()
