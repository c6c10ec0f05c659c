"""LSTMs as TFLite's fused operation: the model's numbers, no loop, and a state that is reset."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

import nlpkit.lite
from nlpkit import TextClassifier
from nlpkit.errors import InputError
from nlpkit.export import export_classifier_tflite, portable_model
from nlpkit.export.quantization import quantizations
from nlpkit.export.verify import verification_texts
from nlpkit.layers import RecurrentBlock
from nlpkit.layers.recurrent_kernel import FUSED
from nlpkit.lite.model_file import ModelFile
from nlpkit.models import build_classifier
from nlpkit.text import text_to_ids

TEXT = text_to_ids("byte", max_length=40)
LABELS = ["no", "maybe", "yes"]
X = ["", "a", "A lovely room.", "very " * 20, "这家酒店很好", "so-so"]
FUSED_OPERATION = "UNIDIRECTIONAL_SEQUENCE_LSTM"
# What TensorFlow Lite Micro has of what a classifier with an LSTM may hold, as listed in docs/devices.md.
MICRO = {
    "ADD", "ARG_MIN", "CAST", "CONCATENATION", "DEQUANTIZE", "DIV", "EQUAL", "FULLY_CONNECTED", "GATHER", "GREATER",
    "LESS", "MAXIMUM", "MUL", "NOT_EQUAL", "PAD", "QUANTIZE", "REDUCE_MAX", "REDUCE_MIN", "RESHAPE", "SELECT_V2",
    "SOFTMAX", "STRIDED_SLICE", "SUB", "SUM", "TANH", FUSED_OPERATION,
}  # fmt: skip


def network(scale=0.5, **options):
    """A classifier with weights large enough for its state to matter."""
    model = build_classifier(TEXT.vocabulary_size, len(LABELS), units=3, embedding_dim=4, **options)
    random = np.random.default_rng(0)
    model.set_weights([random.normal(scale=scale, size=w.shape) for w in model.get_weights()])
    return model


def export(folder, model, steps=None, name=()):
    quantization = quantizations(name)[-1]
    examples = verification_texts() if quantization.calibrated else ()
    options = {"steps": steps, "quantization": quantization, "examples": examples, "fused_lstm": True}
    return export_classifier_tflite(folder, TEXT, model, LABELS, **options)


def operations(path):
    """Names of all operations of a file, each as often as it occurs."""
    kernels = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_content=ModelFile.read(path).model, experimental_op_resolver_type=kernels)
    return [operation["op_name"] for operation in interpreter._get_ops_details()]


def expected(model, steps):
    """Probabilities of the Keras model for the steps that the file reads."""
    rows = [row[:steps].tolist() for row in TEXT.encode(X)]
    logits = [np.asarray(model(np.array([row], "int32"), training=False))[0] for row in rows]
    odds = np.exp(np.array(logits))
    return odds / odds.sum(axis=1, keepdims=True)


VARIANTS = [
    ({"bidirectional": False, "pooling": "last"}, None),
    ({"bidirectional": True, "pooling": "last"}, 12),
    ({"bidirectional": False, "pooling": "attention", "num_layers": 2}, 12),
    ({"bidirectional": True, "pooling": ["mean", "max", "last"], "num_layers": 2, "residual": True}, None),
    ({"bidirectional": True, "pooling": "mean", "layer_norm": True}, 12),
]


@pytest.mark.parametrize(("options", "steps"), VARIANTS, ids=str)
def test_the_file_gives_what_the_model_gives(options, steps, tmp_path):
    model = network(**options)
    result = export(tmp_path, model, steps)
    assert result.max_difference <= 1e-5
    found = operations(result.path)
    directions = 1 + options["bidirectional"]
    assert found.count(FUSED_OPERATION) == directions * options.get("num_layers", 1)
    assert not {"WHILE", "IF", "UNIQUE"} & set(found)
    lite = nlpkit.lite.load(result.path)
    for _ in range(2):
        np.testing.assert_allclose(lite.predict_proba(X), expected(model, steps), atol=1e-5)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A model, and its file of fixed size with weights and results of 8 bits."""
    model = network(scale=1.0, pooling=["mean", "max", "last", "attention"])
    return model, export(tmp_path_factory.mktemp("fused"), model, 12, "int8").path


def test_a_small_file_has_operations_of_microcontrollers_only(small):
    assert set(operations(small[1])) <= MICRO
    model, path = small
    np.testing.assert_allclose(nlpkit.lite.load(path).predict_proba(X), expected(model, 12), atol=0.1)


def test_without_a_reset_the_state_of_the_last_text_stays(small):
    file = ModelFile.read(small[1])
    assert file.spec["stateful"] is True
    run = Interpreter(model_content=file.model).get_signature_runner("classify")
    ids = np.array([TEXT.encode(X)[2][:12]], "int32")
    first, second = (run(token_ids=ids)["probabilities"].copy() for _ in range(2))
    assert np.abs(first - second).max() > 0.01
    lite = nlpkit.lite.load(small[1])
    for _ in range(2):
        np.testing.assert_array_equal(lite.predict_proba([X[2]]), first)


@pytest.mark.parametrize("name", ["float16", "dynamic"])
def test_smaller_weights(name, tmp_path):
    model = network(pooling="max")
    path = export(tmp_path, model, None, name).path
    assert operations(path).count(FUSED_OPERATION) == 2
    np.testing.assert_allclose(nlpkit.lite.load(path).predict_proba(X), expected(model, None), atol=0.1)


def test_the_estimator_passes_it_on_and_the_language_model_below_is_fused(tmp_path):
    settings = {"cell": "lstm", "units": 4, "embedding_dim": 4, "num_layers": 2}
    model = build_classifier(TEXT.vocabulary_size, len(LABELS), encoder=settings)
    path = export(tmp_path, model).path
    # The states that a language model hands on, which no classifier reads, take a loop that is not in the file.
    assert operations(path).count(FUSED_OPERATION) == 2 and "WHILE" not in operations(path)


def test_a_copy_says_how_it_runs_and_the_model_is_left_alone():
    model = network()
    block = portable_model(model, fused_lstm=True).get_layer("block_0")
    assert block.kernel_report() == {"kernel": FUSED, "reason": "it was made for an export with `fused_lstm`"}
    assert model.get_layer("block_0").kernel_report()["kernel"] != FUSED


def test_the_loop_runs_where_the_operation_cannot():
    block = RecurrentBlock(3, return_state=True)
    steps, state = np.ones((2, 4, 3), "float32"), [np.ones((2, 3), "float32")] * 2
    calls = [lambda: block(steps), lambda: block(steps, initial_state=state)]
    want = [call() for call in calls]
    block.forward.fused = True
    for call, tensors in zip(calls, want, strict=True):
        for found, each in zip(call(), tensors, strict=True):
            np.testing.assert_allclose(found, each, atol=1e-6)


@pytest.mark.parametrize(("encoder", "cells"), [("gru", r"\['gru'\]"), ("cnn", r"\[\]")])
def test_a_model_without_an_lstm_is_refused(encoder, cells, tmp_path):
    classifier = TextClassifier(
        encoder=encoder, epochs=1, options={"network": {"units": 4, "embedding_dim": 4}}
    )
    classifier.fit(["good", "bad"] * 4, ["yes", "no"] * 4)
    message = (
        r"`fused_lstm` needs an LSTM of nlpkit's without zoneout \(`encoder=\"lstm\"`\): TFLite has one operation for "
        rf"no other cell. Received: a model with the recurrent cells {cells}. Leave it out \(--fused-lstm\)."
    )
    with pytest.raises(InputError, match=message):
        classifier.export(tmp_path, to="tflite", fused_lstm=True)
    assert not list(tmp_path.iterdir())
