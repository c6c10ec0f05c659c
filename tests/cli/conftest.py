"""Small trained models, made once by the command line itself, and a way to run commands."""

import contextlib
import json
import random
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from nlpkit.cli.app import app
from nlpkit.data import load_sample_reviews

ROWS = 240


@pytest.fixture(scope="session")
def run():
    """Runs a command in this process; the result has `exit_code`, `stdout` and `stderr`."""
    return lambda *args, **options: CliRunner().invoke(app, [str(arg) for arg in args], **options)


# Graphs run as in the tests' own process, so that results can be compared to the last bit.
INTERRUPTED = """
import os, signal
from nlpkit.cli.app import main
from nlpkit.training.checkpoint import Checkpoint

save = Checkpoint.save

def save_and_press_ctrl_c(self, epochs_done):
    save(self, epochs_done)
    os.kill(os.getpid(), signal.SIGINT)

Checkpoint.save = save_and_press_ctrl_c
main()
"""


@pytest.fixture(scope="session")
def press_ctrl_c():
    """Runs a command in a process of its own, which gets Ctrl-C when it has saved its first epoch."""

    def run(*args):
        command = [sys.executable, "-c", INTERRUPTED, *map(str, args)]
        return subprocess.run(command, capture_output=True, text=True)

    return run


@pytest.fixture
def full_disk():
    """Makes writing a file fail after so many bytes, as on a full disk, while a block runs."""
    resource = pytest.importorskip("resource")

    @contextlib.contextmanager
    def limited(size):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limited


@pytest.fixture(scope="session")
def tables(tmp_path_factory):
    """A folder with train.tsv and test.tsv without headers (label, text), and texts.txt."""
    folder = tmp_path_factory.mktemp("tables")
    reviews = load_sample_reviews()
    rows = [f"{label}\t{text}\n" for label, text in zip(reviews.labels, reviews.texts, strict=True)][:ROWS]
    (folder / "train.tsv").write_text("".join(rows[:180]), encoding="utf-8")
    (folder / "test.tsv").write_text("".join(rows[180:]), encoding="utf-8")
    (folder / "texts.txt").write_text("".join(f"{text}\n" for text in reviews.texts[:5]), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def trained(run, tables, tmp_path_factory):
    """The saved model's folder and what training printed."""
    folder = tmp_path_factory.mktemp("models") / "reviews"
    result = run(
        "train", "classifier", "--data", tables / "train.tsv", "--columns", "label,text", "--out", folder,
        "--test-data", tables / "test.tsv", "--encoder", "bag", "--epochs", 3, "--json", "--quiet",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    return folder, json.loads(result.stdout)


@pytest.fixture(scope="session")
def model(trained):
    """The saved model's folder; not to be changed."""
    return trained[0]


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """A folder with lm.txt and lm_test.txt, one sentence of a small grammar per line."""
    folder, chance = tmp_path_factory.mktemp("corpus"), random.Random(0)
    parts = (
        ("the small cat", "the old dog", "a bird"),
        ("saw", "likes", "follows"),
        ("the house .", "a tree .", "her book ."),
    )
    lines = [" ".join(map(chance.choice, parts)) + "\n" for _ in range(260)]
    (folder / "lm.txt").write_text("".join(lines[:200]))
    (folder / "lm_test.txt").write_text("".join(lines[200:]))
    return folder


@pytest.fixture(scope="session")
def trained_generator(run, corpus, tmp_path_factory):
    """The saved language model's folder and what training printed."""
    folder = tmp_path_factory.mktemp("models") / "lm"
    result = run(
        "train", "generator", "--data", corpus / "lm.txt", "--test-data", corpus / "lm_test.txt", "--units", 32,
        "--num-layers", 1, "--dropout", 0, "--batch-size", 4, "--sequence-length", 10, "--epochs", 8, "--out", folder,
        "--json", "--quiet",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    return folder, json.loads(result.stdout)


@pytest.fixture(scope="session")
def language_model(trained_generator):
    """The saved language model's folder; not to be changed."""
    return trained_generator[0]


@pytest.fixture(scope="session")
def pairs(tmp_path_factory):
    """A folder with pairs.tsv and pairs_test.tsv, a German sentence of a small grammar and its English per line."""
    folder, chance = tmp_path_factory.mktemp("pairs"), random.Random(0)
    parts = (
        (("Ein Hund", "A dog"), ("Eine Frau", "A woman"), ("Ein Mann", "A man"), ("Ein Kind", "A child")),
        (("schläft", "sleeps"), ("singt", "sings"), ("liest", "reads"), ("wartet", "waits")),
        (("im Park.", "in the park."), ("zu Hause.", "at home."), ("hier.", "here.")),
    )
    rows = [[chance.choice(part) for part in parts] for _ in range(230)]
    lines = ["\t".join(" ".join(words) for words in zip(*row, strict=True)) + "\n" for row in rows]
    (folder / "pairs.tsv").write_text("".join(lines[:200]), encoding="utf-8")
    (folder / "pairs_test.tsv").write_text("".join(lines[200:]), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def trained_translator(run, pairs, tmp_path_factory):
    """The saved text-to-text model's folder and what training printed."""
    folder = tmp_path_factory.mktemp("models") / "mt"
    result = run(
        "train", "translator", "--data", pairs / "pairs.tsv", "--columns", "source,target", "--level", "word",
        "--test-data", pairs / "pairs_test.tsv", "--units", 64, "--batch-size", 4, "--epochs", 15, "--out", folder,
        "--json", "--quiet",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    return folder, json.loads(result.stdout)


@pytest.fixture(scope="session")
def translator(trained_translator):
    """The saved text-to-text model's folder; not to be changed."""
    return trained_translator[0]


class FakeGenerator:
    """A generator that goes on with numbers and has two texts at most."""

    def __init__(self):
        self.asked, self.calls = None, []

    def generate_details(self, prompts, **settings):
        self.asked = (prompts, settings)
        self.calls.append(self.asked)
        return [
            {"prompt": prompt, "text": f" {number}.", "score": -0.5, "tokens": 2}
            for prompt in prompts
            for number in range(min(settings["num_results"], 2))
        ]

    def stream(self, prompt, **settings):
        self.asked = (prompt, settings)
        yield from (" one", " two")


@pytest.fixture
def fake(monkeypatch):
    """A generator in place of the one in any folder; it remembers what it was `asked` for last, and all `calls`."""
    generator = FakeGenerator()
    monkeypatch.setattr("nlpkit.cli.generate.load_model", lambda folder, task: generator)
    # A test's standard input is bytes in memory.
    monkeypatch.setattr("nlpkit.cli.generate.nothing_piped", lambda: not sys.stdin.buffer.getvalue())
    return generator
