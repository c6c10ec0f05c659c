import base64
import json
import re
import sys
import threading
from html.parser import HTMLParser

import numpy as np
import pytest

from nlpkit.estimators.report import write_report
from nlpkit.training.evaluation import evaluate_probabilities

VOID = {"meta", "img", "br", "link", "input"}


class Page(HTMLParser):
    """Tags must nest; keeps pictures, scripts and the visible text."""

    def __init__(self, html):
        super().__init__()
        self.open, self.images, self.tags, self.words, self.attributes = [], [], [], [], []
        self.feed(html)
        assert self.open == []
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag == "img":
            self.images.append(dict(attrs))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)


def evaluation(classes, rows=60, seed=0, texts=None):
    random = np.random.default_rng(seed)
    truth = random.integers(len(classes), size=rows)
    scores = np.exp(random.normal(size=(rows, len(classes))) + 1.5 * np.eye(len(classes))[truth])
    probabilities = scores / scores.sum(axis=1, keepdims=True)
    return evaluate_probabilities(truth, probabilities, classes, texts or [f"text {i}" for i in range(rows)])


def report_of(classes, **parts):
    facts = {"rows": 100, "files": ["a.csv"], "skipped": 1, "first_skipped": ["a.csv, line 7: no label"]}
    facts |= {
        "sha256": "ab12" * 16,
        "tokens": {"mean": 9.5, "median": 9.0, "p95": 20.0, "max": 31},
        "unknown_rate": 0.02,
    }
    return {
        "nlpkit": "1.2.3",
        "task": "classifier",
        "name": "reviews",
        "created": "2025-01-02T03:04:05",
        "seconds": 75.0,
        "data": {"train": {**facts, "labels": dict.fromkeys(classes, 50)}, **dict.fromkeys(parts, facts)},
        "choices": [{"setting": "encoder", "value": "bag", "reason": "few texts"}],
        "history": {
            "loss": [0.9, 0.5],
            "val_loss": [0.8, 0.6],
            "accuracy": [0.5, 0.8],
            "val_accuracy": [0.5, 0.7],
        },
        "best_epoch": 2,
        "temperature": 1.25,
        "evaluation": parts,
        "settings": {"text": {"tokenizer": "word"}, "classes": classes},
        "versions": {"keras": "3.15.1"},
    }


def written(folder, report):
    json_file, html_file = write_report(folder, report)
    html = html_file.read_text(encoding="utf-8")
    return json.loads(json_file.read_text(encoding="utf-8"), parse_constant=pytest.fail), html, Page(html)


def test_two_classes_with_test_beside_validation(tmp_path):
    classes = ["negative", "positive"]
    validation, test = evaluation(classes), evaluation(classes, rows=80, seed=1)
    report = report_of(classes, validation=validation, test=test)
    stored, html, page = written(tmp_path / "new" / "folder", report)
    assert stored == report
    assert "Trained on 100 texts from a.csv to tell 2 classes apart, in 1 min 15 s." in page.text
    assert f"Of 80 test texts, it gets {100 * test['accuracy']:.1f}% right" in page.text
    assert f"validation {100 * validation['accuracy']:.1f}%" in page.text
    for fact in (
        "a.csv, line 7: no label",
        "ab12" * 16,
        "few texts",
        "text.tokenizer",
        "3.15.1",
        "longest 31",
    ):
        assert fact in page.text
    assert len(page.images) == 4  # loss, accuracy, two calibrations
    assert all(image["alt"] for image in page.images)
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == [
        "report.html",
        "report.json",
    ]


def test_the_page_needs_nothing_from_outside(tmp_path):
    _, html, page = written(tmp_path, report_of(["a", "b"], validation=evaluation(["a", "b"])))
    assert not {"script", "link", "iframe"} & set(page.tags)
    assert "http" not in re.sub(r'"data:[^"]*"', "", html)
    for image in page.images:
        assert base64.b64decode(image["src"].removeprefix("data:image/png;base64,")).startswith(b"\x89PNG")


def test_only_validation_says_that_it_chose_the_epoch(tmp_path):
    _, _, page = written(tmp_path, report_of(["a", "b"], validation=evaluation(["a", "b"])))
    assert "Of 60 validation texts" in page.text
    assert "These texts also chose the best epoch" in page.text


def test_twenty_one_classes_have_a_normalised_matrix_and_confusions(tmp_path):
    classes = [f"topic {i}" for i in range(21)]
    part = evaluation(classes, rows=2000)
    _, html, page = written(tmp_path, report_of(classes, test=part))
    counts = np.array(part["confusion_matrix"]["counts"])
    assert f'title="topic 3 → topic 3: {counts[3, 3]} of {counts[3].sum()}"' in html
    shares = [int(word) for word in re.findall(r"color: #fff\">(\d+)</td>", html)]
    diagonal = counts.diagonal() / counts.sum(axis=1)
    assert shares == [round(100 * share) for share in diagonal if share > 0.5]
    np.fill_diagonal(counts, 0)
    row, column = np.unravel_index(counts.argmax(), counts.shape)
    assert f"topic {row} taken for topic {column} : {counts.max()} of" in page.text


def test_very_many_classes_list_confusions_instead_of_a_matrix(tmp_path):
    classes = [f"topic {i}" for i in range(150)]
    _, html, page = written(tmp_path, report_of(classes, test=evaluation(classes, rows=1000)))
    assert 'class="matrix' not in html
    assert page.text.count(" taken for ") == 21  # the heading and twenty pairs


def test_multi_label_has_no_matrix(tmp_path):
    random, classes = np.random.default_rng(0), ["billing", "refund", "praise"]
    truth = random.integers(2, size=(50, 3))
    probabilities = np.clip(0.6 * truth + 0.5 * random.random(truth.shape), 0, 1)
    part = evaluate_probabilities(truth, probabilities, classes, ["ticket"] * 50, multi_label=True)
    _, html, page = written(tmp_path, report_of(classes, test=part))
    assert "taken for" not in page.text
    assert f"{100 * part['accuracy']:.1f}% got exactly the right set of labels" in page.text
    assert f"F1 is {part['micro_f1']:.3f}" in page.text


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "classes",
    [
        ["体育", "财经", "娱乐"],
        ["غاضب", "سعيد"],
        ["😀", "𝒳 $\\frac$", "$x$"],
        ["a\nb", "", "accuracy", "x" * 500],
    ],
)
def test_any_label_and_name(tmp_path, classes):
    report = report_of(classes, test=evaluation(classes, rows=1))
    report["name"] = classes[0]
    stored, _, page = written(tmp_path, report)
    assert list(stored["data"]["train"]["labels"]) == classes
    assert all(" ".join(label.split()) in page.text for label in classes)


def test_texts_and_labels_are_escaped(tmp_path):
    attack = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"
    classes = [attack, "b"]
    report = report_of(classes, test=evaluation(classes, texts=[attack] * 60))
    report |= {"name": attack, "settings": {attack: attack}, "versions": {"keras": attack}}
    report["choices"] = [{"setting": attack, "value": attack, "reason": attack}]
    report["data"]["train"] |= {"files": [attack], "first_skipped": [attack]}
    _, html, page = written(tmp_path, report)
    assert "<script" not in html and "script" not in page.tags
    assert not any(name.startswith("on") for name, _ in page.attributes)
    assert all(image["src"].startswith("data:image/png") for image in page.images)
    assert page.text.count("alert('x')") > 5


def test_json_is_strict(tmp_path):
    report = report_of(["a", "b"], test=evaluation(["a", "b"]))
    report["history"] = {"loss": [np.float32(0.5), float("nan")], "val_loss": np.array([np.inf, 1.0])}
    report["settings"] = {"shape": (np.int64(3), None), 5: tmp_path, "flag": np.True_, "names": {"b", "a"}}
    stored, _, page = written(tmp_path, report)
    assert stored["history"] == {"loss": [0.5, None], "val_loss": [None, 1.0]}
    assert stored["settings"] == {"shape": [3, None], "5": str(tmp_path), "flag": True, "names": ["a", "b"]}


def test_broken_unicode_is_written(tmp_path):
    part = evaluation(["a", "b"], texts=["caf\udce9"] * 60)
    stored, html, _ = written(tmp_path, report_of(["a", "b"], test=part))
    assert stored["evaluation"]["test"]["mistakes"][0]["text"] == "caf\udce9"
    assert "caf?" in html


def test_a_bare_report_is_a_page(tmp_path):
    _, _, page = written(tmp_path, {"task": "classifier", "name": None})
    assert "It has not been evaluated" in page.text
    assert page.images == []


def test_one_epoch_without_validation(tmp_path):
    report = report_of(["a", "b"])
    report |= {"history": {"loss": [0.7]}, "best_epoch": 1}
    _, _, page = written(tmp_path, report)
    assert len(page.images) == 1
    assert "It has not been evaluated" in page.text


def test_writing_again_replaces_both_files_and_leaves_pyplot_alone(tmp_path):
    write_report(tmp_path, report_of(["a", "b"], validation=evaluation(["a", "b"])))
    thread = threading.Thread(target=write_report, args=(tmp_path, {"task": "classifier", "name": "second"}))
    thread.start()
    thread.join()
    assert json.loads((tmp_path / "report.json").read_text())["name"] == "second"
    assert "second" in (tmp_path / "report.html").read_text()
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


def report_of_generator(**perplexity):
    facts = {
        "rows": 300,
        "characters": 8388,
        "files": ["lm.txt"],
        "skipped": 0,
        "first_skipped": [],
        "unknown_rate": 0.0,
    }
    tokens = {"mean": 7.5, "median": 7.0, "p95": 8.0, "max": 8}
    held_out = {"files": ["lm.txt"], "held_out": True, "total_tokens": 224}
    test = {**facts, "rows": 100, "characters": 2400, "files": ["lm_test.txt"], "total_tokens": 800}
    data = {"train": {**facts, "tokens": tokens, "sha256": "ab12" * 16}, "validation": held_out, "test": test}
    return {
        "nlpkit": "1.2.3",
        "task": "generator",
        "name": "lm",
        "created": "2025-01-02T03:04:05",
        "seconds": 75.0,
        "data": {name: data[name] for name in ("train", *perplexity)},
        "history": {"loss": [4.0, 3.0], "val_loss": [4.1, 3.2], "learning_rate": [0.002, 0.001]},
        "best_epoch": 2,
        "perplexity": perplexity,
        "settings": {"vocabulary_size": 1234, "estimator": {"level": "word"}, "network": {"cell": "lstm"}},
        "versions": {"keras": "3.15.1"},
    }


def test_a_generator_is_told_by_its_perplexity(tmp_path):
    report = report_of_generator(validation=24.5, test=32.0)
    stored, html, page = written(tmp_path, report)
    assert stored == report
    assert "Trained on 300 texts from lm.txt to go on with a text, word by word, in 1 min 15 s." in page.text
    assert (
        "On the test texts its perplexity is 32.00 ; a model that knows nothing would get 1,234." in page.text
    )
    for fact in (
        "Perplexity 32.00 test, validation 24.50",
        "Bits per word 5.000",  # of 32
        "Bits per character – 1.667",  # five bits for each of 800 tokens, on 2,400 characters
        "Vocabulary 1,234",
        "Texts 300 the end of the training texts 100",
        "Characters 8,388 – 2,400",
        "Tokens 2,250 224 800",
        "network.cell",
    ):
        assert fact in page.text
    assert len(page.images) == 1 and page.images[0]["alt"].startswith("Loss by epoch")
    for word in ("class", "label", "Accuracy", "Calibration", "ROC"):
        assert word not in page.text


def test_a_generator_without_test_says_that_validation_chose_the_epoch(tmp_path):
    _, _, page = written(tmp_path, report_of_generator(validation=24.5))
    assert "On the validation texts its perplexity is 24.50" in page.text
    assert "These texts also chose the best epoch, so expect slightly more on new ones" in page.text
    assert "Bits per character" not in page.text


def test_bits_per_character_have_a_card_where_they_are_known(tmp_path):
    _, _, page = written(tmp_path, report_of_generator(test=32.0))
    assert "Bits per character 1.667 whatever a token is Vocabulary" in page.text


def test_what_a_generator_writes_is_shown_and_escaped(tmp_path):
    attack = "<script>alert('x')</script>"
    texts = ["one line\nand another", attack, "مرحبا"]
    report = {**report_of_generator(validation=24.5), "examples": texts}
    stored, html, page = written(tmp_path, report)
    assert stored["examples"] == texts and "script" not in page.tags
    hint = "What it writes From the beginning of a text on, drawn with a temperature of 0.8."
    assert f"{hint} one line and another {attack} مرحبا" in page.text
    assert '<td class="text" dir="auto">one line\nand another</td>' in html
    for nothing in ([], None):
        _, _, page = written(tmp_path, {**report, "examples": nothing})
        assert "What it writes" not in page.text


def test_bits_of_a_model_of_characters_are_shown_once(tmp_path):
    report = report_of_generator(test=4.0)
    report["settings"]["estimator"]["level"] = "char"
    _, _, page = written(tmp_path, report)
    assert page.text.count("Bits per character 2.000") == 2  # a card and a row


@pytest.mark.parametrize("perplexity", [{}, {"test": float("inf")}])
def test_a_bare_report_of_a_generator_is_a_page(tmp_path, perplexity):
    _, _, page = written(tmp_path, {"task": "generator", "name": None, "perplexity": perplexity})
    assert ("It has not been evaluated" in page.text) == (not perplexity)
    assert "Accuracy" not in page.text
