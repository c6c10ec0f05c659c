"""Which formats an export is asked for, and which option is about which."""

import pytest
from estimators.small_texts import labels, quick, texts

from nlpkit.errors import InputError
from nlpkit.export.formats import FORMAT_OF, FORMATS, check_formats, write_all


def test_formats_by_name_or_in_a_list():
    assert check_formats("tflite") == ["tflite"]
    assert check_formats(FORMATS) == list(FORMATS)
    assert check_formats(["onnx", "tflite", "onnx"]) == ["onnx", "tflite"]


@pytest.mark.parametrize(
    ("to", "message"),
    [
        ([], r"`to` must name one of \['saved_model', 'tflite', 'onnx'\], or several. Received: to=\[\]"),
        (None, r"`to` must name one of .* Received: to=None"),
        ("pickle", r"`to` must be among \['saved_model', 'tflite', 'onnx'\]. Received: 'pickle'"),
        (["onnx", 3], r"`to` must be among .* Received: 3"),
    ],
)
def test_formats_that_there_are_not(to, message):
    with pytest.raises(InputError, match=message):
        check_formats(to)


@pytest.mark.parametrize("name", FORMAT_OF)
def test_an_option_needs_its_format(name):
    assert check_formats(FORMATS, **{name: ["x"]}) == list(FORMATS)
    for nothing in (None, False, (), []):
        assert check_formats("onnx", **{name: nothing}) == ["onnx"]
    message = (
        rf"`{name}` is about .*. Received: to=\['onnx'\]. Add '{FORMAT_OF[name]}', or leave `{name}` out."
    )
    with pytest.raises(InputError, match=message):
        check_formats("onnx", **{name: ["x"]})


def test_saved_models_are_written_last_and_told_in_their_order():
    written = []

    def write(name):
        written.append(name)
        return [name]

    assert write_all(["saved_model", "tflite"], {name: lambda name=name: write(name) for name in FORMATS}) == [
        "saved_model", "tflite",
    ]  # fmt: skip
    assert written == ["tflite", "saved_model"]


@pytest.fixture(scope="module")
def classifier():
    return quick(epochs=1).fit(texts(), labels())


def test_what_is_refused_leaves_no_new_version(classifier, tmp_path):
    with pytest.raises(InputError, match="`fused_lstm` needs an LSTM"):
        classifier.export(tmp_path, to=("saved_model", "tflite"), fused_lstm=True)
    assert list(tmp_path.iterdir()) == []
    (result,) = classifier.export(tmp_path, to="saved_model", representative_data=[])
    assert result.format == "saved_model"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"to": "saved_model", "quantize": "dynamic"}, "`quantize` is about TFLite. Received: to="),
        ({"to": "tflite", "jit": True}, "`jit` is about SavedModels. Received: to="),
        ({"steps": 0}, "`steps` must be an integer, 1 or more. Received: steps=0"),
        ({"max_loss": -1}, "`max_loss` must be a number, 0 or more. Received: max_loss=-1"),
        (
            {"representative_data": ["good"], "quantize": "dynamic"},
            r"`representative_data` \(--representative\) shows the range .* Received: \['dynamic'\]. Add 'int8'",
        ),
        (
            {"validation_data": ["good", "bad", "good"]},
            "`validation_data` must be a tuple of texts and labels, or a TableReader. Received: list",
        ),
    ],
    ids=str,
)
def test_an_estimator_says_what_goes_with_nothing(classifier, options, message, tmp_path):
    with pytest.raises(InputError, match=message):
        classifier.export(tmp_path, **{"to": "tflite", **options})
    assert list(tmp_path.iterdir()) == []
