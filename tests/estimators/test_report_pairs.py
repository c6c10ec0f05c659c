"""The page of a model that writes targets: its measures, its examples, and what is missing."""

import pytest
from estimators.test_report import written

from nlpkit.estimators.report_pairs import MEASURES, TASKS, pairs_view

MEASURED = {
    "bleu": 31.42, "chrf": 55.05, "rouge1": 61.5, "rouge2": 40.25, "rougeL": 58.0, "exact_match": 12.5,
    "bleu_signature": "nrefs:1|case:mixed", "chrf_signature": "nrefs:1|nc:6", "texts": 1500,
}  # fmt: skip
EXAMPLE = {"source": "Ein Hund", "target": "A dog", "written": "One dog"}


def report_of(task="text_to_text", examples=(EXAMPLE,), **parts):
    return {
        "task": task, "name": "mt", "created": "2025-01-02T03:04:05", "seconds": 75.0,
        "data": {"train": {"rows": 29_000, "files": ["train.tsv"]}, "validation": {"rows": 1014}},
        "history": {"loss": [3.0, 2.0], "val_loss": [2.5, 2.25]}, "best_epoch": 2,
        "perplexity": {"validation": 9.5}, "metrics": parts, "examples": list(examples),
        "settings": {"network": {"cell": "gru"}}, "versions": {"keras": "3.15.1"},
    }  # fmt: skip


def test_other_tasks_have_no_view():
    assert pairs_view({"task": "classifier"}) is None and pairs_view({}) is None
    assert all(pairs_view({"task": task})["rows"] for task in TASKS)


def test_the_part_that_training_never_saw_is_last():
    view = pairs_view(report_of(test={"bleu": 2.0}, extra={"bleu": 3.0}, validation={"bleu": 1.0}))
    assert list(view["parts"]) == ["validation", "extra", "test"]
    assert view["rows"][0] == ("BLEU", [1.0, 3.0, 2.0])
    assert [title for title, _ in view["rows"]] == list(MEASURES.values())
    assert view["rows"][1] == ("chrF", [None, None, None])
    assert view["perplexity"] == 9.5 and view["missing"] is None


def test_measures_are_shown_with_their_signatures(tmp_path):
    report = report_of(validation={**MEASURED, "bleu": 33.0, "texts": 500}, test=MEASURED)
    stored, _, page = written(tmp_path, report)
    assert stored == report
    for shown in (
        "Trained on 29,000 pairs from train.tsv, in 1 min 15 s.",
        "On the test pairs it gets 31.4 BLEU, and 12.5 % of them exactly right.",
        "BLEU 31.4 test, validation 33.0",
        "Exactly right 12.5 test, validation 12.5",
        "Perplexity 9.50 validation, per token",
        "Training pairs 29,000",
        "with the signatures nrefs:1|case:mixed and nrefs:1|nc:6",
        "the training never saw the test part",
        "validation test BLEU 33.0 31.4 chrF 55.0 55.0",
        "ROUGE-2 40.2 40.2",
        "Texts 500 1,500",
        "Source True target Written Ein Hund A dog One dog",
    ):
        assert shown in page.text, shown
    assert "It has not been evaluated" not in page.text and "to tell" not in page.text
    assert len(page.images) == 1


def test_a_report_of_the_validation_part_alone(tmp_path):
    _, _, page = written(tmp_path, report_of(validation=MEASURED))
    assert "On the validation pairs it gets 31.4 BLEU" in page.text
    assert "The validation part chose the epoch." in page.text and "never saw" not in page.text
    assert "BLEU 31.4 validation ROUGE-L" in page.text


def test_what_was_kept_is_what_the_page_says(tmp_path):
    for averaged in (0, 3):
        _, _, page = written(tmp_path, {**report_of(validation=MEASURED), "averaged": averaged})
        for text, of_mean in (
            ("The weights of epoch 2 were kept.", False),
            ("The validation part chose the epoch.", False),
            ("The mean of the weights of the last 3 epochs was kept.", True),
            ("The validation part chose the mean of the last epochs.", True),
        ):
            assert (text in page.text) == (of_mean == bool(averaged)), text


def test_without_sacrebleu_the_reason_stands_in_the_place_of_measures(tmp_path):
    report = {**report_of(), "metrics_missing": "BLEU and chrF need sacrebleu, which is not installed."}
    _, _, page = written(tmp_path, report)
    assert "How good it is BLEU and chrF need sacrebleu, which is not installed." in page.text
    assert "signatures" not in page.text and "it gets" not in page.text
    assert "Perplexity 9.50" in page.text and "Ein Hund" in page.text


def test_examples_of_a_captioner_have_no_source(tmp_path):
    examples = [{**EXAMPLE, "source": None}] * 3
    _, _, page = written(tmp_path, report_of("captioner", examples, validation=MEASURED))
    assert "chosen by chance. True target Written A dog One dog A dog One dog A dog One dog" in page.text
    assert "Source" not in page.text and "None" not in page.text
    assert "captioner" in page.text


def test_a_source_of_no_tokens_is_a_source(tmp_path):
    _, html, page = written(tmp_path, report_of(examples=[{**EXAMPLE, "source": ""}], validation=MEASURED))
    assert "Source True target Written A dog One dog" in page.text
    assert '<td class="text" dir="auto"></td>' in html


@pytest.mark.parametrize("task", TASKS)
def test_a_bare_report_is_a_page(tmp_path, task):
    _, _, page = written(tmp_path, {"task": task, "name": None})
    assert page.images == [] and "What it writes" not in page.text and "Perplexity –" in page.text
    assert task.replace("_", "-") in page.text


def test_texts_are_escaped(tmp_path):
    attack = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"
    part = {**MEASURED, "bleu_signature": attack, "chrf_signature": attack}
    examples = [{"source": attack, "target": attack, "written": attack}]
    report = {**report_of(examples=examples, test=part, **{attack: part}), "metrics_missing": attack}
    for metrics in (report["metrics"], {}):
        _, html, page = written(tmp_path, {**report, "metrics": metrics})
        assert "<script" not in html and "script" not in page.tags
        assert not any(name.startswith("on") for name, _ in page.attributes)
        assert all(image["src"].startswith("data:image/png") for image in page.images)
        assert page.text.count("alert('x')") >= 4


def test_long_texts_are_cut_and_broken_ones_written(tmp_path):
    examples = [{"source": "word " * 1000, "target": "caf\udce9", "written": "غاضب\n体育"}]
    stored, html, page = written(tmp_path, report_of("chatbot", examples, validation=MEASURED))
    assert page.text.count("word") < 100 and "..." in page.text
    assert "caf?" in html and "غاضب 体育" in page.text
    assert stored["examples"] == examples
