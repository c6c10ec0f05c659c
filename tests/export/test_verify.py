import numpy as np
import pytest

from nlpkit.errors import VerificationError
from nlpkit.export import verify
from nlpkit.export.verify import TOLERANCE, verification_texts, verify_saved_model

EXPECTED = np.array([[0.25, 0.75], [0.5, 0.5]])
TEXTS = ["first", "second"]


def answer(monkeypatch, probabilities=EXPECTED, ops=("MatMul",), compiled=False):
    found = {"probabilities": np.asarray(probabilities).tolist(), "ops": list(ops), "compiled": compiled}
    monkeypatch.setattr(verify, "_read", lambda *arguments: found)
    return verify_saved_model("folder", EXPECTED, TEXTS, False)


def test_a_small_difference_is_reported(monkeypatch):
    assert answer(monkeypatch, EXPECTED + TOLERANCE / 2) == pytest.approx(TOLERANCE / 2)


@pytest.mark.parametrize("shift", [2e-5, np.nan])
def test_a_large_difference_names_the_text(monkeypatch, shift):
    with pytest.raises(VerificationError, match="differs .* most for the text 'second'. It was removed"):
        answer(monkeypatch, EXPECTED + np.array([[0.0], [shift]]))


def test_ops_of_one_device_are_refused(monkeypatch):
    with pytest.raises(VerificationError, match=r"run on a GPU only: \['CudnnRNNV3'\]"):
        answer(monkeypatch, ops=["MatMul", "CudnnRNNV3"])
    with pytest.raises(VerificationError, match="compiled by XLA"):
        answer(monkeypatch, compiled=True)


def test_what_cannot_be_loaded_is_refused(tmp_path):
    with pytest.raises(VerificationError, match="could not be used by plain TensorFlow(.|\n)*SavedModel"):
        verify_saved_model(tmp_path, EXPECTED, TEXTS, False)


def test_the_texts_cover_the_corners():
    found = verification_texts()
    assert {"", " "} <= set(found) and len(found) > 100
    assert max(len(text.split()) for text in found) > 1024
    assert any(not text.isascii() for text in found)
