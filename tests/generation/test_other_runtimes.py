"""The same text in Python, in a SavedModel and in TFLite with its own operations alone."""

import inspect
from functools import partial
from operator import itemgetter

import numpy as np
import tensorflow as tf

from nlpkit.generation import (
    bad_words,
    beam_search,
    contrastive_search,
    forced_prefix,
    frequency_penalty,
    generate,
    min_p,
    minimum_length,
    no_repeat_ngrams,
    repetition_penalty,
    temperature,
    top_k,
    top_p,
    typical,
)

# More tokens than are sorted as a whole.
TABLE = np.random.default_rng(4).normal(0, 1.0, (7, 1100)).astype("float32")
PROMPT = np.array([[4, 5, 6]], "int32")


def step(token_ids, read):
    return tf.gather(TABLE, (token_ids + read) % 7), read + 1


def sample(prompt, new, value, k, p, seed):
    filters = [partial(temperature, value=value), partial(top_k, k=k), partial(top_p, p=p)]
    read = tf.zeros(tf.shape(prompt)[:1], tf.int32)
    result = generate(step, read, prompt, max_new_tokens=new, filters=filters, seed=seed)
    return result.token_ids, result.lengths, result.score


def restricted(prompt, seed):
    filters = [
        partial(repetition_penalty, factor=1.3),
        partial(frequency_penalty, penalty=0.1),
        partial(no_repeat_ngrams, size=2),
        partial(bad_words, words=[[6], [7, 8]]),
        partial(minimum_length, length=3),
        partial(forced_prefix, token_ids=[11, 12]),
        partial(min_p, p=0.01),
        partial(typical, mass=0.9),
    ]
    result = generate(
        step, tf.zeros(1, tf.int32), prompt, max_new_tokens=9, filters=filters, seed=seed, logprobs=2
    )
    return result.token_ids, *result.logprobs


def beams(prompt, alpha):
    search = partial(beam_search, step, tf.zeros(1, tf.int32), max_new_tokens=8, beams=4, n_best=2)
    return *search(prompt, length_penalty=alpha), *search(prompt, groups=2)


def contrast(prompt, penalty):
    def following(token_ids, state):
        logits, read = step(token_ids, state["read"])
        return logits, {"read": read, "hidden": logits[:, :5]}

    state = {"read": tf.zeros(1, tf.int32), "hidden": tf.zeros((1, 5))}
    hidden_of = itemgetter("hidden")
    return contrastive_search(
        following, state, prompt, max_new_tokens=8, hidden_of=hidden_of, penalty=penalty
    )[:3]


def check_tflite(function, *calls, folder):
    """Converts a function by way of a SavedModel, as an export does, and compares its results in each call."""
    names = list(inspect.signature(function).parameters)
    shapes = [tf.TensorSpec(x.shape, x.dtype, name) for x, name in zip(calls[0], names, strict=True)]
    module = tf.Module()
    module.run = tf.function(
        lambda *arguments: {f"out{i}": x for i, x in enumerate(function(*arguments))},
        input_signature=shapes,
        autograph=False,
    )
    tf.saved_model.save(module, str(folder), signatures=module.run)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    runner = tf.lite.Interpreter(model_content=converter.convert()).get_signature_runner()
    for call in calls:
        found = runner(**dict(zip(names, call, strict=True)))
        for i, expected in enumerate(function(*call)):
            np.testing.assert_allclose(found[f"out{i}"], expected, atol=1e-5)


def number(value):
    return np.array(value, "float32" if isinstance(value, float) else "int32")


def test_sampling_in_tflite(tmp_path):
    options = [(9, 0.0, 0, 1.0, 1), (9, 0.8, 40, 0.9, 2), (9, 1.0, 0, 0.9, 3)]
    check_tflite(sample, *([PROMPT, *map(number, values)] for values in options), folder=tmp_path)


def test_filters_in_tflite(tmp_path):
    check_tflite(restricted, [PROMPT, number(4)], [PROMPT + 1, number(5)], folder=tmp_path)


def test_beam_search_in_tflite(tmp_path):
    check_tflite(beams, [PROMPT, number(0.7)], folder=tmp_path)


def test_contrastive_search_in_tflite(tmp_path):
    check_tflite(contrast, [PROMPT, number(0.6)], folder=tmp_path)


def test_in_a_saved_model(tmp_path):
    kinds = [tf.int32, tf.float32, tf.int32, tf.float32, tf.int32]
    shapes = [tf.TensorSpec((None, None), tf.int32), *(tf.TensorSpec((), kind) for kind in kinds)]
    module = tf.Module()
    module.run = tf.function(sample, input_signature=shapes, autograph=False)
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    for prompt in (np.array([[4, 5, 6], [7, 0, 0]], "int32"), PROMPT):
        for options in [(9, 0.0, 0, 1.0, 1), (9, 0.8, 40, 0.9, 2)]:
            arguments = [prompt, *map(number, options)]
            for a, b in zip(loaded.run(*arguments), sample(*arguments), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-5)
