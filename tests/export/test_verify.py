import keras
import numpy as np
import pytest
import tensorflow as tf

from nlpkit.errors import VerificationError
from nlpkit.export import verify
from nlpkit.export.verify import TOLERANCE, verification_texts, verify_saved_model
from nlpkit.layers.cudnn_kernel import cudnn

SIGNATURES = ("serving_default", "ids", "classify")
EXPECTED = np.array([[0.25, 0.75], [0.5, 0.5]])
SPEC = tf.TensorSpec([2, 3], tf.float32, name="x")
TEXTS = ["first", "second"]


def answer(monkeypatch, shift=0.0, signature="ids", label=("7", "7"), expected=EXPECTED):
    """The verification of a SavedModel that says what is expected, but for a shift in one signature."""
    changed = {name: EXPECTED + (shift if name == signature else 0) for name in SIGNATURES}
    changed["label"] = list(label)
    changed["classify"] = [dict(zip(("a", "7"), row, strict=True)) for row in changed["classify"].tolist()]
    monkeypatch.setattr(verify, "_read", lambda *arguments: changed)
    monkeypatch.setattr(verify, "check_portable", lambda folder: None)
    return verify_saved_model("folder", expected, TEXTS, np.ones((2, 3), "int32"), ["a", 7], False)


@pytest.mark.parametrize("signature", SIGNATURES)
def test_a_small_difference_is_reported(monkeypatch, signature):
    assert answer(monkeypatch, TOLERANCE / 2, signature) == pytest.approx(TOLERANCE / 2)


@pytest.mark.parametrize("signature", SIGNATURES)
@pytest.mark.parametrize("shift", [2e-5, np.nan])
def test_a_large_difference_names_the_text(monkeypatch, shift, signature):
    message = f"`{signature}` of the SavedModel differs .* most for the text 'second'. It was removed"
    with pytest.raises(VerificationError, match=message):
        answer(monkeypatch, np.array([[0.0], [shift]]), signature)


# Of the second text both labels are equally likely.
@pytest.mark.parametrize("label", [("7", "a"), ("7", "7"), (["", "7"], ["", ""]), (["", "7"], ["a", "7"])])
def test_the_likeliest_label_is_right(monkeypatch, label):
    answer(monkeypatch, label=label)


@pytest.mark.parametrize("label", [("a", "a"), ("b", "a"), (["a", "7"], ["", ""]), (["", ""], ["", ""])])
def test_another_label_is_told(monkeypatch, label):
    likely = "'7'" if isinstance(label[0], str) else r"\['', '7'\]"
    message = rf"The SavedModel calls the text 'first' .*, the Keras model {likely}. It was removed."
    with pytest.raises(VerificationError, match=message):
        answer(monkeypatch, label=label)


def exported(folder, name, function):
    """A SavedModel of two signatures: one that does nothing, and this one."""
    signatures = {"plain": lambda x: {"y": x}, name: function}
    traced = {key: tf.function(each, input_signature=[SPEC]) for key, each in signatures.items()}
    tf.saved_model.save(tf.Module(), str(folder), signatures=traced)
    return folder


def by_cudnn(x):
    weights, states = [tf.ones((3, 8)), tf.ones((2, 8)), tf.zeros(8)], [tf.zeros((1, 2))] * 2
    return {"y": cudnn("lstm", x[None], weights, states, None)[0]}


@tf.function(jit_compile=True)
def compiled(x):
    return 2 * x


@pytest.mark.parametrize(
    ("prefix", "function", "message"),
    [
        ("gpu_", by_cudnn, r"`{}` of the SavedModel holds ops that run on a GPU only: \['CudnnRNNV3'\]"),
        (
            "jit_",
            lambda x: {"y": compiled(x)},
            "`{}` of the SavedModel holds functions that must be compiled by XLA",
        ),
    ],
    ids=["cuDNN", "XLA"],
)
def test_what_not_each_machine_runs_is_refused_but_under_its_name(tmp_path, prefix, function, message):
    verify.check_portable(exported(tmp_path / "allowed", f"{prefix}run", function))
    with pytest.raises(VerificationError, match=message.format("run")):
        verify.check_portable(exported(tmp_path / "refused", "run", function))


def test_what_cannot_be_loaded_is_refused(tmp_path):
    with pytest.raises(VerificationError, match="could not be used by plain TensorFlow(.|\n)*SavedModel"):
        verify_saved_model(tmp_path, EXPECTED, TEXTS, [[1], [1]], ["a", 7], False)


def test_variables_that_a_server_gives_no_values_are_refused(tmp_path):
    module = tf.Module()
    module.layer = keras.layers.Dense(1)  # a variable of Keras' own is restored to a copy
    run = tf.function(lambda x: {"y": module.layer(x)}, input_signature=[SPEC])
    tf.saved_model.save(module, str(tmp_path), signatures={"run": run})
    with pytest.raises(VerificationError, match="a server gives no values to the variables .*dense"):
        verify.read_saved_model(tmp_path, "", None, False)


def test_the_texts_cover_the_corners():
    found = verification_texts()
    assert {"", " "} <= set(found) and len(found) > 100
    assert max(len(text.split()) for text in found) > 1024
    assert any(not text.isascii() for text in found)
