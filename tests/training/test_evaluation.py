import json

import numpy as np
import pytest
from sklearn import metrics

from nlpkit.errors import InputError
from nlpkit.training.evaluation import MISTAKE_CHARACTERS, evaluate_probabilities

CLASSES = ["business", "politics", "sport"]
KEYS = {
    "rows", "accuracy", "macro_f1", "weighted_f1", "log_loss", "ece", "roc_auc",
    "per_class", "confusion_matrix", "calibration", "mistakes",
}  # fmt: skip


def fake(rows=300, classes=3, seed=0):
    random = np.random.default_rng(seed)
    truth = random.integers(classes, size=rows)
    scores = np.exp(random.normal(size=(rows, classes)) + 1.5 * np.eye(classes)[truth])
    return truth, (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)


def test_single_label_equals_scikit_learn():
    truth, probabilities = fake()
    result, predicted = evaluate_probabilities(truth, probabilities, CLASSES), probabilities.argmax(axis=1)
    assert set(result) == KEYS
    assert result["accuracy"] == pytest.approx((predicted == truth).mean())
    assert result["macro_f1"] == pytest.approx(metrics.f1_score(truth, predicted, average="macro"))
    assert result["weighted_f1"] == pytest.approx(metrics.f1_score(truth, predicted, average="weighted"))
    assert result["roc_auc"] == pytest.approx(metrics.roc_auc_score(truth, probabilities, multi_class="ovr"))
    assert result["log_loss"] == pytest.approx(-np.log(probabilities[np.arange(300), truth]).mean(), rel=1e-5)
    table = metrics.classification_report(truth, predicted, target_names=CLASSES, output_dict=True)
    for label in CLASSES:
        row = result["per_class"][label]
        assert row["f1"] == pytest.approx(table[label]["f1-score"])
        assert (row["precision"], row["recall"]) == (table[label]["precision"], table[label]["recall"])
    counts = np.array(result["confusion_matrix"]["counts"])
    assert counts.sum() == 300 and counts.trace() == (predicted == truth).sum()
    assert result["mistakes"] == []  # no texts were given


def test_two_classes_have_one_area():
    truth, probabilities = fake(classes=2)
    result = evaluate_probabilities(truth, probabilities, ["no", "yes"])
    assert result["roc_auc"] == pytest.approx(metrics.roc_auc_score(truth, probabilities[:, 1]))


def test_a_class_absent_from_this_part_is_left_out_of_the_averages():
    truth, probabilities = fake()
    kept = truth != 1
    truth, probabilities = truth[kept], probabilities[kept] * np.float32([1, 0, 1])  # nor ever predicted
    result = evaluate_probabilities(truth, probabilities, CLASSES)
    absent = {"precision": None, "recall": None, "f1": None, "support": 0, "roc_auc": None}
    assert result["per_class"]["politics"] == absent
    predicted = probabilities.argmax(axis=1)
    assert result["macro_f1"] == pytest.approx(metrics.f1_score(truth, predicted, average="macro"))
    assert 0.5 < result["roc_auc"] <= 1
    assert len(result["confusion_matrix"]["counts"]) == 3


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("label", [0, 2])
def test_one_row(label):
    result = evaluate_probabilities([label], [[0.7, 0.2, 0.1]], CLASSES, ["goal"])
    assert (result["rows"], result["accuracy"], result["roc_auc"]) == (1, float(label == 0), None)
    assert result["log_loss"] == pytest.approx(-np.log([0.7, 0.2, 0.1][label]))
    json.dumps(result, allow_nan=False)


@pytest.mark.filterwarnings("ignore:A single label was found")  # the `labels` it asks for are given
def test_one_class_only():
    result = evaluate_probabilities([0, 0], [[1.0], [1.0]], ["all"])
    assert (result["accuracy"], result["log_loss"], result["roc_auc"]) == (1.0, 0.0, None)


def test_multi_label():
    random = np.random.default_rng(3)
    truth = (random.uniform(size=(200, 3)) < 0.3).astype(int)
    probabilities = np.clip(truth * 0.5 + random.uniform(size=truth.shape) * 0.6, 0, 1)
    result = evaluate_probabilities(
        truth, probabilities, CLASSES, [f"text {i}" for i in range(200)], multi_label=True
    )
    predicted = probabilities >= 0.5
    assert set(result) == KEYS | {"micro_f1"}
    assert result["accuracy"] == (predicted == truth).all(axis=1).mean()
    assert result["micro_f1"] == pytest.approx(metrics.f1_score(truth, predicted, average="micro"))
    assert result["macro_f1"] == pytest.approx(metrics.f1_score(truth, predicted, average="macro"))
    assert result["roc_auc"] == pytest.approx(metrics.roc_auc_score(truth, probabilities, average="macro"))
    assert result["per_class"]["sport"]["roc_auc"] == metrics.roc_auc_score(truth[:, 2], probabilities[:, 2])
    assert result["confusion_matrix"] is None
    assert sum(part["count"] for part in result["calibration"]) == 600
    for mistake in result["mistakes"]:
        row = int(mistake["text"].split()[1])
        assert mistake["label"] == [CLASSES[i] for i in np.flatnonzero(truth[row])] != mistake["predicted"]
        assert mistake["confidence"] > 0.5


@pytest.mark.filterwarnings("error")
def test_multi_label_one_row_without_labels():
    result = evaluate_probabilities([[0, 0]], [[0.1, 0.2]], ["a", "b"], ["nothing"], multi_label=True)
    assert (result["accuracy"], result["micro_f1"], result["roc_auc"]) == (1.0, None, None)
    assert result["mistakes"] == []
    json.dumps(result, allow_nan=False)


def test_mistakes_are_the_most_confident_and_short():
    truth, probabilities = fake()
    texts = [f"{i} " + "long " * 500 for i in range(300)]
    result = evaluate_probabilities(truth, probabilities, CLASSES, texts)
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != truth)
    expected = wrong[np.argsort(-probabilities[wrong].max(axis=1))][:10]
    assert [int(mistake["text"].split()[0]) for mistake in result["mistakes"]] == expected.tolist()
    assert {len(mistake["text"]) for mistake in result["mistakes"]} == {MISTAKE_CHARACTERS + 1}
    assert all(
        mistake["label"] == CLASSES[truth[row]]
        for mistake, row in zip(result["mistakes"], expected, strict=True)
    )


def test_labels_of_any_type_become_json():
    truth, probabilities = fake(classes=2)
    result = evaluate_probabilities(truth, probabilities, np.array([0, 1]), ["x"] * 300)
    assert list(result["per_class"]) == ["0", "1"]
    assert json.loads(json.dumps(result, allow_nan=False)) == result


@pytest.mark.parametrize(
    ("truth", "probabilities", "options", "message"),
    [
        ([], np.zeros((0, 2)), {}, "needs at least one text. Received: 0 rows"),
        ([0], [[0.2, 0.3, 0.5]], {}, r"one column per class, \(1, 2\). Received: shape \(1, 3\)"),
        (
            [[0, 1]],
            [[0.5, 0.5]],
            {},
            r"class indices, \(rows,\), when multi_label=False. Received: shape \(1, 2\)",
        ),
        ([0], [[0.5, 0.5]], {"multi_label": True}, r"multi-hot, \(rows, classes\), when multi_label=True"),
        ([0], [[np.nan, 0.5]], {}, "must be finite numbers. Received: NaN or infinity.*lower learning rate"),
    ],
)
def test_wrong_input_is_explained(truth, probabilities, options, message):
    with pytest.raises(InputError, match=message):
        evaluate_probabilities(truth, probabilities, ["a", "b"], **options)
