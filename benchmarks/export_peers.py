"""How export_speed.py answers: nlpkit's exports, Keras' own one and the plain Keras model, of equal sizes.

`CLASSIFIERS` are callables `(folder, length)` that give a function without arguments, one prediction for so many ids;
`GENERATORS` callables `(folder)` that give `write(count)`, so many characters after a prompt, the most likely one each
time. A side that cannot run raises an exception, which is its row.
"""

import json
from functools import partial
from pathlib import Path

import numpy as np

PROMPT = "First Citizen:\n"
PLAIN_CLASSIFIER, PLAIN_GENERATOR = "plain_classifier.keras", "plain_generator.keras"


def facts(folder):
    """What `prepare` wrote down about both models."""
    return json.loads((Path(folder) / "facts.json").read_text(encoding="utf-8"))


def ids(folder, length):
    """One row of ids, int32 `(1, length)`, without padding."""
    return np.random.default_rng(0).integers(4, facts(folder)["words"], (1, length)).astype("int32")


def plain_classifier(words, units, embedding_dim):
    """The network of a plain script: two bidirectional LSTMs, last states, softmax."""
    import keras
    from keras import layers

    return keras.Sequential([
        keras.Input((None,), dtype="int32"),
        layers.Embedding(words, embedding_dim),
        layers.Bidirectional(layers.LSTM(units, return_sequences=True)),
        layers.Bidirectional(layers.LSTM(units)),
        layers.Dense(2, activation="softmax"),
    ])  # fmt: skip


def plain_generator(characters, units):
    """The same of a language model: two LSTMs, logits at each step."""
    import keras
    from keras import layers

    return keras.Sequential([
        keras.Input((None,), dtype="int32"),
        layers.Embedding(characters, units),
        layers.LSTM(units, return_sequences=True),
        layers.LSTM(units, return_sequences=True),
        layers.Dense(characters),
    ])  # fmt: skip


def _plain(folder, name, traced=False):
    import keras
    import tensorflow as tf

    model = keras.models.load_model(Path(folder) / name)
    run = partial(model, training=False)
    if traced:
        run = tf.function(run, input_signature=[tf.TensorSpec((1, None), tf.int32)])
    return lambda token_ids: run(tf.constant(token_ids)).numpy()


def _keras_litert(folder, name):
    """What `model.export(format="litert")` of Keras wrote."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(Path(folder) / name.replace(".keras", ".tflite")))
    run = interpreter.get_signature_runner()
    (given,) = run.get_input_details()
    return lambda token_ids: next(iter(run(**{given: token_ids}).values()))


def _bound(model, folder, length):
    given = ids(folder, length)
    return lambda: model(given)


def _lite_classifier(folder, length, name):
    from nlpkit.lite.interpreter import Interpreter
    from nlpkit.lite.model_file import ModelFile

    run, given = Interpreter(ModelFile.read(Path(folder) / "classifier" / name)), ids(folder, length)
    return lambda: run("classify", token_ids=given)["probabilities"]


def _saved(folder, kind):
    import tensorflow as tf
    import tensorflow_text  # noqa: F401  the ops of the text part

    return tf.saved_model.load(str(Path(folder) / kind / "1"))


def _saved_classifier(folder, length):
    import tensorflow as tf

    loaded, given = _saved(folder, "classifier"), tf.constant(ids(folder, length))
    return lambda: loaded.signatures["ids"](token_ids=given)["probabilities"].numpy()


def _lite_generator(folder, name):
    import nlpkit.lite

    model = nlpkit.lite.load(Path(folder) / "generator" / name)
    return lambda count: model.generate(PROMPT, max_new_tokens=count, temperature=0.0)


def _saved_generator(folder):
    import tensorflow as tf

    loaded = _saved(folder, "generator")
    run = loaded.signatures["generate"]
    specs = run.structured_input_signature[1]
    options = {"temperature": 0.0, "top_k": 0, "top_p": 1.0, "seed": 1}

    def write(count):
        given = {**options, "prompt": [PROMPT], "max_new_tokens": count}
        found = run(**{name: tf.constant(value, specs[name].dtype) for name, value in given.items()})
        return found["text"].numpy()[0].decode()

    return write


def _again_and_again(model, folder):
    """The tutorial way: the whole text so far, for each character."""
    characters = facts(folder)["characters"]

    def write(count):
        text = np.full((1, len(PROMPT)), 4, "int32")
        for _ in range(count):
            chosen = model(text)[:, -1].argmax(-1).clip(4, characters - 1).astype("int32")
            text = np.concatenate([text, chosen[:, None]], axis=1)
        return text[0, len(PROMPT) :]

    return write


CLASSIFIERS = {
    "plain Keras call": lambda folder, length: _bound(_plain(folder, PLAIN_CLASSIFIER), folder, length),
    "plain Keras, tf.function": lambda folder, length: _bound(
        _plain(folder, PLAIN_CLASSIFIER, traced=True), folder, length
    ),
    "Keras, export(format='litert')": lambda folder, length: _bound(
        _keras_litert(folder, PLAIN_CLASSIFIER), folder, length
    ),
    "nlpkit, SavedModel": _saved_classifier,
    "nlpkit, TFLite": lambda folder, length: _lite_classifier(folder, length, "model.tflite"),
    "nlpkit, TFLite, dynamic": lambda folder, length: _lite_classifier(
        folder, length, "model.dynamic.tflite"
    ),
}
GENERATORS = {
    "plain Keras call": lambda folder: _again_and_again(_plain(folder, PLAIN_GENERATOR), folder),
    "plain Keras, tf.function": lambda folder: _again_and_again(
        _plain(folder, PLAIN_GENERATOR, traced=True), folder
    ),
    "Keras, export(format='litert')": lambda folder: _again_and_again(
        _keras_litert(folder, PLAIN_GENERATOR), folder
    ),
    "nlpkit, SavedModel": _saved_generator,
    "nlpkit, TFLite": lambda folder: _lite_generator(folder, "model.tflite"),
    "nlpkit, TFLite, dynamic": lambda folder: _lite_generator(folder, "model.dynamic.tflite"),
}
# Files and folders of each side, whose bytes are its size.
FILES = {
    "plain Keras call": "plain_{kind}.keras",
    "plain Keras, tf.function": "plain_{kind}.keras",
    "Keras, export(format='litert')": "plain_{kind}.tflite",
    "nlpkit, SavedModel": "{kind}/1",
    "nlpkit, TFLite": "{kind}/model.tflite",
    "nlpkit, TFLite, dynamic": "{kind}/model.dynamic.tflite",
}
