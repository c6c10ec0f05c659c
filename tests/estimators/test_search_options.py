"""Every pair of options that does not go together, in the words of Python and of the command line."""

import pytest

from nlpkit.errors import InputError
from nlpkit.estimators.search_options import (
    PYTHON,
    Spelling,
    check_lengths,
    check_search,
    check_streamed,
    idle_options,
)

SHELL = Spelling(lambda name: f"--{name}", lambda name, value: f"--{name} {value}")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"temperature": 0.5, "top_k": 0, "seed": 0, "logprobs": 3, "num_results": 4},
        {"beam_size": 4, "num_results": 2, "beam_groups": 2, "diversity": 0.0, "length_penalty": -1.0},
        {"beam_size": 3, "num_results": 3, "seed": None, "top_k": None},
        {"beam_size": 2, "temperature": 1.0, "top_k": 0, "top_p": 1, "min_p": 0.0, "typical_p": 1},
        {"contrastive_penalty": 0.5, "temperature": 1, "top_p": 1.0, "min_p": 0, "typical_p": 1.0},
        {"contrastive_penalty": 0.0, "top_k": 7, "length_penalty": 0.0, "beam_groups": 1, "num_results": 1},
        {"beam_groups": 1, "length_penalty": 0, "diversity": None},
        {"something": "else"},
        {"min_new_tokens": 5, "max_new_tokens": 5},
        {"min_new_tokens": 5},
        {"min_new_tokens": None, "max_new_tokens": 0},
    ],
)
def test_what_goes_together(options):
    check_search(options)
    check_lengths(options)


WRONG = [
    (
        {"beam_size": 4, "contrastive_penalty": 0.6},
        "`beam_size` and `contrastive_penalty` ask for two kinds of search. Received: beam_size=4, "
        "contrastive_penalty=0.6. Leave out one of them.",
    ),
    (
        {"length_penalty": 0.5},
        "`length_penalty` belongs to a search with beams. Received: length_penalty=0.5 without `beam_size`. Give it, "
        "or leave this out.",
    ),
    (
        {"contrastive_penalty": 0.5, "beam_groups": 2},
        "`beam_groups` belongs to a search with beams. Received: beam_groups=2 without `beam_size`. Give it, or leave "
        "this out.",
    ),
    (
        {"beam_size": 4, "diversity": 0.5},
        "`diversity` belongs to groups of beams. Received: diversity=0.5 without `beam_groups`. Give it, or leave this "
        "out.",
    ),
    (
        {"beam_size": 4, "temperature": 0, "min_p": 0.1, "seed": 1},
        "`beam_size` searches for the most likely text, so it goes with nothing that belongs to drawing one. Received: "
        "beam_size=4 with temperature=0, min_p=0.1, seed=1. Leave out `beam_size`, or that.",
    ),
    (
        {"contrastive_penalty": 0.6, "top_k": 4, "top_p": 0.9, "typical_p": 0.3},
        "`contrastive_penalty` searches for a likely text that does not repeat itself, so it goes with nothing that "
        "belongs to drawing one. Received: contrastive_penalty=0.6 with top_p=0.9, typical_p=0.3. Leave out "
        "`contrastive_penalty`, or that.",
    ),
    (
        {"beam_size": 4, "logprobs": 0},
        "`logprobs` are kept of texts that are drawn, not of those that are searched for. Received: beam_size=4, "
        "logprobs=0. Leave out one or the other.",
    ),
    (
        {"beam_size": 2, "num_results": 3},
        "`num_results` must be at most `beam_size`, for each beam comes to one text. Received: beam_size=2, "
        "num_results=3",
    ),
    (
        {"beam_size": 4, "beam_groups": 2},
        "Groups have equally many beams and give equally many texts: `beam_size` and `num_results` must be multiples "
        "of `beam_groups`. Received: beam_size=4, num_results=1, beam_groups=2",
    ),
    (
        {"beam_size": 5, "beam_groups": 2, "num_results": 2},
        "Groups have equally many beams and give equally many texts: `beam_size` and `num_results` must be multiples "
        "of `beam_groups`. Received: beam_size=5, num_results=2, beam_groups=2",
    ),
    (
        {"contrastive_penalty": 0.6, "num_results": 2},
        "A contrastive search finds one text for each prompt. Received: contrastive_penalty=0.6, num_results=2. Leave "
        "out one or the other.",
    ),
    (
        {"beam_size": 2, "temperature": 1.0, "top_k": 1, "top_p": 1.0},
        "`beam_size` searches for the most likely text, so it goes with nothing that belongs to drawing one. Received: "
        "beam_size=2 with top_k=1. Leave out `beam_size`, or that.",
    ),
    (
        {"contrastive_penalty": 0.6, "top_k": 0},
        "`top_k` is how many tokens a contrastive search tries at each place, so it must be 1 or more. Received: "
        "contrastive_penalty=0.6, top_k=0",
    ),
    (
        {"min_new_tokens": 8, "max_new_tokens": 4},
        "`min_new_tokens` must be at most `max_new_tokens`, which ends each text. Received: min_new_tokens=8, "
        "max_new_tokens=4. Write more, or ask for less.",
    ),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_what_does_not_go_together_is_told_in_each_spelling(options, message):
    with pytest.raises(InputError) as told:
        check_search(options, PYTHON)
    assert str(told.value) == message
    with pytest.raises(InputError) as told:
        check_search(options, SHELL)
    written = message
    for name in ("beam_size", "num_results", "beam_groups", "contrastive_penalty", *options):
        written = written.replace(f"`{name}`", f"--{name}").replace(f" {name}=", f" --{name} ")
    assert str(told.value) == written


@pytest.mark.parametrize(
    ("options", "idle"),
    [
        ({"temperature": 0.5, "seed": 1}, []),
        ({"beam_size": None, "contrastive_penalty": None, "temperature": 0.5, "seed": 1}, []),
        ({"beam_size": 4, "temperature": 1.0, "top_k": 0, "top_p": 1, "min_p": 0, "typical_p": 1.0}, []),
        ({"beam_size": 4, "num_results": 2, "length_penalty": 1.0, "no_repeat_ngram": 2, "seed": None}, []),
        (
            {
                "seed": 0,
                "typical_p": 0.5,
                "min_p": 0.1,
                "top_p": 0.9,
                "top_k": 5,
                "temperature": 0,
                "beam_size": 1,
            },
            ["temperature", "top_k", "top_p", "min_p", "typical_p", "seed"],
        ),
        ({"contrastive_penalty": 0.0, "top_k": 4, "top_p": 0.9, "seed": 1}, ["top_p", "seed"]),
    ],
)
def test_a_search_leaves_options_of_drawing_idle(options, idle):
    assert idle_options(options) == idle


def test_what_cannot_be_streamed():
    check_streamed({"top_k": 3, "forced_prefix": "a"})
    with pytest.raises(
        InputError,
        match="`stream` gives one text while it is drawn, .*Received: beam_size=2, num_results=2. Leave that out, or",
    ):
        check_streamed({"num_results": 2, "beam_size": 2, "top_k": 1})
