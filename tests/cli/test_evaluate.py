"""`nlpkit evaluate`."""

import json
import math

import pytest

from nlpkit import TextClassifier


def test_json_agrees_with_training(run, trained, tables):
    folder, result = trained
    evaluated = run("evaluate", folder, "--data", tables / "test.tsv", "--columns", "label,text", "--json")
    assert evaluated.exit_code == 0, evaluated.output
    evaluation = json.loads(evaluated.stdout)
    assert {"accuracy", "macro_f1", "ece", "rows", "per_class"} <= set(evaluation)
    assert evaluation["accuracy"] == pytest.approx(result["evaluation"]["test"]["accuracy"])
    assert "mistakes" not in evaluation


def test_tables(run, model, tables):
    result = run("evaluate", model, "--data", tables / "test.tsv", "--columns", "label,text")
    assert result.exit_code == 0
    for part in ("result (60 texts)", "accuracy", "precision", "negative"):
        assert part in result.stdout


def test_skipped_rows_are_told(run, model, tmp_path):
    (tmp_path / "a.tsv").write_text("positive\tGood.\nnegative\n")
    command = ("evaluate", model, "--data", tmp_path / "a.tsv", "--columns", "label,text", "--json")
    result = run(*command, "--on-bad-row", "skip")
    assert result.exit_code == 0
    assert "data: 1 rows were skipped; the first:\n" in result.stderr and "a.tsv, line 2" in result.stderr
    assert json.loads(result.stdout)["skipped"] == 1
    assert run(*command).exit_code == 2


def test_unknown_labels_are_bad_rows(run, model, tmp_path):
    (tmp_path / "a.tsv").write_text("positive\tGood.\nodd\tA chair.\n" + "odd\tA table.\n" * 6)
    command = ("evaluate", model, "--data", tmp_path / "a.tsv", "--columns", "label,text", "--json")
    result = run(*command, "--on-bad-row", "skip")
    assert result.exit_code == 0 and json.loads(result.stdout)["skipped"] == 7
    assert result.stderr.count("the label 'odd' was not among the training labels") == 5
    refused = run(*command)
    assert refused.exit_code == 2 and "a.tsv, line 2: the label 'odd' was not among" in refused.stderr


def test_labels_that_were_numbers_in_python(run, tmp_path):
    texts, labels = ["good thing", "bad thing"] * 6, [1, 0] * 6
    classifier = TextClassifier(epochs=1, random_state=0).fit(texts, labels)
    classifier.save(tmp_path / "model")
    rows = zip(labels, texts, strict=True)
    (tmp_path / "a.tsv").write_text("".join(f"{label}\t{text}\n" for label, text in rows))
    result = run(
        "evaluate", tmp_path / "model", "--data", tmp_path / "a.tsv", "--columns", "label,text", "--json"
    )
    assert result.exit_code == 0, result.output
    evaluation = json.loads(result.stdout)
    assert evaluation["rows"] == 12
    assert evaluation["accuracy"] == pytest.approx(classifier.evaluate(texts, labels)["accuracy"])


@pytest.mark.parametrize(
    ("content", "message"),
    [("neutral\tA chair.\n", "neutral"), ("positive\n", "line 1: a row must have 2 fields")],
)
def test_refusals(run, model, tmp_path, content, message):
    (tmp_path / "a.tsv").write_text(content)
    result = run("evaluate", model, "--data", tmp_path / "a.tsv", "--columns", "label,text")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ") and message in result.stderr


def test_texts_without_labels_are_refused(run, model, tables):
    result = run("evaluate", model, "--data", tables / "texts.txt")
    assert result.exit_code == 2
    assert "label" in result.stderr


def test_a_folder_without_a_model_is_refused(run, tables, tmp_path):
    result = run("evaluate", tmp_path / "none", "--data", tables / "test.tsv", "--columns", "label,text")
    assert result.exit_code == 2
    assert "There is no model folder" in result.stderr


def test_a_generator_is_measured_by_perplexity(run, trained_generator, corpus):
    folder, result = trained_generator
    evaluated = run("evaluate", folder, "--data", corpus / "lm_test.txt", "--json")
    assert evaluated.exit_code == 0, evaluated.output
    evaluation = json.loads(evaluated.stdout)
    assert evaluation == {**result["evaluation"]["test"], "skipped": 0}
    content = (corpus / "lm_test.txt").read_text()
    assert evaluation["tokens"] == len(content.split()) + 60  # with the end of each line
    assert evaluation["characters"] == len(content)
    bits = math.log2(evaluation["perplexity"]) * evaluation["tokens"] / len(content)
    assert evaluation["bits_per_character"] == pytest.approx(bits)


@pytest.mark.parametrize(("text", "told"), [("zebras yawn\n", True), ("", False)], ids=["many", "few"])
def test_many_unknown_tokens_are_told(run, language_model, corpus, tmp_path, text, told):
    known = (corpus / "lm_test.txt").read_text()
    (tmp_path / "texts.txt").write_text(text * 3000 + known)
    result = run("evaluate", language_model, "--data", tmp_path / "texts.txt", "--json")
    evaluation = json.loads(result.stdout)
    rate = evaluation["unknown"] / evaluation["tokens"]
    assert (rate >= 0.1) == told
    message = f"unknown to the vocabulary: {rate:.0%} of the tokens of the texts. All of them are one token"
    assert (message in result.stderr) == told
    assert (
        "unknown to"
        not in run("evaluate", language_model, "--data", tmp_path / "texts.txt", "--quiet").stderr
    )


def test_the_table_of_a_generator(run, language_model, corpus):
    result = run("evaluate", language_model, "--data", corpus / "lm_test.txt")
    assert result.exit_code == 0 and "accuracy" not in result.stdout
    for part in ("perplexity", "bits per character", "tokens", "unknown tokens"):
        assert part in result.stdout


def test_options_of_the_other_task_are_refused(run, model, language_model, corpus):
    data = ("--data", corpus / "lm_test.txt")
    for folder, args, message in (
        (language_model, ("--label", "stars"), "a text generator, which needs no labels. Received: --label."),
        (language_model, ("--label-separator", ";"), "Received: --label-separator. Leave it out."),
        (model, ("--whole-files",), "a classifier, which reads a text per row. Received: --whole-files."),
    ):
        result = run("evaluate", folder, *data, *args)
        assert result.exit_code == 2
        assert result.stderr.startswith(f"error: {folder} holds ") and message in result.stderr


def test_a_generator_needs_text(run, language_model, tmp_path):
    (tmp_path / "a.txt").write_text("\n \n")
    result = run("evaluate", language_model, "--data", tmp_path / "a.txt")
    assert result.exit_code == 2 and "must hold text. Received: blank ones only." in result.stderr


def test_a_text_to_text_model_is_measured_by_what_it_writes(run, trained_translator, pairs):
    folder, result = trained_translator
    command = ("evaluate", folder, "--data", pairs / "pairs_test.tsv", "--columns", "source,target", "--json")
    evaluated = run(*command)
    assert evaluated.exit_code == 0, evaluated.output
    assert json.loads(evaluated.stdout) == {**result["evaluation"]["test"], "skipped": 0}
    with_beams = json.loads(run(*command, "--beam", 4).stdout)
    assert set(with_beams) == {
        "bleu", "bleu_signature", "chrf", "chrf_signature", "rouge1", "rouge2", "rougeL", "exact_match", "texts",
        "skipped",
    }  # fmt: skip


def test_beams_reach_the_estimator(run, translator, tmp_path, monkeypatch):
    seen = []

    def evaluate(self, X, **search):
        seen.append((next(iter(X)).texts, search))
        return {}

    monkeypatch.setattr("nlpkit.TextToText.evaluate", evaluate)
    (tmp_path / "a.csv").write_text("de,en\nEin Hund,A dog\n")
    command = (
        "evaluate",
        translator,
        "--data",
        tmp_path / "a.csv",
        "--source",
        "de",
        "--target",
        "en",
        "--json",
    )
    penalties = ("--beam", 4, "--length-penalty", 0.5, "--coverage-penalty", 0.2, "--max-new-tokens", 7)
    for args in ((), penalties):
        assert run(*command, *args).stdout == '{"skipped": 0}\n'
    searches = [
        {"beam_size": 1, "max_new_tokens": None},
        {"beam_size": 4, "max_new_tokens": 7, "length_penalty": 0.5, "coverage_penalty": 0.2},
    ]
    assert seen == [(["Ein Hund"], search) for search in searches]
    refused = run(*command, "--length-penalty", 0.5)
    assert (
        refused.exit_code == 2 and "A penalty decides between beams. Received: --length-p" in refused.stderr
    )


def test_the_table_of_a_text_to_text_model(run, trained_translator, pairs):
    folder, result = trained_translator
    shown = run("evaluate", folder, "--data", pairs / "pairs_test.tsv", "--columns", "source,target")
    assert shown.exit_code == 0 and "accuracy" not in shown.stdout
    test = result["evaluation"]["test"]
    for part in (
        "BLEU",
        "chrF",
        "ROUGE-L",
        f"{test['exact_match']:.2f}",
        f"\nBLEU: {test['bleu_signature']}\n",
    ):
        assert part in shown.stdout


def test_options_of_pairs_and_of_texts_do_not_mix(run, model, language_model, translator, corpus):
    data = ("--data", corpus / "lm_test.txt")
    for folder, args, message in (
        (model, ("--beam", 5), "a classifier, which reads a text per row. Received: --beam. Leave it out."),
        (
            language_model,
            ("--beam", 5),
            "a text generator, which needs no labels. Received: --beam. Leave it out.",
        ),
        (model, ("--source", "de"), "Received: --source. Leave it out."),
        (language_model, ("--target", "en"), "Received: --target. Leave it out."),
        (
            translator,
            ("--text", "de"),
            "which reads pairs (--source and --target). Received: --text. Leave it out.",
        ),
        (translator, ("--label", "en"), "Received: --label. Leave it out."),
        (translator, ("--label-separator", ";"), "Received: --label-separator. Leave it out."),
        (translator, ("--whole-files",), "Received: --whole-files. Leave it out."),
        (language_model, ("--length-penalty", 1), "Received: --length-penalty. Leave it out."),
        (model, ("--max-new-tokens", 5), "Received: --max-new-tokens. Leave it out."),
    ):
        result = run("evaluate", folder, *data, *args)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith(f"error: {folder} holds ") and message in result.stderr


def test_a_model_that_reads_no_texts_is_refused(run, translator, tmp_path):
    spec = json.loads((translator / "spec.json").read_text())
    (tmp_path / "spec.json").write_text(json.dumps({**spec, "task": "captioner"}))
    (tmp_path / "model.keras").touch()
    result = run("evaluate", tmp_path, "--data", "a.txt")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"error: {tmp_path} holds an image captioner, which reads no texts. Measure it with nlpkit.load in Python.\n"
    )


def test_a_text_to_text_model_needs_pairs(run, translator, corpus, monkeypatch):
    monkeypatch.setattr("nlpkit.cli.start.start_tensorflow", lambda: pytest.fail("started"))
    result = run("evaluate", translator, "--data", corpus / "lm_test.txt")
    assert result.exit_code == 2 and "A text file has one text per line, no targets." in result.stderr
