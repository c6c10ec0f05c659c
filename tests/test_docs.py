"""What README and docs show runs: Python blocks, and the commands of shell blocks."""

import contextlib
import csv
import io
import json
import random
import re
import shlex
import shutil
from pathlib import Path

import pytest
import tensorflow as tf
from typer.testing import CliRunner

from nlpkit import TextClassifier, TextGenerator
from nlpkit.cli.app import app
from nlpkit.data import load_sample_reviews

HOME = Path(__file__).parents[1]
PAGES = [path for path in [HOME / "README.md", *sorted((HOME / "docs").glob("*.md"))] if path.is_file()]
SHELLS = ("bash", "console", "shell")
# Their processes take seconds; tests/export runs them.
VERIFY = "nlpkit.export.saved_model.verify_saved_model"
VERIFY_GENERATOR = "nlpkit.export.generator.verify_generator"
CURL = re.compile(r"curl -d '(.*)' localhost:8501/v1/models/(\w+):predict")
ROWS = {"train": 120, "test": 30}


def blocks(page, *languages):
    """Contents of the page's blocks in one of the languages, in order."""
    found = re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [content for language, content in found if language in languages]


def commands(page):
    """The `nlpkit …` commands of shell blocks as lists of arguments, continued lines joined."""
    for block in blocks(page, *SHELLS):
        lines = re.sub(r"\\\n\s*", " ", block).splitlines()
        prompted = [line for line in lines if line.startswith("$ ")]
        for line in prompted or lines:  # beside a prompt the other lines are output
            words = shlex.split(line.removeprefix("$ "), comments=True)
            if words[:1] == ["nlpkit"]:
                yield words[1:]


def small_reviews(split=None):
    """The first sample reviews of each class, so that what the docs train takes seconds."""
    reviews = load_sample_reviews(split)
    for parts in vars(reviews).values():
        parts[ROWS.get(split, 150) // 2 : -ROWS.get(split, 150) // 2] = []
    return reviews


def small_pairs(name):
    """Sentences of a small grammar with their translations; the same name gives the same ones."""
    parts = (
        {"Ein Hund": "A dog", "Eine Frau": "A woman", "Ein Mann": "A man", "Ein Kind": "A child"},
        {"schläft": "sleeps", "singt": "sings", "liest": "reads", "wartet": "waits"},
        {"im Park.": "in the park.", "zu Hause.": "at home.", "hier.": "here."},
    )
    chance = random.Random(name)
    for _ in range(ROWS["train" if name == "pairs" else "test"]):
        words = [chance.choice(list(part.items())) for part in parts]
        yield tuple(" ".join(side) for side in zip(*words, strict=True))


def write_tables(folder):
    """The files of data that the docs name."""
    for split in ROWS:
        reviews = small_reviews(split)
        rows = zip(reviews.labels, reviews.texts, strict=True)
        (folder / f"{split}.tsv").write_text("".join(f"{label}\t{text}\n" for label, text in rows))
    reviews = small_reviews("train")
    with open(folder / "reviews.csv", "w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *zip(reviews.texts, reviews.labels, strict=True)])
    for name in ("pairs", "pairs_dev", "pairs_test"):
        rows = [f"{source}\t{target}\n" for source, target in small_pairs(name)]
        (folder / f"{name}.tsv").write_text("".join(rows), encoding="utf-8")
    (folder / "dialogues.txt").write_text("hello\nhello, who are you?\nJo\nhi, Jo\n\n" * 20)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The model that the pages after the README go on with, exported once."""
    folder = tmp_path_factory.mktemp("docs") / "x"
    reviews = small_reviews("train")
    classifier = TextClassifier(epochs=1, random_state=0).fit(reviews.texts, reviews.labels)
    classifier.save(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(VERIFY, lambda *arguments: 0.0)
        classifier.export(folder, to=("saved_model", "tflite", "onnx"))
    return folder


@pytest.fixture(scope="module")
def generator(tmp_path_factory):
    """An exported language model, for the pages that call one."""
    folder = tmp_path_factory.mktemp("docs") / "lm"
    model = TextGenerator(units=4, num_layers=1, epochs=1, random_state=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(VERIFY_GENERATOR, lambda *arguments: 0.0)
        model.fit(small_reviews("train").texts).export(folder)
    return folder


@pytest.fixture
def workplace(request, page, tmp_path, monkeypatch, unverified):
    """An own folder with what the docs name; the README starts from data only."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("nlpkit.data.load_sample_reviews", small_reviews)
    write_tables(tmp_path)
    if page.name != "README.md" and blocks(page, "python", *SHELLS):
        shutil.copytree(request.getfixturevalue("model"), tmp_path / "saved_models" / "x")
    if "saved_models/lm/1" in page.read_text(encoding="utf-8"):
        shutil.copytree(request.getfixturevalue("generator"), tmp_path / "saved_models" / "lm")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_run(page, workplace):
    for arguments in commands(page):
        if arguments[0] == "quickstart":
            continue  # it has tests of its own
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, f"nlpkit {shlex.join(arguments)}\n{result.output}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_blocks_run(page, workplace):
    namespace = {"__name__": "docs"}
    for number, block in enumerate(blocks(page, "python")):
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(block, f"{page.name}, Python block {number + 1}", "exec"), namespace)


@pytest.mark.parametrize(
    ("page", "body", "name"),
    [(page, *found) for page in PAGES for found in CURL.findall(page.read_text(encoding="utf-8"))],
    ids=lambda value: getattr(value, "name", "request"),
)
def test_requests_are_what_the_signatures_take(page, body, name, request):
    folder, asked = request.getfixturevalue({"x": "model", "lm": "generator"}[name]), json.loads(body)
    loaded = tf.saved_model.load(str(folder / "1"))
    called = loaded.signatures[asked.get("signature_name", "serving_default")]
    takes = called.structured_input_signature[1]
    assert asked["inputs"].keys() == takes.keys()
    inputs = {key: tf.constant(value, takes[key].dtype) for key, value in asked["inputs"].items()}
    assert all(takes[key].shape.is_compatible_with(tensor.shape) for key, tensor in inputs.items())
    assert called(**inputs)


def test_requests_are_found():
    requests = [found for page in PAGES for found in CURL.findall(page.read_text(encoding="utf-8"))]
    assert {name for _, name in requests} == {"x", "lm"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page):
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}, which is not there"


def test_commands_are_found():
    assert any(list(commands(page)) for page in PAGES)
