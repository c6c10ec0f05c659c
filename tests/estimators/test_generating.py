"""Every option of writing against the search that it asks for, called directly, or against what must come of it."""

import re
from functools import partial

import numpy as np
import pytest
import tensorflow as tf
from sklearn.exceptions import NotFittedError

from nlpkit import InputError, TextGenerator
from nlpkit.generation import (
    bad_words,
    beam_search,
    forced_prefix,
    frequency_penalty,
    generate,
    min_p,
    minimum_length,
    no_repeat_ngrams,
    presence_penalty,
    typical,
)
from nlpkit.generation.texts import prompt_ids, texts_behind

# Two kinds of sentences, told apart by their first word.
TEXTS = ["one two three four five .", "red green blue white black ."] * 40
PROMPTS = ["one", "red green blue", ""]


def fit(**settings):
    training = {"batch_size": 4, "learning_rate": 0.03, "sequence_length": 14}
    options = {"training": training, "network": {"dropout": 0.0}}
    return TextGenerator(
        **{"units": 16, "num_layers": 1, "options": options, "random_state": 0, **settings}
    ).fit(TEXTS)


@pytest.fixture(scope="module")
def fitted():
    return fit(epochs=10)


@pytest.fixture(scope="module")
def unsure():
    """Hardly trained, so that there is something to choose from."""
    return fit(epochs=1)


@pytest.fixture(scope="module", params=["char", "subword"])
def other(request):
    small = {"subword": {"text": {"vocabulary_size": 300}}}
    return fit(level=request.param, epochs=1, options=small.get(request.param))


def word(generator, text):
    return generator.text_to_ids_.tokenizer.vocabulary.index[text]


def texts_of(generator, prompts, token_ids):
    rows = prompt_ids(generator.text_to_ids_, tf.constant(prompts))
    return [text.decode() for text in texts_behind(generator.text_to_ids_, rows, token_ids).numpy()]


def search(generator, find, prompts, new=6, **options):
    rows = prompt_ids(generator.text_to_ids_, tf.constant(prompts))
    state = generator.network_.initial_state(*rows.shape)
    return find(generator.network_.step, state, rows, max_new_tokens=new, **options)


FILTERS = {
    "presence_penalty": (4.0, partial(presence_penalty, penalty=4.0)),
    "frequency_penalty": (4.0, partial(frequency_penalty, penalty=4.0)),
    "min_new_tokens": (6, partial(minimum_length, length=6)),
    "min_p": (0.7, partial(min_p, p=0.7)),
    "typical_p": (0.2, partial(typical, mass=0.2)),
}


@pytest.mark.parametrize("name", FILTERS)
def test_an_option_of_drawing_is_its_filter(unsure, name):
    value, filter = FILTERS[name]
    found = unsure.generate_details(PROMPTS, max_new_tokens=6, seed=3, **{name: value})
    expected = search(unsure, generate, PROMPTS, seed=3, filters=[filter])
    assert [row["text"] for row in found] == texts_of(unsure, PROMPTS, expected.token_ids)
    assert [row["score"] for row in found] == pytest.approx(expected.score.numpy().tolist(), rel=1e-4)
    assert found != unsure.generate_details(PROMPTS, max_new_tokens=6, seed=3), "nothing was tested"


def test_words_that_must_not_occur(unsure):
    for words in (["one", "green blue", "unheard"], "one"):
        found = unsure.generate(PROMPTS, max_new_tokens=6, seed=3, bad_words=words)
        ids = [[word(unsure, "one")]]
        if words != "one":
            ids.append([word(unsure, "green"), word(unsure, "blue")])
        expected = search(unsure, generate, PROMPTS, seed=3, filters=[partial(bad_words, words=ids)])
        assert found == texts_of(unsure, PROMPTS, expected.token_ids)


def test_no_words_and_no_stop_strings(unsure):
    plain = unsure.generate(PROMPTS, max_new_tokens=6, seed=3)
    for none in (None, (), [], np.array([])):
        assert unsure.generate(PROMPTS, max_new_tokens=6, seed=3, bad_words=none, stop=none) == plain
    assert unsure.generate(PROMPTS, max_new_tokens=6, seed=3, bad_words="", forced_prefix=None) == plain
    streamed = unsure.stream("one", max_new_tokens=6, seed=3, bad_words=None, stop=None)
    assert "".join(streamed) == unsure.generate("one", max_new_tokens=6, seed=3)


def test_values_that_change_nothing_go_with_a_search(unsure):
    nothing = {"temperature": 1.0, "top_p": 1, "min_p": 0, "typical_p": 1.0}
    for search in ({"beam_size": 2, "top_k": 0}, {"contrastive_penalty": 0.5}):
        found = unsure.generate_details(PROMPTS, max_new_tokens=5, **search, **nothing)
        search.pop("top_k", None)
        assert found == unsure.generate_details(PROMPTS, max_new_tokens=5, **search)


def test_a_search_with_beams_is_beam_search(unsure):
    options = {"length_penalty": 2.0, "diversity": 1.5}
    found = unsure.generate_details(
        PROMPTS, max_new_tokens=6, beam_size=6, num_results=4, beam_groups=2, no_repeat_ngram=2, **options
    )
    filters = [partial(no_repeat_ngrams, size=2)]
    expected = search(unsure, beam_search, PROMPTS, beams=6, n_best=4, groups=2, filters=filters, **options)
    each = [prompt for prompt in PROMPTS for _ in range(4)]
    assert [row["text"] for row in found] == texts_of(unsure, each, tf.reshape(expected.token_ids, (12, 6)))
    assert [row["score"] for row in found] == pytest.approx(expected.score.numpy().ravel().tolist(), rel=1e-4)
    # Without a diversity it is that of `beam_search`.
    found = unsure.generate("", max_new_tokens=6, beam_size=4, num_results=2, beam_groups=2)
    expected = search(unsure, beam_search, [""], beams=4, n_best=2, groups=2)
    assert found == texts_of(unsure, [""] * 2, expected.token_ids[0])


def test_groups_of_beams_find_texts_that_differ(fitted):
    several = {"max_new_tokens": 3, "beam_size": 2, "num_results": 2}
    apart = fitted.generate("", beam_groups=2, diversity=3.0, **several)
    assert sorted(apart) == ["one two three", "red green blue"]
    # A choice that costs nothing is the same in each group.
    same = fitted.generate("", beam_groups=2, diversity=0.0, **several)
    assert same[0] == same[1] in apart


def test_a_length_penalty_makes_texts_longer(unsure):
    lengths = [
        unsure.generate_details("", beam_size=8, length_penalty=penalty, max_new_tokens=12)[0]["tokens"]
        for penalty in (-5.0, 0.0, 5.0)
    ]
    assert lengths[0] <= lengths[1] <= lengths[2] and lengths[0] < lengths[2]


def test_a_contrastive_search_without_penalty_is_greedy_and_with_it_does_not_repeat(unsure):
    greedy = unsure.generate_details(PROMPTS, temperature=0, max_new_tokens=12)
    plain = unsure.generate_details(PROMPTS, contrastive_penalty=0.0, max_new_tokens=12)
    assert [row["text"] for row in plain] == [row["text"] for row in greedy]
    assert [row["score"] for row in plain] == pytest.approx([row["score"] for row in greedy], rel=1e-4)
    # One candidate leaves nothing to weigh.
    alone = unsure.generate(PROMPTS, contrastive_penalty=0.9, top_k=1, max_new_tokens=12)
    assert alone == [row["text"] for row in greedy]
    unlike = unsure.generate(PROMPTS, contrastive_penalty=0.9, max_new_tokens=12)
    assert unlike != alone
    # Rules hold in it, too.
    ruled = unsure.generate(
        "one", contrastive_penalty=0.9, bad_words=["two", "."], min_new_tokens=12, max_new_tokens=12
    )
    assert len(ruled.split()) == 12 and "two" not in ruled and "." not in ruled


def test_a_stop_string_cuts_what_was_searched_for(fitted):
    assert fitted.generate("one", stop="four", contrastive_penalty=0.0) == " two three "
    assert fitted.generate("one", stop="four", beam_size=2) == " two three "


def test_a_stop_string_cuts_the_text_alone(fitted):
    whole, cut = (
        fitted.generate_details("one", temperature=0, max_new_tokens=5, logprobs=2, **stop)[0]
        for stop in ({}, {"stop": "four"})
    )
    assert (whole.pop("text"), cut.pop("text")) == (" two three four five.", " two three ")
    assert cut == whole and cut["tokens"] == len(cut["logprobs"]) == len(cut["top_logprobs"]) == 5
    assert sum(cut["logprobs"]) == pytest.approx(cut["score"], rel=1e-4)
    # Greedily each token is the most likely one in its place.
    likeliest = [max(top, key=top.get) for top in cut["top_logprobs"]]
    assert cut["token_ids"] == likeliest and len(set(likeliest)) > 1


def test_a_text_begins_with_what_is_forced(fitted):
    options = {"temperature": 0, "max_new_tokens": 6}
    rest = fitted.generate("one two white black", temperature=0, max_new_tokens=4)
    for prefix in ("white black", " white  black "):
        assert fitted.generate("one two", forced_prefix=prefix, **options) == " white black" + rest
    # Prompts of different lengths side by side, drawn, searched and streamed.
    for kind in ({"seed": 1}, {"beam_size": 3}, {"contrastive_penalty": 0.6}):
        for text in fitted.generate(PROMPTS, forced_prefix="black five", max_new_tokens=6, **kind):
            assert text.strip().startswith("black five")
    streamed = fitted.stream("one", forced_prefix="black five", max_new_tokens=6, seed=1)
    assert "".join(streamed) == fitted.generate("one", forced_prefix="black five", max_new_tokens=6, seed=1)
    expected = search(
        fitted, generate, PROMPTS, seed=2, filters=[partial(forced_prefix, token_ids=[word(fitted, "black")])]
    )
    found = fitted.generate(PROMPTS, forced_prefix="black", max_new_tokens=6, seed=2)
    assert found == texts_of(fitted, PROMPTS, expected.token_ids)
    # A rule gives way, and nothing forces nothing.
    assert fitted.generate("one two", forced_prefix="one two", no_repeat_ngram=1, **options)[:8] == " one two"
    assert fitted.generate("one", forced_prefix="", **options) == fitted.generate("one", **options)
    assert fitted.generate("one", forced_prefix="  ", **options) == fitted.generate("one", **options)


def test_a_forced_text_is_scored_as_any_other(fitted):
    found = fitted.generate_details("", forced_prefix="red two", temperature=0)[0]
    assert found["score"] == pytest.approx(fitted.score([found["text"]])[0], abs=1e-3)
    # In a search with beams what was forced is no choice, and costs nothing.
    searched = fitted.generate_details("", forced_prefix="red two", beam_size=1)[0]
    first = fitted.generate_details("", forced_prefix="red two", temperature=0, max_new_tokens=2)[0]
    assert searched["text"] == found["text"]
    assert searched["score"] == pytest.approx(found["score"] - first["score"], abs=1e-3)


def test_a_prefix_of_characters_and_pieces_may_begin_within_a_word_or_with_a_space(other):
    for prefix in ("ee", " wh"):
        text = other.generate("thr", forced_prefix=prefix, max_new_tokens=8, seed=0)
        assert text.startswith(prefix)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"forced_prefix": "two unheard"},
            "`forced_prefix` .--forced-prefix. must be made of tokens that the vocabulary has, .*Received: "
            "forced_prefix='two unheard'",
        ),
        (
            {"forced_prefix": "one two three", "max_new_tokens": 2},
            "must not be longer than what is written. Received: forced_prefix='one two three', 3 tokens, with "
            "max_new_tokens=2. Write more, or force less.",
        ),
        (
            {"forced_prefix": "one two three", "bad_words": ["green", "two three"]},
            "must not hold any of `bad_words` .--bad-words.. Received: forced_prefix='one two three'. Leave out",
        ),
        ({"forced_prefix": 3}, "forced_prefix must be a list of texts .str.. Received: 3 of type int"),
        (
            {"forced_prefix": "one", "max_new_tokens": 2.5},
            "`max_new_tokens` must be an integer, 0 or more. Received: max_new_tokens=2.5",
        ),
        ({"bad_words": [3]}, "bad_words must be a list of texts .str.. Received: 3 of type int at 0"),
        ({"bad_words": 5}, "bad_words must be a list of texts .str.. Received: 5 of type int at 0"),
        ({"bad_words": b"no"}, "bad_words must be a list of texts .str.. Received: b'no' of type bytes at 0"),
        ({"stop": 5}, "`stop` must be a string or several, none of them empty. Received: stop=5"),
        ({"beam_size": 0}, "`beam_size` must be an integer, 1 or more. Received: beam_size=0"),
        (
            {"beam_size": 2, "beam_groups": 1.5},
            "`beam_groups` must be an integer, 1 or more. Received: beam_gr",
        ),
        (
            {"beam_size": 2, "beam_groups": 2, "num_results": 2, "diversity": -1},
            "`diversity` must be 0 or more. Received: diversity=-1",
        ),
        (
            {"beam_size": 2, "length_penalty": "long"},
            "`length_penalty` must be a number. Received: length_penalty='long'",
        ),
        (
            {"contrastive_penalty": 1.5},
            "`contrastive_penalty` must be from 0 .always the most likely token. to 1. Received: "
            "contrastive_penalty=1.5",
        ),
        (
            {"contrastive_penalty": 0.5, "top_k": -1},
            "`top_k` must be an integer, 0 .off. or more. Received: top_k=-1",
        ),
        ({"contrastive_penalty": 0.5, "top_k": 0}, "`top_k` is how many tokens a contrastive search tries"),
        ({"beam_size": 4, "contrastive_penalty": 0.5}, "ask for two kinds of search"),
        ({"beam_size": 4, "typical_p": 0.5}, "goes with nothing that belongs to drawing"),
    ],
)
def test_options_that_cannot_be_used(fitted, options, message):
    with pytest.raises(InputError, match=message):
        fitted.generate("one", **options)


def test_logprobs_are_of_what_is_drawn(fitted):
    with pytest.raises(InputError, match="`logprobs` are kept of texts that are drawn"):
        fitted.generate_details("one", beam_size=2, logprobs=2)


def test_what_cannot_be_streamed(fitted):
    with pytest.raises(
        InputError, match="takes nothing that looks at whole texts. Received: contrastive_penalty=0.6"
    ):
        fitted.stream("one", contrastive_penalty=0.6)


@pytest.mark.parametrize("prompt", [None, 5, ["one", "two"], b"one"])
def test_one_text_is_streamed(fitted, prompt):
    received = re.escape(f"prompt={prompt!r}")
    message = (
        f"`prompt` must be a str, for one text is streamed. Received: {received}. Use `generate` for sev"
    )
    with pytest.raises(InputError, match=message):
        fitted.stream(prompt)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stop": 5}, "`stop` must be a string or several, none of them empty. Received: stop=5"),
        ({"stop": ""}, "`stop` must be a string or several, none of them empty. Received: stop=''"),
        ({"bad_words": 5}, "bad_words must be a list of texts .str.. Received: 5"),
        ({"top_p": 2.0}, "`top_p` must be .*Received: top_p=2.0"),
        (
            {"min_new_tokens": 101},
            "`min_new_tokens` must be at most .*: min_new_tokens=101, max_new_tokens=100",
        ),
        (
            {"max_new_tokens": -1},
            "`max_new_tokens` must be an integer, 0 or more. Received: max_new_tokens=-1",
        ),
        (
            {"top_q": 1},
            "The options of a generation are max_new_tokens, stop, seed, .*Received: top_q. Did you mean top_",
        ),
    ],
)
def test_a_stream_tells_at_once_what_cannot_be_used(fitted, options, message):
    with pytest.raises(InputError, match=message):
        fitted.stream("one", **options)


@pytest.mark.parametrize(
    ("name", "meant"),
    [("max_tokens", "max_new_tokens"), ("beam", "beam_size"), ("beams", "beam_size"), ("number", None)],
)
def test_an_option_that_was_probably_meant_is_named(fitted, name, meant):
    with pytest.raises(InputError) as error:
        fitted.generate("one", **{name: 3})
    assert "are max_new_tokens, stop, num_results, seed, beam_size," in str(error.value)
    assert str(error.value).endswith(f"Received: {name}" + (f". Did you mean {meant}?" if meant else ""))


def test_texts_alone_have_no_log_probabilities(fitted):
    message = "`generate` gives texts alone. Received: logprobs=5. Use `generate_details`, which also tells"
    with pytest.raises(InputError, match=message):
        fitted.generate("one", logprobs=5)


def test_who_is_not_fitted_streams_nothing():
    with pytest.raises(NotFittedError):
        TextGenerator().stream("one")
