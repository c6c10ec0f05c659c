"""What another process finds, against what it should."""

import numpy as np
import pytest

from nlpkit.errors import VerificationError
from nlpkit.export.verify_calls import compare_calls

IDS, SCORE = np.array([[5, 3]]), np.array([-12.0])
CALLS = [("translate", {"source_ids": np.array([[7]])}, {"token_ids": IDS, "score": SCORE})]


def compare(token_ids, score, limit=1e-5, of_others=SCORE):
    found = {"0|token_ids": token_ids, "0|score": score}
    return compare_calls("ONNX", CALLS, found, limit, lambda signature, inputs, token_ids: of_others)


def test_other_tokens_are_as_good_if_the_model_gives_them_the_same_score():
    assert compare(np.array([[6, 3]]), SCORE + 1e-5, of_others=SCORE - 1e-5) <= 1e-5


@pytest.mark.parametrize(
    ("token_ids", "score", "name"),
    [
        (np.array([[6, 3, 0]]), SCORE, "token_ids"),
        (np.array([[0, 0]]), SCORE + 1e-3, "score"),
        (IDS, SCORE + 1e-3, "score"),
        (IDS, SCORE * np.nan, "score"),
    ],
)
def test_another_score_is_told(token_ids, score, name):
    message = rf"The ONNX model differs from the Keras model by .* in `{name}` of `translate`, more than 1e-05, for .*7"
    with pytest.raises(VerificationError, match=message):
        compare(token_ids, score)


@pytest.mark.parametrize("of_others", [SCORE + 1e-3, SCORE * np.nan, None])
def test_other_tokens_of_another_score_are_told(of_others):
    with pytest.raises(VerificationError, match="in `token_ids` of `translate`"):
        compare(np.array([[6, 3]]), SCORE, of_others=of_others)


def test_tokens_without_a_score_must_be_the_same():
    with pytest.raises(VerificationError, match="in `token_ids` of `greedy`"):
        compare_calls("ONNX", [("greedy", {}, {"token_ids": IDS})], {"0|token_ids": IDS + 1}, 1e-5)


def test_what_chooses_otherwise_is_not_compared():
    assert compare(np.array([[6, 3]]), SCORE + 1, limit=0.1) == 0.0
