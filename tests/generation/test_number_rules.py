"""What the numbers of a generation must be: told without TensorFlow, and the same as the search itself tells."""

import pytest

from nlpkit.errors import InputError
from nlpkit.generation.number_rules import MAY_BE_NONE, RULES, check_numbers
from nlpkit.generation.sampling import SAMPLING, check_sampling

WRONG = {
    "max_new_tokens": -1, "min_new_tokens": 0.5, "num_results": 0, "seed": 2**31, "temperature": -1, "top_k": 2.5,
    "top_p": 0, "min_p": 1.1, "typical_p": 0.0, "repetition_penalty": 0, "presence_penalty": "much",
    "frequency_penalty": float("nan"), "no_repeat_ngram": -1, "beam_size": 0, "beam_groups": None,
    "length_penalty": None, "diversity": -0.1, "contrastive_penalty": 1.5,
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_a_wrong_number_is_told_by_its_rule(name):
    with pytest.raises(InputError) as told:
        check_numbers({"seed": 1, name: WRONG[name], "other": "words"})
    assert str(told.value) == f"`{name}` must be {RULES[name][0]}. Received: {name}={WRONG[name]!r}"
    if name in SAMPLING:
        with pytest.raises(InputError) as by_the_filter:
            check_sampling({name: WRONG[name]}, 8)
        assert str(by_the_filter.value) == str(told.value)


def test_what_changes_nothing_and_what_is_not_given_are_no_mistakes():
    check_numbers({name: SAMPLING[name][2] for name in RULES if name in SAMPLING})
    check_numbers(dict.fromkeys(MAY_BE_NONE))
