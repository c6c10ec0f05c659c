"""The command line of language models where there is next to nothing: no probability, no tokens, hardly any text."""

import json

import pytest

PROMPT = "a bird saw"


@pytest.mark.parametrize("more", [(), ("--stream",), ("--json",)])
def test_no_probability_at_all_is_refused(run, language_model, more):
    result = run("generate", language_model, PROMPT, "--top-p", 0, *more)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "error: `top_p` must be above 0 and at most 1 (off). Received: top_p=0.0\n"


@pytest.mark.parametrize(
    "more", [(), ("--stream",), ("--beam", 2), ("--contrastive-penalty", 0.6), ("--temperature", 0)]
)
def test_without_new_tokens_a_text_is_its_prompt(run, language_model, more):
    command = ("generate", language_model, PROMPT, "--max-new-tokens", 0, *more)
    result = run(*command)
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{PROMPT}\n", "")
    if "--stream" not in more:
        (line,) = run(*command, "--json").stdout.splitlines()
        found = json.loads(line)
        assert (found["prompt"], found["text"], found["tokens"]) == (PROMPT, "", 0)


def test_fewer_than_none_are_refused(run, language_model):
    result = run("generate", language_model, PROMPT, "--max-new-tokens", -1)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Invalid value for '--max-new-tokens'" in result.stderr and "Traceback" not in result.stderr


SMALL = ("--units", 4, "--num-layers", 1, "--epochs", 1, "--quiet")


def trained_on(run, out, text, *more):
    data = out.parent / "short.txt"
    data.write_text(text)
    return run("train", "generator", "--data", data, "--validation-data", data, "--out", out, *SMALL, *more)


def test_a_corpus_shorter_than_a_segment_is_one_segment(run, tmp_path):
    losses = []
    for length in (50, 7):  # six words and an end
        out = tmp_path / str(length)
        result = trained_on(run, out, "to be or not to be\n", "--sequence-length", length, "--seed", 1)
        assert result.exit_code == 0, result.output
        losses.append(json.loads((out / "report.json").read_text())["history"]["loss"])
    assert losses[0] == losses[1] and 0 < losses[0][0] < 10
    written = run("generate", out, "to be", "--max-new-tokens", 3, "--seed", 1)
    assert written.exit_code == 0 and written.stdout.startswith("to be")


def test_too_few_tokens_for_the_streams_are_refused(run, tmp_path):
    result = trained_on(run, tmp_path / "model", "to to\n", "--batch-size", 4)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "error: A language model reads 4 parallel streams, so it needs at least as many tokens. Received: 3. Give more "
        "text, or a smaller `batch_size`.\n"
    )
    assert not (tmp_path / "model").exists()
