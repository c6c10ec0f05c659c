"""The loop writes what can be worked out by hand, in whatever parts, batches and graphs."""

from functools import partial

import numpy as np
import pytest
import tensorflow as tf
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
from scipy import stats

from nlpkit.errors import InputError
from nlpkit.generation import (
    advance,
    bad_words,
    begin,
    finish,
    forced_prefix,
    frequency_penalty,
    generate,
    minimum_length,
    no_repeat_ngrams,
    presence_penalty,
    repetition_penalty,
    temperature,
    top_k,
    top_p,
)

PROMPTS = [[4, 5, 6, 7], [8], [9, 10], []]
PADDED = np.array([p + [0] * (4 - len(p)) for p in PROMPTS], "int32")
ALL = [
    partial(repetition_penalty, factor=1.3),
    partial(presence_penalty, penalty=0.2),
    partial(frequency_penalty, penalty=0.1),
    partial(no_repeat_ngrams, size=2),
    partial(bad_words, words=[[6], [7, 8]]),
    partial(minimum_length, length=3),
    partial(temperature, value=1.5),
    partial(top_k, k=9),
    partial(top_p, p=0.95),
    partial(forced_prefix, token_ids=[11, 12]),
]


def texts(result):
    return [text_of(row) for row in result.token_ids.numpy()]


def same(first, second):
    first, second = ([part for part in tf.nest.flatten(nest) if part is not None] for nest in (first, second))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def chain(size=15, seed=0):
    """A model whose state counts, and a first state for a batch."""
    return tables_step(random_tables(seed, size, places=24, spread=1.0)), lambda rows: tf.zeros(
        rows, tf.int32
    )


def test_the_alphabet_goes_on_after_each_prompt():
    prompts = [ids_of("abc"), ids_of("x") + [0, 0], ids_of("hi") + [0]]
    result = generate(alphabet_step, (), prompts, max_new_tokens=5)
    assert texts(result) == ["defgh", "yz.", "jklmn"]
    assert result.lengths.numpy().tolist() == [5, 3, 5]
    # Each step has the logit 5 for one token of 30, and 0 for the others.
    one = 5 - np.log(np.exp(5) + 29)
    np.testing.assert_allclose(result.score, [5 * one, 3 * one, 5 * one], rtol=1e-5)
    assert result.logprobs is None


def test_greedy_takes_the_most_likely_and_scores_by_the_models_own_probabilities():
    table = random_table(0, 15)
    result = generate(table_step(table), (), [[4]], max_new_tokens=12, filters=ALL, logprobs=3)
    text = [4, *result.token_ids[0].numpy()[: int(result.lengths[0])]]
    own = [table[a, b] for a, b in zip(text[:-1], text[1:], strict=True)]
    assert float(result.score[0]) == pytest.approx(sum(own), rel=1e-5)
    chosen, ids, best = (part[0].numpy() for part in result.logprobs)
    np.testing.assert_allclose(chosen[: len(own)], own, rtol=1e-5)
    for place, before in enumerate(text[:-1]):
        assert ids[place].tolist() == np.argsort(-table[before], kind="stable")[:3].tolist()
        np.testing.assert_allclose(best[place], np.sort(table[before])[::-1][:3], rtol=1e-5)
    assert not chosen[len(own) :].any() and not ids[len(own) :].any() and not best[len(own) :].any()


def test_logprobs_of_the_chosen_alone():
    chosen, ids, best = generate(alphabet_step, (), [[4]], max_new_tokens=3, logprobs=0).logprobs
    assert chosen.shape == (1, 3) and ids.shape == best.shape == (1, 3, 0)


@pytest.mark.parametrize("seed", [None, 5])
def test_batch_is_one_by_one(seed):
    step, first = chain()
    run = partial(generate, step, max_new_tokens=8, filters=ALL, seed=seed, logprobs=2)
    together = run(first(4), PADDED)
    for row, prompt in enumerate(PROMPTS):
        alone = run(first(1), np.array([prompt], "int32"), first_row=row)
        same([part[row : row + 1] for part in tf.nest.flatten(together)], alone)


@pytest.mark.parametrize("seed", [None, 5])
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_parts_are_the_whole(seed, steps):
    step, first = chain()
    options = {"filters": ALL, "seed": seed}
    whole = generate(step, first(4), PADDED, max_new_tokens=8, logprobs=2, **options)
    generation = begin(first(4), PADDED, max_new_tokens=8, logprobs=2)
    run = tf.function(lambda at: advance(step, at, steps=steps, **options), autograph=False)
    while not tf.reduce_all(generation.done):
        before = int(generation.place)
        generation = run(generation)
        assert int(generation.place) <= (before or 0) + steps
    same(finish(generation), whole)


def test_graph_with_dynamic_shapes_and_tensors_is_eager():
    step, first = chain()

    def run(prompt, new, value, k, p, seed):
        filters = [partial(temperature, value=value), partial(top_k, k=k), partial(top_p, p=p)]
        return generate(
            step, first(tf.shape(prompt)[0]), prompt, max_new_tokens=new, filters=filters, seed=seed
        )

    kinds = [tf.int32, tf.float32, tf.int32, tf.float32, tf.int32]
    shapes = [tf.TensorSpec((None, None), tf.int32), *(tf.TensorSpec((), kind) for kind in kinds)]
    graph = tf.function(run, input_signature=shapes, autograph=False)
    for options in [(8, 1.0, 0, 1.0, 1), (6, 0.7, 5, 0.9, 2), (7, 0.0, 0, 1.0, 3)]:
        for prompt in (PADDED, PADDED[:1, :2]):
            same(graph(prompt, *options), run(prompt, *options))
    greedy = generate(step, first(4), PADDED, max_new_tokens=7)
    assert graph(PADDED, 7, 0.0, 0, 1.0, 3).token_ids.numpy().tolist() == greedy.token_ids.numpy().tolist()


def test_a_seed_repeats_and_others_differ():
    step = table_step(np.zeros((50, 50), "float32"))
    prompts = [[4]] * 3
    first, again, other = (
        generate(step, (), prompts, max_new_tokens=20, seed=seed).token_ids.numpy() for seed in (7, 7, 8)
    )
    np.testing.assert_array_equal(first, again)
    assert (first == other).mean() < 0.3
    assert len({tuple(row) for row in first.tolist()}) == 3, "rows of one prompt are different texts"
    row = generate(step, (), prompts[:1], max_new_tokens=20, seed=tf.constant(7), first_row=2)
    np.testing.assert_array_equal(row.token_ids[0], first[2])


def test_ten_thousand_tokens_are_distributed_as_the_model_says():
    logits = np.random.default_rng(1).normal(0, 1, 20).astype("float32")
    logits[END] = -np.inf
    step = table_step(np.repeat(logits[None], 20, axis=0))
    drawn = generate(step, (), [[4]] * 100, max_new_tokens=100, seed=3).token_ids.numpy().ravel()
    logits[:4] = -np.inf
    expected = np.exp(logits.astype("float64")) / np.exp(logits.astype("float64")).sum()
    assert set(drawn) == set(range(4, 20))
    counts = np.bincount(drawn, minlength=20)
    assert stats.chisquare(counts[4:], 10_000 * expected[4:]).pvalue > 1e-3


def test_padding_start_and_unknown_are_never_written():
    logits = np.full((8, 8), -9, "float32")
    logits[:, :3] = [9, 8, 7]
    step = table_step(logits)
    drawn = generate(step, (), [[4]] * 20, max_new_tokens=20, seed=1).token_ids.numpy()
    for row in drawn:
        ended = np.argmax(row == END) if END in row else len(row)
        assert (row[:ended] > END).all() and not row[ended + 1 :].any()
    unknown = generate(step, (), [[4]], max_new_tokens=3, allow_unknown=True)
    assert unknown.token_ids.numpy().tolist() == [[1, 1, 1]]


def test_it_stops_when_all_rows_are_done():
    calls = []

    def step(token_ids, state):
        calls.append(1)  # without a graph each step is a call
        return alphabet_step(token_ids, state)

    result = generate(step, (), [ids_of("vwxy"), ids_of("x") + [0] * 3], max_new_tokens=50)
    assert texts(result) == ["z.", "yz."]
    # Four tokens of the longer prompt and the `z` behind it; the other row needs no more.
    assert len(calls) == 5


def test_other_ends():
    result = generate(alphabet_step, (), [ids_of("a"), ids_of("l")], max_new_tokens=9, stop_ids=ids_of("e."))
    assert texts(result) == ["bcde", "mnopqrstu"]


def test_a_row_without_a_possible_token_ends():
    def nothing_after_d(logits, so_far):
        last = tf.gather(so_far.token_ids, so_far.length - 1, axis=1)
        return tf.where((last == ids_of("d")[0])[:, None], -np.inf, logits)

    for seed in (None, 1):
        result = generate(
            alphabet_step, (), [ids_of("b"), ids_of("v")], max_new_tokens=4,
            filters=[partial(temperature, value=0.0), nothing_after_d], seed=seed,
        )  # fmt: skip
        assert texts(result) == ["cd", "wxyz"] and result.lengths.numpy().tolist() == [2, 4]
        assert np.isfinite(result.score).all()


def test_filters_see_what_is_there():
    seen = []

    def look(logits, so_far):
        seen.append(
            (so_far.token_ids[:, : so_far.length].numpy().tolist(), so_far.prompt_lengths.numpy().tolist())
        )
        return logits

    generate(alphabet_step, (), [ids_of("abc"), ids_of("x") + [0, 0]], max_new_tokens=2, filters=[look])
    assert [[text_of(row) for row in rows] for rows, _ in seen] == [
        ["a", "x"], ["ab", "xy"], ["abc", "xyz"], ["abcd", "xyz"]
    ]  # fmt: skip
    assert seen[0][1] == [3, 1]


@pytest.mark.parametrize("seed", [None, 1])
def test_nothing_to_write_reads_nothing(seed):
    def step(token_ids, state):
        raise AssertionError("called")

    result = generate(step, (), [[4, 5, 6], [4, 0, 0]], max_new_tokens=0, seed=seed, logprobs=1)
    assert result.token_ids.shape == (2, 0) and result.lengths.numpy().tolist() == [0, 0]
    assert result.score.numpy().tolist() == [0, 0]


def test_an_empty_prompt_is_the_beginning_of_a_text():
    step, first = chain()
    options = {"max_new_tokens": 5}
    expected = generate(step, first(1), [[END]], **options)
    same(generate(step, first(1), [[0, 0]], **options), expected)
    same(generate(step, first(1), np.zeros((1, 0), "int32"), **options), expected)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"max_new_tokens": -1},
            "`max_new_tokens` must be an integer, 0 or more. Received: max_new_tokens=-1",
        ),
        (
            {"max_new_tokens": 2.5},
            "`max_new_tokens` must be an integer, 0 or more. Received: max_new_tokens=2.5",
        ),
        ({"logprobs": -1}, "`logprobs` must be an integer, 0 or more. Received: logprobs=-1"),
    ],
)
def test_wrong_numbers_are_named(wrong, message):
    with pytest.raises(InputError, match=message):
        generate(alphabet_step, (), [[4]], **{"max_new_tokens": 3, **wrong})
    with pytest.raises(InputError, match="`steps` must be an integer, 1 or more. Received: steps=0"):
        advance(alphabet_step, begin((), [[4]], max_new_tokens=1), steps=0)


def test_less_than_nothing_is_nothing_in_a_tensor():
    assert generate(alphabet_step, (), [[4]], max_new_tokens=tf.constant(-3)).token_ids.shape == (1, 0)
