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


def test_other_values_and_sizes_are_not_traced_anew(writer):
    writer.write(PROMPTS, max_new_tokens=2, seed=1, temperature=0.5)
    traced = list(writer._functions.values())
    writer.write(PROMPTS[:1, :2], max_new_tokens=5, seed=2, temperature=0.9)
    assert list(writer._functions.values()) == traced


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
