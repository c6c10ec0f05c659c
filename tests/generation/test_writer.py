import gc
import weakref

import numpy as np
import pytest
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.generation import beam_search, finish, generate, sampling_filters
from nlpkit.generation.writer import Writer
from nlpkit.models import build_generator

PROMPTS = tf.constant([[3, 7, 9], [3, 5, 0]])


@pytest.fixture(scope="module", params=["lstm", "transformer"])
def writer(request):
    tf.keras.utils.set_random_seed(2)
    return Writer(build_generator(30, cell=request.param, units=8, num_layers=1))


def test_it_writes_what_generate_writes(writer):
    options = {"temperature": 0.7, "top_k": 9, "repetition_penalty": 1.2, "no_repeat_ngram": 2}
    state = writer.network.initial_state(2, 3 + 12)
    expected = generate(
        writer.network.step, state, PROMPTS, max_new_tokens=12, filters=sampling_filters(**options), seed=5
    )
    found = writer.write(PROMPTS, max_new_tokens=12, seed=5, **options)
    np.testing.assert_array_equal(found.token_ids, expected.token_ids)
    np.testing.assert_allclose(found.score, expected.score, rtol=1e-5)


def test_in_parts_it_writes_the_same(writer):
    whole = writer.write(PROMPTS, max_new_tokens=9, seed=1, logprobs=2)
    advance, generation = writer.begin(PROMPTS, max_new_tokens=9, seed=1, logprobs=2)
    while not tf.reduce_all(generation.done):
        generation = advance(generation, 2)
    for part, expected in zip(finish(generation)[:3], whole[:3], strict=True):
        np.testing.assert_allclose(part, expected, rtol=1e-5)


def test_it_searches_as_beam_search_does(writer):
    found = writer.search(PROMPTS, max_new_tokens=6, beams=4, n_best=2, length_penalty=0.5, min_new_tokens=2)
    expected = beam_search(
        writer.network.step, writer.network.initial_state(2, 3 + 6), PROMPTS, max_new_tokens=6, beams=4, n_best=2,
        length_penalty=0.5, filters=sampling_filters(min_new_tokens=2),
    )  # fmt: skip
    np.testing.assert_array_equal(found.token_ids, expected.token_ids)
    np.testing.assert_allclose(found.score, expected.score, rtol=1e-4)


def test_it_searches_in_groups_as_beam_search_does(writer):
    options = {"max_new_tokens": 5, "beams": 4, "n_best": 2, "groups": 2, "diversity": 3.0}
    found = writer.search(PROMPTS, **options)
    expected = beam_search(writer.network.step, writer.network.initial_state(2, 3 + 5), PROMPTS, **options)
    np.testing.assert_array_equal(found.token_ids, expected.token_ids)
    np.testing.assert_allclose(found.score, expected.score, rtol=1e-4)


def contrastive_by_hand(network, text, new, penalty, candidates):
    """The definition of contrastive search, over whole texts in place of steps."""
    prompt, score = list(text), 0.0
    for _ in range(new):
        hidden = network.hidden(np.array([text]))[0]
        logits = network.logits(hidden)[0, -1].numpy().astype("float64")
        shares = np.exp(logits) / np.exp(logits).sum()
        values = {}
        for token in sorted(range(3, 30), key=lambda i: -logits[i])[:candidates]:
            vectors = network.hidden(np.array([[*text, token]]))[0][0].numpy()
            vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
            values[token] = (1 - penalty) * shares[token] - penalty * (vectors[:-1] @ vectors[-1]).max()
        text = [*text, max(values, key=values.get)]
        score += np.log(shares[text[-1]])
        if text[-1] == 3:
            break
    return text[len(prompt) :], score


@pytest.mark.parametrize(("penalty", "candidates"), [(0.6, 4), (0.02, 9)])
def test_a_contrastive_search_does_what_its_definition_says(writer, penalty, candidates):
    found = writer.contrast(PROMPTS, max_new_tokens=6, penalty=penalty, candidates=candidates)
    for row, prompt in enumerate([[3, 7, 9], [3, 5]]):
        text, score = contrastive_by_hand(writer.network, prompt, 6, penalty, candidates)
        assert found.token_ids[row].numpy().tolist() == text + [0] * (6 - len(text))
        assert float(found.score[row]) == pytest.approx(score, rel=1e-4)


def test_the_values_of_searches_are_not_traced_anew(writer):
    writer.contrast(PROMPTS, max_new_tokens=2, penalty=0.5, candidates=3, forced_prefix=(5,))
    writer.search(PROMPTS, max_new_tokens=2, beams=2, groups=2, n_best=2, diversity=0.1, forced_prefix=(5,))
    traced = list(writer._functions.values())
    found = writer.contrast(PROMPTS[:1], max_new_tokens=3, penalty=0.1, candidates=2, forced_prefix=(8, 9))
    assert found.token_ids[0, :2].numpy().tolist() == [8, 9]
    found = writer.search(
        PROMPTS, max_new_tokens=3, beams=2, groups=2, n_best=2, diversity=2.0, forced_prefix=(8, 9)
    )
    assert found.token_ids[:, :, :2].numpy().tolist() == [[[8, 9]] * 2] * 2
    assert list(writer._functions.values()) == traced


def test_other_values_and_sizes_are_not_traced_anew(writer):
    writer.write(PROMPTS, max_new_tokens=2, seed=1, temperature=0.5)
    traced = list(writer._functions.values())
    writer.write(PROMPTS[:1, :2], max_new_tokens=5, seed=2, temperature=0.9)
    assert list(writer._functions.values()) == traced


def test_only_the_graphs_used_last_are_kept(monkeypatch):
    monkeypatch.setattr("nlpkit.generation.writer.KEPT", 4)
    tf.keras.utils.set_random_seed(2)
    writer = Writer(build_generator(30, units=8, num_layers=1))

    def write(word):
        return writer.write(PROMPTS, max_new_tokens=9, seed=1, bad_words=((word,),)).token_ids.numpy()

    first = write(5)
    begin, often = writer._functions.values()
    second = write(6)
    rarely = weakref.ref(list(writer._functions.values())[-1])
    for word in range(7, 9):
        write(word)
        np.testing.assert_array_equal(write(5), first)
        assert len(writer._functions) <= 4
    # What is used all the time stays, the others give their memory back.
    kept = list(writer._functions.values())
    assert len(kept) == 4 and any(part is begin for part in kept) and kept[-1] is often
    gc.collect()
    assert rarely() is None
    # They come back when they are asked for.
    np.testing.assert_array_equal(write(6), second)
    assert len(writer._functions) == 4


def test_without_a_seed_it_writes_other_things_and_at_temperature_0_the_same(writer):
    texts = {bytes(writer.write(PROMPTS, max_new_tokens=12).token_ids.numpy()) for _ in range(3)}
    assert len(texts) > 1
    texts = {
        bytes(writer.write(PROMPTS, max_new_tokens=12, temperature=0).token_ids.numpy()) for _ in range(3)
    }
    assert len(texts) == 1


def test_values_out_of_range(writer):
    with pytest.raises(
        InputError, match="`logprobs` must be an integer from 0 to the size .* 30. Received: logprobs=31"
    ):
        writer.write(PROMPTS, max_new_tokens=1, logprobs=31)
    for method in (writer.write, lambda *a, **k: writer.search(*a, beams=2, **k)):
        with pytest.raises(InputError, match="`max_new_tokens` must be an integer, 0 or more"):
            method(PROMPTS, max_new_tokens=-1)
        with pytest.raises(InputError, match="must be .*Received: "):
            method(PROMPTS, max_new_tokens=1, top_p=0.0)
    with pytest.raises(InputError, match="`diversity` must be 0 or more. Received: diversity=-1"):
        writer.search(PROMPTS, max_new_tokens=1, beams=2, diversity=-1)
    with pytest.raises(InputError, match="`penalty` must be from 0 to 1. Received: penalty=2"):
        writer.contrast(PROMPTS, max_new_tokens=1, penalty=2)
    with pytest.raises(
        InputError, match="`candidates` must be an integer, 1 or more. Received: candidates=0"
    ):
        writer.contrast(PROMPTS, max_new_tokens=1, penalty=0.5, candidates=0)
