"""Beam search finds what trying out everything finds, and stops as soon as that is sure."""

from functools import partial

import numpy as np
import pytest
import tensorflow as tf
from all_texts import by_trying, texts_of
from fake_steps import (
    END,
    alphabet_step,
    ids_of,
    random_table,
    random_tables,
    table_step,
    tables_step,
    text_of,
)

from nlpkit.errors import InputError
from nlpkit.generation import (
    bad_words,
    beam_search,
    forced_prefix,
    generate,
    minimum_length,
    no_repeat_ngrams,
    repetition_penalty,
)
from nlpkit.generation.beam_rules import Rules


@tf.function(
    input_signature=[
        tf.TensorSpec((None, None), tf.int32),
        tf.TensorSpec((None, 7, 7), tf.float32),
        tf.TensorSpec((), tf.float32),
    ],
    autograph=False,
)
def search_everything(prompt, tables, alpha):
    read = tf.zeros(tf.shape(prompt)[:1], tf.int32)
    return beam_search(
        tables_step(tables), read, prompt, max_new_tokens=4, beams=27, n_best=9, length_penalty=alpha
    )


@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0, 2.5, -1.0])
@pytest.mark.parametrize("seed", range(4))
def test_it_finds_what_trying_out_everything_finds(seed, alpha):
    tables = random_tables(seed, 7, places=6)
    result = search_everything([[END, 4], [END, 5], [6, 0]], tables, alpha)
    for row, prompt in enumerate([(END, 4), (END, 5), (6,)]):
        expected = by_trying(tables, prompt, 4, alpha)[:9]
        assert texts_of(result, row) == [text for _, _, text in expected]
        np.testing.assert_allclose(result.score[row], [score for score, _, _ in expected], rtol=1e-5)
        np.testing.assert_allclose(
            result.log_probability[row], [total for _, total, _ in expected], rtol=1e-5
        )


def test_one_beam_is_greedy_where_the_end_is_never_best():
    table = random_table(1, 20)
    table[:, END] = -50
    prompt = tf.constant([[4, 5, 6], [7, 0, 0]])
    result = beam_search(table_step(table), (), prompt, max_new_tokens=6, beams=1)
    greedy = generate(table_step(table), (), prompt, max_new_tokens=6)
    assert result.token_ids[:, 0].numpy().tolist() == greedy.token_ids.numpy().tolist()
    np.testing.assert_allclose(result.score[:, 0], greedy.score, rtol=1e-5)


def test_a_small_beam_keeps_what_an_independent_search_keeps():
    """The same search with lists, for a beam that is too small to see everything."""
    table = random_table(8, 12, spread=1.0)
    result = beam_search(
        table_step(table), (), [[4]], max_new_tokens=7, beams=3, n_best=3, length_penalty=0.8
    )
    live, complete = [(0.0, (4,))], []
    for length in range(1, 8):
        normal = ((5 + length) / 6) ** 0.8
        complete += [((total + table[text[-1], END]) / normal, (*text[1:], END)) for total, text in live]
        longer = [(total + table[text[-1], w], (*text, w)) for total, text in live for w in range(4, 12)]
        live = sorted(longer, reverse=True)[:3]
    complete += [(total / normal, text[1:]) for total, text in live]
    expected = sorted(complete, reverse=True)[:3]
    assert texts_of(result) == [text for _, text in expected]
    np.testing.assert_allclose(result.score[0], [score for score, _ in expected], rtol=1e-5)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_it_stops_early_and_that_changes_nothing(alpha, monkeypatch):
    table = random_table(3, 7)
    table[:, END] = -1.0
    search = partial(
        beam_search, prompt=[[4], [5]], max_new_tokens=24, beams=4, n_best=2, length_penalty=alpha
    )
    steps = []

    def step(token_ids, state):
        steps.append(1)  # without a graph each step is a call
        return table_step(table)(token_ids, state)

    early = search(step, ())
    taken = len(steps)
    monkeypatch.setattr(Rules, "bound", lambda self, live, written: tf.fill(tf.shape(live)[:2], np.inf))
    late = search(step, ())
    assert taken < 20 and len(steps) - taken == 24
    for a, b in zip(early, late, strict=True):
        np.testing.assert_array_equal(a, b)


def test_batch_is_one_by_one_with_prompts_of_different_lengths():
    table = random_table(5, 15, spread=1.0)
    prompts = [[4, 5, 6, 7], [8], [9, 10], []]
    padded = tf.constant([p + [0] * (4 - len(p)) for p in prompts])
    search = partial(
        beam_search, table_step(table), (), max_new_tokens=5, beams=4, n_best=4, length_penalty=0.7
    )
    together = search(padded)
    for row, prompt in enumerate(prompts):
        alone = search(tf.constant([prompt], tf.int32))
        assert texts_of(together, row) == texts_of(alone)
        np.testing.assert_allclose(together.score[row], alone.score[0], rtol=1e-5)


def test_state_goes_with_its_text():
    """A step whose state is all that was read: it must be what the text says."""
    table = tf.constant(random_table(2, 9, spread=1.0))

    def step(token_ids, state):
        mean = (state["mean"][0] * tf.cast(state["n"], tf.float32)[:, None] + tf.gather(table, token_ids)) / (
            tf.cast(state["n"], tf.float32)[:, None] + 1
        )
        return mean, {"mean": [mean], "n": state["n"] + 1}

    state = {"mean": [tf.zeros((1, 9))], "n": tf.zeros(1, tf.int32)}
    result = beam_search(step, state, [[4, 5]], max_new_tokens=5, beams=4, n_best=4)
    for text, total in zip(texts_of(result), result.log_probability[0].numpy(), strict=True):
        expected, path = 0.0, [4, 5]
        for token in text:
            logits = np.mean([table[i] for i in path], axis=0)
            expected += logits[token] - np.log(np.exp(logits).sum())
            path.append(token)
        assert expected == pytest.approx(total, rel=1e-5)


def test_what_is_read_from_a_source_goes_with_its_prompt():
    """Two sources, each with a table of its own in the state that no step changes: a graph finds what lists do."""
    tables = tf.constant(np.stack([random_table(seed, 9, spread=1.0) for seed in (2, 3)]))

    def step(token_ids, state):
        return tf.gather(state["table"], token_ids, batch_dims=1), {**state, "n": state["n"] + 1}

    def search(prompt, tables):
        state = {"table": tables, "n": tf.zeros(tf.shape(prompt)[:1], tf.int32)}
        return beam_search(step, state, prompt, max_new_tokens=5, beams=4, n_best=4)

    prompt = tf.constant([[4, 5], [4, 0]])
    eager, graph = search(prompt, tables), tf.function(search, autograph=False)(prompt, tables)
    for row in range(2):
        alone = beam_search(
            table_step(tables[row]), (), prompt[row : row + 1], max_new_tokens=5, beams=4, n_best=4
        )
        assert texts_of(graph, row) == texts_of(eager, row) == texts_of(alone)
        np.testing.assert_allclose(graph.score[row], alone.score[0], rtol=1e-5)


def test_a_large_vocabulary_is_searched_as_a_small_one():
    """With thousands of tokens the best are found by other means; all but twelve of these are hopeless."""
    small = random_table(8, 12, spread=1.0)
    large = np.full((2500, 2500), -50.0, "float32")
    large[:12, :12] = small
    found, expected = (
        beam_search(
            table_step(table), (), [[4], [7]], max_new_tokens=6, beams=5, n_best=5, length_penalty=0.8
        )
        for table in (large, small)
    )
    for row in range(2):
        assert texts_of(found, row) == texts_of(expected, row)
    np.testing.assert_allclose(found.score, expected.score, rtol=1e-5)


def test_graph_with_dynamic_shapes_is_eager():
    table = random_table(6, 11)

    def search(prompt, new, alpha):
        return beam_search(table_step(table), (), prompt, max_new_tokens=new, n_best=2, length_penalty=alpha)

    shapes = [
        tf.TensorSpec((None, None), tf.int32),
        tf.TensorSpec((), tf.int32),
        tf.TensorSpec((), tf.float32),
    ]
    graph = tf.function(search, input_signature=shapes, autograph=False)
    for prompt in ([[4, 5], [6, 0]], [[7]]):
        for a, b in zip(graph(prompt, 4, 0.6), search(prompt, 4, 0.6), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6)


def test_an_unknown_vocabulary_size_is_as_good():
    table = random_table(6, 11)

    def hidden(token_ids, state):
        logits, state = table_step(table)(token_ids, state)
        return tf.ensure_shape(tf.py_function(lambda x: x, [logits], tf.float32), (None, None)), state

    search = tf.function(lambda step: beam_search(step, (), [[4], [5]], max_new_tokens=3), autograph=False)
    for a, b in zip(search(hidden), search(table_step(table)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_filters_hold_for_every_beam():
    result = beam_search(
        alphabet_step,
        (),
        [ids_of("a"), ids_of("c")],
        max_new_tokens=4,
        n_best=2,
        filters=[
            partial(forced_prefix, token_ids=ids_of("x")),
            partial(bad_words, words=[ids_of("yz")]),
            partial(no_repeat_ngrams, size=1),
            partial(minimum_length, length=3),
            partial(repetition_penalty, factor=2.0),
        ],
    )
    for row in range(2):
        for text in texts_of(result, row):
            written = text_of(text)
            assert written.startswith("x") and "yz" not in written and "." not in written[:3]
            assert len(set(text)) == len(text)
    # A forced token costs nothing.
    tables = random_tables(4, 7, places=4)
    forced = [partial(forced_prefix, token_ids=[5])]
    result = beam_search(
        tables_step(tables), tf.zeros(1, tf.int32), [[4]], max_new_tokens=3, beams=27, filters=forced
    )
    best = by_trying(tables, (4, 5), 2)[0]
    assert texts_of(result)[0] == (5, *best[2])
    assert float(result.score[0, 0]) == pytest.approx(best[0], rel=1e-5)


def test_other_ends():
    table = random_table(7, 7)
    result = beam_search(table_step(table), (), [[4]], max_new_tokens=6, beams=4, n_best=4, stop_ids=(END, 6))
    for text in texts_of(result):
        assert not set(text[:-1]) & {END, 6}
    assert any(text[-1] == 6 for text in texts_of(result))


def test_nothing_to_write_and_fewer_texts_than_asked_for():
    result = beam_search(table_step(random_table(0, 7)), (), [[4, 5], [6, 0]], max_new_tokens=0, n_best=2)
    assert result.token_ids.shape == (2, 2, 0) and result.lengths.numpy().tolist() == [[0, 0], [0, 0]]
    assert result.score.numpy().tolist() == [[0.0, -np.inf], [0.0, -np.inf]]
    groups = beam_search(table_step(random_table(0, 7)), (), [[4]], max_new_tokens=0, n_best=2, groups=2)
    assert groups.score.numpy().tolist() == groups.log_probability.numpy().tolist() == [[0.0, -np.inf]]
    table = np.full((6, 6), -np.inf, "float32")
    table[4, 5], table[5, END] = 0.0, 0.0
    result = beam_search(table_step(table), (), [[4]], max_new_tokens=3, n_best=3)
    assert texts_of(result) == [(5, END), (), ()]
    assert result.score.numpy().tolist() == [[0.0, -np.inf, -np.inf]]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"beams": 0}, "`beams` must be an integer, 1 or more. Received: beams=0"),
        ({"n_best": 5}, "`n_best` at most `beams`. Received: beams=4, n_best=5, groups=1"),
        ({"groups": 3, "n_best": 3}, "must be multiples of `groups`.*beams=4, n_best=3, groups=3"),
        ({"groups": 2.0}, "`groups` must be an integer, 1 or more. Received: groups=2.0"),
        ({"diversity": -1}, "`diversity` must be 0 or more. Received: diversity=-1"),
        (
            {"coverage_penalty": -0.1},
            "`coverage_penalty` must be 0 .off. or more. Received: coverage_penalty=-0.1",
        ),
        ({"coverage_penalty": 0.1}, "`coverage_penalty` needs `attention_of`, a function of the state"),
        (
            {"max_new_tokens": -1},
            "`max_new_tokens` must be an integer, 0 or more. Received: max_new_tokens=-1",
        ),
    ],
)
def test_wrong_numbers_are_named(wrong, message):
    with pytest.raises(InputError, match=message):
        beam_search(alphabet_step, (), [[4]], **{"max_new_tokens": 3, **wrong})
