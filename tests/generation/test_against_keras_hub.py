"""KerasHub's samplers, written by others, find the same texts and draw from the same distribution.

KerasHub is no dependency: without it these tests say so and are skipped.
"""

from functools import partial

import numpy as np
import pytest
import tensorflow as tf
from fake_steps import END, table_step
from scipy import stats

from nlpkit.generation import beam_search, generate, temperature, top_k, top_p

samplers = pytest.importorskip(
    "keras_hub", reason="keras_hub is not installed (pip install keras-hub): nothing to compare with"
).samplers

NEW = 6


def table(seed, size=30, spread=1.0):
    """Log-probabilities under which no special token is ever written: KerasHub forbids none."""
    logits = np.random.default_rng(seed).normal(0, spread, (size, size))
    logits[:, : END + 1] = -60
    return (logits - np.log(np.exp(logits).sum(-1, keepdims=True))).astype("float32")


def theirs(sampler, table, prompt, new=NEW):
    """What a sampler of KerasHub writes behind prompts of one length."""
    table = tf.constant(table)

    def following(prompt, cache, index):
        return tf.gather(table, prompt[:, index - 1]), None, cache

    padded = tf.pad(prompt, [[0, 0], [0, new]])
    return sampler(next=following, prompt=padded, index=tf.shape(prompt)[1])


def test_greedy():
    probabilities, prompt = table(0), tf.constant([[4, 5], [6, 7], [8, 9]])
    expected = theirs(samplers.GreedySampler(), probabilities, prompt)[:, 2:]
    result = generate(table_step(probabilities), (), prompt, max_new_tokens=NEW)
    np.testing.assert_array_equal(result.token_ids, expected)


@pytest.mark.parametrize("beams", [1, 3, 5])
def test_beams(beams):
    probabilities, prompt = table(beams), tf.constant([[4, 5], [6, 7], [8, 9]])
    texts, scores = theirs(
        samplers.BeamSampler(num_beams=beams, return_all_beams=True), probabilities, prompt
    )
    result = beam_search(table_step(probabilities), (), prompt, max_new_tokens=NEW, beams=beams, n_best=beams)
    np.testing.assert_array_equal(result.token_ids, texts[:, :, 2:])
    np.testing.assert_allclose(result.score, scores, rtol=1e-4)


@pytest.mark.parametrize(
    ("sampler", "filters"),
    [
        (lambda: samplers.RandomSampler(seed=1), []),
        (lambda: samplers.RandomSampler(seed=1, temperature=0.6), [partial(temperature, value=0.6)]),
        (lambda: samplers.TopKSampler(k=7, seed=1), [partial(top_k, k=7)]),
        (lambda: samplers.TopPSampler(p=0.6, seed=1), [partial(top_p, p=0.6)]),
        (lambda: samplers.TopPSampler(p=0.8, k=10, seed=1, temperature=1.3),
         [partial(temperature, value=1.3), partial(top_p, p=0.8), partial(top_k, k=10)]),
    ],
    ids=["random", "temperature", "top_k", "top_p", "top_p_of_top_k"],
)  # fmt: skip
def test_ten_thousand_draws_have_one_distribution(sampler, filters):
    probabilities = table(3)
    prompt = tf.fill((10_000, 1), 4)
    drawn = theirs(sampler(), probabilities, prompt, new=1)[:, 1].numpy()
    own = generate(table_step(probabilities), (), prompt, max_new_tokens=1, filters=filters, seed=2).token_ids
    counts = np.stack([np.bincount(ids, minlength=30) for ids in (drawn, own.numpy()[:, 0])])
    # What one of them may draw the other may.
    assert ((counts[0] > 0) == (counts[1] > 0))[counts.sum(0) > 20].all()
    assert stats.chi2_contingency(counts[:, counts.sum(0) > 10]).pvalue > 1e-3
