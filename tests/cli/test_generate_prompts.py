"""`nlpkit generate`: where prompts come from, and what is told before a model is loaded."""

import json
import os
import subprocess
import sys

import pytest

from nlpkit.cli.texts import nothing_piped


def test_prompts_from_standard_input(run, fake):
    result = run("generate", "folder", input="A\n\nB é\n")
    assert (result.stdout, result.stderr) == ("A 0.\n\n 0.\n\nB é 0.\n", "")
    assert fake.asked[0] == ["A", "", "B é"]


def test_prompts_from_a_table(run, fake, tmp_path):
    (tmp_path / "prompts.csv").write_text("title,year\nA,1\nB,2\n")
    result = run("generate", "folder", "--data", tmp_path / "prompts.csv", "--text", "title", "--json")
    assert [json.loads(line)["prompt"] for line in result.stdout.splitlines()] == ["A", "B"]


def test_many_prompts_are_gone_on_with_in_parts_each_with_luck_of_its_own(run, fake):
    prompts = [f"prompt {number}" for number in range(150)]
    for _ in range(2):
        result = run("generate", "folder", "--seed", 3, "--json", input="\n".join(prompts))
        assert [json.loads(line)["prompt"] for line in result.stdout.splitlines()] == prompts
    seeds = [settings["seed"] for _, settings in fake.calls]
    assert [len(asked) for asked, _ in fake.calls[:3]] == [64, 64, 22]
    assert seeds[:3] == seeds[3:] and seeds[0] == 3 and len(set(seeds)) == 3
    run("generate", "folder", input="\n".join(prompts))
    assert all("seed" not in settings for _, settings in fake.calls[6:])


def test_prompts_that_cannot_be_read_are_told(run, fake, tmp_path):
    (tmp_path / "prompts.txt").write_bytes(b"A\ncaf\xe9\n")
    data = ("generate", "folder", "--data", tmp_path / "prompts.txt")
    refused = run(*data)
    assert refused.exit_code == 2 and "prompts.txt, line 2: the text is not valid UTF-8" in refused.stderr
    skipped = run(*data, "--on-bad-row", "skip")
    assert (skipped.exit_code, skipped.stdout) == (0, "A 0.\n")
    assert "data: 1 rows were skipped; the first:\n" in skipped.stderr
    both = run(*data, "A")
    assert both.exit_code == 2 and "Give texts or --data, not both. Received: 1 text(s) and" in both.stderr


@pytest.mark.parametrize(("content", "nothing"), [(None, True), ("", True), ("A", False), ("\n", False)])
def test_nothing_comes_from_an_empty_file_and_from_a_terminal(monkeypatch, tmp_path, content, nothing):
    path = tmp_path / "piped"
    path.write_text(content or "")
    with open(os.devnull if content is None else path) as stream:
        monkeypatch.setattr("sys.stdin", stream)
        assert nothing_piped() == nothing
        assert stream.read() == (content or "")
        monkeypatch.setattr("nlpkit.cli.texts._is_terminal", lambda stream: True)
        assert nothing_piped()
        monkeypatch.setattr("sys.stdin", None)  # what Python makes of a closed one
        assert nothing_piped()


REFUSED = {
    "--temperature -1": "`temperature` must be 0 (always the most likely token) or more. Received: temperature=-1.0",
    "--top-p 0": "`top_p` must be above 0 and at most 1 (off). Received: top_p=0.0",
    "--seed 4294967296": "`seed` must be an integer from",
    "--repetition-penalty 0": "`repetition_penalty` must be above 0",
    "--min-new-tokens 101": "--min-new-tokens must be at most --max-new-tokens",
    "--beam 4 --num-results 5": "--num-results must be at most --beam",
}


def test_options_that_cannot_be_used_are_told_before_tensorflow_is_imported():
    program = (
        "import sys\nfrom nlpkit.cli.app import app\n"
        f"for options in {list(REFUSED)}:\n"
        "    try: app(['generate', 'folder', 'A', *options.split()])\n"
        "    except SystemExit as end: print(end.code, 'tensorflow' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.stdout == "2 False\n" * len(REFUSED)
    for line, message in zip(result.stderr.splitlines(), REFUSED.values(), strict=True):
        assert line.startswith(f"error: {message}")
