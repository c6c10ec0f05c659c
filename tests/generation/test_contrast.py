"""Contrastive search against its formula, written with lists."""

from functools import partial

import numpy as np
import pytest
import tensorflow as tf
from fake_steps import END, alphabet_step, ids_of, random_tables

from nlpkit.errors import InputError
from nlpkit.generation import bad_words, contrastive_search, generate, minimum_length

SIZE, FEATURES, PLACES = 15, 6, 16
TABLES = random_tables(3, SIZE, PLACES, spread=1.0)
VECTORS = np.random.default_rng(0).normal(0, 1, (SIZE, FEATURES)).astype("float32")


def step(token_ids, state):
    """The hidden vector depends on all that was read."""
    logits = tf.gather_nd(tf.constant(TABLES), tf.stack([state["read"], token_ids], axis=1))
    hidden = 0.5 * state["hidden"] + tf.gather(VECTORS, token_ids)
    return logits, {"read": state["read"] + 1, "hidden": hidden}


def first(rows):
    return {"read": tf.zeros(rows, tf.int32), "hidden": tf.zeros((rows, FEATURES))}


search = partial(contrastive_search, hidden_of=lambda state: state["hidden"])


def by_hand(prompt, new, k, penalty):
    text, score = list(prompt), 0.0

    def hidden(path):
        vector = np.zeros(FEATURES)
        for token in path:
            vector = 0.5 * vector + VECTORS[token]
        return vector / np.linalg.norm(vector)

    for _ in range(new):
        logits = TABLES[len(text) - 1, text[-1]].astype("float64")
        allowed = sorted((i for i in range(END, SIZE)), key=lambda i: -logits[i])[:k]
        before = [hidden(text[: i + 1]) for i in range(len(text))]

        def value(token, logits=logits, before=before):
            likeness = max(float(hidden([*text, token]) @ other) for other in before)
            return (1 - penalty) * np.exp(logits[token]) - penalty * likeness

        best = max(allowed, key=value)
        score += logits[best]
        text.append(best)
        if best == END:
            break
    return text[len(prompt) :], score


@pytest.mark.parametrize(("k", "penalty"), [(1, 0.6), (4, 0.0), (4, 0.3), (4, 0.6), (8, 1.0)])
def test_it_does_what_the_formula_says(k, penalty):
    prompts = [[4, 5, 6], [7], [8, 9]]
    padded = [p + [0] * (3 - len(p)) for p in prompts]
    result = search(step, first(3), padded, max_new_tokens=8, candidates=k, penalty=penalty)
    for row, prompt in enumerate(prompts):
        text, score = by_hand(prompt, 8, k, penalty)
        assert result.token_ids[row].numpy().tolist() == text + [0] * (8 - len(text))
        assert float(result.score[row]) == pytest.approx(score, rel=1e-4)


def test_without_penalty_it_is_greedy():
    options = {
        "max_new_tokens": 8,
        "filters": [partial(minimum_length, length=4), partial(bad_words, words=[[7]])],
    }
    result = search(step, first(2), [[4, 5], [6, 0]], penalty=0.0, **options)
    greedy = generate(step, first(2), [[4, 5], [6, 0]], **options)
    np.testing.assert_array_equal(result.token_ids, greedy.token_ids)
    np.testing.assert_allclose(result.score, greedy.score, rtol=1e-5)


def test_graph_with_dynamic_shapes_is_eager():
    def run(prompt, new, penalty):
        return search(step, first(tf.shape(prompt)[0]), prompt, max_new_tokens=new, penalty=penalty)[:3]

    shapes = [
        tf.TensorSpec((None, None), tf.int32),
        tf.TensorSpec((), tf.int32),
        tf.TensorSpec((), tf.float32),
    ]
    graph = tf.function(run, input_signature=shapes, autograph=False)
    for prompt in ([[4, 5], [6, 0]], [[7]]):
        for a, b in zip(graph(prompt, 6, 0.6), run(prompt, 6, 0.6), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5)


def test_it_ends_where_nothing_is_possible_and_stops_early():
    calls = []

    def spelling(token_ids, state):
        calls.append(1)  # without a graph each step is a call
        return alphabet_step(token_ids, state)[0], tf.one_hot(token_ids, 30)

    run = partial(contrastive_search, spelling, tf.zeros((1, 30)), hidden_of=lambda state: state, penalty=0.1)
    result = run([ids_of("vwx")], max_new_tokens=50)
    assert result.token_ids[0, :3].numpy().tolist() == ids_of("yz.") and len(calls) == 3 + 3
    nothing = run([ids_of("a")], max_new_tokens=5, filters=[lambda logits, so_far: logits - np.inf])
    assert nothing.lengths.numpy().tolist() == [0] and nothing.score.numpy().tolist() == [0.0]
    assert run([ids_of("a")], max_new_tokens=0).token_ids.shape == (1, 0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"candidates": 0}, "`candidates` must be an integer, 1 or more. Received: candidates=0"),
        ({"penalty": 1.5}, "`penalty` must be from 0 to 1. Received: penalty=1.5"),
    ],
)
def test_wrong_numbers_are_named(wrong, message):
    with pytest.raises(InputError, match=message):
        search(step, first(1), [[4]], max_new_tokens=3, **wrong)
