"""KerasHub's samplers, written by others, find the same texts and draw from the same distribution.

KerasHub is no dependency: without it these tests say so and are skipped.
"""

from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import tensorflow as tf
from fake_steps import END, table_step, tables_step
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
    return ended(sampler, [table] * (prompt.shape[1] + new), prompt, new, stop_ids=None)[0]


def ended(sampler, tables, prompt, new, stop_ids=(END,)):
    """The same with a table for each place, and with ends; also how often it asked the model."""
    tables, asked = tf.constant(tables), []

    def following(prompt, cache, index):
        asked.append(index)
        return tf.gather(tables[index - 1], prompt[:, index - 1]), None, cache

    padded = tf.pad(prompt, [[0, 0], [0, new]])
    return sampler(next=following, prompt=padded, index=tf.shape(prompt)[1], stop_token_ids=stop_ids), len(
        asked
    )


def tables_with_ends(seed, places, size, letters, spread=1.0):
    """For each place log-probabilities under which only some letters and the end follow, and the end an end.

    KerasHub goes on behind the end of a text until all have ended, and adds up what it writes there; here that is
    surely the end once more, which costs nothing.
    """
    logits = np.full((places, size, size), -60.0)
    chance = np.random.default_rng(seed)
    for before, after in letters:
        logits[:, before, after] = chance.normal(0, spread, logits[:, before, after].shape)
    logits[:, END] = -60
    logits[:, END, END] = 0
    return (logits - np.log(np.exp(logits).sum(-1, keepdims=True))).astype("float32")


def up_to_the_end(token_ids):
    """Ids with zeros behind the first end of each row, where KerasHub writes on while others have not ended."""
    token_ids = np.asarray(token_ids)
    is_end = token_ids == END
    return np.where(np.cumsum(is_end, axis=-1) - is_end > 0, 0, token_ids)


def counted(step):
    """A step, and the list that grows with each call of it."""
    calls = []

    def count(token_ids, state):
        calls.append(1)
        return step(token_ids, state)

    return count, calls


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


@pytest.mark.parametrize("seed", [8, 14, 17])
def test_greedy_texts_end_where_theirs_do(seed):
    everything, prompt = slice(END, None), tf.constant([[4, 5], [6, 7], [5, 4]])
    tables = tables_with_ends(seed, 16, 8, [(everything, everything)])
    expected, asked = ended(samplers.GreedySampler(), tables, prompt, new=14)
    step, calls = counted(tables_step(tables))
    result = generate(step, tf.zeros(3, tf.int32), prompt, max_new_tokens=14)
    np.testing.assert_array_equal(result.token_ids, up_to_the_end(expected[:, 2:]))
    lengths = result.lengths.numpy().tolist()
    assert len(set(lengths)) == 3 and max(lengths) < 14
    # Both stop with the longest text; the first of two tokens of a prompt has to be read as well.
    assert max(lengths) == asked == len(calls) - 1


@pytest.mark.parametrize("seed", [0, 1])
def test_beams_that_hold_all_texts_order_them_alike(seed):
    """All texts of up to four tokens, 40 with an end and 81 without, and their scores.

    With fewer beams the rules differ: KerasHub's ended texts keep their beams, nlpkit's leave them to live ones.
    """
    everything, prompt = slice(END, None), tf.constant([[4], [6]])
    tables = tables_with_ends(seed, 5, 7, [(everything, everything)])
    sampler = samplers.BeamSampler(num_beams=121, return_all_beams=True)
    (texts, scores), _ = ended(sampler, tables, prompt, new=4)
    result = beam_search(
        tables_step(tables), tf.zeros(2, tf.int32), prompt, max_new_tokens=4, beams=121, n_best=121
    )
    np.testing.assert_array_equal(result.token_ids, up_to_the_end(texts[:, :, 1:]))
    np.testing.assert_allclose(result.score, scores, rtol=1e-4)
    assert np.bincount(result.lengths.numpy()[0]).tolist() == [0, 1, 3, 9, 27 + 81]


@pytest.mark.parametrize("beams", [1, 3, 5])
def test_few_beams_end_alike_where_all_of_a_row_end_together(beams):
    """Texts and scores of all beams: no ended text stands beside a live one, so that who keeps a beam does not matter.

    Of the letters 4 to 9, 10 to 15, and so on, each is followed by one of the next six, and the last six by the end:
    where a prompt stands in this order says how long its texts are.
    """
    sixes = [slice(first, first + 6) for first in range(4, 28, 6)]
    tables = tables_with_ends(beams, 8, 28, [*pairwise(sixes), (sixes[-1], slice(END, END + 1))])
    prompt = tf.constant([[4, 5], [4, 17], [4, 11]])
    sampler = samplers.BeamSampler(num_beams=beams, return_all_beams=True)
    (texts, scores), asked = ended(sampler, tables, prompt, new=6)
    step, calls = counted(tables_step(tables))
    result = beam_search(step, tf.zeros(3, tf.int32), prompt, max_new_tokens=6, beams=beams, n_best=beams)
    np.testing.assert_array_equal(result.token_ids, up_to_the_end(texts[:, :, 2:]))
    np.testing.assert_allclose(result.score, scores, rtol=1e-4)
    assert result.lengths.numpy().tolist() == [[4] * beams, [2] * beams, [3] * beams]
    assert 4 == asked == len(calls) - 1


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
