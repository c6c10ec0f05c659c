"""Penalties against their formulas."""

import numpy as np
import pytest
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.generation import SoFar, frequency_penalty, presence_penalty, repetition_penalty

SO_FAR = SoFar(
    # The end at the beginning, a prompt of 3 or 2 tokens; what stands at 5 and behind does not count.
    tf.constant([[3, 4, 5, 6, 6, 7, 0], [3, 8, 4, 1, 2, 5, 5]]), tf.constant(5), tf.constant([3, 2])
)  # fmt: skip
LOGITS = tf.constant([[1.0, 1.0, 1.0, 1.0, 2.0, -2.0, 2.0, 2.0, 2.0, 0.0]] * 2)


def changes(function, **options):
    """What has changed, in dicts of id to new value."""
    new = function(LOGITS, SO_FAR, **options).numpy()
    return [
        {int(i): float(row[i]) for i in np.flatnonzero(row != old)}
        for row, old in zip(new, LOGITS.numpy(), strict=True)
    ]


def test_repetition_counts_the_prompt_and_no_special_token():
    assert changes(repetition_penalty, factor=2.0) == [{4: 1.0, 5: -4.0, 6: 1.0}, {4: 1.0, 8: 1.0}]
    assert changes(repetition_penalty, factor=tf.constant(0.5)) == [
        {4: 4.0, 5: -1.0, 6: 4.0},
        {4: 4.0, 8: 4.0},
    ]
    assert changes(repetition_penalty, factor=1) == [{}, {}]


def test_presence_is_there_or_not():
    assert changes(presence_penalty, penalty=0.5) == [{6: 1.5}, {4: 1.5}]
    assert changes(presence_penalty, penalty=tf.constant(-1.0)) == [{6: 3.0}, {4: 3.0}]


def test_frequency_counts():
    assert changes(frequency_penalty, penalty=0.5) == [{6: 1.0}, {4: 1.5}]
    assert changes(frequency_penalty, penalty=0) == [{}, {}]


def test_what_is_excluded_stays_so():
    logits = tf.fill((2, 10), -np.inf)
    for function, options in [(repetition_penalty, {"factor": 2.0}), (presence_penalty, {"penalty": 1.0}),
                              (frequency_penalty, {"penalty": 1.0})]:  # fmt: skip
        assert np.all(function(logits, SO_FAR, **options) == -np.inf)


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        (
            repetition_penalty,
            {"factor": 0},
            "`repetition_penalty` must be above 0 .1 is off.. Received: .*=0",
        ),
        (
            presence_penalty,
            {"penalty": "1"},
            "`presence_penalty` must be a number. Received: presence_penalty='1'",
        ),
        (
            frequency_penalty,
            {"penalty": float("nan")},
            "`frequency_penalty` must be a number. Received: .*=nan",
        ),
    ],
)
def test_wrong_numbers_are_named(function, options, message):
    with pytest.raises(InputError, match=message):
        function(LOGITS, SO_FAR, **options)
