"""Filters against NumPy written from the papers."""

import inspect
from functools import partial

import numpy as np
import pytest
import tensorflow as tf

import nlpkit.generation as generation
from nlpkit.errors import InputError
from nlpkit.generation import apply_filters, greedy, min_p, temperature, top_k, top_p, typical

NO = -np.inf


def softmax(logits):
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def first_with_mass(probabilities, order, mass):
    """Ids in an order until their probability reaches the mass."""
    kept, total = set(), 0.0
    for i in order:
        kept.add(int(i))
        total += probabilities[i]
        if total >= mass:
            break
    return kept


def kept_by(function, logits, **options):
    """The ids that a filter leaves in each row; it changes no logit that it leaves."""
    filtered = function(tf.constant(logits), None, **options).numpy()
    left = np.isfinite(filtered)
    np.testing.assert_array_equal(filtered[left], logits[left])
    return [set(np.flatnonzero(row).tolist()) for row in left]


@pytest.fixture(params=[9, 1000])
def logits(request):
    return np.random.default_rng(request.param).normal(0, 1.5, (4, request.param)).astype("float32")


def test_by_hand():
    logits = tf.math.log([[0.4, 0.3, 0.2, 0.1]])
    for function, options, left in [
        (greedy, {}, [0]),
        (temperature, {"value": 0}, [0]),
        (top_k, {"k": 2}, [0, 1]),
        (top_k, {"k": 0}, [0, 1, 2, 3]),
        (top_k, {"k": 9}, [0, 1, 2, 3]),
        (top_p, {"p": 0.3}, [0]),
        (top_p, {"p": 0.6}, [0, 1]),
        (top_p, {"p": 0.8}, [0, 1, 2]),
        (top_p, {"p": 1}, [0, 1, 2, 3]),
        (min_p, {"p": 0.6}, [0, 1]),
        (min_p, {"p": 0}, [0, 1, 2, 3]),
        # Entropy 1.28; surprises 0.92, 1.20, 1.61, 2.30: the order is 1, 2, 0, 3.
        (typical, {"mass": 0.2}, [1]),
        (typical, {"mass": 0.4}, [1, 2]),
        (typical, {"mass": 0.7}, [0, 1, 2]),
        (typical, {"mass": 1}, [0, 1, 2, 3]),
    ]:
        assert kept_by(function, logits.numpy(), **options) == [set(left)], (function, options)


@pytest.mark.parametrize("mass", [0.05, 0.5, 0.9, 0.99, 0.9999])
def test_nucleus(logits, mass):
    expected = [first_with_mass(p, np.argsort(-p), mass) for p in softmax(logits.astype("float64"))]
    assert kept_by(top_p, logits, p=mass) == expected


@pytest.mark.parametrize("mass", [0.05, 0.5, 0.9, 0.9999])
def test_typical(logits, mass):
    expected = []
    for p in softmax(logits.astype("float64")):
        entropy = -(p * np.log(p)).sum()
        expected.append(first_with_mass(p, np.argsort(np.abs(-np.log(p) - entropy)), mass))
    assert kept_by(typical, logits, mass=mass) == expected


def test_min_p(logits):
    probabilities = softmax(logits)
    expected = [set(np.flatnonzero(p >= 0.1 * p.max()).tolist()) for p in probabilities]
    assert kept_by(min_p, logits, p=0.1) == expected


def test_as_likely_as_the_last_one_stays():
    logits = np.array([[1.0, 2.0, 2.0, 0.0, 2.0]], "float32")
    assert kept_by(top_k, logits, k=2) == [{1, 2, 4}]
    assert kept_by(top_p, logits, p=0.4) == [{1, 2, 4}]
    assert kept_by(greedy, logits) == [{1}]


def test_temperature_divides(logits):
    np.testing.assert_allclose(temperature(logits, None, value=0.7), logits / 0.7, rtol=1e-6)


def test_tensors_do_what_numbers_do(logits):
    cases = [
        (temperature, "value", [0.0, 0.5, 1.0], tf.float32),
        (top_k, "k", [0, 1, 5, 2000], tf.int32),
        (top_p, "p", [0.3, 0.9, 1.0], tf.float32),
        (min_p, "p", [0.0, 0.2, 1.0], tf.float32),
        (typical, "mass", [0.3, 0.9, 1.0], tf.float32),
    ]
    for function, name, values, dtype in cases:
        graph = tf.function(
            lambda x, value, f=function, n=name: f(x, None, **{n: value}),
            input_signature=[tf.TensorSpec((None, None), tf.float32), tf.TensorSpec((), dtype)],
        )
        for value in values:
            plain = function(tf.constant(logits), None, **{name: value})
            np.testing.assert_allclose(graph(logits, value), plain, rtol=1e-6)
            np.testing.assert_allclose(
                function(tf.constant(logits), None, **{name: tf.constant(value, dtype)}), plain, rtol=1e-6
            )


def test_tensors_out_of_range_have_a_meaning():
    logits = np.log(np.array([[0.4, 0.3, 0.2, 0.1]], "float32"))
    assert kept_by(temperature, logits, value=tf.constant(-1.0)) == [{0}]
    assert kept_by(top_k, logits, k=tf.constant(-1)) == [{0, 1, 2, 3}]
    assert kept_by(top_p, logits, p=tf.constant(0.0)) == [{0}]
    assert kept_by(top_p, logits, p=tf.constant(2.0)) == [{0, 1, 2, 3}]
    assert kept_by(typical, logits, mass=tf.constant(0.0)) == [{1}]


def test_filters_apply_in_their_order():
    logits = tf.math.log([[0.5, 0.3, 0.1, 0.1]])
    cold, nucleus = partial(temperature, value=0.25), partial(top_p, p=0.6)
    # At 0.25 the first has 0.88 and is a nucleus alone; a nucleus taken before has two.
    assert np.isfinite(apply_filters([cold, nucleus], logits, None)).sum() == 1
    assert np.isfinite(apply_filters([nucleus, cold], logits, None)).sum() == 2


def test_they_work_on_what_others_have_left():
    logits = np.log(np.array([[0.4, 0.3, 0.2, 0.1]], "float32"))
    left = top_k(logits, None, k=3)
    assert kept_by(top_p, left.numpy(), p=0.75) == [{0, 1}]  # 0.44 and 0.33
    assert kept_by(typical, left.numpy(), mass=0.3) == [{1}]
    assert kept_by(min_p, left.numpy(), p=0.5) == [{0, 1, 2}]
    nothing = np.full((1, 4), NO, "float32")
    for function in (greedy, *(partial(f, **o) for f, o in FILTERS)):
        assert not np.isfinite(function(tf.constant(nothing), None)).any()


FILTERS = [(temperature, {"value": 0.5}), (top_k, {"k": 2}), (top_p, {"p": 0.5}), (min_p, {"p": 0.5}),
           (typical, {"mass": 0.5})]  # fmt: skip


@pytest.mark.parametrize("name", generation.__all__)
def test_all_have_one_signature(name):
    parameters = list(inspect.signature(getattr(generation, name)).parameters.values())
    if parameters and parameters[0].name == "logits":
        assert parameters[1].name == "so_far"
        assert all(p.kind is p.KEYWORD_ONLY for p in parameters[2:])


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        (temperature, {"value": -0.1}, "`temperature` must be 0 .always the most likely token. or more. .*=-0.1"),
        (temperature, {"value": "hot"}, "`temperature` must be .* Received: temperature='hot'"),
        (temperature, {"value": float("nan")}, "`temperature` must be .* Received: temperature=nan"),
        (top_k, {"k": -1}, "`top_k` must be an integer, 0 .off. or more. Received: top_k=-1"),
        (top_k, {"k": 2.5}, "`top_k` must be an integer.* Received: top_k=2.5"),
        (top_p, {"p": 0}, "`top_p` must be above 0 and at most 1 .off.. Received: top_p=0"),
        (top_p, {"p": 1.1}, "`top_p` must be above 0 and at most 1 .off.. Received: top_p=1.1"),
        (min_p, {"p": -0.1}, "`min_p` must be from 0 .off. to 1. Received: min_p=-0.1"),
        (min_p, {"p": 2}, "`min_p` must be from 0 .off. to 1. Received: min_p=2"),
        (typical, {"mass": 0.0}, "`typical_p` must be above 0 and at most 1 .off.. Received: typical_p=0.0"),
        (typical, {"mass": True}, "`typical_p` must be above 0 and at most 1 .off.. Received: typical_p=True"),
    ],
)  # fmt: skip
def test_wrong_numbers_are_named(function, options, message):
    with pytest.raises(InputError, match=message):
        function(tf.zeros((1, 4)), None, **options)
    # NumPy's numbers are numbers.
    assert top_k(tf.zeros((1, 4)), None, k=np.int64(2)).shape == (1, 4)
