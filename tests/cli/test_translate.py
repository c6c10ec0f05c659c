"""`nlpkit translate`: arguments, files and pipes; plain, n-best and JSON."""

import csv
import functools
import json
import math

import pytest

from nlpkit.cli.start import load_model

ATTENDS = "nlpkit.models.encoder_decoder_network.EncoderDecoderNetwork.attends"
TEXTS = ["Ein Hund schläft im Park.", "", "Ein Mann liest\tund Eine Frau singt."]


@pytest.fixture(scope="module", autouse=True)
def loaded_once():
    """The loader of the command, which gives the same model again, so that each search is traced once."""
    with pytest.MonkeyPatch.context() as patch:
        cached = functools.cache(load_model)
        patch.setattr("nlpkit.cli.translate.load_model", cached)
        yield cached


@pytest.fixture(scope="module")
def expected(loaded_once, translator):
    return loaded_once(translator, "text_to_text")


def test_a_line_per_text(run, translator, expected):
    for beam in (1, 3):
        result = run("translate", translator, *TEXTS, "--beam", beam)
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout == "".join(text + "\n" for text in expected.predict(TEXTS, beam_size=beam))


def test_json_lines_agree_with_the_estimator(run, translator, expected):
    search = {"beam_size": 3, "length_penalty": 0.5, "coverage_penalty": 0.2, "max_new_tokens": 4}
    args = ("--beam", 3, "--length-penalty", 0.5, "--coverage-penalty", 0.2, "--max-new-tokens", 4)
    result = run("translate", translator, *TEXTS, *args, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    best = [found[0] for found in expected.predict_nbest(TEXTS, n=1, **search)]
    assert [set(row) for row in rows] == [{"source", "text", "score"}] * 3
    assert [(row["source"], row["text"]) for row in rows] == [
        (text, found["text"]) for text, found in zip(TEXTS, best, strict=True)
    ]
    assert [row["score"] for row in rows] == pytest.approx([found["score"] for found in best], abs=1e-3)


def test_the_best_are_numbered(run, translator, expected):
    result = run("translate", translator, *TEXTS, "--beam", 3, "--nbest", 2)
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    found = [one for results in expected.predict_nbest(TEXTS, n=2, beam_size=3) for one in results]
    assert [(rank, text) for rank, _, text in rows] == [
        (str(place % 2 + 1), one["text"]) for place, one in enumerate(found)
    ]
    assert [float(score) for _, score, _ in rows] == pytest.approx([one["score"] for one in found], abs=1e-3)


def test_the_best_and_alignments_as_json(run, translator, expected):
    args = ("--beam", 3, "--alignments", "--json")
    plain = json.loads(run("translate", translator, TEXTS[0], *args).stdout)
    several = json.loads(run("translate", translator, TEXTS[0], *args, "--nbest", 2).stdout)
    assert list(several) == ["source", "text", "score", "source_tokens", "nbest"]
    first, second = several["nbest"]
    assert (first["text"], first["score"]) == (several["text"], several["score"])
    assert first["score"] >= second["score"] and first["text"] != second["text"]
    assert several["source_tokens"] == ["Ein", "Hund", "schläft", "im", "Park", ".", "</s>"]
    for one in (first, second):
        assert set(one) == {"text", "score", "target_tokens", "attention"}
        assert len(one["attention"]) == len(one["target_tokens"])
        for weights in one["attention"]:
            assert len(weights) == 7 and math.isclose(sum(weights), 1.0, abs_tol=1e-2)
            assert weights == [round(weight, 4) for weight in weights]
    assert set(plain) == {"source", "text", "score", "source_tokens", "target_tokens", "attention"}
    assert plain["target_tokens"] == first["target_tokens"]


@pytest.mark.parametrize("given", ["file", "dash", "pipe", "columns", "jsonl", "header"])
def test_sources_agree(run, translator, pairs, tmp_path, expected, given):
    with open(pairs / "pairs_test.tsv", encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter="\t"))[:6]
    texts = [source for source, _ in rows]
    content = "".join(f"{text}\n" for text in texts)
    (tmp_path / "t.txt").write_text(content)
    (tmp_path / "t.jsonl").write_text("".join(json.dumps({"body": text}) + "\n" for text in texts))
    (tmp_path / "h.tsv").write_text("".join(f"{s}\t{t}\n" for s, t in [("source", "target"), *rows]))
    (tmp_path / "c.tsv").write_text("".join(f"{t}\t{s}\n" for s, t in rows))
    args, piped = {
        "file": (["--data", tmp_path / "t.txt"], None),
        "dash": (["--data", "-"], content),
        "pipe": ([], content),
        "columns": (["--data", tmp_path / "c.tsv", "--columns", "target,source"], None),
        "jsonl": (["--data", tmp_path / "t.jsonl", "--source", "body"], None),
        "header": (["--data", tmp_path / "h.tsv"], None),
    }[given]
    result = run("translate", translator, *args, "--json", input=piped)
    assert (result.exit_code, result.stderr) == (0, "")
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(row["source"], row["text"]) for row in found] == list(
        zip(texts, expected.predict(texts), strict=True)
    )


def test_long_input_is_read_and_written_in_parts(run, translator, tmp_path, monkeypatch):
    from nlpkit import TextToText

    sizes, find = [], TextToText.predict_nbest

    def counted(self, X, **search):
        sizes.append(len(X))
        return find(self, X, **search)

    monkeypatch.setattr("nlpkit.cli.translate.ROWS", 2)
    monkeypatch.setattr(TextToText, "predict_nbest", counted)
    (tmp_path / "t.txt").write_text("".join(f"Ein Hund {word}\n" for word in "abcde"))
    result = run("translate", translator, "--data", tmp_path / "t.txt")
    assert result.exit_code == 0 and len(result.stdout.splitlines()) == 5
    assert sizes == [2, 2, 1]


def test_skipped_rows_are_told(run, translator, tmp_path):
    (tmp_path / "t.txt").write_bytes(b"Ein Hund\ncaf\xe9\nEine Frau\n")
    args = ("translate", translator, "--data", tmp_path / "t.txt")
    result = run(*args, "--on-bad-row", "skip")
    assert len(result.stdout.splitlines()) == 2
    assert "data: 1 rows were skipped; the first:\n" in result.stderr and "t.txt, line 2" in result.stderr
    refused = run(*args)
    assert (refused.exit_code, refused.stdout) == (2, "") and "t.txt, line 2: the source is" in refused.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["a", "--data", "b.txt"], "Give texts or --data, not both. Received: 1 text(s) and --data b.txt"),
        (["--data", "missing.txt"], "missing.txt: there is no such file"),
        (["caf\udce9"], "Text 1 is not valid UTF-8"),
        (
            ["a", "--nbest", "3", "--beam", "2"],
            "--nbest gives as many targets as there are beams, at most. Received: --nbest 3 with --beam 2. Search with "
            "--beam 3 or more.",
        ),
        (
            ["a", "--length-penalty", "0.6", "--coverage-penalty", "0.2"],
            "A penalty decides between beams. Received: --length-penalty 0.6, --coverage-penalty 0.2 with --beam 1. "
            "Add --beam 5, or leave it out.",
        ),
        (["a", "--alignments"], "--alignments come as JSON Lines. Received: no --json. Add it."),
    ],
)
def test_refusals_before_tensorflow_is_started(run, translator, monkeypatch, args, message):
    monkeypatch.setattr("nlpkit.cli.start.start_tensorflow", lambda: pytest.fail("started"))
    result = run("translate", translator, *args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"error: {message}")


@pytest.mark.parametrize(
    "args", [["--alignments", "--json"], ["--beam", "2", "--coverage-penalty", "0.1"]], ids=" ".join
)
def test_a_model_without_attention(run, translator, monkeypatch, args):
    monkeypatch.setattr(ATTENDS, False)
    result = run("translate", translator, "Ein Hund", *args)
    assert (result.exit_code, result.stdout) == (2, "")
    option = next(arg for arg in args if arg in ("--alignments", "--coverage-penalty"))
    assert result.stderr == (
        f"error: {translator} holds a model without attention, which cannot tell what it reads. Received: {option}. "
        "Leave that out, or train with --preset attention.\n"
    )


def test_a_terminal_without_texts_is_refused(run, translator, monkeypatch):
    monkeypatch.setattr("nlpkit.cli.texts._is_terminal", lambda stream: True)
    result = run("translate", translator)
    assert result.exit_code == 2
    assert (
        "There is nothing to translate. Give texts, name a file with --data, or pipe texts in."
        in result.stderr
    )


def test_models_of_other_tasks_are_refused(run, model, monkeypatch):
    monkeypatch.setattr("nlpkit.cli.start.start_tensorflow", lambda: pytest.fail("started"))
    result = run("translate", model, "a text")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"error: {model} holds a classifier; this command needs a text-to-text model. Use nlpkit predict, nlpkit "
        "evaluate and nlpkit export with it, or train the other: nlpkit train text-to-text --data FILE --out FOLDER.\n"
    )


@pytest.mark.parametrize(
    ("command", "needed"),
    [("predict", "this command needs a classifier"), ("generate", "this command needs a text generator")],
)
def test_commands_of_other_tasks_name_the_right_ones(run, translator, monkeypatch, command, needed):
    monkeypatch.setattr("nlpkit.cli.start.start_tensorflow", lambda: pytest.fail("started"))
    result = run(command, translator, "a text")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"error: {translator} holds a text-to-text model")
    assert needed in result.stderr and "nlpkit translate" in result.stderr
