"""What draws beams apart, and what it costs to overlook a part of the source."""

from functools import partial

import numpy as np
import pytest
import tensorflow as tf
from all_texts import by_trying, texts_of
from fake_steps import END, random_table, random_tables, table_step, tables_step

from nlpkit.generation import beam_search


def test_groups_avoid_each_others_tokens():
    table = random_table(9, 12, spread=0.5)
    table[:, END] = -20
    table -= np.log(np.exp(table).sum(-1, keepdims=True))
    search = partial(beam_search, table_step(table), (), [[4]], max_new_tokens=5, beams=3, n_best=3)
    same = texts_of(search(groups=3, diversity=0.0))
    assert len(set(same)) == 1 and same[0] == texts_of(search(beams=1, n_best=1))[0]
    apart = search(groups=3, diversity=100.0)
    for tokens in zip(*texts_of(apart), strict=True):
        assert len(set(tokens)) == 3
    # The score is still the log-probability.
    for text, score in zip(texts_of(apart), apart.score[0].numpy(), strict=True):
        path = (4, *text)
        assert score == pytest.approx(
            sum(table[a, b] for a, b in zip(path[:-1], path[1:], strict=True)), rel=1e-4
        )
    assert list(apart.score[0].numpy()) == sorted(apart.score[0].numpy(), reverse=True)


def test_groups_by_hand():
    """Diversity 0.5 makes the second group take `f` (0.3) before `e` (0.4): log 0.4 - 0.5 < log 0.3."""
    table = np.log(np.full((8, 8), 1e-9, "float32"))
    table[4, 5:8] = np.log([0.4, 0.3, 0.2])
    result = beam_search(
        table_step(table), (), [[4]], max_new_tokens=1, beams=2, n_best=2, groups=2, diversity=0.5
    )
    assert texts_of(result) == [(5,), (6,)]
    result = beam_search(
        table_step(table), (), [[4]], max_new_tokens=1, beams=2, n_best=2, groups=2, diversity=0.2
    )
    assert texts_of(result) == [(5,), (5,)]


def test_coverage_is_what_the_paper_says():
    tables = random_tables(11, 7, places=7)
    attention = np.random.default_rng(0).dirichlet(np.ones(3), 7).astype("float32")
    attention = np.concatenate([attention, np.ones((7, 1), "float32")], axis=1)  # the last one is padding

    def step(token_ids, state):
        logits, read = tables_step(tables)(token_ids, state[0])
        return logits, (read, tf.gather(attention, token_ids))

    def coverage(text):
        paid = sum(attention[i].astype("float64") for i in (4, *text[:-1]))
        return 0.7 * np.log(np.minimum(paid, 1.0)).sum()

    result = beam_search(
        step,
        (tf.zeros(1, tf.int32), tf.zeros((1, 4))),
        [[6, 5, 4]],
        max_new_tokens=4,
        beams=27,
        n_best=5,
        length_penalty=0.5,
        coverage_penalty=0.7,
        attention_of=lambda state: state[1],
    )
    expected = by_trying(tables, (6, 5, 4), 4, 0.5, coverage)[:5]
    assert texts_of(result) == [text for _, _, text in expected]
    np.testing.assert_allclose(result.score[0], [score for score, _, _ in expected], rtol=1e-5)
