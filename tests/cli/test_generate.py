"""`nlpkit generate`: what reaches the estimator, what is printed, and every way it refuses."""

import json

import pytest

import nlpkit

DEFAULTS = {"max_new_tokens": 100, "stop": ()}


class Fake:
    """A generator that goes on with numbers, and remembers what it was asked for."""

    def __init__(self):
        self.asked = None

    def generate_details(self, prompts, **settings):
        self.asked = (prompts, settings)
        return [
            {"prompt": prompt, "text": f" {number}.", "score": -0.5, "tokens": 2}
            for prompt in prompts
            for number in range(settings["num_results"])
        ]

    def stream(self, prompt, **settings):
        self.asked = (prompt, settings)
        yield from (" one", " two")


@pytest.fixture
def fake(monkeypatch):
    generator = Fake()
    monkeypatch.setattr("nlpkit.cli.generate.load_model", lambda folder, task: generator)
    return generator


def test_prompt_and_continuation(run, fake):
    result = run("generate", "folder", "The company said")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "The company said 0.\n", "")
    assert fake.asked == (["The company said"], {**DEFAULTS, "beam_size": None, "num_results": 1})


def test_options_reach_the_estimator(run, fake):
    result = run(
        "generate", "folder", "A", "--max-new-tokens", 40, "--temperature", 0.8, "--top-k", 5, "--top-p", 0.9,
        "--min-p", 0.1, "--repetition-penalty", 1.2, "--no-repeat-ngram", 3, "--stop", "\n\n", "--stop", "END",
        "--seed", 0, "--num-results", 2,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert fake.asked[1] == {
        "max_new_tokens": 40, "temperature": 0.8, "top_k": 5, "top_p": 0.9, "min_p": 0.1,
        "repetition_penalty": 1.2, "no_repeat_ngram": 3, "stop": ("\n\n", "END"), "seed": 0, "beam_size": None,
        "num_results": 2,
    }  # fmt: skip


def test_a_search_with_beams(run, fake):
    result = run("generate", "folder", "A", "--beam", 4, "--num-results", 4, "--no-repeat-ngram", 2)
    assert result.exit_code == 0, result.output
    assert fake.asked[1] == {**DEFAULTS, "beam_size": 4, "num_results": 4, "no_repeat_ngram": 2}


def test_a_search_with_beams_draws_nothing(run, fake):
    result = run("generate", "folder", "A", "--beam", 4, "--temperature", 0.8, "--top-p", 0.9, "--seed", 1)
    assert (result.exit_code, result.stdout, fake.asked) == (2, "", None)
    assert result.stderr == (
        "error: --beam searches for the most likely text, so it goes with nothing that belongs to drawing one. "
        "Received: --beam 4 with --temperature, --top-p, --seed. Leave out --beam, or that.\n"
    )


def test_several_texts_are_blocks(run, fake):
    result = run("generate", "folder", "A", "B", "--num-results", 2)
    assert result.stdout == "A 0.\n\nA 1.\n\nB 0.\n\nB 1.\n"


def test_json_lines(run, fake):
    result = run("generate", "folder", "A", "Bé", "--num-results", 2, "--json")
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        {"prompt": prompt, "text": f" {number}.", "score": -0.5, "tokens": 2}
        for prompt in ("A", "Bé")
        for number in (0, 1)
    ]
    assert "Bé" in result.stdout


def test_from_nothing(run, fake):
    assert run("generate", "folder").stdout == " 0.\n"
    assert fake.asked[0] == [""]


def test_stream(run, fake):
    result = run("generate", "folder", "The company said", "--stream", "--temperature", 0.5, "--seed", 3)
    assert (result.exit_code, result.stdout) == (0, "The company said one two\n")
    assert fake.asked == ("The company said", {**DEFAULTS, "temperature": 0.5, "seed": 3})


def test_ctrl_c_ends_the_line_of_a_stream(run, fake, monkeypatch):
    def interrupted(self, prompt, **settings):
        yield " one"
        raise KeyboardInterrupt

    monkeypatch.setattr(Fake, "stream", interrupted)
    result = run("generate", "folder", "A", "--stream")
    assert (result.exit_code, result.stdout, result.stderr) == (130, "A one\n", "interrupted\n")


@pytest.mark.parametrize(
    ("args", "received"),
    [
        (["A", "--beam", 4], "--beam 4"),
        (["A", "B"], "2 prompts"),
        (["A", "--num-results", 2], "--num-results 2"),
        (["A", "--json", "--beam", 1], "--beam 1, --json"),
    ],
)
def test_what_cannot_be_streamed(run, fake, args, received):
    result = run("generate", "folder", *args, "--stream")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "error: --stream shows one text while it is written, so it goes with one prompt and neither --beam, "
        f"--num-results nor --json. Received: {received}. Leave out --stream, or that.\n"
    )


def test_refusals(run, language_model, tmp_path):
    missing = run("generate", tmp_path / "none", "A")
    assert missing.exit_code == 2 and "There is no model folder" in missing.stderr
    broken = run("generate", language_model, "A", "caf\udce9")
    assert broken.exit_code == 2 and broken.stderr.startswith("error: Prompt 2 is not valid UTF-8")
    dashed = run("generate", language_model, "-dash")
    assert dashed.exit_code == 2 and "goes after --" in " ".join(dashed.stderr.replace("│", " ").split())


PROMPT = "a bird saw"


@pytest.fixture(scope="module")
def expected(language_model):
    return nlpkit.load(language_model)


@pytest.mark.parametrize("options", [{"temperature": 0.8, "top_p": 0.9, "seed": 1}, {"beam_size": 3}])
def test_texts_are_those_of_the_estimator(run, language_model, expected, options):
    named = {"beam_size": "--beam", "temperature": "--temperature", "top_p": "--top-p", "seed": "--seed"}
    args = [part for name, value in options.items() for part in (named[name], value)]
    text = expected.generate(PROMPT, max_new_tokens=8, **options)
    result = run("generate", language_model, PROMPT, "--max-new-tokens", 8, *args)
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{PROMPT}{text}\n", "")
    assert text[:1] in ("", " ")  # beams may find that the text should end
    row = json.loads(run("generate", language_model, PROMPT, "--max-new-tokens", 8, *args, "--json").stdout)
    assert (row["prompt"], row["text"]) == (PROMPT, text) and row["score"] < 0.0 and row["tokens"] <= 8


def test_a_streamed_text_is_the_same(run, language_model):
    command = ("generate", language_model, PROMPT, "--max-new-tokens", 8, "--seed", 2, "--stop", ".")
    whole, streamed = run(*command), run(*command, "--stream")
    assert (streamed.exit_code, streamed.stderr) == (0, "")
    assert streamed.stdout == whole.stdout and "." not in whole.stdout


def test_temperature_0_needs_no_seed(run, language_model):
    command = ("generate", language_model, "--temperature", 0, "--max-new-tokens", 6)
    assert run(*command).stdout == run(*command).stdout != "\n"


@pytest.mark.parametrize(
    ("args", "name"),
    [(["--temperature", -1], "temperature"), (["--top-p", 2], "top_p"), (["--stop", ""], "stop")],
)
def test_values_out_of_range_are_told_in_a_line(run, language_model, args, name):
    for more in ((), ("--stream",)):
        result = run("generate", language_model, PROMPT, *args, *more)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith("error: ") and name in result.stderr
