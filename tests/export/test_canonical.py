"""The same model gives the same bytes, in whatever process, and no path of the machine."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from estimators.small_texts import labels, quick, texts
from estimators.untrained import untrained

import nlpkit
from nlpkit import ImageCaptioner, TextGenerator, TextToText
from nlpkit.export import (
    classifier_lite,
    generator,
    generator_lite,
    saved_model,
    text_to_text,
    text_to_text_lite,
    tflite,
)
from nlpkit.export.canonical import make_canonical
from nlpkit.export.verify_calls import Found

SMALL = {"units": 4, "epochs": 1, "random_state": 0}
MODELS = {
    "classifier": lambda: quick(epochs=1).fit(texts(), labels()),
    "generator": lambda: TextGenerator(**SMALL).fit(["One two, three four five."] * 20),
    "text_to_text": lambda: TextToText(level="word", **SMALL).fit(
        ["one two", "two three"] * 10, ["two one", "three two"] * 10
    ),
    "captioner": lambda: ImageCaptioner(**SMALL).fit(
        np.random.default_rng(0).normal(size=(20, 3, 5)).astype("float32"), ["a circle", "a square"] * 10
    ),
}
FORMATS = ("saved_model", "tflite")
# Exports are compared with each other here, so not with their models, and few calls are made for that.
UNCOMPARED = (
    (saved_model, "verify_saved_model", 0.0),
    (generator, "verify_generator", 0.0),
    (text_to_text, "verify_text_to_text", 0.0),
    (tflite, "verify_tflite", Found(0.0, 0.0)),
    (classifier_lite, "verification_texts", ["a"]),
    (generator_lite, "generator_texts", ["a"]),
    (generator_lite, "over_long_text", "a"),
    (text_to_text_lite, "pairs_to_compare", [(["one"], ["two"])]),
    (text_to_text_lite, "captions_to_compare", [(np.zeros((1, 3, 5), "float32"), ["a circle"])]),
)
# The models in another order than here, and with nothing made before, so that all counters stand elsewhere.
OTHER_PROCESS = """
import sys
sys.path.append(sys.argv[1])
from export.test_canonical import export
export(*sys.argv[2:])
"""


def export(home, target, *names):
    """Exports saved models without comparing the exports with them."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name, found in UNCOMPARED:
            patch.setattr(module, name, lambda *given, found=found: found)
        for name in names:
            nlpkit.load(Path(home) / name).export(Path(target) / name, to=FORMATS)


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """The folders of the same exports, made by this process and by another one."""
    home = tmp_path_factory.mktemp("models")
    with untrained():
        for name, make in MODELS.items():
            make().save(home / name)
    here, there = (tmp_path_factory.mktemp(name) for name in ("here", "there"))
    export(home, here, *MODELS)
    tests = Path(__file__).parents[1]
    command = [sys.executable, "-c", OTHER_PROCESS, tests, home, there, *reversed(MODELS)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-3000:]
    return here, there


def files_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in Path(folder).rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("name", MODELS)
def test_two_processes_write_the_same_bytes(exports, name):
    here, there = (files_of(folder / name) for folder in exports)
    assert {"1/saved_model.pb", "1/variables/variables.index", "model.tflite"} <= {*here}
    assert "1/fingerprint.pb" not in here, "it holds a number that is drawn"
    assert {*here} == {*there}
    assert [file for file in here if here[file] != there[file]] == []


def test_no_path_of_the_machine_is_in_them(exports):
    roots = {
        Path(nlpkit.__file__).parent,
        Path(tf.__file__).parents[1],
        Path(tempfile.gettempdir()),
        Path.home(),
    }
    roots |= {Path.cwd(), Path(sys.prefix), *exports}
    anywhere = re.compile(b"|".join(re.escape(str(root).encode()) for root in roots if root != Path("/")))
    for name, content in files_of(exports[0]).items():
        assert not anywhere.search(content), name
        assert b"site-packages" not in content and b".py\0" not in content, name


TEXT = {"unicode_form": "NFKC", "case": "fold"}
KINDS = {
    "char": {"tokenizer": "char"},
    "byte": {"tokenizer": "byte"},
    "wordpiece": {"tokenizer": "wordpiece"},
    "sentencepiece, normalised": {"tokenizer": "sentencepiece", "options": {"text": TEXT}},
    "multi_label": {},
}


@pytest.mark.parametrize("kind", KINDS)
def test_all_kinds_of_texts_twice_in_a_process(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(saved_model, "verify_saved_model", lambda *given: 0.0)
    quick(epochs=1, **KINDS[kind]).fit(texts(), labels()).save(tmp_path / "x")
    first, second = (files_of(nlpkit.load(tmp_path / "x").export(tmp_path)[0].path) for _ in range(2))
    assert first == second


def test_a_canonical_model_stays_as_it_is(exports):
    path = exports[0] / "text_to_text" / "1"
    before = files_of(path)
    make_canonical(path)
    assert files_of(path) == before
