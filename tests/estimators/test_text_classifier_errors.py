"""What users get wrong, and what they are told."""

import numpy as np
import pytest
from estimators.small_texts import labels, quick, texts, topics
from sklearn.exceptions import NotFittedError

from nlpkit.data import TableReader
from nlpkit.errors import InputError

X, Y = texts(), labels()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((X, ["a"] * 60), r"at least two classes.*1 class, \['a'\].*label column"),
        (("one text", Y), "training texts must be a list of texts. Received: str. Write"),
        ((None, Y), "must be a list of texts. Received: NoneType"),
        (([1, 2], ["a", "b"]), "Received: 1 of type int at 0"),
        (([*X[:2], None], ["a", "b", "a"]), "Received: None of type NoneType at 2"),
        (([], []), "at least one text"),
        ((X, None), "requires y to be passed"),
        ((X, Y[:-1]), "60 texts and 59 labels"),
        ((X, [["a"]] * 60), r"several labels.*\['a'\].*multi_label=True"),
        ((X, ["a", 1] * 30), r"all of one type. Received: \['int', 'str'\]"),
        ((X, ["a", None] * 30), "Every text needs a label. Received: None.* at 1"),
        ((X, [0.5, 1.5] * 30), "continuous values"),
        ((X, ["a", "b\n"] * 30), r"training texts: the label must not hold a tab or a line break.*'b\\n'"),
    ],
)
def test_unusable_data(data, message):
    with pytest.raises(InputError, match=message):
        quick().fit(*data)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"options": {"netwrok": {}}}, r"groups \['text', 'network', 'training'\]. Received: \['netwrok'\]"),
        ({"options": {"network": {"unit": 3}}}, "network settings cannot be used.*'unit'.*build_classifier"),
        ({"options": {"text": {"lowercase": 1}}}, "text settings cannot be used.*'lowercase'.*text_to_ids"),
        ({"encoder": "lstmm", "options": None}, "`encoder` must be one of .*Received: 'lstmm'"),
        ({"tokenizer": "words"}, "`tokenizer` \\(--tokenizer\\) must be one of word, .*'words'"),
        ({"max_length": 0}, "`max_length` must be at least 1"),
        ({"epochs": 0}, "epochs: Input should be greater than or equal to 1. Received: 0"),
        ({"options": {"training": {"class_weight": {"x": 2}}}}, r"labels that do not occur: \['x'\].*neg"),
        ({"multi_label": True}, r"every text needs a list of labels. Received: 'neg'. Write \['neg'\]"),
    ],
)
def test_unusable_settings(settings, message):
    with pytest.raises(InputError, match=message):
        quick(**settings).fit(X, Y)


def test_all_wrong_training_settings_are_reported_at_once():
    wrong = {"epochs": -1, "batch_size": "many", "warmup": 2, "speed": 1, "schedule": "linear"}
    with pytest.raises(InputError) as caught:
        quick(options={"training": wrong}).fit(X, Y)
    message = str(caught.value)
    assert message.startswith("training settings: 5 setting(s) cannot be used:")
    for name, value in wrong.items():
        assert any(line.startswith(f"  {name}") and repr(value) in line for line in message.splitlines())
    assert "The settings are: epochs, batch_size" in message


def test_class_weights_are_for_one_label_each():
    options = {"training": {"class_weight": "balanced"}}
    with pytest.raises(InputError, match="`class_weight` is for texts with one label each"):
        quick(multi_label=True, options=options).fit(X, topics())


def test_an_unknown_label_is_named_with_its_place(fitted, tmp_path):
    with pytest.raises(
        InputError, match="texts to evaluate, number 2: the label 'maybe' was not among .*'neg', 'pos'"
    ):
        fitted.evaluate(X[:3], ["neg", "pos", "maybe"])
    path = tmp_path / "test.tsv"
    path.write_text("text\tlabel\n" + "fine\tpos\n" * 4 + "well\tmaybe\n")
    with pytest.raises(InputError, match=r"test\.tsv.*6.*the label 'maybe' was not among"):
        fitted.evaluate(TableReader(path, chunk_rows=2))
    with pytest.raises(InputError, match="validation texts, number 1: the label 'maybe'"):
        quick().fit(X, Y, validation_data=(X[:2], ["pos", "maybe"]))


def test_an_unknown_label_among_several(fitted_topics):
    with pytest.raises(InputError, match=r"number 1: the label \['sport'\] was not among"):
        fitted_topics.evaluate(X[:2], [["food"], ["sport"]])
    with pytest.raises(InputError, match="every text needs a list of labels. Received: 'food'"):
        fitted_topics.evaluate(X[:2], ["food", "film"])


def test_several_labels_for_a_classifier_of_one(fitted):
    with pytest.raises(InputError, match=r"number 0: the label \['pos'\] was not among"):
        fitted.evaluate(X[:1], [["pos"]])


def test_files_without_labels(tmp_path):
    path = tmp_path / "texts.csv"
    path.write_text("text\na\nb\n")
    with pytest.raises(InputError, match="training texts have no labels.*--label"):
        quick().fit(TableReader(path))


def test_predicting_needs_texts_and_a_fitted_classifier(fitted):
    with pytest.raises(InputError, match="X must be a list of texts. Received: str"):
        fitted.predict("a text")
    with pytest.raises(InputError, match="at least one text"):
        fitted.predict_proba([])
    with pytest.raises(InputError, match="of type float"):
        fitted.predict(np.zeros((2,)))
    for method in ("predict", "predict_proba", "decision_function", "save", "export"):
        with pytest.raises(NotFittedError):
            getattr(quick(), method)(X)


def test_resuming_without_a_checkpoint(tmp_path):
    with pytest.raises(InputError, match="no checkpoint to resume from"):
        quick().fit(X, Y, checkpoint=tmp_path / "none", resume=True)
    with pytest.raises(InputError, match="no checkpoint to resume from"):
        quick().fit(X, Y, resume=True)


def test_an_unknown_export_format(fitted, tmp_path):
    with pytest.raises(InputError, match=r"`to` must be among \[.*'saved_model'.*\]. Received: 'gguf'"):
        fitted.export(tmp_path, to=["saved_model", "gguf"])
    assert list(tmp_path.iterdir()) == []
