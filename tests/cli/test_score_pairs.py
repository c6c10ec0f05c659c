"""`nlpkit score` with a text-to-text model."""

import json

import pytest

import nlpkit

PAIRS = [("Ein Hund schläft.", "A dog sleeps."), ("Ein Hund schläft.", "A bird sings.")]


@pytest.fixture(scope="module")
def expected(translator):
    return nlpkit.load(translator).score(*map(list, zip(*PAIRS, strict=True)))


def test_a_line_per_pair(run, translator, tmp_path, expected):
    (tmp_path / "a.tsv").write_text("".join(f"{source}\t{target}\n" for source, target in PAIRS))
    result = run("score", translator, "--data", tmp_path / "a.tsv", "--columns", "source,target")
    assert (result.exit_code, result.stderr) == (0, "")
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert [(source, target) for _, target, source in rows] == PAIRS
    assert [float(value) for value, *_ in rows] == pytest.approx(expected, abs=1e-3)
    assert float(rows[0][0]) > float(rows[1][0])


def test_json_from_a_pipe_with_a_bad_row(run, translator, expected):
    content = "de\ten\n" + f"{PAIRS[0][0]}\t{PAIRS[0][1]}\nEin Hund\t\n"
    args = ("score", translator, "--source", "de", "--target", "en", "--json")
    result = run(*args, "--on-bad-row", "skip", input=content)
    assert result.exit_code == 0, result.output
    row = json.loads(result.stdout)
    assert list(row) == ["source", "target", "log_probability"]
    assert (row["source"], row["target"]) == PAIRS[0]
    assert row["log_probability"] == pytest.approx(expected[0], abs=1e-3)
    assert "standard input, line 3: the target is missing" in result.stderr
    assert run(*args, input=content).exit_code == 2


@pytest.mark.parametrize(
    ("args", "received"),
    [
        (["a text"], "a text as an argument"),
        (["--data", "a.tsv", "--text", "body", "--whole-files"], "--text, --whole-files"),
    ],
)
def test_refusals(run, translator, args, received):
    result = run("score", translator, *args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"error: {translator} holds a text-to-text model, which scores pairs: name a file with --data, whose columns "
        f"are --source and --target. Received: {received}. Leave that out.\n"
    )


def test_columns_of_pairs_are_refused_with_texts(run, language_model):
    result = run("score", language_model, "a text", "--target", "en")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--source and --target are the columns of pairs, for a text-to-text model." in result.stderr
