"""`nlpkit generate`: what reaches the estimator, what is printed, and every way it refuses."""

import json

import pytest

import nlpkit

DEFAULTS = {"max_new_tokens": 100}


def test_prompt_and_continuation(run, fake):
    result = run("generate", "folder", "The company said")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "The company said 0.\n", "")
    assert fake.asked == (["The company said"], {**DEFAULTS, "num_results": 1})


def test_options_reach_the_estimator(run, fake):
    result = run(
        "generate", "folder", "A", "--max-new-tokens", 40, "--temperature", 0.8, "--top-k", 5, "--top-p", 0.9,
        "--min-p", 0.1, "--repetition-penalty", 1.2, "--no-repeat-ngram", 3, "--stop", "\n\n", "--stop", "END",
        "--seed", 0, "--num-results", 2, "--typical-p", 0.7, "--min-new-tokens", 3, "--presence-penalty", 0.5,
        "--frequency-penalty", 0.0, "--bad-words", "the", "--bad-words", "an end", "--forced-prefix", "B ",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert fake.asked[1] == {
        "max_new_tokens": 40, "temperature": 0.8, "top_k": 5, "top_p": 0.9, "min_p": 0.1,
        "repetition_penalty": 1.2, "no_repeat_ngram": 3, "stop": ("\n\n", "END"), "seed": 0, "num_results": 2,
        "typical_p": 0.7, "min_new_tokens": 3, "presence_penalty": 0.5, "frequency_penalty": 0.0,
        "bad_words": ("the", "an end"), "forced_prefix": "B ",
    }  # fmt: skip


def test_a_search_with_beams(run, fake):
    result = run("generate", "folder", "A", "--beam", 4, "--num-results", 2, "--no-repeat-ngram", 2)
    assert (result.exit_code, result.stderr) == (0, "")
    assert fake.asked[1] == {**DEFAULTS, "beam_size": 4, "num_results": 2, "no_repeat_ngram": 2}


def test_texts_that_there_are_not_are_told(run, fake):
    command = ("generate", "folder", "A", "B", "--beam", 4, "--num-results", 4, "--json")
    result = run(*command)
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 4)
    assert result.stderr == "4 texts fewer than asked for: there are no others\n"
    assert run(*command, "--quiet").stderr == ""


def test_groups_of_beams(run, fake):
    result = run(
        "generate", "folder", "A", "--beam", 4, "--num-results", 2, "--beam-groups", 2, "--diversity", 0,
        "--length-penalty", -0.5,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert fake.asked[1] == {
        **DEFAULTS, "beam_size": 4, "num_results": 2, "beam_groups": 2, "diversity": 0.0, "length_penalty": -0.5,
    }  # fmt: skip


def test_values_that_change_nothing_go_with_a_search(run, fake):
    result = run(
        "generate", "folder", "A", "--beam", 2, "--temperature", 1, "--top-k", 0, "--top-p", 1, "--min-p", 0,
        "--typical-p", 1,
    )  # fmt: skip
    assert (result.exit_code, result.stderr) == (0, "")
    assert fake.asked[1]["beam_size"] == 2


IDLE = [
    (
        {"--beam": 4, "--temperature": 0.8, "--top-p": 0.9, "--seed": 1},
        "--beam 4 takes the likeliest texts and leaves nothing to chance: --temperature 0.8, --top-p 0.9 and --seed 1 "
        "change nothing.\n",
        {"beam_size": 4},
    ),
    (
        {"--seed": 0, "--typical-p": 0.5, "--min-p": 0.1, "--top-k": 5, "--temperature": 0, "--beam": 2},
        "--beam 2 takes the likeliest texts and leaves nothing to chance: --temperature 0.0, --top-k 5, --min-p 0.1, "
        "--typical-p 0.5 and --seed 0 change nothing.\n",
        {"beam_size": 2},
    ),
    (
        {"--contrastive-penalty": 0.6, "--top-k": 4, "--seed": 1, "--no-repeat-ngram": 2},
        "--contrastive-penalty 0.6 takes likely texts that do not repeat themselves and leaves nothing to chance: "
        "--seed 1 changes nothing.\n",
        {"contrastive_penalty": 0.6, "top_k": 4, "no_repeat_ngram": 2},
    ),
]


@pytest.mark.parametrize(("args", "note", "used"), IDLE)
def test_options_of_chance_beside_a_search_are_noted_and_left_out(run, fake, args, note, used):
    command = ("generate", "folder", "A", *(part for option in args.items() for part in option))
    for more, stderr in ((), note), (("--json",), note), (("--quiet",), ""):
        result = run(*command, *more)
        assert (result.exit_code, result.stderr) == (0, stderr)
        assert fake.asked == (["A"], {**DEFAULTS, "num_results": 1, **used})


def test_options_of_chance_beside_a_search_are_refused_out_of_their_range(run, fake):
    for more in ((), ("--stream",)):
        result = run("generate", "folder", "A", "--beam", 4, "--temperature", 0.8, "--top-p", 2, *more)
        assert (result.exit_code, result.stdout, fake.asked) == (2, "", None)
        assert result.stderr == "error: `top_p` must be above 0 and at most 1 (off). Received: top_p=2.0\n"


def test_a_contrastive_search(run, fake):
    result = run("generate", "folder", "A", "--contrastive-penalty", 0, "--top-k", 4)
    assert result.exit_code == 0, result.output
    assert fake.asked[1] == {**DEFAULTS, "contrastive_penalty": 0.0, "top_k": 4, "num_results": 1}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            ["--min-new-tokens", 8, "--max-new-tokens", 4],
            "--min-new-tokens must be at most --max-new-tokens, which ends each text. Received: --min-new-tokens 8, "
            "--max-new-tokens 4. Write more, or ask for less.",
        ),
        (["--stop", ""], "`stop` must be a string or several, none of them empty. Received: stop=('',)"),
        (
            ["--beam", 4, "--contrastive-penalty", 0.6, "--seed", 1],
            "--beam and --contrastive-penalty ask for two kinds of search. Received: --beam 4, --contrastive-penalty "
            "0.6. Leave out one of them.",
        ),
        (
            ["--length-penalty", 1, "--stream"],
            "--length-penalty belongs to a search with beams. Received: --length-penalty 1.0 without --beam. Give it, "
            "or leave this out.",
        ),
        (
            ["--beam", 4, "--beam-groups", 3, "--num-results", 3],
            "Groups have equally many beams and give equally many texts: --beam and --num-results must be multiples "
            "of --beam-groups. Received: --beam 4, --num-results 3, --beam-groups 3",
        ),
        (
            ["--contrastive-penalty", 0.6, "--top-k", 0],
            "--top-k is how many tokens a contrastive search tries at each place, so it must be 1 or more. Received: "
            "--contrastive-penalty 0.6, --top-k 0",
        ),
        (
            ["--contrastive-penalty", 0.6, "--num-results", 2],
            "A contrastive search finds one text for each prompt. Received: --contrastive-penalty 0.6, --num-results "
            "2. Leave out one or the other.",
        ),
    ],
)
def test_what_does_not_go_together(run, fake, args, message):
    result = run("generate", "folder", "A", *args)
    assert (result.exit_code, result.stdout, fake.asked) == (2, "", None)
    assert result.stderr == f"error: {message}\n"


def test_a_stream_with_rules(run, fake):
    result = run("generate", "folder", "A", "--stream", "--forced-prefix", "B", "--beam-groups", 1)
    assert result.exit_code == 0, result.output
    assert fake.asked == ("A", {**DEFAULTS, "forced_prefix": "B"})


@pytest.mark.parametrize(
    ("option", "name"), [("--bad-words", "Bad word"), ("--forced-prefix", "Forced prefix")]
)
def test_strings_must_be_text(run, fake, option, name):
    result = run("generate", "folder", "A", option, "caf\udce9")
    assert result.exit_code == 2 and result.stderr.startswith(f"error: {name} 1 is not valid UTF-8")


def test_every_option_has_a_line_of_help_in_its_panel(run):
    text = run("generate", "--help", terminal_width=100).stdout
    panels = ["Where a text ends", "Drawing", "Searching", "What must, must not", "Output"]
    places = [text.index(panel) for panel in panels]
    assert places == sorted(places)
    for panel, names in enumerate(
        [
            ("max-new-tokens", "min-new-tokens", "stop"),
            ("temperature", "top-k", "top-p", "min-p", "typical-p", "seed"),
            ("beam", "length-penalty", "beam-groups", "diversity", "contrastive-penalty"),
            ("forced-prefix", "bad-words", "no-repeat-ngram", "repetition-penalty", "presence-penalty",
             "frequency-penalty"),
            ("num-results", "stream", "json"),
        ]
    ):  # fmt: skip
        part = text[places[panel] : [*places, len(text)][panel + 1]]
        for name in names:
            assert f"--{name} " in part, name


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


def test_a_stream_as_json_has_a_line_for_each_piece(run, fake):
    result = run("generate", "folder", "The company said", "--stream", "--json", "--seed", 3)
    assert (result.exit_code, result.stdout) == (0, '{"text": " one"}\n{"text": " two"}\n')
    assert fake.asked == ("The company said", {**DEFAULTS, "seed": 3})


def test_ctrl_c_ends_the_line_of_a_stream(run, fake, monkeypatch):
    def interrupted(self, prompt, **settings):
        yield " one"
        raise KeyboardInterrupt

    monkeypatch.setattr(type(fake), "stream", interrupted)
    result = run("generate", "folder", "A", "--stream")
    assert (result.exit_code, result.stdout, result.stderr) == (130, "A one\n", "interrupted\n")


@pytest.mark.parametrize(
    ("args", "received"),
    [
        (["A", "--beam", 4], "--beam 4"),
        (["A", "B"], "2 prompts"),
        (["A", "--num-results", 2], "--num-results 2"),
        (["A", "--json", "--beam", 1, "--num-results", 2], "--beam 1, --num-results 2"),
        (["A", "--contrastive-penalty", 0.6], "--contrastive-penalty 0.6"),
        (["--data", "prompts.txt"], "--data"),
        ([], "standard input"),
    ],
)
def test_what_cannot_be_streamed(run, fake, args, received):
    result = run("generate", "folder", *args, "--stream", input="A\n")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "error: --stream shows one text while it is drawn, so it goes with one prompt, as an argument, and not with "
        "--num-results, --beam (another text may become the likeliest until the end) or --contrastive-penalty (which "
        f"gives its text as a whole). Received: {received}. Leave out --stream, or that.\n"
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


@pytest.mark.parametrize(
    "options",
    [
        {"temperature": 0.8, "top_p": 0.9, "seed": 1},
        {"beam_size": 3},
        {"typical_p": 0.5, "presence_penalty": 1.0, "frequency_penalty": 2.0, "seed": 1},
        {"beam_size": 4, "beam_groups": 2, "diversity": 2.0, "length_penalty": 1.0, "num_results": 2},
        {"contrastive_penalty": 0.6, "top_k": 3, "bad_words": ["house"], "min_new_tokens": 8},
        {"forced_prefix": "her", "seed": 1},
    ],
)
def test_texts_are_those_of_the_estimator(run, language_model, expected, options):
    args = []
    for name, value in options.items():
        flag = "--beam" if name == "beam_size" else "--" + name.replace("_", "-")
        args += [flag, value[0] if isinstance(value, list) else value]
    texts = expected.generate([PROMPT], max_new_tokens=8, **options)
    texts = texts[0] if options.get("num_results") else texts
    result = run("generate", language_model, PROMPT, "--max-new-tokens", 8, *args)
    written = "\n".join(f"{PROMPT}{text}\n" for text in texts)
    assert (result.exit_code, result.stdout, result.stderr) == (0, written, "")
    assert texts[0][:1] in ("", " ", ".")  # beams may find that the text should end
    lines = run(
        "generate", language_model, PROMPT, "--max-new-tokens", 8, *args, "--json"
    ).stdout.splitlines()
    for line, text in zip(lines, texts, strict=True):
        row = json.loads(line)
        assert (row["prompt"], row["text"]) == (PROMPT, text) and row["score"] < 0.0 and row["tokens"] <= 8


def test_a_streamed_text_is_the_same(run, language_model):
    command = ("generate", language_model, PROMPT, "--max-new-tokens", 8, "--seed", 2, "--stop", ".")
    whole, streamed = run(*command), run(*command, "--stream")
    assert (streamed.exit_code, streamed.stderr) == (0, "")
    assert streamed.stdout == whole.stdout and "." not in whole.stdout
    pieces = [json.loads(line) for line in run(*command, "--stream", "--json").stdout.splitlines()]
    assert len(pieces) > 1 and all(list(piece) == ["text"] for piece in pieces)
    assert PROMPT + "".join(piece["text"] for piece in pieces) + "\n" == whole.stdout


def test_a_search_writes_the_same_beside_options_of_chance(run, language_model):
    command = ("generate", language_model, PROMPT, "--max-new-tokens", 8, "--beam", 3)
    alone, beside = run(*command), run(*command, "--temperature", 0.8, "--top-p", 0.9, "--seed", 1, "--json")
    assert (alone.exit_code, beside.exit_code, alone.stderr) == (0, 0, "")
    assert PROMPT + json.loads(beside.stdout)["text"] + "\n" == alone.stdout
    assert "--temperature 0.8, --top-p 0.9 and --seed 1 change nothing.\n" in beside.stderr


def test_temperature_0_needs_no_seed(run, language_model):
    command = ("generate", language_model, "", "--temperature", 0, "--max-new-tokens", 6)
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
