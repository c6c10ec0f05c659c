"""Runs scripts of `benchmarks/` in this process, on small data, with results in a folder of the test."""

import importlib
import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A folder of data sets: a Penn Treebank and a Shakespeare of a few words."""
    import corpora

    monkeypatch.setattr(corpora, "DATA", tmp_path)
    lines = [" the cat <unk> on the mat \n", " a dog sat \n", " the dog saw N cats on a mat \n"]
    for name, times in (("train", 10), ("dev", 5), ("test", 5)):
        path = tmp_path / "ptb" / f"{name}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(lines) * times, encoding="utf-8")
    path = tmp_path / "tinyshakespeare" / "input.txt"
    path.parent.mkdir()
    path.write_text("First Citizen:\nSpeak, speak.\n\n" * 100, encoding="utf-8")
    return tmp_path


@pytest.fixture
def quick(tmp_path, monkeypatch):
    """Runs a script with `--quick` and arguments, without processes of its own; gives the result that it wrote."""
    import common

    monkeypatch.setattr(common, "RESULTS", tmp_path)

    def run(name, *arguments):
        script = importlib.import_module(name)
        monkeypatch.setattr(script, "apart", lambda function, **given: {"peak_mb": 0, **function(**given)})
        monkeypatch.setattr(sys, "argv", [f"{name}.py", "--quick", *arguments])
        for other in ("RESULTS", "use_threads"):
            if hasattr(script, other):
                monkeypatch.setattr(script, other, tmp_path if other == "RESULTS" else lambda threads: None)
        script.main()
        path = tmp_path / f"{name}_quick.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    return run
