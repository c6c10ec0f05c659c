import numpy as np
import pytest
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.generation import SoFar, apply_filters, sampling_filters
from nlpkit.generation.sampling import SAMPLING, changes_nothing, check_sampling

LOGITS = tf.math.log([[0.4, 0.3, 0.2, 0.1]])
SO_FAR = SoFar(tf.zeros((1, 1), "int32"), tf.constant(0), tf.zeros(1, "int32"))


def test_they_are_applied_in_their_order_whatever_the_order_of_the_options():
    filters = sampling_filters(top_p=0.7, temperature=0.5, top_k=3)
    assert [each.func.__name__ for each in filters] == ["temperature", "top_k", "top_p"]
    # At temperature 0.5: 16, 9, 4 and 1 of 30. Of the first three the first two have 25 of 29, the first 16.
    kept = np.isfinite(apply_filters(filters, LOGITS, SO_FAR))
    assert kept.tolist() == [[True, True, False, False]]


def test_what_changes_nothing_is_left_out_unless_it_is_a_tensor():
    neutral = {name: value for name, (_, _, value) in SAMPLING.items()}
    assert sampling_filters(**neutral) == []
    assert all(changes_nothing(name, value) for name, value in neutral.items())
    (only,) = sampling_filters(temperature=tf.constant(1.0))
    np.testing.assert_array_equal(only(LOGITS, SO_FAR), LOGITS)


def test_unknown_options_and_values_out_of_range():
    with pytest.raises(InputError, match="The options of a generation are .*top_k.*Received: beams, top"):
        sampling_filters(top=3, beams=2)
    check_sampling({"top_k": 5, "bad_words": [[7]]}, 8)
    with pytest.raises(InputError, match="must be .*Received: "):
        check_sampling({"min_p": 2.0}, 8)
